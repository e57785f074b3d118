//! The errors of Azure Resource Manager and Microsoft Graph, explained.

use std::time::Duration;

use azure_core::{error::ErrorKind, http::RawResponse};

use super::{
    AzureError, AzureProblem, ErrorDetail, Rest, Subject, challenge,
    known_code::KnownCode,
    retry::{cause, header, requested_pause},
    sign_in_failure::SignInFailure,
};
use crate::{no_answer, redact::redacted};

/// The status of a conflict: another write of the same identity is in flight.
const CONFLICT: u16 = 409;
/// Parts of messages after which the state must be read again: another writer won the race.
const LOST_RACE: [&str; 2] =
    ["Issuer and subject combination already exists", "InvalidFederatedIdentityCredentialValue"];

impl Rest {
    /// The error of a failed operation on a resource.
    pub(crate) fn explain(&self, operation: &str, subject: &Subject, error: &azure_core::Error) -> AzureError {
        if *error.kind() == ErrorKind::Credential {
            return SignInFailure::of(error).into_error(self.method, self.method.title().to_owned(), operation);
        }
        let ErrorKind::HttpResponse { status, error_code, raw_response } = error.kind() else {
            return self.no_response(error).during(operation);
        };
        let status = u16::from(*status);
        let response = raw_response.as_deref();
        let headers = response.map(RawResponse::headers);
        let message = response.and_then(ErrorDetail::read).map(|detail| detail.message).unwrap_or_default();
        let message = redacted(message.trim()).into_owned();
        let code = error_code.clone().unwrap_or_default();
        let challenge = headers.and_then(|headers| header(headers, "www-authenticate")).unwrap_or_default();
        let tenant = headers.and_then(challenge::tenant).filter(|_| status == 401);
        let tenant = tenant.filter(|tenant| challenge::is_other(self.tenant.as_deref(), tenant));
        let refused = |sentence: String, hint: String| AzureProblem::Refused { sentence, hint };
        let problem = if status == 401 && challenge.contains("insufficient_claims") {
            refused(
                "Conditional Access requires a stronger sign-in for this request".to_owned(),
                "sign in again with the factor or from the location that the policy requires: az logout, then az login; an application needs an exception of the policy for workload identities".to_owned(),
            )
        } else if let Some(tenant) = tenant {
            refused(
                format!("{} accepts tokens of tenant {tenant}, not those of the credential", self.service),
                challenge::hint(self.method, &tenant),
            )
        } else if matches!(status, 408 | 429 | 500..=599) {
            AzureProblem::Busy(format!("{status} {code}").trim_end().to_owned())
        } else if let Some(known) = KnownCode::of_control_plane(&code, &message) {
            let fill = |text: &str| subject.fill(text).replace("{message}", &message);
            refused(fill(known.sentence), fill(known.hint))
        } else {
            let message = if message.is_empty() { message } else { format!(": {message}") };
            AzureProblem::Unexpected(format!("{status} {code}").trim_end().to_owned() + &message)
        };
        let request_id =
            headers.and_then(|headers| header(headers, "x-ms-request-id").or(header(headers, "request-id")));
        AzureError { status: Some(status), code: error_code.clone(), request_id, ..problem.during(operation) }
    }

    fn no_response(&self, error: &azure_core::Error) -> AzureProblem {
        let text = error.to_string();
        if matches!(error.kind(), ErrorKind::Other | ErrorKind::DataConversion) {
            return AzureProblem::UnusableAnswer(text);
        }
        let hint = no_answer::hint(&text).unwrap_or("check the network, the proxy and --cloud").to_owned();
        AzureProblem::Refused { sentence: format!("no response of {}: {text}", self.service), hint }
    }
}

/// The pause before a request may succeed that failed with this error, as the service requests it, or zero; `None` if the
/// failure is final.
pub(crate) fn retry_after(error: &azure_core::Error) -> Option<Duration> {
    let error = cause(error);
    if let ErrorKind::HttpResponse { status, raw_response, .. } = error.kind() {
        let detail = raw_response.as_deref().and_then(ErrorDetail::read);
        let is_lost = detail.is_some_and(|detail| {
            LOST_RACE.iter().any(|part| detail.message.contains(part) || detail.code.contains(part))
        });
        if is_lost || u16::from(*status) == CONFLICT {
            return Some(Duration::ZERO);
        }
    }
    requested_pause(error)
}
