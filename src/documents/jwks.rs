use serde_json::{Value, json};

use super::{DocumentError, parse, pretty};
use crate::key::{Jwk, PublicKey};

/// A JWK Set (RFC 7517 section 5).
///
/// ```
/// use issuer::{Jwks, KeySet};
/// let recorded = std::fs::read("fixtures/kubernetes/rotation/jwks.json")?;
/// let jwks = Jwks::parse(&recorded)?;
/// assert_eq!(jwks.to_bytes(), recorded);
/// assert_eq!(Jwks::from_keys(KeySet::from_bytes(&recorded)?.iter()), jwks);
/// assert!(jwks.to_pretty().starts_with(b"{\n  \"keys\": [\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jwks {
    /// The entries in their order, usable or not.
    pub keys: Vec<Jwk>,
}

impl Jwks {
    /// The set that the API server serves for these keys.
    pub fn from_keys<'a>(keys: impl IntoIterator<Item = &'a PublicKey>) -> Self {
        Self { keys: keys.into_iter().cloned().map(Jwk::new).collect() }
    }

    /// Parses a published set; entries that are not usable are kept.
    ///
    /// A [`Verifier`](crate::verify::Verifier) rejects a set with an entry that is not a JSON object, as other
    /// libraries do.
    ///
    /// # Errors
    ///
    /// [`DocumentError`] when the bytes are not a JSON object with a list `keys`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DocumentError> {
        let mut document: Value = parse(bytes)?;
        let Some(Value::Array(keys)) = document.get_mut("keys").map(Value::take) else {
            return Err(DocumentError::Member("keys"));
        };
        Ok(Self { keys: keys.into_iter().map(Jwk::from_value).collect() })
    }

    /// Whether every entry is a JSON object, as RFC 7517 section 5.1 requires.
    ///
    /// Section 5 lets a reader ignore a *JWK* that it does not understand, so an object without a known `kty` is valid.
    /// Any other value is malformed, and libraries differ:
    ///
    /// - `jose` rejects the whole set (`isJWKSLike` in `src/jwks/local.ts`: "JSON Web Key Set malformed").
    /// - go-jose rejects the whole set (`JSONWebKey.UnmarshalJSON`).
    /// - `PyJWT` skips the entry.
    /// - Microsoft's `JsonWebKeySetSerializer.ReadKeys` skips the entry, but stops reading at the end of an entry that
    ///   is a list.
    pub(crate) fn check_entries(&self) -> Result<(), DocumentError> {
        match self.keys.iter().position(|jwk| !jwk.is_object()) {
            Some(index) => Err(DocumentError::Entry(index + 1)),
            None => Ok(()),
        }
    }

    /// The bytes to publish: compact, without a newline, identical to what the API server serves for the same keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        // Serialising maps, lists and strings into memory cannot fail.
        serde_json::to_vec(&self.to_value()).unwrap_or_default()
    }

    /// The same members for printing, indented by two spaces, with a final newline.
    pub fn to_pretty(&self) -> Vec<u8> {
        pretty(&self.to_value())
    }

    fn to_value(&self) -> Value {
        json!({ "keys": self.keys.iter().map(Jwk::to_value).collect::<Vec<_>>() })
    }
}
