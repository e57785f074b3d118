use std::fmt;

use super::{AuthMethod, AzureError};
use crate::{entra::Cloud, no_answer};

/// What stands in the way; reads as the end of `cannot …: …`.
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
/// assert_eq!(error.problem.to_string(), "no storage account was named");
/// assert!(error.problem.is_usage());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AzureProblem {
    /// Text that is not the name of a storage account.
    #[error("{} is not the name of a storage account", quoted(.0.as_deref()))]
    AccountName(Option<String>),
    /// No account was named.
    #[error("no storage account was named")]
    NoAccount,
    /// Text that is not a blob endpoint.
    #[error("{} is not a blob endpoint: {because}", quoted(.url.as_deref()))]
    Endpoint {
        /// The text, where it may be shown: it has a scheme.
        url: Option<String>,
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
    #[error("the credential {} needs {}, and not all of that is set", .0.name(), .0.variables())]
    Variables(AuthMethod),
    /// A file that does not hold a certificate and its private key, and why.
    #[error(
        "the file that AZURE_CLIENT_CERTIFICATE_PATH names cannot be used as a certificate with its private key: {0}"
    )]
    Certificate(String),
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
        /// The next step.
        hint: &'static str,
    },
    /// Nobody answers who could give a token.
    #[error("signing in as {credential} failed: no answer: {because}")]
    SignInUnanswered {
        /// Who was to be signed in.
        credential: String,
        /// What went wrong.
        because: String,
        /// The next step, where the cause does not tell it.
        hint: &'static str,
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
    /// An answer that is of no use.
    #[error("the answer cannot be used: {0}")]
    UnusableAnswer(String),
    /// An answer with a documented error code.
    #[error("{sentence}")]
    Refused {
        /// The meaning of the code.
        sentence: String,
        /// The next step.
        hint: String,
    },
    /// The service wants a token of another tenant.
    #[error("the {credential} was not accepted: account {account} accepts tokens of tenant {tenant}")]
    OtherTenant {
        /// The credential.
        credential: &'static str,
        /// The account.
        account: String,
        /// The tenant, as the service names it in `WWW-Authenticate`.
        tenant: String,
        /// The next step.
        hint: String,
    },
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
        /// The next step, where the answer has a documented code.
        hint: Option<String>,
    },
    /// Anything else.
    #[error("Azure answered {0}")]
    Unexpected(String),
}

/// Text that was given, where it may be shown.
fn quoted(text: Option<&str>) -> String {
    text.map_or_else(|| "the given text".to_owned(), |text| format!("{text:?}"))
}

impl AzureProblem {
    /// Whether the call itself is wrong, its variables included, so that nothing was asked of anybody.
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
                "pass the name alone as --account or AZURE_STORAGE_ACCOUNT: 3 to 24 lower-case letters and digits; a connection string belongs into AZURE_STORAGE_CONNECTION_STRING, a key into AZURE_STORAGE_KEY".to_owned()
            }
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
            Self::Variables(_) => {
                "set what is missing, or unset the rest of it; without --auth the first credential that is there is taken"
                    .to_owned()
            }
            Self::Setting(_) => "set the variable to what it should be, or unset it".to_owned(),
            Self::Certificate(_) => {
                "pass a PEM file with the certificate and its private key, without a password".to_owned()
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
            Self::Busy(_) => "run it again later; a longer --timeout waits longer".to_owned(),
            Self::WebEndpoint { account, hint, .. } => {
                let other = hint.as_ref().map(|hint| format!("; or {hint}")).unwrap_or_default();
                format!(
                    "pass it as --issuer, without its last slash: az storage account show --name {account} --query primaryEndpoints.web --output tsv{other}"
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
