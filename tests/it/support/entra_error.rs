//! An error of Entra's token endpoint, with its HTTP status and its JSON.
//!
//! "OAuth 2.0 client credentials flow on the Microsoft identity platform" (v2-oauth2-client-creds-grant-flow.md) has the
//! members of the body, "Microsoft Entra authentication and authorization error codes" (reference-error-codes.md) most of
//! the codes. Each text names its source where it is made.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::stand_in::Response;

/// Codes whose reported responses have no `error_uri`: Azure/azure-workload-identity#1350 and other user reports.
const WITHOUT_ERROR_URI: [u32; 3] = [70_025, 700_211, 900_612];

/// A refused request, with the number after "AADSTS".
#[derive(Debug)]
pub(crate) struct EntraError {
    /// The value of `error` (RFC 6749 section 5.2).
    error: &'static str,
    code: u32,
    sentence: String,
}

impl EntraError {
    pub(crate) fn request(code: u32, sentence: impl Into<String>) -> Self {
        Self { error: "invalid_request", code, sentence: sentence.into() }
    }

    pub(crate) fn client(code: u32, sentence: impl Into<String>) -> Self {
        Self { error: "invalid_client", code, sentence: sentence.into() }
    }

    pub(crate) fn of(error: &'static str, code: u32, sentence: impl Into<String>) -> Self {
        Self { error, code, sentence: sentence.into() }
    }

    /// RFC 6749 section 5.2 has 401 for `invalid_client` and 400 for the others; so does Entra. Newer descriptions
    /// separate their parts by spaces, older ones by line breaks.
    pub(crate) fn response(self) -> Response {
        let Self { error, code, sentence } = self;
        let status = if error == "invalid_client" { 401 } else { 400 };
        let (trace, correlation) = ("5d9a6a5c-2a2b-4b0e-8a53-0a1c2f3b4d00", "7b1f2a60-3c4d-4e5f-9a6b-1c2d3e4f5a6b");
        let now = Timestamp::now();
        let time = now.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let mut body = json!({
            "error": error,
            "error_description": format!(
                "AADSTS{code}: {sentence} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
            ),
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
        });
        if !WITHOUT_ERROR_URI.contains(&code) {
            body["error_uri"] = Value::from(format!("https://login.microsoftonline.com/error?code={code}"));
        }
        Response::json(status, body)
    }
}
