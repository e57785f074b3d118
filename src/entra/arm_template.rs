//! Reads federated identity credentials from ARM templates, and from the JSON that Bicep compiles to.

use serde_json::{Map, Value};

use super::{CredentialError, FederatedCredential};

/// The end of the resource types of Azure Resource Manager and of the Bicep extension for Microsoft Graph.
const TYPE: &str = "federatedidentitycredentials";

/// The maximum number of deployments inside each other. Azure Resource Manager allows fewer.
const DEPTH_MAX: usize = 32;

/// Whether JSON is a template (Microsoft Learn, "Understand the structure and syntax of ARM templates").
pub(super) fn is_template(value: &Value) -> bool {
    value.get("resources").is_some_and(|resources| resources.is_array() || resources.is_object())
}

pub(super) fn read(template: &Value) -> Result<Vec<FederatedCredential>, CredentialError> {
    let mut credentials = Vec::new();
    read_into(template, template, DEPTH_MAX, &mut credentials)?;
    if credentials.is_empty() { Err(CredentialError::NoResource("the template")) } else { Ok(credentials) }
}

/// Adds the credentials of `resources`, whose expressions refer to the parameters and variables of the template.
fn read_into(
    holder: &Value,
    template: &Value,
    depth: usize,
    credentials: &mut Vec<FederatedCredential>,
) -> Result<(), CredentialError> {
    let resources: Vec<&Value> = match holder.get("resources") {
        Some(Value::Array(list)) => list.iter().collect(),
        // With symbolic names (languageVersion 2.0) the resources are the members of an object.
        Some(Value::Object(named)) => named.values().collect(),
        _ => return Ok(()),
    };
    for resource in resources {
        let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default();
        let kind = kind.split('@').next().unwrap_or_default().to_ascii_lowercase();
        if kind.rsplit('/').next() == Some(TYPE) {
            credentials.push(credential(resource, template, credentials.len() + 1)?);
        }
        if depth > 0 {
            read_into(resource, template, depth - 1, credentials)?;
            if let Some(nested) = resource.pointer("/properties/template") {
                read_into(nested, nested, depth - 1, credentials)?;
            }
        }
    }
    Ok(())
}

fn credential(resource: &Value, template: &Value, position: usize) -> Result<FederatedCredential, CredentialError> {
    let properties = resource.get("properties").and_then(Value::as_object);
    let name = properties.and_then(|properties| properties.get("name")).or_else(|| resource.get("name"));
    let name = name.and_then(|name| literal(name, template)).and_then(Value::as_str);
    let name = name.map(|name| name.rsplit('/').next().unwrap_or(name));
    let called = name.map_or_else(|| position.to_string(), |name| format!("{name:?}"));
    let mut members = Map::new();
    for (member, value) in properties.into_iter().flatten() {
        let expression = |member| CredentialError::TemplateExpression { credential: called.clone(), member };
        let known = ["issuer", "subject", "audiences", "claimsMatchingExpression"];
        let Some(member) = known.into_iter().find(|known| known == member) else { continue };
        let value = literal(value, template).ok_or_else(|| expression(member))?;
        let value = match value {
            Value::Array(items) => {
                let items: Option<Vec<_>> = items.iter().map(|item| literal(item, template).cloned()).collect();
                Value::Array(items.ok_or_else(|| expression(member))?)
            }
            other => other.clone(),
        };
        members.insert(member.to_owned(), value);
    }
    FederatedCredential::from_members(name, &members, position)
}

/// The value, or the literal that it refers to: the default of a parameter, or a variable. `None` for other expressions.
fn literal<'a>(value: &'a Value, template: &'a Value) -> Option<&'a Value> {
    let Some(expression) = value.as_str().and_then(expression) else { return Some(value) };
    let argument = |function: &str| {
        let inner = expression.strip_prefix(function)?.trim().strip_prefix("('")?.strip_suffix("')")?;
        (!inner.contains('\'')).then_some(inner)
    };
    let found = match (argument("parameters"), argument("variables")) {
        (Some(name), _) => template.get("parameters")?.get(name)?.get("defaultValue"),
        (_, Some(name)) => template.get("variables")?.get(name),
        _ => None,
    }?;
    found.as_str().and_then(self::expression).is_none().then_some(found)
}

/// The inner part of `[…]`. A text that starts with `[[` is a literal.
fn expression(text: &str) -> Option<&str> {
    text.strip_prefix('[')?.strip_suffix(']').filter(|inner| !inner.starts_with('['))
}
