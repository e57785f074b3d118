//! A token of another issuer that is presented to Entra, judged as the documentation and user reports describe.
//!
//! The signature is verified with `jsonwebtoken`, a crate that is not the verifier under test.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Map, Value};

use super::entra_error::EntraError;

/// The longest lifetime, 1.01:00:00 in the text of AADSTS70023.
const LIFETIME_MAX: i64 = 25 * 3600;
/// The clock skew that is tolerated. Five minutes is the default of Microsoft's token libraries; Entra's is not
/// documented.
const SKEW: i64 = 300;

/// A parsed token.
pub(crate) struct FederatedToken<'a> {
    text: &'a str,
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl<'a> FederatedToken<'a> {
    /// Parses the compact form (RFC 7515 section 7.1): three segments of base64url without padding.
    pub(crate) fn parse(text: &'a str) -> Result<Self, EntraError> {
        let object = |segment: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(segment).ok()?).ok()
        };
        let segments: Vec<&str> = text.split('.').collect();
        let parsed = match segments.as_slice() {
            [header, claims, signature] if BASE64_URL_SAFE_NO_PAD.decode(signature).is_ok() => {
                object(header).zip(object(claims))
            }
            _ => None,
        };
        let (header, claims) = parsed.ok_or_else(malformed)?;
        Ok(Self { text, header, claims })
    }

    /// The header must name a key, a type and an algorithm that Entra supports. The order of the three is an
    /// assumption.
    pub(crate) fn judge_header(&self) -> Result<(), EntraError> {
        // The texts of this code and of the code for algorithms are in MSAL.NET, TestConstants.cs.
        if self.header("kid").is_empty() {
            let sentence = "Invalid JWT token. No certificate SHA-1 thumbprint, certificate SHA-256 thumbprint, nor \
                            keyId specified in token header.";
            return Err(EntraError::client(5_002_723, sentence));
        }
        // The text is from user reports. Tokens of an API server have no typ, and Entra accepts them.
        let types = ["", "JWT", "http://openid.net/specs/jwt/1.0"];
        if !types.iter().any(|accepted| self.header("typ").eq_ignore_ascii_case(accepted)) {
            let sentence = "Invalid JWT header type specified. Allowed types: 'JWT','http://openid.net/specs/jwt/1.0'";
            return Err(EntraError::request(5_002_727, sentence));
        }
        if self.algorithm().is_none() {
            let sentence = format!(
                "Invalid JWT token. '{}' is not a supported signature algorithm. Supported signing algorithms are: \
                 'RS256,RS384,RS512'",
                self.header("alg")
            );
            return Err(EntraError::client(5_002_738, sentence));
        }
        // RFC 7515 section 4.1.11: a recipient must reject a critical extension that it does not support.
        if self.header.contains_key("crit") { Err(malformed()) } else { Ok(()) }
    }

    fn algorithm(&self) -> Option<Algorithm> {
        match self.header("alg") {
            "RS256" => Some(Algorithm::RS256),
            "RS384" => Some(Algorithm::RS384),
            "RS512" => Some(Algorithm::RS512),
            _ => None,
        }
    }

    /// A text in the header, empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A claim that must be there. MSAL.NET, TestConstants.cs, has the text for `iss` and `aud`; for the others it is
    /// an assumption.
    pub(crate) fn required(&self, claim: &str) -> Result<&str, EntraError> {
        self.claims.get(claim).and_then(Value::as_str).ok_or_else(|| missing(claim))
    }

    /// Entra marks the tokens that it issues for a federated identity credential with this claim, and refuses them as
    /// assertions. The text is from user reports.
    pub(crate) fn judge_chain(&self) -> Result<(), EntraError> {
        if !self.claims.contains_key("xms_ficinfo") {
            return Ok(());
        }
        let sentence =
            "Token obtained using a federated identity credential may not be used as a federated identity credential.";
        Err(EntraError::client(700_231, sentence))
    }

    /// The audiences: a string or a list of strings (RFC 7519 section 4.1.3).
    pub(crate) fn audiences(&self) -> Result<Vec<&str>, EntraError> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) if !all.is_empty() => Ok(all.iter().filter_map(Value::as_str).collect()),
            _ => Err(missing("aud")),
        }
    }

    pub(crate) fn expiry(&self) -> Result<i64, EntraError> {
        self.seconds("exp").ok_or_else(|| missing("exp"))
    }

    fn seconds(&self, claim: &str) -> Option<i64> {
        self.claims.get(claim).and_then(Value::as_i64)
    }

    /// Verifies the signature with a JWK.
    pub(crate) fn judge_signature(&self, jwk: &Value) -> Result<(), EntraError> {
        let (signed, signature) = self.text.rsplit_once('.').ok_or_else(malformed)?;
        let member = |name: &str| jwk[name].as_str().unwrap_or_default();
        let key = DecodingKey::from_rsa_components(member("n"), member("e"));
        let verified = self.algorithm().zip(key.ok()).is_some_and(|(algorithm, key)| {
            jsonwebtoken::crypto::verify(signature, signed.as_bytes(), &key, algorithm).is_ok_and(|valid| valid)
        });
        if verified {
            return Ok(());
        }
        let sentence = "Client assertion contains an invalid signature. [Reason - The provided signature value did not \
                        match the expected signature value.]";
        Err(EntraError::client(700_027, sentence))
    }

    /// MicrosoftDocs/azure-docs#86916 has the text. A token without `iat` counts as issued in 1970.
    pub(crate) fn judge_lifetime(&self) -> Result<(), EntraError> {
        let (issued, expires) = (self.seconds("iat").unwrap_or(0), self.expiry()?);
        if expires - issued <= LIFETIME_MAX {
            return Ok(());
        }
        let sentence = format!(
            "External OIDC Provider token must have a lifetime of less than or equal to 1.01:00:00. Token issued at \
             {}. Token expires on {}.",
            shown(issued),
            shown(expires)
        );
        Err(EntraError::request(70_023, sentence))
    }

    /// "Microsoft Entra authentication and authorization error codes" has the code, user reports have the text.
    pub(crate) fn judge_time(&self) -> Result<(), EntraError> {
        let (now, expires) = (Timestamp::now().as_second(), self.expiry()?);
        let from = self.seconds("nbf").max(self.seconds("iat")).unwrap_or(0);
        if expires > now - SKEW && from <= now + SKEW {
            return Ok(());
        }
        let sentence = format!(
            "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry \
             time of assertion {}.",
            shown(now),
            shown(from),
            shown(expires)
        );
        Err(EntraError::client(700_024, sentence))
    }
}

fn malformed() -> EntraError {
    EntraError::request(50_027, "JWT token is invalid or malformed.")
}

fn missing(claim: &str) -> EntraError {
    let sentence = format!(
        "The required field '{claim}' is missing from the credential. Ensure that you have all the necessary \
         parameters for the login request."
    );
    EntraError::client(90_014, sentence)
}

fn shown(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or_default().to_string()
}
