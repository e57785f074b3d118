use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{Aadsts, RetryAdvice, description::Description};
use crate::redact::redacted_start;

/// The longest lifetime that is accepted: a year. No access token of Entra lives that long.
const LIFETIME_MAX: Duration = Duration::from_hours(365 * 24);
/// The longest access token that is accepted, in bytes.
const TOKEN_MAX: usize = 64 << 10;
/// The longest description that is kept, in characters.
const DESCRIPTION_MAX: usize = 2000;
/// The longest other member that is kept, in characters.
const MEMBER_MAX: usize = 200;
/// The maximum number of codes that are kept.
const CODES_MAX: usize = 16;

/// The answer of Entra's token endpoint.
///
/// Microsoft Learn, "OAuth 2.0 client credentials flow on the Microsoft identity platform", and RFC 6749 section 5.
///
/// ```
/// use issuer::{Aadsts, TokenAnswer};
/// let body = br#"{"token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ0eXAiOiJKV1Qi"}"#;
/// let TokenAnswer::Issued(token) = TokenAnswer::parse(200, body) else { panic!() };
/// assert_eq!(token.expires_in.as_secs(), 3599);
/// assert!(!format!("{token:?}").contains("eyJ"));
///
/// let text = format!("{}: No matching federated identity record found.", Aadsts::ISSUER);
/// let body = format!(r#"{{"error": "invalid_client", "error_description": "{text}", "trace_id": "1-a"}}"#);
/// let TokenAnswer::Refused(refusal) = TokenAnswer::parse(401, body.as_bytes()) else { panic!() };
/// assert_eq!((refusal.aadsts(), refusal.trace_id.as_deref()), (Some(Aadsts::ISSUER), Some("1-a")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenAnswer {
    /// Entra issued an access token.
    Issued(IssuedToken),
    /// The endpoint refused the request.
    Refused(TokenRefusal),
    /// The status is 200, but the body is not a token response. The text is the cause.
    Malformed(&'static str),
}

/// The access token in a response.
///
/// ```
/// use issuer::TokenAnswer;
/// let body = br#"{"token_type": "Bearer", "expires_in": "3599", "refresh_in": 1800, "access_token": "eyJ0eXAi"}"#;
/// let TokenAnswer::Issued(token) = TokenAnswer::parse(200, body) else { panic!() };
/// assert_eq!((token.expires_in.as_secs(), token.refresh_in.unwrap().as_secs()), (3599, 1800));
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct IssuedToken {
    /// The access token, a secret: visible ASCII characters, so that it is valid in a header.
    pub access_token: String,
    /// The lifetime, from the time of the response.
    pub expires_in: Duration,
    /// The time after which to request the next token, from the time of the response.
    pub refresh_in: Option<Duration>,
    /// The lifetime during an outage of Entra.
    pub ext_expires_in: Option<Duration>,
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedToken")
            .field("expires_in", &self.expires_in)
            .field("refresh_in", &self.refresh_in)
            .field("ext_expires_in", &self.ext_expires_in)
            .finish_non_exhaustive()
    }
}

/// A response that refuses a token request. Its texts are redacted and have a limited length.
///
/// ```
/// use issuer::{RetryAdvice, TokenAnswer};
/// let TokenAnswer::Refused(refusal) = TokenAnswer::parse(503, b"<html>busy</html>") else { panic!() };
/// assert_eq!((refusal.status, refusal.aadsts()), (503, None));
/// assert_eq!(refusal.retry_advice(), RetryAdvice::Soon);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenRefusal {
    /// The status.
    pub status: u16,
    /// The member `error`; `None` if the body is not an error response of OAuth.
    pub error: Option<String>,
    /// The message of Entra on one line, without IDs and time.
    pub description: Option<String>,
    /// The codes in `error_codes`, or the code in the message.
    pub codes: Vec<Aadsts>,
    /// The member `suberror`.
    pub suberror: Option<String>,
    /// The member `claims`: the claims challenge of a Conditional Access policy, as JSON.
    pub claims: Option<String>,
    /// The trace ID for Microsoft support.
    pub trace_id: Option<String>,
    /// The correlation ID for the sign-in logs.
    pub correlation_id: Option<String>,
    /// The time of the response, as Entra wrote it.
    pub timestamp: Option<String>,
}

