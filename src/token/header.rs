use serde::{Deserialize, Deserializer};

/// The members of a JOSE header that decide anything here (RFC 7515 section 4.1).
///
/// `jku`, `jwk`, `x5u` and `x5c` are never read: keys come from the published issuer alone (RFC 8725 section 3.10).
/// A member given twice makes the header unreadable.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Header {
    /// The algorithm the token claims to be signed with.
    pub alg: String,
    /// The ID of the key it claims to be signed with.
    pub kid: Option<String>,
    /// The media type; the API server leaves it out.
    pub typ: Option<String>,
    /// Extensions that must be understood; none is.
    #[serde(default, deserialize_with = "critical")]
    pub crit: Option<Vec<String>>,
}

/// A list where it is present at all: null is no list (RFC 7515 section 4.1.11).
fn critical<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    Vec::deserialize(deserializer).map(Some)
}
