//! Tokens taken apart, and not yet trusted.

mod claims;
mod header;
mod inspection;
mod numeric_date;
mod service_account;

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

pub use claims::{Claims, KubernetesClaims, ObjectReference};
pub use header::Header;
pub use inspection::Inspection;
pub use service_account::ServiceAccount;

/// The longest token that is taken apart, in bytes; the API server's are under 2 KiB, and no HTTP header holds more.
const TOKEN_MAX: usize = 64 << 10;

/// A JWS in compact serialization (RFC 7515 section 3.1) whose header and claims were read, and nothing more.
///
/// Nothing in it may be believed before a [`Verifier`](crate::Verifier) has made a
/// [`VerifiedToken`](crate::VerifiedToken) of the same text. Its `Debug` form leaves the signature out.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/pod-bound.jwt")?;
/// let token = issuer::Token::parse(&text)?;
/// assert_eq!(token.header.alg, "RS256");
/// assert_eq!(token.claims.sub.as_deref(), Some("system:serviceaccount:default:workload-identity-sa"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Token<'t> {
    /// The JOSE header.
    pub header: Header,
    /// The claims.
    pub claims: Claims,
    signing_input: &'t str,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Takes a token apart; the text is exactly the token, without a newline at its end.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the text is not three segments of base64url with JSON objects in the first two.
    pub fn parse(text: &'t str) -> Result<Self, TokenError> {
        let Segments { signing_input, header, claims, signature } = split(text)?;
        Ok(Self { header: read("header", &header)?, claims: read("claims", &claims)?, signing_input, signature })
    }

    /// The bytes the signature is over (RFC 7515 section 5.2).
    pub(crate) fn signing_input(&self) -> &[u8] {
        self.signing_input.as_bytes()
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

impl fmt::Debug for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("header", &self.header).field("claims", &self.claims).finish_non_exhaustive()
    }
}

/// Why text is not a token; reads as the end of "X is not a token: …".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// More bytes than any HTTP header holds.
    #[error("it has {0} bytes, and tokens have 65536 at most")]
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
    /// A segment is not the JSON it should be.
    #[error("its {0} cannot be read: {1}")]
    Json(&'static str, String),
}

/// The segments of a token, decoded.
struct Segments<'t> {
    signing_input: &'t str,
    header: Vec<u8>,
    claims: Vec<u8>,
    signature: Vec<u8>,
}

fn split(text: &str) -> Result<Segments<'_>, TokenError> {
    if text.is_empty() {
        return Err(TokenError::Empty);
    }
    if text.len() > TOKEN_MAX {
        return Err(TokenError::TooLong(text.len()));
    }
    let (signing_input, signature) = text.rsplit_once('.').ok_or(TokenError::Segments(1))?;
    let segments = text.bytes().filter(|byte| *byte == b'.').count() + 1;
    let (header, claims) = match (segments, signing_input.split_once('.')) {
        (3, Some(parts)) => parts,
        (5, _) => return Err(TokenError::Encrypted),
        _ => return Err(TokenError::Segments(segments)),
    };
    Ok(Segments {
        signing_input,
        header: decode("header", header)?,
        claims: decode("claims", claims)?,
        signature: decode("signature", signature)?,
    })
}

fn decode(name: &'static str, segment: &str) -> Result<Vec<u8>, TokenError> {
    BASE64_URL_SAFE_NO_PAD.decode(segment).map_err(|_| TokenError::Base64(name))
}

fn read<T: DeserializeOwned>(name: &'static str, json: &[u8]) -> Result<T, TokenError> {
    // serde also reads a struct from a list.
    if json.trim_ascii_start().first() != Some(&b'{') {
        return Err(TokenError::Json(name, "it is not a JSON object".to_owned()));
    }
    serde_json::from_slice(json).map_err(|error| TokenError::Json(name, error.to_string()))
}
