use super::IssuerChange;
use crate::{
    issuer_url::IssuerUrl,
    key::{Jwk, KeySet},
};

/// What differs between an API server and published documents.
///
/// ```
/// use issuer::{ApiServerDrift, Jwks, KeySet};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let published = Jwks::from_keys([&keys[0]]);
/// let issuer = "https://issuer.example.com".parse()?;
/// let drift = ApiServerDrift::between("https://issuer.example.com", &keys, &issuer, &published.keys, |_| true);
/// assert_eq!(drift.unpublished, [keys[1].key_id().to_string()]);
/// assert!(drift.issuer.is_none() && drift.not_served.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApiServerDrift {
    /// The change of the issuer; `None` if both are the same, byte for byte.
    pub issuer: Option<IssuerChange>,
    /// The key IDs that the API server serves and that are not published: tokens signed with these keys are rejected.
    pub unpublished: Vec<String>,
    /// The key IDs that are published and in use, and that the API server does not serve.
    pub not_served: Vec<String>,
}

impl ApiServerDrift {
    /// Compares the issuer and the keys of an API server with published documents. `is_in_use` tells whether a published
    /// key should be one of this API server: it is neither retired nor a key of another owner.
    pub fn between(
        issuer: &str,
        keys: &KeySet,
        published_issuer: &IssuerUrl,
        published: &[Jwk],
        is_in_use: impl Fn(&Jwk) -> bool,
    ) -> Self {
        let of_documents = published_issuer.as_str();
        let is_published = |kid: &str| published.iter().any(|jwk| jwk.kid() == Some(kid));
        let served: Vec<_> = keys.iter().map(|key| key.key_id().to_string()).collect();
        let is_served = |jwk: &Jwk| jwk.kid().is_some_and(|kid| served.iter().any(|served| served == kid));
        let not_served = published.iter().filter(|jwk| is_in_use(jwk) && !is_served(jwk));
        Self {
            issuer: (issuer != of_documents).then(|| IssuerChange::new(issuer, of_documents)),
            not_served: not_served.map(|jwk| jwk.kid().unwrap_or_default().to_owned()).collect(),
            unpublished: served.iter().filter(|kid| !is_published(kid)).cloned().collect(),
        }
    }

    /// Whether anything differs.
    pub fn is_drift(&self) -> bool {
        *self != Self::default()
    }
}
