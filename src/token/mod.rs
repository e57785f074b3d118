//! Tokens taken apart, and not yet trusted.

mod claims;
mod header;
mod numeric_date;
mod service_account;

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

pub use claims::{Claims, KubernetesClaims, ObjectReference};
pub use header::Header;
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
    header_json: Vec<u8>,
    claims_json: Vec<u8>,
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
        let header_json = decode("header", header)?;
        let claims_json = decode("claims", claims)?;
        let header = read("header", &header_json)?;
        let claims = read("claims", &claims_json)?;
        let signature = decode("signature", signature)?;
        Ok(Self { header, claims, header_json, claims_json, signing_input, signature })
    }

    /// The JSON of the header, as it was signed.
    pub fn header_json(&self) -> &[u8] {
        &self.header_json
    }

    /// The JSON of the claims, as it was signed.
    pub fn claims_json(&self) -> &[u8] {
        &self.claims_json
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
