//! The documents of an external issuer, as Entra fetches and uses them.
//!
//! Microsoft Learn, "Workload identity federation": Entra "uses this issuer URL to fetch the keys", and stores only the
//! first 100 keys. "SPIFFE and SPIRE" there: keys must have `"use":"sig"`.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use super::{
    entra_error::EntraError,
    internet::{Internet, Unreceived},
};

const KEYS_MAX: usize = 100;

/// The published keys of an issuer.
pub(crate) struct IssuerMetadata {
    issuer: String,
    keys: Vec<Value>,
}

impl IssuerMetadata {
    /// Fetches both documents (OpenID Connect Discovery 1.0 section 4).
    pub(crate) fn fetch(issuer: &str, internet: &Internet) -> Result<Self, EntraError> {
        let url = format!("{}/.well-known/openid-configuration", issuer.strip_suffix('/').unwrap_or(issuer));
        let discovery = internet.get(&url).map_err(|error| not_fetched(&error))?;
        let discovery: Value = serde_json::from_slice(&discovery).map_err(|_| unusable())?;
        let members = discovery.as_object().ok_or_else(unusable)?;
        // A comment in a sample for SPIFFE reports this for an empty authorization_endpoint and an empty list.
        let is_empty = |value: &Value| value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty);
        if members.values().any(is_empty) {
            return Err(unusable());
        }
        // Section 4.3 requires the same issuer. The code is an assumption.
        if discovery["issuer"] != issuer {
            return Err(unusable());
        }
        let jwks_uri = discovery["jwks_uri"].as_str().ok_or_else(unusable)?;
        let jwks = internet.get(jwks_uri).map_err(|error| not_fetched(&error))?;
        let jwks: Value = serde_json::from_slice(&jwks).map_err(|_| unusable_keys())?;
        let keys = jwks["keys"].as_array().ok_or_else(unusable_keys)?;
        Ok(Self { issuer: issuer.to_owned(), keys: keys.iter().take(KEYS_MAX).cloned().collect() })
    }

    /// The signing key with this ID. Azure/azure-workload-identity#1232 has the text, with the ID in hexadecimal digits.
    /// That a key for another algorithm does not count is an assumption.
    pub(crate) fn key(&self, kid: &str, algorithm: &str) -> Result<&Value, EntraError> {
        let is_for = |key: &Value| key["alg"].as_str().is_none_or(|alg| alg == algorithm);
        let is_signing = |key: &Value| key["use"] == "sig" && key["kty"] == "RSA" && is_for(key);
        let key = self.keys.iter().find(|key| key["kid"] == kid && is_signing(key));
        key.ok_or_else(|| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(kid).unwrap_or_default();
            let identifier = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02X}"));
            let sentence = format!(
                "The certificate with identifier {identifier} used to sign the federated credential could not be found in \
                 the metadata of identity provider {}. Please validate that your Identity Provider's metadata exposes the \
                 key used to sign the incoming token.",
                self.issuer
            );
            EntraError::client(7_000_272, sentence)
        })
    }
}

/// Azure/azure-workload-identity, docs/book/src/troubleshooting.md, has AADSTS90061 for an endpoint that is not exposed;
/// Azure/azure-workload-identity#1130 has AADSTS50166 for a storage firewall. Both codes have one text.
fn not_fetched(error: &Unreceived) -> EntraError {
    let code = match error {
        Unreceived::Status(401 | 403 | 409) => 50_166,
        Unreceived::NoAnswer | Unreceived::Status(_) => 90_061,
    };
    EntraError::request(code, "Request to External OIDC endpoint failed.")
}

/// Azure/AKS#4029 and Azure/login#283 have this code.
fn unusable() -> EntraError {
    EntraError::request(501_661, "Request to External OIDC endpoint failed.")
}

/// A user report of 2025-07 has this code.
fn unusable_keys() -> EntraError {
    EntraError::request(900_612, "Failed to parse provider signing keys.")
}
