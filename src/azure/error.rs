use azure_core::{error::ErrorKind, http::RawResponse};
use azure_storage_blob::StorageError;

use super::{
    AuthMethod, AzureProblem, challenge, known_code::KnownCode, retry::header, sign_in_failure::SignInFailure,
};
use crate::{entra::Cloud, hint::Hint, no_answer::OF_PROXY};

/// Reason why an operation on Azure failed, in one sentence. [`hint`](AzureError::hint) gives the next step.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Hint, site::{SiteError, Azure, AzureOptions}};
/// let error = Azure::open(AzureOptions::new(Some("My_Account".to_owned()))).await.unwrap_err();
/// let SiteError::Azure(error) = error else { panic!("{error}") };
/// assert_eq!(error.operation, "cannot use the storage account");
/// assert!(error.to_string().contains("\"My_Account\" is not a storage account name; expected 3 to 24"));
/// assert!(error.hint().unwrap().contains("--account"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {problem}{}", self.response())]
pub struct AzureError {
    /// The failed operation, for example `cannot read openid/v1/jwks in $web of acct`.
    pub operation: String,
    /// The reason.
    pub problem: AzureProblem,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The error code of the service, for example `AuthorizationPermissionMismatch`.
    pub code: Option<String>,
    /// The request ID for Microsoft support (`x-ms-request-id`).
    pub request_id: Option<String>,
}

impl AzureError {
    /// The status and error code of the service, unless the sentence contains them. For an unknown error also the
    /// request ID.
    fn response(&self) -> String {
        let problem = self.problem.to_string();
        let code = self.code.as_deref().filter(|code| !problem.contains(code));
        let response = match (self.status, code) {
            (Some(status), Some(code)) => format!(" ({status} {code})"),
            (None, Some(code)) => format!(" ({code})"),
            (_, None) => String::new(),
        };
        match &self.request_id {
            Some(id) if matches!(self.problem, AzureProblem::Unexpected(_)) => format!("{response}; request ID {id}"),
            _ => response,
        }
    }

    /// The failed operation if no request was sent to the account.
    pub(crate) const OPENING: &str = "cannot use the storage account";
}

impl Hint for AzureError {
    fn hint(&self) -> Option<String> {
        self.problem.hint()
    }
}

/// An operation on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Read(&'a str),
    Write(&'a str),
    Remove(&'a str),
    CreateContainer,
    ReadWebsite,
    EnableWebsite,
}

/// The container, account and credential of a request, for messages.
pub(crate) struct Target<'a> {
    pub(crate) container: &'a str,
    pub(crate) account: &'a str,
    pub(crate) host: &'a str,
    pub(crate) cloud: Cloud,
    pub(crate) method: AuthMethod,
    /// The tenant of the credential, if known.
    pub(crate) tenant: Option<&'a str>,
}

