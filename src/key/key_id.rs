use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The API server's key ID: base64url without padding of SHA-256 over the DER SubjectPublicKeyInfo, 43 characters.
///
/// This is what `keyIDFromPublicKey` of Kubernetes' `pkg/serviceaccount/jwt.go` computes and what a token's `kid`
/// header holds. It is not the RFC 7638 thumbprint.
///
/// ```
/// let key = issuer::PublicKey::from_spki_der(&std::fs::read("fixtures/keys/rsa2048-spki.der")?)?;
/// assert_eq!(key.key_id().as_str(), "VySw_uf2CxNBmIAMX_W82QIp1ATwZ9JFL9E-DbKqxPk");
/// assert_eq!(format!("{:.12}…", key.key_id()), "VySw_uf2CxNB…");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    pub(super) fn of_spki(der: &[u8]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der)))
    }

    /// The 43 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
