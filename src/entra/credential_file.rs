//! Reads federated identity credentials from the JSON of Azure's tools.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::{CredentialError, FederatedCredential, arm_template, terraform};
use crate::file_text::file_text;

impl FederatedCredential {
    /// Reads credentials from JSON. An empty list means that the identity has no credential.
    ///
    /// These shapes are known, single and in lists:
    /// - the output of `az identity federated-credential list` and `show`, and of `az ad app federated-credential list` and `show`
    /// - responses of Azure Resource Manager and Microsoft Graph, also with the member `value`
    /// - the output of `terraform show -json` for a state or a plan, with resources of `azurerm` and `azuread`
    /// - ARM templates, and the JSON that Bicep compiles to
    /// - the output of `issuer federate list -o json`
    ///
    /// # Errors
    ///
    /// [`CredentialError`] when the JSON has another shape, or a credential has no issuer, subject or audience.
    pub fn read(bytes: &[u8]) -> Result<Vec<Self>, CredentialError> {
        let text = file_text(bytes);
        let value: Value =
            serde_json::from_str(&text).map_err(|error| CredentialError::NotJson { line: error.line() })?;
        if terraform::is_terraform(&value) {
            return terraform::read(&value);
        }
        if arm_template::is_template(&value) {
            return arm_template::read(&value);
        }
        match &value {
            Value::Array(items) => listed(items),
            Value::Object(members) => match members.get("value").or_else(|| members.get("credentials")) {
                Some(Value::Array(items)) => listed(items),
                _ => listed(std::slice::from_ref(&value)),
            },
            _ => Err(CredentialError::Shape),
        }
    }

    /// The credential in the members of an object.
    pub(super) fn from_members(
        name: Option<&str>,
        members: &Map<String, Value>,
        position: usize,
    ) -> Result<Self, CredentialError> {
        let credential = name.map_or_else(|| position.to_string(), |name| format!("{name:?}"));
        let missing = |member| CredentialError::Member { credential: credential.clone(), member };
        let text = |names: &[&str]| names.iter().find_map(|name| members.get(*name)?.as_str()).map(str::to_owned);
        let expression = match members.get("claimsMatchingExpression") {
            Some(Value::Object(expression)) => expression.get("value").and_then(Value::as_str).map(str::to_owned),
            _ => text(&["claims_matching_expression", "expression"]),
        };
        let subject = text(&["subject"]).filter(|subject| expression.is_none() || !subject.is_empty());
        if subject.is_none() && expression.is_none() {
            return Err(missing("subject"));
        }
        let audiences = ["audiences", "audience"].iter().find_map(|name| match members.get(*name)? {
            Value::String(one) => Some(vec![one.clone()]),
            Value::Array(all) => all.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
            _ => None,
        });
        Ok(Self {
            name: name.map(str::to_owned),
            issuer: text(&["issuer"]).ok_or_else(|| missing("issuer"))?,
            subject,
            expression,
            audiences: audiences.ok_or_else(|| missing("audience"))?,
        })
    }
}

/// The credentials of a list of the Azure CLI, Azure Resource Manager or Microsoft Graph.
fn listed(items: &[Value]) -> Result<Vec<FederatedCredential>, CredentialError> {
    let read = |(index, item): (usize, &Value)| {
        let members = item.as_object().ok_or(CredentialError::Shape)?;
        let name = members.get("name").and_then(Value::as_str);
        // The Azure CLI flattens the member `properties` of Azure Resource Manager.
        let members = match members.get("properties") {
            Some(Value::Object(properties)) => properties,
            _ => members,
        };
        if !members.contains_key("issuer") {
            return Err(CredentialError::Shape);
        }
        FederatedCredential::from_members(name, members, index + 1)
    };
    items.iter().enumerate().map(read).collect()
}

/// Parses `issuer=URL,subject=SUBJECT,audience=AUDIENCE`, in any order. A comma that starts no other value belongs to its
/// value.
impl FromStr for FederatedCredential {
    type Err = CredentialError;

    fn from_str(text: &str) -> Result<Self, CredentialError> {
        const NAMES: [&str; 3] = ["issuer", "subject", "audience"];
        let mut starts: Vec<(usize, usize)> = Vec::new();
        for (index, name) in NAMES.iter().enumerate() {
            let start = format!("{name}=");
            let at_comma = format!(",{start}");
            let at = if text.starts_with(&start) { Some(0) } else { text.find(&at_comma).map(|at| at + 1) };
            starts.push((at.ok_or(CredentialError::Text(name))?, index));
        }
        starts.sort_unstable();
        if starts[0].0 != 0 {
            return Err(CredentialError::Text(NAMES[starts[0].1]));
        }
        let mut values = [""; 3];
        for (position, (at, index)) in starts.iter().enumerate() {
            let end = starts.get(position + 1).map_or(text.len(), |(next, _)| next - 1);
            values[*index] = &text[at + NAMES[*index].len() + 1..end];
        }
        if let Some(empty) = values.iter().position(|value| value.is_empty()) {
            return Err(CredentialError::Text(NAMES[empty]));
        }
        let [issuer, subject, audience] = values.map(str::to_owned);
        Ok(Self { name: None, issuer, subject: Some(subject), expression: None, audiences: vec![audience] })
    }
}
