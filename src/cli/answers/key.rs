use issuer::Jwk;
use serde::Serialize;

/// A published key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Key {
    /// The key ID; null if the entry of the JWKS has none.
    pub(crate) kid: Option<String>,
    #[serde(flatten)]
    pub(crate) key_type: Option<KeyType>,
}

/// The type and algorithm of a key; both are absent if the entry of the JWKS is not a usable key.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct KeyType {
    /// The key type, with the size of an RSA key in bits or the name of the curve: `RSA 2048`, `P-256`. Absent if the entry of the JWKS is not a usable key.
    #[serde(rename = "type")]
    pub(crate) name: String,
    /// The signature algorithm of tokens signed with this key. Absent if the entry of the JWKS is not a usable key.
    #[cfg_attr(test, schemars(extend("enum" = ["RS256", "ES256", "ES384", "ES512"])))]
    pub(crate) alg: &'static str,
}

impl KeyType {
    /// `None` if the entry is not a usable key.
    pub(crate) fn of(jwk: &Jwk) -> Option<Self> {
        let key = jwk.key().ok()?;
        Some(Self { name: key.to_string(), alg: key.algorithm().name() })
    }
}

impl From<&Jwk> for Key {
    fn from(jwk: &Jwk) -> Self {
        Self { kid: jwk.kid().map(str::to_owned), key_type: KeyType::of(jwk) }
    }
}
