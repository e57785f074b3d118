use azure_core::error::ErrorKind;

use super::{AzureError, AzureProblem, retry::cause};

/// A sign-in that failed.
pub(crate) struct SignInFailure {
    /// What Entra or the tool says, without the names of the SDK's types, links, and IDs that follow Entra's sentence.
    pub(super) because: String,
    pub(super) status: Option<u16>,
    /// Entra's error code, such as `AADSTS7000215`.
    pub(super) code: Option<String>,
    /// The trace ID Microsoft's support asks for.
    pub(super) trace_id: Option<String>,
    /// Whether nobody answered.
    silent: bool,
}

impl SignInFailure {
    pub(super) fn new(because: String) -> Self {
        Self { because, status: None, code: None, trace_id: None, silent: false }
    }

    pub(super) fn of(error: &azure_core::Error) -> Self {
        let whole = error.to_string();
        let text = whole.split_once("authentication failed.").map_or(whole.as_str(), |(_, rest)| rest);
        let text = text.split("To troubleshoot, visit").next().unwrap_or_default();
        let (text, ids) = text.split_once("Trace ID:").unwrap_or((text, ""));
        let status = match cause(error).kind() {
            ErrorKind::HttpResponse { status, .. } => Some(u16::from(*status)),
            _ => None,
        };
        let digits = text.split_once("AADSTS").map(|(_, rest)| rest.split(|c: char| !c.is_ascii_digit()).next());
        Self {
            because: text.split_whitespace().collect::<Vec<_>>().join(" "),
            status,
            code: digits.flatten().map(|digits| format!("AADSTS{digits}")),
            trace_id: ids.split_whitespace().next().map(ToOwned::to_owned),
            silent: matches!(cause(error).kind(), ErrorKind::Connection | ErrorKind::Io),
        }
    }

    /// The error of whatever was about to be done as `credential`.
    pub(super) fn into_error(self, credential: String, operation: &str) -> AzureError {
        let Self { because, status, code, trace_id, silent } = self;
        let problem = if silent {
            AzureProblem::SignInUnanswered { credential, because }
        } else {
            AzureProblem::SignIn { credential, because }
        };
        AzureError { status, code, request_id: trace_id, ..problem.during(operation) }
    }
}
