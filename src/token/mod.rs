//! Tokens taken apart, and not yet trusted.

mod boolean;
mod claims;
mod header;
mod inspection;
mod numeric_date;
mod object;
mod other_input;
mod segments;
mod service_account;
mod sound;
mod text;

use std::fmt;

use segments::Segments;

pub use claims::{Claims, KubernetesClaims, ObjectReference};
pub use header::Header;
pub use inspection::Inspection;
pub use other_input::OtherInput;
pub use service_account::ServiceAccount;
pub(crate) use service_account::parts as subject_parts;

/// A JWS in compact serialization (RFC 7515 section 3.1) whose header and claims were read, and nothing more.
///
/// Nothing in it may be believed before a [`Verifier`](crate::verify::Verifier) has made a
/// [`VerifiedToken`](crate::verify::VerifiedToken) of the same text. Its `Debug` form leaves the signature out.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let mut buffer = Vec::new();
/// let token = issuer::Token::parse(&text, &mut buffer)?;
/// assert_eq!(token.header.alg, "RS256");
/// assert_eq!(token.claims.sub.as_deref(), Some("system:serviceaccount:default:workload-identity-sa"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Token<'a> {
    /// The JOSE header.
    pub header: Header<'a>,
    /// The claims.
    pub claims: Claims<'a>,
    segments: Segments<'a>,
}

impl<'a> Token<'a> {
    /// Takes a token apart; the text is exactly the token, without a newline at its end.
    ///
    /// The decoded segments stand in `buffer`, whatever was in it before; its room may be used for one token after the other.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the text is not three segments of base64url with JSON objects in the first two.
    pub fn parse(text: &'a str, buffer: &'a mut Vec<u8>) -> Result<Self, TokenError> {
        let segments = Segments::decode(text, buffer)?;
        Ok(Self { header: segments.header()?, claims: segments.claims()?, segments })
    }

    /// Reads the header of a JWS whose payload may be anything, as test vectors of JOSE have it; the claims stay empty.
    #[cfg(test)]
    pub(crate) fn parse_with_any_payload(text: &'a str, buffer: &'a mut Vec<u8>) -> Result<Self, TokenError> {
        let (segments, _) = Segments::decode_with_any_payload(text, buffer)?;
        Ok(Self { header: segments.header()?, claims: Claims::default(), segments })
    }

    /// The bytes the signature is over (RFC 7515 section 5.2).
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.segments.signing_input.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        self.segments.signature
    }

    /// The claims as they were signed, in JSON.
    pub(crate) fn claims_json(&self) -> &'a str {
        self.segments.claims
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("header", &self.header).field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// Why text is not a token; reads as the end of "X is not a token: …".
///
/// ```
/// use issuer::{Token, TokenError};
/// let error = Token::parse("a.b.c.d", &mut Vec::new()).unwrap_err();
/// assert_eq!(error, TokenError::Segments(4));
/// assert_eq!(error.to_string(), "it has 4 segments between dots, and a signed token has 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// Something else than a token, and what.
    #[error("{0}")]
    Other(OtherInput),
    /// More bytes than the header of a request holds on most servers.
    #[error("it has {0} bytes, and tokens have 16384 at most")]
    TooLong(usize),
    /// Not three segments.
    #[error("it has {0} {segment} between dots, and a signed token has 3", segment = if *.0 == 1 { "segment" } else { "segments" })]
    Segments(usize),
    /// Five segments: a JWE.
    #[error("it is encrypted (5 segments), and the API server signs its tokens")]
    Encrypted,
    /// A segment is not base64url.
    #[error("its {0} is not base64url without padding")]
    Base64(&'static str),
    /// The header says that the claims are signed without base64url (RFC 7797).
    #[error("its header has b64 false, and the claims of a token are signed in base64url (RFC 7797 section 7)")]
    Unencoded,
    /// A segment is not the JSON it should be.
    #[error("its {0} cannot be read: {1}")]
    Json(&'static str, String),
}
