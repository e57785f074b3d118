use std::{fmt, path::PathBuf};

use azure_core::error::ErrorKind;
use azure_storage_blob::StorageError;

use super::{
    AuthMethod, Credential,
    retry::{cause, header},
};
use crate::entra::Cloud;

/// Why Azure did not do what was asked: one sentence; [`hint`](AzureError::hint) names the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation}: {problem}")]
pub struct AzureError {
    /// What was asked, as `cannot read openid/v1/jwks in $web of acct`.
    pub operation: String,
    /// What stands in the way.
    pub problem: AzureProblem,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The service's error code, such as `AuthorizationPermissionMismatch`.
    pub code: Option<String>,
    /// The ID Microsoft's support asks for (`x-ms-request-id`).
    pub request_id: Option<String>,
}

/// What stands in the way; reads as the end of `cannot …: …`.
///
/// Microsoft Learn, "Blob Storage error codes" and "Common REST API error codes".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AzureProblem {
    /// Text that is not the name of a storage account.
    #[error("{0:?} is not the name of a storage account")]
    AccountName(String),
    /// No account was named.
    #[error("no storage account was named")]
    NoAccount,
    /// Text that is not a blob endpoint.
    #[error("{url:?} is not a blob endpoint: {because}")]
    Endpoint {
        /// The text.
        url: String,
        /// What is wrong with it.
        because: String,
    },
    /// The blob endpoint of another account.
    #[error("the blob endpoint {url} is not one of account {account}")]
    EndpointOfAnother {
        /// The endpoint.
        url: String,
        /// The account.
        account: String,
    },
    /// An issuer whose documents are in another container.
    #[error("the documents of the issuer {issuer:?} are in another container than {container}")]
    OtherContainer {
        /// The issuer.
        issuer: String,
        /// The container that was asked for.
        container: String,
    },
    /// A connection string that cannot be read.
    #[error("AZURE_STORAGE_CONNECTION_STRING is not a connection string: {0}")]
    ConnectionString(String),
    /// A connection string of another account.
    #[error("AZURE_STORAGE_CONNECTION_STRING is for account {found}, and {asked} was asked for")]
    OtherAccount {
        /// The account that was asked for.
        asked: String,
        /// The account of the connection string.
        found: String,
    },
    /// An account key that is not base64.
    #[error("the account key is not base64")]
    AccountKey,
    /// A method was asked for that is not set up.
    #[error("the credential {} needs {}, and not all of it is there", .0.name(), .0.variables())]
    Variables(AuthMethod),
    /// A file that does not hold a certificate and its private key.
    #[error("{} cannot be used as a certificate with its private key: {because}", path.display())]
    Certificate {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        because: String,
    },
    /// A setting the SDK does not take.
    #[error("{0}")]
    Setting(String),
    /// Nothing is there to prove who is asking.
    #[error("no credential was found{}{}", if .0.is_empty() { "" } else { ": " }, .0.join("; "))]
    NoCredential(Vec<String>),
    /// Entra, or a tool that asks it, gives no token.
    #[error("signing in as {credential} failed: {because}")]
    SignIn {
        /// Who was to be signed in.
        credential: String,
        /// What Entra or the tool says.
        because: String,
    },
    /// No such host.
    #[error("no host has the name {host}; there is no account of that name in the {} cloud, or no network", .cloud.name())]
    NoHost {
        /// The host.
        host: String,
        /// The cloud.
        cloud: Cloud,
    },
    /// No answer.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// A role is missing.
    #[error("the credential lacks the role {role} on account {account}")]
    Role {
        /// The role that gives the right.
        role: &'static str,
        /// The account.
        account: String,
    },
    /// A SAS that does not reach as far.
    #[error("the SAS does not allow it")]
    SasScope,
    /// The network rules of the account.
    #[error("the network rules of account {0} keep this machine out")]
    Firewall(String),
    /// A SAS that does not reach as far, or the network rules of the account: the service does not say which.
    #[error("the SAS does not allow it, or the network rules of account {0} keep this machine out")]
    SasOrFirewall(String),
    /// An account without shared keys.
    #[error("account {0} does not allow account keys, nor SAS tokens made with one")]
    SharedKeyDisallowed(String),
    /// A credential that is not taken.
    #[error("the {0} was not accepted")]
    NotAuthenticated(&'static str),
    /// An account that is disabled.
    #[error("account {0} is disabled")]
    AccountDisabled(String),
    /// No such container.
    #[error("there is no container {0}")]
    NoContainer(String),
    /// No such account.
    #[error("there is no account {0}")]
    NoSuchAccount(String),
    /// An account that takes https only.
    #[error("account {0} takes https only")]
    HttpsRequired(String),
    /// A lease of somebody else.
    #[error("somebody holds a lease on it")]
    Leased,
    /// A policy against changes.
    #[error("an immutability policy or legal hold protects it")]
    Immutable,
    /// A blob that cannot be replaced.
    #[error("it is there as another type of blob")]
    OtherBlobType,
    /// More retired keys than can be remembered.
    #[error("the record of its keys does not fit the 8 KiB of a blob's metadata")]
    RecordTooLong,
    /// A service that is too busy.
    #[error("Azure is busy ({0}) and stayed so")]
    Busy(String),
    /// The web endpoint cannot be asked for.
    #[error("the web endpoint of {account} is not known: {because}")]
    WebEndpoint {
        /// The account.
        account: String,
        /// Why not.
        because: String,
    },
    /// Anything else.
    #[error("Azure answered {0}")]
    Unexpected(String),
}

