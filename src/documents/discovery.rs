use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::{DocumentError, parse, pretty};
use crate::{
    issuer_url::{IssuerUrl, JwksUri},
    key::PublicKey,
};

/// A discovery document with the API server's five members in its order (OpenID Connect Discovery 1.0 section 3).
///
/// [`Discovery::parse`] ignores other members.
///
/// ```
/// use issuer::{Discovery, KeySet};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let discovery = Discovery::new(&issuer, &"https://192.0.2.2:16443/openid/v1/jwks".parse()?, keys.iter());
/// let recorded = std::fs::read("fixtures/kubernetes/rotation/openid-configuration.json")?;
/// assert_eq!(discovery.to_bytes(), recorded);
/// assert_eq!(Discovery::parse(&recorded)?, discovery);
/// assert!(discovery.to_pretty().ends_with(b"\n}\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Discovery {
    /// The issuer, which relying parties compare with `iss` byte for byte.
    pub issuer: String,
    /// The URL of the JWKS.
    pub jwks_uri: String,
    /// Always `id_token`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub response_types_supported: Vec<String>,
    /// Always `public`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subject_types_supported: Vec<String>,
    /// The algorithms of the keys, sorted and without repetitions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token_signing_alg_values_supported: Vec<String>,
}

impl Discovery {
    /// The document for an issuer with these keys at `jwks_uri`.
    pub fn new<'a>(issuer: &IssuerUrl, jwks_uri: &JwksUri, keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        let algorithms: BTreeSet<_> = keys.into_iter().map(PublicKey::algorithm).collect();
        Self {
            issuer: issuer.as_str().to_owned(),
            jwks_uri: jwks_uri.as_str().to_owned(),
            response_types_supported: vec!["id_token".to_owned()],
            subject_types_supported: vec!["public".to_owned()],
            id_token_signing_alg_values_supported: algorithms.into_iter().map(|name| name.to_string()).collect(),
        }
    }

    /// Parses a published document; a list that is missing or of another type becomes empty.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when the bytes are not a JSON object with the strings `issuer` and `jwks_uri`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let document: Value = parse(bytes)?;
        let text =
            |name| document.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(DocumentError::Member(name));
        let list = |name| {
            let values = document.get(name).and_then(Value::as_array);
            values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Ok(Self {
            issuer: text("issuer")?,
            jwks_uri: text("jwks_uri")?,
            response_types_supported: list("response_types_supported"),
            subject_types_supported: list("subject_types_supported"),
            id_token_signing_alg_values_supported: list("id_token_signing_alg_values_supported"),
        })
    }

    /// The issuer of a document, even if other members are not usable.
    pub(crate) fn issuer_of(bytes: &[u8]) -> Option<String> {
        let document: Value = parse(bytes).ok()?;
        Some(document.get("issuer")?.as_str()?.to_owned())
    }

    /// The members of a document with an empty string or an empty list.
    pub(crate) fn empty_members(bytes: &[u8]) -> Vec<String> {
        let Ok(Value::Object(members)) = parse(bytes) else { return Vec::new() };
        let is_empty = |value: &Value| value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        members.into_iter().filter(|(_, value)| is_empty(value)).map(|(name, _)| name).collect()
    }

    /// The bytes to publish: compact, without a newline, identical to what the API server serves for the same values.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serialising strings into memory cannot fail. Go's encoder escapes an ampersand.
        serde_json::to_string(self).unwrap_or_default().replace('&', "\\u0026").into_bytes()
    }

    /// The same members for printing, indented by two spaces, with a final newline.
    pub fn to_pretty(&self) -> Vec<u8> {
        pretty(self)
    }
}
