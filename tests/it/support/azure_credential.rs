//! Federated identity credentials as Azure stores them, and the delay until the token endpoint sees a change.

use serde_json::{Value, json};

use super::federated_credential::Federated;

/// A federated identity credential of a managed identity or an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) name: String,
    pub(crate) issuer: String,
    /// `None` for a flexible credential, which has an expression in place of a subject.
    pub(crate) subject: Option<String>,
    pub(crate) audiences: Vec<String>,
    /// Only credentials of applications have one.
    pub(crate) description: Option<String>,
}

impl Credential {
    /// A credential with the audience that Microsoft recommends.
    pub(crate) fn new(name: &str, issuer: &str, subject: &str) -> Self {
        Self {
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            subject: Some(subject.to_owned()),
            audiences: vec!["api://AzureADTokenExchange".to_owned()],
            description: None,
        }
    }

    /// The same with another audience.
    pub(crate) fn for_audience(mut self, audience: &str) -> Self {
        self.audiences = vec![audience.to_owned()];
        self
    }

    /// The same with a description.
    pub(crate) fn described(mut self, description: &str) -> Self {
        self.description = Some(description.to_owned());
        self
    }

    /// A flexible credential, which version 1.0 of Microsoft Graph shows without a subject ("Flexible federated
    /// identity credentials (preview)").
    pub(crate) fn flexible(name: &str, issuer: &str) -> Self {
        Self { subject: None, ..Self::new(name, issuer, "") }
    }

    /// Whether both match the same tokens, apart from the audience. At most one of them may be on an identity.
    pub(crate) fn collides_with(&self, other: &Self) -> bool {
        self.subject.is_some() && (&self.issuer, &self.subject) == (&other.issuer, &other.subject)
    }

    fn federated(&self) -> Vec<Federated> {
        let mut document = json!({ "issuer": self.issuer, "audiences": self.audiences });
        match &self.subject {
            Some(subject) => document["subject"] = Value::from(subject.as_str()),
            None => document["claimsMatchingExpression"] = json!({ "value": "claims['sub'] matches '*'" }),
        }
        Federated::find(&document)
    }
}

/// "Important considerations and restrictions for federated identity credentials": 3 to 120 letters, digits, dashes and
/// underscores, of which the first is a letter or a digit.
pub(super) fn is_valid_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (3..=120).contains(&name.len())
        && name.bytes().all(is_allowed)
        && name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric)
}

/// The same page: at most 20 credentials on an application or a user-assigned managed identity.
pub(super) const CREDENTIALS_MAX: usize = 20;

/// The same page: at most 600 characters in an issuer, a subject, an audience and a description.
pub(super) const LENGTH_MAX: usize = 600;

/// The credentials of one identity, in all versions that the token endpoint may still see.
#[derive(Default)]
pub(super) struct CredentialList {
    /// Each version with the number of the first token request that sees it.
    versions: Vec<(usize, Vec<Credential>)>,
}

impl CredentialList {
    pub(super) fn current(&self) -> &[Credential] {
        self.versions.last().map_or(&[], |(_, credentials)| credentials)
    }

    pub(super) fn find(&self, name: &str) -> Option<&Credential> {
        self.current().iter().find(|credential| credential.name.eq_ignore_ascii_case(name))
    }

    /// What a token request with this number sees.
    pub(super) fn seen_by(&self, request: usize) -> Vec<Credential> {
        let seen = self.versions.iter().rfind(|(first, _)| *first <= request);
        seen.map_or(Vec::new(), |(_, credentials)| credentials.clone())
    }

    /// What a token request with this number compares with a token.
    pub(super) fn federated(&self, request: usize) -> Vec<Federated> {
        self.seen_by(request).iter().flat_map(Credential::federated).collect()
    }

    /// Adds a credential, or replaces the one with its name.
    pub(super) fn put(&mut self, credential: Credential, seen_by: usize) {
        let mut credentials = self.current().to_vec();
        match credentials.iter_mut().find(|found| found.name.eq_ignore_ascii_case(&credential.name)) {
            Some(found) => *found = credential,
            None => credentials.push(credential),
        }
        self.versions.push((seen_by, credentials));
    }

    pub(super) fn remove(&mut self, name: &str, seen_by: usize) {
        let mut credentials = self.current().to_vec();
        credentials.retain(|credential| !credential.name.eq_ignore_ascii_case(name));
        self.versions.push((seen_by, credentials));
    }
}