impl AzureError {
    /// The next step for the person who reads the error.
    pub fn hint(&self) -> Option<String> {
        self.problem.hint()
    }
}

impl AzureProblem {
    /// Whether the call itself is wrong, so that nothing was asked of anybody.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::AccountName(_)
                | Self::NoAccount
                | Self::Endpoint { .. }
                | Self::EndpointOfAnother { .. }
                | Self::OtherContainer { .. }
                | Self::Variables(_)
        )
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AccountName(_) => "3 to 24 lower-case letters and digits, without a domain".to_owned(),
            Self::NoAccount => "pass --account, or set AZURE_STORAGE_ACCOUNT".to_owned(),
            Self::Endpoint { .. } => {
                "pass it as `az storage account show --query primaryEndpoints.blob` prints it".to_owned()
            }
            Self::EndpointOfAnother { .. } => {
                "pass the account's own --endpoint, or unset AZURE_STORAGE_SERVICE_ENDPOINT".to_owned()
            }
            Self::OtherContainer { .. } => {
                "pass the first segment of its path as --container: an issuer at the blob endpoint names the container itself"
                    .to_owned()
            }
            Self::ConnectionString(_) => {
                "copy it anew: az storage account show-connection-string --name ACCOUNT".to_owned()
            }
            Self::OtherAccount { .. } => "unset the variable, or choose another credential with --auth".to_owned(),
            Self::AccountKey => "copy it anew: az storage account keys list --account-name ACCOUNT".to_owned(),
            Self::Variables(_) => "set them, or leave out --auth to take what is there".to_owned(),
            Self::Certificate { .. } => {
                "pass a PEM file with the certificate and its private key, without a password".to_owned()
            }
            Self::NoCredential(_) => {
                "run `az login`, or set the variables of a service principal or workload identity (issuer publish --help)"
                    .to_owned()
            }
            Self::SignIn { .. } => "mend that, or choose another credential with --auth".to_owned(),
            Self::NoHost { .. } | Self::NoSuchAccount(_) => "check --account, --cloud and --endpoint".to_owned(),
            Self::NoContainer(_) => "publish to it first: issuer publish makes it".to_owned(),
            Self::NoAnswer(_) => "check the network, the proxy and --endpoint".to_owned(),
            Self::Role { role, account } => format!(
                "az role assignment create --role \"{role}\" --assignee PRINCIPAL --scope \"$(az storage account show --name {account} --query id --output tsv)\"; it takes effect within minutes"
            ),
            Self::SasScope | Self::SasOrFirewall(_) => {
                "make it for the blob service with resource types service, container and object, permissions rwdc, and this machine's address and protocol; or sign in instead"
                    .to_owned()
            }
            Self::Firewall(_) => {
                "run it from an allowed network, or allow this one; note that Entra must reach the web endpoint too"
                    .to_owned()
            }
            Self::SharedKeyDisallowed(_) => {
                "sign in instead (--auth az, workload-identity, managed-identity, client-secret)".to_owned()
            }
            Self::NotAuthenticated(_) => {
                "check that it is of this account and tenant, has not expired, and that the clock of this machine is right"
                    .to_owned()
            }
            Self::AccountDisabled(_) => "enable it, or its subscription, in the portal".to_owned(),
            Self::HttpsRequired(_) => "pass --endpoint with https://".to_owned(),
            Self::Leased => "break it: az storage blob lease break".to_owned(),
            Self::Immutable => "lift it, or publish to another container with --container".to_owned(),
            Self::OtherBlobType => "delete that blob; documents are block blobs".to_owned(),
            Self::RecordTooLong => "drop retired keys with --prune or --remove".to_owned(),
            Self::Busy(_) => "run it again later; a longer --timeout waits longer".to_owned(),
            Self::WebEndpoint { account, .. } => format!(
                "pass it as --issuer, without its last slash: az storage account show --name {account} --query primaryEndpoints.web --output tsv"
            ),
            Self::Setting(_) | Self::Unexpected(_) => return None,
        };
        Some(hint)
    }

    pub(crate) fn during(self, operation: impl fmt::Display) -> AzureError {
        let operation = operation.to_string();
        AzureError { operation, problem: self, status: None, code: None, request_id: None }
    }
}

