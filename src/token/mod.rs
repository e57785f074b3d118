//! Parses tokens without verifying them.

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
pub use service_account::{ServiceAccount, ServiceAccountError};
pub(crate) use service_account::{parts as subject_parts, subject};

/// A parsed JWS in compact serialization (RFC 7515 section 3.1), not verified.
///
/// Do not trust the header or claims before a [`Verifier`](crate::verify::Verifier) returns a
/// [`VerifiedToken`](crate::verify::VerifiedToken) for the same text. The `Debug` output omits the signature.
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
    /// Parses a token; the text must not have a newline at its end.
    ///
    /// `buffer` receives the decoded segments and loses its previous contents. It can be reused for the next token.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the text is not three segments of base64url with JSON objects in the first two.
    pub fn parse(text: &'a str, buffer: &'a mut Vec<u8>) -> Result<Self, TokenError> {
        let segments = Segments::decode(text, buffer)?;
        Ok(Self { header: segments.header()?, claims: segments.claims()?, segments })
    }

    /// Parses a JWS with any payload, as in test vectors of JOSE; the claims stay empty.
    #[cfg(test)]
    pub(crate) fn parse_with_any_payload(text: &'a str, buffer: &'a mut Vec<u8>) -> Result<Self, TokenError> {
        let (segments, _) = Segments::decode_with_any_payload(text, buffer)?;
        Ok(Self { header: segments.header()?, claims: Claims::default(), segments })
    }

    /// The bytes that the signature covers (RFC 7515 section 5.2).
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.segments.signing_input.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        self.segments.signature
    }

    /// The signed claims, as the original JSON.
    pub(crate) fn claims_json(&self) -> &'a str {
        self.segments.claims
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("header", &self.header).field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// Reason why a text is not a token; the text completes the sentence "X is not a token: …".
///
/// ```
/// use issuer::{Token, TokenError};
/// let error = Token::parse("a.b.c.d", &mut Vec::new()).unwrap_err();
/// assert_eq!(error, TokenError::Segments(4));
/// assert_eq!(error.to_string(), "it has 4 segments; a signed token has 3");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// The text is a known kind of input that is not a token.
    #[error("{0}")]
    Other(OtherInput),
    /// The text is longer than 16384 bytes, about the maximum for the headers of a request on most servers.
    #[error("it has {0} bytes; at most 16384 are accepted")]
    TooLong(usize),
    /// The text does not have three segments.
    #[error("it has {0} {segment}; a signed token has 3", segment = if *.0 == 1 { "segment" } else { "segments" })]
    Segments(usize),
    /// The text has five segments, as a JWE.
    #[error("it is encrypted (5 segments); the API server issues signed tokens (3 segments)")]
    Encrypted,
    /// A segment is not base64url.
    #[error("its {0} segment is not base64url without padding")]
    Base64(&'static str),
    /// The header has `b64` set to `false` (RFC 7797).
    #[error("its header has b64 set to false, which RFC 7797 section 7 forbids for a JWT")]
    Unencoded,
    /// A segment is not valid JSON, or a member has the wrong type.
    #[error("its {0} cannot be parsed: {1}")]
    Json(&'static str, String),
}
