use std::borrow::Cow;

use serde::Deserialize;

use super::{boolean, text};

/// The members of a JOSE header that decide anything here (RFC 7515 section 4.1).
///
/// `jku`, `jwk`, `x5u` and `x5c` are never used: keys come from the published issuer alone (RFC 8725 section 3.10).
/// A member that is given twice, is null or has another type makes the header unreadable.
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
    /// The algorithm the token claims to be signed with.
    #[serde(borrow)]
    pub alg: Cow<'a, str>,
    /// The ID of the key it claims to be signed with.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub kid: Option<Cow<'a, str>>,
    /// The media type; the API server leaves it out.
    #[serde(borrow, default, deserialize_with = "text::optional")]
    pub typ: Option<Cow<'a, str>>,
    /// Extensions that must be understood; none is.
    #[serde(borrow, default, deserialize_with = "text::list")]
    pub crit: Option<Vec<Cow<'a, str>>>,
    /// Whether the payload is signed in base64url (RFC 7797 section 3). A [`Verifier`](crate::verify::Verifier) rejects `false`,
    /// with or without `crit`: section 7 forbids it in a JWT, and readers that ignore it disagree about what was signed.
    /// `true` means what an absent member means.
    #[serde(default, deserialize_with = "boolean::deserialize")]
    pub b64: Option<bool>,
}