impl Target<'_> {
    /// Converts an error of the SDK.
    pub(crate) fn explain(&self, operation: Operation<'_>, error: azure_core::Error) -> AzureError {
        let Target { container, account, .. } = self;
        let operation_text = match operation {
            Operation::Read(path) => format!("cannot read {path} in {container} of {account}"),
            Operation::Write(path) => format!("cannot write {path} in {container} of {account}"),
            Operation::Remove(path) => format!("cannot remove {path} in {container} of {account}"),
            Operation::CreateContainer => format!("cannot create the container {container} of {account}"),
            Operation::ReadWebsite => format!("cannot read the static website setting of {account}"),
            Operation::EnableWebsite => format!("cannot enable the static website of {account}"),
        };
        if *error.kind() == ErrorKind::Credential {
            return SignInFailure::of(&error).into_error(self.method, self.method.title().to_owned(), &operation_text);
        }
        let (status, request_id, tenant) = match error.kind() {
            ErrorKind::HttpResponse { status, raw_response, .. } => {
                let headers = raw_response.as_deref().map(RawResponse::headers);
                let id = headers.and_then(|headers| header(headers, "x-ms-request-id"));
                (Some(u16::from(*status)), id, headers.and_then(challenge::tenant))
            }
            _ => (None, None, None),
        };
        let (code, problem) = match status {
            None => (None, self.explain_no_response(&error)),
            Some(status) => {
                let (code, message) = code_and_message(error);
                let problem = match tenant.filter(|tenant| status == 401 && self.is_of_another_tenant(tenant)) {
                    Some(tenant) => AzureProblem::OtherTenant {
                        credential: self.method.title(),
                        account: self.account.to_owned(),
                        hint: challenge::hint(self.method, &tenant),
                        tenant,
                    },
                    None => self.explain_response(operation, status, code.as_deref(), message, request_id.is_some()),
                };
                (code, problem)
            }
        };
        AzureError { operation: operation_text, problem, status, code, request_id }
    }

    fn explain_no_response(&self, error: &azure_core::Error) -> AzureProblem {
        let text = error.to_string();
        if matches!(error.kind(), ErrorKind::Other | ErrorKind::DataConversion) {
            return AzureProblem::UnusableAnswer(text);
        }
        if text.contains(OF_PROXY) {
            return AzureProblem::NoAnswer(text);
        }
        // The messages of getaddrinfo in glibc, macOS and musl.
        if ["Name or service not known", "nodename nor servname", "Name does not resolve"]
            .iter()
            .any(|part| text.contains(part))
        {
            return AzureProblem::NoHost { host: self.host.to_owned(), cloud: self.cloud };
        }
        AzureProblem::NoAnswer(text)
    }

    fn explain_response(
        &self,
        operation: Operation<'_>,
        status: u16,
        code: Option<&str>,
        message: Option<String>,
        has_id: bool,
    ) -> AzureProblem {
        let code = code.unwrap_or_default();
        // A busy service may return any code. The status is enough.
        if matches!(status, 408 | 429 | 500..=599) {
            return AzureProblem::Busy(format!("{status} {code}").trim_end().to_owned());
        }
        let code = match (status, code) {
            (431, "") if matches!(operation, Operation::Write(_)) => "RequestHeaderTooLarge",
            (401, "") if has_id => "InvalidAuthenticationInfo",
            (_, code) => code,
        };
        if let Some(known) = KnownCode::of_blob(code, self.method) {
            let fill = |text: &str| self.fill(text, operation);
            return AzureProblem::Refused { sentence: fill(known.sentence), hint: fill(known.hint) };
        }
        if code.is_empty() && !has_id {
            let sentence = format!("the response with status {status} is not from Azure Storage");
            return AzureProblem::Refused {
                sentence,
                hint: "check --endpoint, and whether a proxy sent the response".to_owned(),
            };
        }
        let message = message.map(|message| format!(": {message}")).unwrap_or_default();
        AzureProblem::Unexpected(format!("{status} {code}").trim_end().to_owned() + &message)
    }

    /// Whether the service accepts tokens of another tenant than that of the credential, or the tenant of the
    /// credential is unknown.
    fn is_of_another_tenant(&self, accepted: &str) -> bool {
        !self.method.is_storage_only() && challenge::is_other(self.tenant, accepted)
    }

    /// Fills the placeholders of a [`KnownCode`] text.
    fn fill(&self, text: &str, operation: Operation<'_>) -> String {
        let text = text.replace("{account}", self.account).replace("{container}", self.container);
        let text = text.replace("{credential}", self.method.title()).replace("{role}", operation.role());
        text.replace("{blob}", operation.blob())
    }
}

impl<'a> Operation<'a> {
    /// The built-in role that allows the operation.
    const fn role(self) -> &'static str {
        match self {
            Self::Read(_) | Self::Write(_) | Self::Remove(_) | Self::CreateContainer => "Storage Blob Data Contributor",
            Self::ReadWebsite | Self::EnableWebsite => "Storage Account Contributor",
        }
    }

    /// The blob of the operation, or a placeholder.
    const fn blob(self) -> &'a str {
        match self {
            Self::Read(path) | Self::Write(path) | Self::Remove(path) => path,
            Self::CreateContainer | Self::ReadWebsite | Self::EnableWebsite => "BLOB",
        }
    }
}

/// The error code of the service, and the first line of its message.
fn code_and_message(error: azure_core::Error) -> (Option<String>, Option<String>) {
    let own = match error.kind() {
        ErrorKind::HttpResponse { error_code, .. } => error_code.clone(),
        _ => None,
    };
    let own = own.filter(|code| code.bytes().any(|byte| !byte.is_ascii_digit()));
    let Ok(response) = StorageError::try_from(error) else { return (own, None) };
    let code = response.error_code.map(|code| code.to_string()).or(own);
    // Without an error code, the SDK uses the status as the code.
    let code = code.filter(|code| code.bytes().any(|byte| !byte.is_ascii_digit()));
    let message = response.message.and_then(|message| message.lines().next().map(ToOwned::to_owned));
    (code, message.filter(|message| !message.is_empty()))
}
