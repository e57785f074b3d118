use std::fmt;

/// A JWS algorithm with which the API server signs service account tokens (RFC 7518 section 3.1).
///
/// Algorithms are ordered by name, as in `id_token_signing_alg_values_supported`.
///
/// ```
/// use issuer::{Algorithm, KeySet};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/mixed-keys/p384.pub")?)?;
/// assert_eq!(keys[0].algorithm(), Algorithm::Es384);
/// assert_eq!(Algorithm::Es384.name(), "ES384");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// ECDSA with P-256 and SHA-256.
    Es256,
    /// ECDSA with P-384 and SHA-384.
    Es384,
    /// ECDSA with P-521 and SHA-512.
    Es512,
    /// RSASSA-PKCS1-v1_5 with SHA-256, for RSA keys of any size.
    Rs256,
}

impl Algorithm {
    /// The algorithm of a JWS `alg` header or a JWK `alg` member; `None` for every other name.
    ///
    /// ```
    /// # use issuer::Algorithm;
    /// assert_eq!(Algorithm::from_name("RS256"), Some(Algorithm::Rs256));
    /// assert_eq!(Algorithm::from_name("none"), None);
    /// ```
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "ES512" => Some(Self::Es512),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }

    /// The name in a JWS or JWK.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Rs256 => "RS256",
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
