use std::fmt;

use super::{AuthMethod, AzureError};
use crate::{entra::Cloud, no_answer};

/// The reason of an [`AzureError`]; the text completes the sentence `cannot …: …`.
///
/// Microsoft Learn, "Blob Storage error codes" and "Common REST API error codes".
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{AzureProblem, Environment, site::{SiteError, Azure, AzureOptions}};
/// let environment: Environment = [("AZURE_STORAGE_KEY".to_owned(), "c2VjcmV0".to_owned())].into_iter().collect();
/// let error = Azure::open(AzureOptions { environment, ..AzureOptions::new(None) }).await.unwrap_err();
/// let SiteError::Azure(error) = error else { panic!("{error}") };
/// assert_eq!(error.problem, AzureProblem::NoAccount);
/// assert_eq!(error.problem.to_string(), "no storage account was given");
/// assert!(error.problem.is_usage());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AzureProblem {
    /// A text is not a storage account name.
    #[error("{} is not a storage account name; expected 3 to 24 lower-case letters and digits", quoted(.0.as_deref()))]
    AccountName(Option<String>),
    /// No account was given.
    #[error("no storage account was given")]
    NoAccount,
    /// A text is not a blob endpoint.
    #[error("{} is not a blob endpoint: {because}", quoted(.url.as_deref()))]
    Endpoint {
        /// The text, if it has a scheme and may therefore be shown.
        url: Option<String>,
        /// The reason.
        because: String,
    },
    /// A blob endpoint belongs to another account.
    #[error("the blob endpoint {url} does not belong to account {account}")]
    EndpointOfAnother {
        /// The endpoint.
        url: String,
        /// The account.
        account: String,
    },
    /// The documents of an issuer are in another container.
    #[error("the documents of the issuer {issuer:?} are not in the container {container}")]
    OtherContainer {
        /// The issuer.
        issuer: String,
        /// The given container.
        container: String,
    },
    /// A connection string cannot be parsed.
    #[error("AZURE_STORAGE_CONNECTION_STRING is not a connection string: {0}")]
    ConnectionString(String),
    /// A connection string is for another account.
    #[error("AZURE_STORAGE_CONNECTION_STRING is for account {found}; expected account {asked}")]
    OtherAccount {
        /// The given account.
        asked: String,
        /// The account of the connection string.
        found: String,
    },
    /// An account key is not base64.
    #[error("the account key is not base64")]
    AccountKey,
    /// The variables of a method are not all set.
    #[error("the credential {} is not completely configured: it requires {}", .0.name(), .0.variables())]
    Variables(AuthMethod),
    /// A file does not hold a certificate and its private key, with the reason.
    #[error("cannot read a certificate and its private key from the file in AZURE_CLIENT_CERTIFICATE_PATH: {0}")]
    Certificate(String),
    /// A variable or option has an invalid value.
    #[error("{0}")]
    Setting(String),
    /// No method has a credential. Lists the methods that were tried.
    #[error("no credential was found{}{}", if .0.is_empty() { "" } else { ": " }, .0.join("; "))]
    NoCredential(Vec<String>),
    /// Entra, an identity endpoint or a tool returned an error instead of a token.
    #[error("sign-in with {credential} failed: {because}")]
    SignIn {
        /// The credential.
        credential: String,
        /// The message of Entra, the identity endpoint or the tool.
        because: String,
        /// The next step.
        hint: &'static str,
    },
    /// A sign-in got no response.
    #[error("sign-in with {credential} failed: no response: {because}")]
    SignInUnanswered {
        /// The credential.
        credential: String,
        /// The cause.
        because: String,
        /// The next step, unless the cause has a more specific one.
        hint: &'static str,
    },
    /// The name of the host cannot be resolved.
    #[error("cannot resolve the host name {host}: the account does not exist in the {} cloud, or this machine has no network", .cloud.name())]
    NoHost {
        /// The host.
        host: String,
        /// The cloud.
        cloud: Cloud,
    },
    /// There was no response.
    #[error("no response: {0}")]
    NoAnswer(String),
    /// A response is not usable.
    #[error("the response is not usable: {0}")]
    UnusableAnswer(String),
    /// The service returned a documented error code.
    #[error("{sentence}")]
    Refused {
        /// The meaning of the code.
        sentence: String,
        /// The next step.
        hint: String,
    },
    /// The service accepts only tokens of another tenant.
    #[error("account {account} rejected the credential ({credential}): it accepts tokens of tenant {tenant}")]
    OtherTenant {
        /// The credential.
        credential: &'static str,
        /// The account.
        account: String,
        /// The tenant in the `WWW-Authenticate` header of the service.
        tenant: String,
        /// The next step.
        hint: String,
    },
    /// The service is busy, and the retries timed out.
    #[error("Azure is busy ({0}), and the time limit for retries is reached")]
    Busy(String),
    /// The web endpoint cannot be read from Azure Resource Manager.
    #[error("the web endpoint of {account} is unknown: {because}")]
    WebEndpoint {
        /// The account.
        account: String,
        /// The reason.
        because: String,
        /// The next step, if the response has a documented code.
        hint: Option<String>,
    },
    /// The service returned an unknown error.
    #[error("Azure returned {0}")]
    Unexpected(String),
}

