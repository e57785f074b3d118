use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    TokenError,
    segments::{Segments, read},
};

/// The header and claims of a token for display, without any check, even of their types.
///
/// ```
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let inspection = issuer::Inspection::parse(&text)?;
/// assert_eq!(inspection.header["alg"], "RS256");
/// assert_eq!(inspection.time("exp").unwrap().to_string(), "2026-11-22T01:33:42Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// The members of the JOSE header in their order; the last value of a repeated member.
    pub header: Map<String, Value>,
    /// The claims in their order; the last value of a repeated claim.
    pub claims: Map<String, Value>,
}

impl Inspection {
    /// Decodes a token.
    ///
    /// # Errors
    ///
    /// [`TokenError`] when the text is not three segments of base64url with JSON objects in the first two.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let mut buffer = Vec::new();
        let segments = Segments::decode(text, &mut buffer)?;
        Ok(Self { header: read("header", segments.header)?, claims: read("claims", segments.claims)? })
    }

    /// The time of a NumericDate claim, to the second; `None` if the claim is missing or not a NumericDate.
    pub fn time(&self, claim: &str) -> Option<Timestamp> {
        let value = self.claims.get(claim)?;
        #[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
        let seconds = value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64))?;
        Timestamp::from_second(seconds).ok()
    }
}
