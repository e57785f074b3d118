use std::borrow::Cow;

use serde::Deserialize;

use super::{boolean, text};

/// The members of a JOSE header that this crate uses (RFC 7515 section 4.1).
///
/// `jku`, `jwk`, `x5u` and `x5c` are never used: keys come only from the published issuer (RFC 8725 section 3.10).
/// A header is malformed if one of these members occurs twice, is null or has another type.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let mut buffer = Vec::new();
/// let header = issuer::Token::parse(&text, &mut buffer)?.header;
/// assert_eq!(header.alg, "RS256");
/// assert_eq!(header.kid.unwrap().len(), 43);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Header<'a> {
    /// The algorithm of the signature, not yet verified.
    #[serde(borrow)]
    pub alg: Cow<'a, str>,
    /// The key ID of the signing key, not yet verified.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub kid: Option<Cow<'a, str>>,
    /// The media type; the API server omits this member.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub typ: Option<Cow<'a, str>>,
    /// Extensions that a verifier must support; this crate supports none.
    #[serde(borrow, default, deserialize_with = "text::list")]
    pub crit: Option<Vec<Cow<'a, str>>>,
    /// Whether the signature covers the payload in base64url (RFC 7797 section 3); the default is `true`.
    ///
    /// A [`Verifier`](crate::verify::Verifier) rejects `false`, with or without `crit`. Section 7 forbids `false` in a
    /// JWT, and a verifier that ignores the member checks other bytes than those that were signed.
    #[serde(default, deserialize_with = "boolean::deserialize")]
    pub b64: Option<bool>,
}