/// What is done to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Read(&'a str),
    Write(&'a str),
    Remove(&'a str),
    CreateContainer,
    ReadWebsite,
    EnableWebsite,
}

/// What requests to a site are about, for sentences.
pub(crate) struct Target<'a> {
    pub(crate) container: &'a str,
    pub(crate) account: &'a str,
    pub(crate) host: &'a str,
    pub(crate) cloud: Cloud,
    pub(crate) method: AuthMethod,
}

impl Target<'_> {
    /// Says what an error of the SDK means.
    pub(crate) fn explain(&self, operation: Operation<'_>, error: azure_core::Error) -> AzureError {
        let Target { container, account, .. } = self;
        let operation_text = match operation {
            Operation::Read(path) => format!("cannot read {path} in {container} of {account}"),
            Operation::Write(path) => format!("cannot write {path} in {container} of {account}"),
            Operation::Remove(path) => format!("cannot remove {path} in {container} of {account}"),
            Operation::CreateContainer => format!("cannot create the container {container} of {account}"),
            Operation::ReadWebsite => format!("cannot ask whether the static website of {account} is on"),
            Operation::EnableWebsite => format!("cannot switch on the static website of {account}"),
        };
        let (status, request_id) = match error.kind() {
            ErrorKind::HttpResponse { status, raw_response, .. } => {
                let answer = raw_response.as_deref();
                (Some(u16::from(*status)), answer.and_then(|answer| header(answer.headers(), "x-ms-request-id")))
            }
            _ => (None, None),
        };
        let (code, problem) = match status {
            None => (None, self.explain_silence(&error)),
            Some(status) => {
                let (code, message) = code_and_message(error);
                let problem = self.explain_answer(operation, status, code.as_deref(), message);
                (code, problem)
            }
        };
        AzureError { operation: operation_text, problem, status, code, request_id }
    }

    fn explain_silence(&self, error: &azure_core::Error) -> AzureProblem {
        let text = error.to_string();
        if *error.kind() == ErrorKind::Credential {
            let credential = self.method.title().to_owned();
            return AzureProblem::SignIn { credential, because: SignInFailure::of(error).because };
        }
        // The words of getaddrinfo with glibc, on macOS and with musl.
        if ["Name or service not known", "nodename nor servname", "Name does not resolve"]
            .iter()
            .any(|part| text.contains(part))
        {
            return AzureProblem::NoHost { host: self.host.to_owned(), cloud: self.cloud };
        }
        AzureProblem::NoAnswer(text)
    }

    fn explain_answer(
        &self,
        operation: Operation<'_>,
        status: u16,
        code: Option<&str>,
        message: Option<String>,
    ) -> AzureProblem {
        let account = self.account.to_owned();
        match (status, code.unwrap_or_default()) {
            (403, "AuthorizationPermissionMismatch") if self.method.is_storage_only() => AzureProblem::SasScope,
            (403, "AuthorizationPermissionMismatch" | "InsufficientAccountPermissions") => {
                AzureProblem::Role { role: operation.role(), account }
            }
            (
                403,
                "AuthorizationResourceTypeMismatch"
                | "AuthorizationServiceMismatch"
                | "AuthorizationProtocolMismatch"
                | "AuthorizationSourceIPMismatch"
                | "UnauthorizedBlobOverwrite",
            ) => AzureProblem::SasScope,
            (403, "AuthorizationFailure" | "IpAuthorizationError") if self.method == AuthMethod::Sas => {
                AzureProblem::SasOrFirewall(account)
            }
            (403, "AuthorizationFailure" | "IpAuthorizationError") => AzureProblem::Firewall(account),
            (403, "KeyBasedAuthenticationNotPermitted") => AzureProblem::SharedKeyDisallowed(account),
            (403, "AccountIsDisabled") => AzureProblem::AccountDisabled(account),
            (401, _) | (400 | 403, "AuthenticationFailed" | "InvalidAuthenticationInfo") => {
                AzureProblem::NotAuthenticated(self.method.title())
            }
            (404, "ContainerNotFound") => AzureProblem::NoContainer(self.container.to_owned()),
            (404, "ResourceNotFound" | "AccountNotFound") => AzureProblem::NoSuchAccount(account),
            (400, "AccountRequiresHttps") => AzureProblem::HttpsRequired(account),
            (400, "MetadataTooLarge" | "RequestHeaderTooLarge") | (431, _) => AzureProblem::RecordTooLong,
            (412, "LeaseIdMissing") => AzureProblem::Leased,
            (409, "BlobImmutableDueToPolicy" | "BlobImmutableDueToLegalHold") => AzureProblem::Immutable,
            (409, "InvalidBlobType") => AzureProblem::OtherBlobType,
            (408 | 429 | 500..=599, code) => AzureProblem::Busy(format!("{status} {code}").trim_end().to_owned()),
            (_, code) => {
                let message = message.map(|message| format!(": {message}")).unwrap_or_default();
                AzureProblem::Unexpected(format!("{status} {code}").trim_end().to_owned() + &message)
            }
        }
    }
}