/// The given text in quotes, if it may be shown.
fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "the given text".to_owned(), |text| format!("{text:?}"))
}

impl AzureProblem {
    /// Whether an option or variable is invalid, so that no request was sent.
    pub fn is_usage(&self) -> bool {
        matches!(
            self,
            Self::AccountName(_)
                | Self::NoAccount
                | Self::Endpoint { .. }
                | Self::EndpointOfAnother { .. }
                | Self::OtherContainer { .. }
                | Self::ConnectionString(_)
                | Self::OtherAccount { .. }
                | Self::AccountKey
                | Self::Certificate(_)
                | Self::Setting(_)
                | Self::Variables(_)
        )
    }

    pub(super) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AccountName(_) => {
                "pass only the name with --account or AZURE_STORAGE_ACCOUNT; set a connection string as AZURE_STORAGE_CONNECTION_STRING, a key as AZURE_STORAGE_KEY".to_owned()
            }
            Self::NoAccount => "pass --account, or set AZURE_STORAGE_ACCOUNT".to_owned(),
            Self::Endpoint { .. } => {
                "pass the endpoint that this command prints: az storage account show --name ACCOUNT --query primaryEndpoints.blob --output tsv".to_owned()
            }
            Self::EndpointOfAnother { .. } => {
                "pass the --endpoint of the account, or unset AZURE_STORAGE_SERVICE_ENDPOINT".to_owned()
            }
            Self::OtherContainer { .. } => {
                "pass --container with the first segment of the issuer's path, which is the container of an issuer at the blob endpoint"
                    .to_owned()
            }
            Self::ConnectionString(_) => {
                "copy the connection string again: az storage account show-connection-string --name ACCOUNT".to_owned()
            }
            Self::OtherAccount { .. } => "unset AZURE_STORAGE_CONNECTION_STRING, or choose another credential with --auth".to_owned(),
            Self::AccountKey => "copy the key again: az storage account keys list --account-name ACCOUNT".to_owned(),
            Self::Variables(_) => {
                "set the missing variables, or choose another credential with --auth"
                    .to_owned()
            }
            Self::Setting(_) => "correct the value, or unset the variable".to_owned(),
            Self::Certificate(_) => {
                "set AZURE_CLIENT_CERTIFICATE_PATH to a PEM file with the certificate and its private key, without a password".to_owned()
            }
            Self::NoCredential(tried) if tried.iter().any(|tried| tried.contains("az not found")) => {
                "set the variables of a service principal or workload identity (issuer publish --help), or install the Azure CLI and run `az login`"
                    .to_owned()
            }
            Self::NoCredential(_) => {
                "run `az login`, or set the variables of a service principal or workload identity (issuer publish --help)"
                    .to_owned()
            }
            Self::SignIn { hint, .. } => (*hint).to_owned(),
            Self::NoHost { .. } => "check --account, --cloud and --endpoint".to_owned(),
            Self::SignInUnanswered { because, hint, .. } => no_answer::hint(because).unwrap_or(hint).to_owned(),
            Self::NoAnswer(because) => {
                no_answer::hint(because).unwrap_or("check the network, the proxy and --endpoint").to_owned()
            }
            Self::Refused { hint, .. } | Self::OtherTenant { hint, .. } => hint.clone(),
            Self::Busy(_) => "run the command again later, or with a longer --timeout".to_owned(),
            Self::WebEndpoint { account, hint, .. } => {
                let alternative = hint.as_ref().map(|hint| format!("; or {hint}")).unwrap_or_default();
                format!(
                    "pass the web endpoint as --issuer, without its trailing slash: az storage account show --name {account} --query primaryEndpoints.web --output tsv{alternative}"
                )
            }
            Self::UnusableAnswer(_) | Self::Unexpected(_) => return None,
        };
        Some(hint)
    }

    pub(crate) fn during(self, operation: impl fmt::Display) -> AzureError {
        let operation = operation.to_string();
        AzureError { operation, problem: self, status: None, code: None, request_id: None }
    }
}