impl TokenRefusal {
    /// The code that names the cause: the first one of the catalogue, else the first one.
    pub fn aadsts(&self) -> Option<Aadsts> {
        self.codes.iter().find(|code| code.entry().is_some()).or(self.codes.first()).copied()
    }

    /// Whether to send the request again.
    pub fn retry_advice(&self) -> RetryAdvice {
        RetryAdvice::of(self.status, self.error.as_deref(), &self.codes)
    }

    /// Whether the response is an error response of OAuth, not the page of a gateway or proxy.
    pub fn is_of_entra(&self) -> bool {
        self.error.is_some()
    }
}

impl TokenAnswer {
    /// Parses the status and the body of a response.
    pub fn parse(status: u16, body: &[u8]) -> Self {
        if status != 200 {
            return Self::Refused(TokenRefusal::parse(status, body));
        }
        match serde_json::from_slice::<Success>(body) {
            Ok(success) => match success.judge() {
                Ok(token) => Self::Issued(token),
                Err(because) => Self::Malformed(because),
            },
            Err(error) if error.is_data() => match serde_json::from_slice::<Failure>(body) {
                Ok(Failure { error: Some(_), .. }) => Self::Refused(TokenRefusal::parse(status, body)),
                _ => Self::Malformed("a required member is missing or has another type"),
            },
            Err(_) => Self::Malformed("it is not JSON"),
        }
    }
}

#[derive(Deserialize)]
struct Success {
    access_token: String,
    token_type: String,
    #[serde(deserialize_with = "seconds")]
    expires_in: Duration,
    #[serde(default, deserialize_with = "optional_seconds")]
    refresh_in: Option<Duration>,
    #[serde(default, deserialize_with = "optional_seconds")]
    ext_expires_in: Option<Duration>,
}

impl Success {
    fn judge(self) -> Result<IssuedToken, &'static str> {
        let Self { access_token, token_type, expires_in, refresh_in, ext_expires_in } = self;
        // RFC 6749 section 5.1: the type is case-insensitive.
        if !token_type.eq_ignore_ascii_case("Bearer") {
            return Err("its token_type is not Bearer");
        }
        if access_token.is_empty() {
            return Err("its access_token is empty");
        }
        if access_token.len() > TOKEN_MAX {
            return Err("its access_token is longer than 64 KiB");
        }
        if !access_token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("its access_token has characters that a header must not contain");
        }
        if expires_in.is_zero() {
            return Err("its expires_in is 0");
        }
        if expires_in > LIFETIME_MAX {
            return Err("its expires_in is longer than a year");
        }
        Ok(IssuedToken { access_token, expires_in, refresh_in, ext_expires_in })
    }
}

/// The members of an error response. Members of another type count as missing, so that the rest is still read.
#[derive(Default, Deserialize)]
struct Failure {
    #[serde(default, deserialize_with = "text")]
    error: Option<String>,
    #[serde(default, deserialize_with = "text")]
    error_description: Option<String>,
    #[serde(default, deserialize_with = "codes")]
    error_codes: Vec<Aadsts>,
    #[serde(default, deserialize_with = "text")]
    suberror: Option<String>,
    #[serde(default, deserialize_with = "text")]
    claims: Option<String>,
    #[serde(default, deserialize_with = "text")]
    trace_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    correlation_id: Option<String>,
    #[serde(default, deserialize_with = "text")]
    timestamp: Option<String>,
}

impl TokenRefusal {
    fn parse(status: u16, body: &[u8]) -> Self {
        let Some(failure) = serde_json::from_slice::<Failure>(body).ok().filter(|failure| failure.error.is_some())
        else {
            let text = String::from_utf8_lossy(body);
            return Self { status, codes: Aadsts::find_in(&text).into_iter().collect(), ..Self::default() };
        };
        let short = |text: String| Some(redacted_start(&text, MEMBER_MAX)).filter(|text| !text.is_empty());
        let found = Description::parse(&failure.error_description.unwrap_or_default());
        let mut codes = failure.error_codes;
        if codes.is_empty() {
            codes.extend(Aadsts::find_in(&found.text));
        }
        let id = |member: Option<String>, of_text: Option<String>| member.or(of_text).and_then(short);
        Self {
            status,
            error: failure.error.and_then(short),
            description: Some(redacted_start(&found.text, DESCRIPTION_MAX)).filter(|text| !text.is_empty()),
            codes,
            suberror: failure.suberror.and_then(short),
            claims: failure.claims.map(|claims| redacted_start(&claims, DESCRIPTION_MAX)),
            trace_id: id(failure.trace_id, found.trace_id),
            correlation_id: id(failure.correlation_id, found.correlation_id),
            timestamp: id(failure.timestamp, found.timestamp),
        }
    }
}

fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(deserializer)? {
        serde_json::Value::String(text) => Some(text),
        _ => None,
    })
}

fn codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Aadsts>, D::Error> {
    let serde_json::Value::Array(values) = serde_json::Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    let code = |value: &serde_json::Value| match value {
        serde_json::Value::Number(number) => u32::try_from(number.as_u64()?).ok().map(Aadsts::new),
        serde_json::Value::String(text) => text.parse().ok(),
        _ => None,
    };
    Ok(values.iter().filter_map(code).take(CODES_MAX).collect())
}

/// Seconds as a number or as a string of digits: Entra sends numbers, other identity endpoints strings.
fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let seconds = match &value {
        serde_json::Value::Number(number) => number.as_u64(),
        serde_json::Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    seconds.map(Duration::from_secs).ok_or_else(|| D::Error::custom("not a number of seconds"))
}

/// The same for a member that may be absent, null or of another form, and is ignored then.
fn optional_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(seconds(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entra::Waiting;

    fn answer(body: &str) -> TokenAnswer {
        TokenAnswer::parse(200, body.as_bytes())
    }

    #[test]
    fn lifetimes_are_numbers_or_strings() {
        let hour = Duration::from_hours(1);
        for (members, expires_in, refresh_in, ext_expires_in) in [
            (r#""expires_in":3600"#, hour, None, None),
            (r#""expires_in":"3600""#, hour, None, None),
            (r#""expires_in":3600,"refresh_in":1800,"ext_expires_in":"7200""#, hour, Some(1800), Some(7200)),
            (r#""expires_in":3600,"refresh_in":"1800","ext_expires_in":null"#, hour, Some(1800), None),
            (r#""expires_in":3600,"refresh_in":-1,"ext_expires_in":[]"#, hour, None, None),
            (r#""expires_in":1,"scope":"x","unknown":{}"#, Duration::from_secs(1), None, None),
        ] {
            for token_type in ["Bearer", "bearer"] {
                let body = format!(r#"{{"token_type":"{token_type}","access_token":"a.b-c_d",{members}}}"#);
                let expected = IssuedToken {
                    access_token: "a.b-c_d".to_owned(),
                    expires_in,
                    refresh_in: refresh_in.map(Duration::from_secs),
                    ext_expires_in: ext_expires_in.map(Duration::from_secs),
                };
                assert_eq!(answer(&body), TokenAnswer::Issued(expected), "{body}");
            }
        }
    }

    #[test]
    fn success_without_a_usable_token_is_malformed() {
        let long =
            format!(r#"{{"token_type":"Bearer","expires_in":1,"access_token":"{}"}}"#, "x".repeat(TOKEN_MAX + 1));
        for (body, because) in [
            ("", "it is not JSON"),
            ("<html>", "it is not JSON"),
            ("[]", "a required member is missing"),
            ("null", "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":3600}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","access_token":"t"}"#, "a required member is missing"),
            (r#"{"expires_in":1,"access_token":"t"}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":3600,"access_token":7}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":-1,"access_token":"t"}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":1.5,"access_token":"t"}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":"soon","access_token":"t"}"#, "a required member is missing"),
            (r#"{"token_type":"Bearer","expires_in":0,"access_token":"t"}"#, "expires_in is 0"),
            (r#"{"token_type":"Bearer","expires_in":18446744073709551615,"access_token":"t"}"#, "longer than a year"),
            (r#"{"token_type":"pop","expires_in":1,"access_token":"t"}"#, "token_type is not Bearer"),
            (r#"{"token_type":"Bearer","expires_in":1,"access_token":""}"#, "access_token is empty"),
            (r#"{"token_type":"Bearer","expires_in":1,"access_token":"a b"}"#, "must not contain"),
            (r#"{"token_type":"Bearer","expires_in":1,"access_token":"a\r\nX: y"}"#, "must not contain"),
            (r#"{"token_type":"Bearer","expires_in":1,"access_token":"ä"}"#, "must not contain"),
            (&long, "longer than 64 KiB"),
        ] {
            let TokenAnswer::Malformed(found) = answer(body) else { panic!("{body}") };
            assert!(found.contains(because), "{body}: {found}");
        }
    }

    fn refusal(status: u16, body: &str) -> TokenRefusal {
        match TokenAnswer::parse(status, body.as_bytes()) {
            TokenAnswer::Refused(refusal) => refusal,
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn all_documented_members_of_a_refusal_are_read() {
        let code = Aadsts::CONDITIONAL_ACCESS;
        let body = format!(
            r#"{{"error":"invalid_grant","error_description":"{code}: Blocked.\r\nTrace ID: 1\r\nCorrelation ID: 2\r\nTimestamp: 2026-11-22 00:10:22Z","error_codes":[{}],"timestamp":"2026-11-22 00:10:23Z","trace_id":"3","correlation_id":"4","error_uri":"https://login.microsoftonline.com/error","suberror":"message_only","claims":"{{\"access_token\":{{}}}}"}}"#,
            code.code()
        );
        let text = |text: &str| Some(text.to_owned());
        let expected = TokenRefusal {
            status: 400,
            error: text("invalid_grant"),
            description: Some(format!("{code}: Blocked.")),
            codes: vec![code],
            suberror: text("message_only"),
            claims: text(r#"{"access_token":{}}"#),
            trace_id: text("3"),
            correlation_id: text("4"),
            timestamp: text("2026-11-22 00:10:23Z"),
        };
        assert_eq!(refusal(400, &body), expected);
        assert_eq!(refusal(200, &body), TokenRefusal { status: 200, ..expected.clone() });

        let body = format!(
            r#"{{"error":"invalid_grant","error_description":"{code}: Blocked. Trace ID: 3 Correlation ID: 4 Timestamp: 2026-11-22 00:10:23Z","error_codes":"x","suberror":7}}"#
        );
        let without_members = TokenRefusal { suberror: None, claims: None, ..expected };
        assert_eq!(refusal(400, &body), without_members, "IDs and code are in the description");
    }

    #[test]
    fn code_that_the_catalogue_has_comes_first() {
        let known = Aadsts::ISSUER;
        for (codes, first) in [
            (format!("[1,{}]", known.code()), Some(known)),
            (format!(r#"["x",null,"{known}"]"#), Some(known)),
            ("[1,2]".to_owned(), Some(Aadsts::new(1))),
            ("[]".to_owned(), None),
            ("[4294967296,-1]".to_owned(), None),
        ] {
            assert_eq!(refusal(401, &format!(r#"{{"error":"e","error_codes":{codes}}}"#)).aadsts(), first, "{codes}");
        }
        assert_eq!(known.entry().map(|entry| entry.waiting), Some(Waiting::Propagation));
    }

    #[test]
    fn answer_of_a_gateway_has_no_error() {
        for (status, body) in [
            (403, "<html>Forbidden</html>"),
            (500, ""),
            (503, "{}"),
            (429, r#"{"error":7}"#),
            (502, "\u{0}"),
            (400, "[1]"),
        ] {
            let found = refusal(status, body);
            assert!(!found.is_of_entra() && found.retry_advice() == RetryAdvice::Soon, "{status}: {found:?}");
        }
        let page = refusal(400, &format!("<html>{}: no such tenant</html>", Aadsts::TENANT_NOT_FOUND));
        assert_eq!((page.aadsts(), page.retry_advice()), (Some(Aadsts::TENANT_NOT_FOUND), RetryAdvice::Never));
    }

    #[test]
    fn secrets_and_long_texts_are_not_kept() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2lnbmF0dXJl";
        let long = "word ".repeat(10_000);
        let body =
            format!(r#"{{"error":"{long}","error_description":"not valid: {token} {long}","trace_id":"{token}"}}"#);
        let found = refusal(400, &body);
        assert!(!format!("{found:?}").contains("c2lnbmF0dXJl"), "{found:?}");
        assert!(found.error.unwrap().chars().count() <= MEMBER_MAX + 1);
        assert!(found.description.unwrap().chars().count() <= DESCRIPTION_MAX + 1);
    }
}
