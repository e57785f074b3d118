use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::KeyProblem;

/// The key ID under which a key is published: the `kid` of its JWK and of the tokens signed with it.
///
/// A bare key has the key ID that the API server computes: base64url without padding of SHA-256 over the DER
/// SubjectPublicKeyInfo, 43 characters (`keyIDFromPublicKey` of Kubernetes' `pkg/serviceaccount/jwt.go`). It is not the
/// RFC 7638 thumbprint. A JWK keeps its `kid`: an external signer (KEP-740) chooses its own key IDs, and the tokens of
/// that cluster carry them.
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
    /// The longest key ID that Kubernetes accepts from an external signer, in bytes (KEP-740, `ExternalJWTSigner`).
    ///
    /// ```
    /// use issuer::{KeyProblem, KeyId};
    /// let kid = "a".repeat(KeyId::LEN_MAX + 1);
    /// assert_eq!(KeyId::from_kid(&kid), Err(KeyProblem::KeyIdLong(1025)));
    /// ```
    pub const LEN_MAX: usize = 1024;

    /// The key ID of a `kid` member.
    ///
    /// ```
    /// use issuer::{KeyProblem, KeyId};
    /// assert_eq!(KeyId::from_kid("projects/p/keyVersions/7")?.as_str(), "projects/p/keyVersions/7");
    /// assert_eq!(KeyId::from_kid(""), Err(KeyProblem::KeyIdEmpty));
    /// # Ok::<(), issuer::KeyProblem>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyProblem`] for a string that is empty or longer than [`KeyId::LEN_MAX`].
    pub fn from_kid(kid: &str) -> Result<Self, KeyProblem> {
        match kid.len() {
            0 => Err(KeyProblem::KeyIdEmpty),
            len if len > Self::LEN_MAX => Err(KeyProblem::KeyIdLong(len)),
            _ => Ok(Self(kid.to_owned())),
        }
    }

    pub(super) fn of_spki(der: &[u8]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der)))
    }

    /// The key ID as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
