use std::fmt;

use super::{AuthMethod, AzureError};
use crate::{
    distrusted::{DISTRUSTED, is_of_certificate},
    entra::Cloud,
};

/// What Entra answers about a tenant that it does not have, or that another cloud has.
const OTHER_CLOUD: [&str; 5] = ["AADSTS90002:", "AADSTS90038:", "AADSTS900382:", "AADSTS900432:", "AADSTS900439:"];

/// What stands in the way; reads as the end of `cannot …: …`.
///
/// Microsoft Learn, "Blob Storage error codes" and "Common REST API error codes".
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{AzureProblem, Environment, Error, site::{Azure, AzureOptions}};
/// let environment: Environment = [("AZURE_STORAGE_KEY".to_owned(), "c2VjcmV0".to_owned())].into_iter().collect();
/// let error = Azure::open(AzureOptions { environment, ..AzureOptions::new(None) }).await.unwrap_err();
/// let Error::Azure(error) = error else { panic!("{error}") };
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
    #[error("the credential {} needs {}, and not all of it is there", .0.name(), .0.variables())]
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
    },
    /// Nobody answers who could give a token.
    #[error("signing in as {credential} failed: no answer: {because}")]
    SignInUnanswered {
        /// Who was to be signed in.
        credential: String,
        /// What went wrong.
        because: String,
    },
    /// Text that is not the name of a container.
    #[error("{0:?} is not the name of a container")]
    ContainerName(String),
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
    /// A key or SAS that does not open it, or the network rules of the account: the service does not say which.
    #[error("the {credential} does not allow it, or the network rules of account {account} keep this machine out")]
    KeyOrFirewall {
        /// The credential.
        credential: &'static str,
        /// The account.
        account: String,
    },
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
    /// Snapshots of the blob, which cannot outlive it.
    #[error("it has snapshots, which cannot stay without it")]
    Snapshots,
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
            Self::NoAnswer(because) | Self::SignInUnanswered { because, .. } if is_of_certificate(because) => {
                DISTRUSTED.to_owned()
            }
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
            Self::NoCredential(_) => {
                "run `az login`, or set the variables of a service principal or workload identity (issuer publish --help)"
                    .to_owned()
            }
            Self::SignIn { because, .. } if OTHER_CLOUD.iter().any(|code| because.contains(code)) => {
                "check AZURE_TENANT_ID, and --cloud: a tenant is in one cloud only".to_owned()
            }
            Self::SignIn { .. } => {
                "mend its secret, federated credential or login, or choose another credential with --auth".to_owned()
            }
            Self::NoHost { .. } | Self::NoSuchAccount(_) => "check --account, --cloud and --endpoint".to_owned(),
            Self::SignInUnanswered { .. } => "check the network, the proxy and AZURE_AUTHORITY_HOST".to_owned(),
            Self::ContainerName(_) => "3 to 63 lower-case letters, digits and single hyphens, or $web".to_owned(),
            Self::NoContainer(_) => "publish to it first: issuer publish makes it".to_owned(),
            Self::NoAnswer(_) => "check the network, the proxy and --endpoint".to_owned(),
            Self::Role { role, account } => format!(
                "az role assignment create --role \"{role}\" --assignee PRINCIPAL --scope \"$(az storage account show --name {account} --query id --output tsv)\"; it takes effect within minutes"
            ),
            Self::KeyOrFirewall { .. } => {
                "check the credential, and run it from an allowed network; note that Entra must reach the web endpoint too"
                    .to_owned()
            }
            Self::SasScope => {
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
            Self::Snapshots => "pass --delete-snapshots, which removes them with it".to_owned(),
            Self::Immutable => "lift it, or publish to another container with --container".to_owned(),
            Self::OtherBlobType => "delete that blob; documents are block blobs".to_owned(),
            Self::RecordTooLong => "drop retired keys with --prune or --remove".to_owned(),
            Self::Busy(_) => "run it again later; a longer --timeout waits longer".to_owned(),
            Self::WebEndpoint { account, .. } => format!(
                "pass it as --issuer, without its last slash: az storage account show --name {account} --query primaryEndpoints.web --output tsv"
            ),
            Self::UnusableAnswer(_) | Self::Unexpected(_) => return None,
        };
        Some(hint)
    }

    pub(crate) fn during(self, operation: impl fmt::Display) -> AzureError {
        let operation = operation.to_string();
        AzureError { operation, problem: self, status: None, code: None, request_id: None }
    }
}