impl Operation<'_> {
    /// The built-in role that gives the right.
    const fn role(self) -> &'static str {
        match self {
            Self::Read(_) | Self::Write(_) | Self::Remove(_) | Self::CreateContainer => "Storage Blob Data Contributor",
            Self::ReadWebsite | Self::EnableWebsite => "Storage Account Contributor",
        }
    }
}

/// The service's error code, and the first line of its message.
fn code_and_message(error: azure_core::Error) -> (Option<String>, Option<String>) {
    let own = match error.kind() {
        ErrorKind::HttpResponse { error_code, .. } => error_code.clone(),
        _ => None,
    };
    let Ok(answer) = StorageError::try_from(error) else { return (own, None) };
    let code = answer.error_code.map(|code| code.to_string()).or(own);
    let message = answer.message.and_then(|message| message.lines().next().map(ToOwned::to_owned));
    (code, message.filter(|message| !message.is_empty()))
}

/// A sign-in that failed.
pub(super) struct SignInFailure {
    /// What Entra or the tool says, without the names of the SDK's types, links, and IDs that follow Entra's sentence.
    pub(super) because: String,
    status: Option<u16>,
    /// Entra's error code, such as `AADSTS7000215`.
    code: Option<String>,
    /// The trace ID Microsoft's support asks for.
    trace_id: Option<String>,
}

impl SignInFailure {
    pub(super) fn new(because: String) -> Self {
        Self { because, status: None, code: None, trace_id: None }
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
        }
    }

    pub(super) fn into_error(self, credential: &Credential) -> AzureError {
        let problem = AzureProblem::SignIn { credential: credential.to_string(), because: self.because };
        let error = problem.during("cannot use the storage account");
        AzureError { status: self.status, code: self.code, request_id: self.trace_id, ..error }
    }
}
