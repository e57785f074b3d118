//! A federated credential in an answer.

use issuer::FederatedCredential;
use serde::Serialize;

use crate::cli::clean::printable;

/// The values of a federated credential.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Values {
    /// The name of the credential.
    pub(super) name: String,
    /// The issuer of the tokens, byte for byte.
    pub(super) issuer: String,
    /// The subject of the tokens; null for a flexible credential.
    pub(super) subject: Option<String>,
    /// The expression of a flexible credential; absent for others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expression: Option<String>,
    /// The audience of the tokens.
    pub(super) audience: String,
}

impl From<&FederatedCredential> for Values {
    fn from(credential: &FederatedCredential) -> Self {
        let FederatedCredential { name, issuer, subject, expression, audiences } = credential;
        Self {
            name: name.clone().unwrap_or_default(),
            issuer: issuer.clone(),
            subject: subject.clone(),
            expression: expression.clone(),
            audience: audiences.join(", "),
        }
    }
}

impl Values {
    /// A line for each value, with the previous value if it is another one.
    pub(super) fn lines(&self, previous: Option<&Self>) -> Vec<String> {
        let matched = |values: &Self| values.subject.clone().or_else(|| values.expression.clone()).unwrap_or_default();
        let line = |label: &str, value: &str, before: Option<String>| match before.filter(|before| before != value) {
            Some(before) => format!("      {label:8}  {} → {}", printable(&before), printable(value)),
            None => format!("      {label:8}  {}", printable(value)),
        };
        vec![
            line("issuer", &self.issuer, previous.map(|values| values.issuer.clone())),
            line("subject", &matched(self), previous.map(matched)),
            line("audience", &self.audience, previous.map(|values| values.audience.clone())),
        ]
    }
}
