//! Federated identity credentials as Entra compares them with a token, written from the documentation.
//!
//! Microsoft Learn, "Important considerations and restrictions for federated identity credentials" and "Create a trust
//! relationship between an app and an external identity provider": issuer, subject and audience must be equal to those
//! of the token; wildcards are not supported. Microsoft Graph, "Overview of federated identity credentials": the
//! comparison is case-sensitive.

use serde_json::Value;

use super::entra_error::EntraError;

const HELP: &str = "https://learn.microsoft.com/entra/workload-id/workload-identity-federation";
const START: &str = "No matching federated identity record found for presented assertion";

/// A credential of an application or a managed identity.
#[derive(Clone, Debug)]
pub(crate) struct Federated {
    issuer: String,
    /// `None` for a flexible credential, which has an expression in place of a subject.
    subject: Option<String>,
    audiences: Vec<String>,
}

impl Federated {
    /// Every credential in a document: an object with an issuer and a subject or an expression, at any depth. Azure
    /// CLI, Azure Resource Manager, Microsoft Graph and Terraform differ only in what is around these members.
    pub(crate) fn find(document: &Value) -> Vec<Self> {
        match document {
            Value::Array(items) => items.iter().flat_map(Self::find).collect(),
            Value::Object(members) => match Self::read(document) {
                Some(credential) => vec![credential],
                None => members.values().flat_map(Self::find).collect(),
            },
            _ => Vec::new(),
        }
    }

    fn read(object: &Value) -> Option<Self> {
        let issuer = object["issuer"].as_str()?.to_owned();
        let subject = object["subject"].as_str().map(str::to_owned);
        if subject.is_none() && !object["claimsMatchingExpression"].is_object() {
            return None;
        }
        // The list is called `audience` in the resources of Terraform's provider azurerm.
        let audiences = object["audiences"].as_array().or(object["audience"].as_array())?;
        let audiences = audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Some(Self { issuer, subject, audiences })
    }
}

/// The credentials of an application that have the issuer of a token.
pub(crate) struct OfIssuer<'a>(Vec<&'a Federated>);

impl<'a> OfIssuer<'a> {
    pub(crate) fn find(credentials: &'a [Federated], issuer: &str) -> Result<Self, EntraError> {
        let found: Vec<_> = credentials.iter().filter(|credential| credential.issuer == issuer).collect();
        if found.is_empty() {
            // Azure/azure-workload-identity#1200 has this text.
            let sentence = format!(
                "{START} issuer '{issuer}'. Please check your federated identity credential Subject, Audience and \
                 Issuer against the presented assertion. {HELP}"
            );
            return Err(EntraError::client(700_211, sentence));
        }
        // "Flexible federated identity credentials (preview)": only issuers of GitHub, GitLab and Terraform Cloud may
        // use them. The text comes from user reports. That an exact credential still counts is an assumption.
        if found.iter().all(|credential| credential.subject.is_none()) {
            let sentence = format!("Issuer '{issuer}' may not use credentials matching via expression.");
            return Err(EntraError::client(7_002_241, sentence));
        }
        Ok(Self(found))
    }

    /// Compares the subject, then the audiences. That the subject comes first is an assumption.
    pub(crate) fn matches(&self, subject: &str, audiences: &[&str]) -> Result<(), EntraError> {
        let with = |equals: &dyn Fn(&str) -> bool| -> Vec<_> {
            self.0.iter().filter(|credential| credential.subject.as_deref().is_some_and(equals)).collect()
        };
        let found = with(&|own| own == subject);
        if found.is_empty() && !with(&|own| own.eq_ignore_ascii_case(subject)).is_empty() {
            // Azure/login#517 has this text.
            let sentence = format!(
                "{START} subject '{subject}'. The subject matches with case-insensitive comparison, but not with \
                 case-sensitive comparison. {HELP}"
            );
            return Err(EntraError::client(7_002_138, sentence));
        }
        if found.is_empty() {
            // "What's new for authentication?" (reference-breaking-changes.md), August 2024, has this text.
            let sentence = format!(
                "{START} subject '{subject}'. Please note that matching is done using a case-sensitive comparison. \
                 Check your federated identity credential Subject, Audience, and Issuer against the presented assertion. \
                 {HELP}"
            );
            return Err(EntraError::client(700_213, sentence));
        }
        let has_audience = |own: &String| audiences.contains(&own.as_str());
        if !found.iter().any(|credential| credential.audiences.iter().any(has_audience)) {
            // "Workload identity on AKS" names this code; the tests of Microsoft's SDKs have its text.
            let audience = audiences.first().copied().unwrap_or_default();
            let sentence = format!(
                "{START} audience '{audience}'. Please check your federated identity credential Subject, Audience and \
                 Issuer against the presented assertion. {HELP}"
            );
            return Err(EntraError::client(700_212, sentence));
        }
        Ok(())
    }
}
