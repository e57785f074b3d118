use azure_core::{error::ErrorKind, http::RawResponse};
use serde::Deserialize;

use super::{AuthMethod, AzureError, AzureProblem, arc, known_code::KnownCode, retry::cause};
use crate::{
    entra::{Aadsts, Description},
    redact::redacted,
};

/// The maximum length of a response that is shown although it is not JSON, in characters.
const SHOWN_MAX: usize = 300;

/// The starts of generic messages about an error of an identity endpoint. The message of the endpoint replaces a
/// generic one.
const GENERIC: [&str; 3] = ["The requested identity has not been assigned", "The request failed", arc::ERROR_RESPONSE];

/// A sign-in that failed.
pub(crate) struct SignInFailure {
    /// The message of Entra, the Azure CLI or the identity endpoint, without type names of the SDK and without IDs.
    pub(super) because: String,
    pub(super) status: Option<u16>,
    /// The error code: an [`Aadsts`] code of Entra, or for example `invalid_request` of an identity endpoint.
    pub(super) code: Option<String>,
    /// The trace ID for Microsoft support.
    pub(super) trace_id: Option<String>,
    /// Whether there was no response.
    is_unanswered: bool,
}

/// The members of error responses: `error` and `error_description` of Entra and the metadata service (RFC 6749
/// section 5.2), `message` of App Service and Container Apps.
#[derive(Deserialize)]
struct ErrorResponse {
    error: Option<String>,
    #[serde(alias = "message")]
    error_description: Option<String>,
}

impl SignInFailure {
    pub(super) fn new(because: String) -> Self {
        Self { because, status: None, code: None, trace_id: None, is_unanswered: false }
    }

    pub(super) fn of(error: &azure_core::Error) -> Self {
        let whole = error.to_string();
        let text = whole.split_once("authentication failed.").map_or(whole.as_str(), |(_, rest)| rest);
        let text = text.split("To troubleshoot, visit").next().unwrap_or_default();
        let (status, answer) = match cause(error).kind() {
            ErrorKind::HttpResponse { status, raw_response, .. } => {
                (Some(u16::from(*status)), raw_response.as_deref().and_then(ErrorResponse::read))
            }
            _ => (None, None),
        };
        let is_generic = GENERIC.iter().any(|generic| text.trim_start().starts_with(generic));
        let description = answer.as_ref().and_then(|answer| answer.error_description.as_deref());
        let Description { text, trace_id, .. } = Description::parse(description.filter(|_| is_generic).unwrap_or(text));
        let aadsts = Aadsts::find_in(&text).map(|code| code.to_string());
        Self {
            because: redacted(&text).into_owned(),
            status,
            code: aadsts.or_else(|| answer.and_then(|answer| answer.error)),
            trace_id,
            is_unanswered: matches!(cause(error).kind(), ErrorKind::Connection | ErrorKind::Io),
        }
    }

    /// The error of an operation that needed to sign in as `credential`.
    pub(super) fn into_error(self, method: AuthMethod, credential: String, operation: &str) -> AzureError {
        let Self { because, status, code, trace_id, is_unanswered } = self;
        let problem = if is_unanswered {
            let hint = match method {
                AuthMethod::ManagedIdentity => "check that the identity endpoint of this machine or app runs",
                _ => "check the network, the proxy and AZURE_AUTHORITY_HOST",
            };
            AzureProblem::SignInUnanswered { credential, because, hint }
        } else {
            let hint = KnownCode::sign_in_hint(method, code.as_deref(), &because);
            // Microsoft support needs the trace ID of an unknown error.
            let is_known = KnownCode::of_sign_in(method, code.as_deref(), &because).is_some();
            let id = trace_id.as_ref().filter(|_| !is_known);
            let because = id.map_or(because.clone(), |id| format!("{because}; trace ID {id}"));
            AzureProblem::SignIn { credential, because, hint }
        };
        AzureError { status, code, request_id: trace_id, ..problem.during(operation) }
    }
}

impl ErrorResponse {
    /// Reads an error response. A response that is not JSON is the description.
    fn read(answer: &RawResponse) -> Option<Self> {
        let body = answer.body();
        if let Ok(answer) = serde_json::from_slice(body) {
            return Some(answer);
        }
        let text = std::str::from_utf8(body).ok()?.trim();
        let is_shown = !text.is_empty() && text.chars().count() <= SHOWN_MAX && !text.starts_with(['<', '{', '[']);
        is_shown.then(|| Self { error: None, error_description: Some(text.to_owned()) })
    }
}
