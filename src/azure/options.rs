use std::{fmt, time::Duration};

use super::{AuthMethod, Environment};
use crate::{entra::Cloud, published::HttpFetcher};

/// Options of a connection to a storage account.
///
/// ```
/// use issuer::{AuthMethod, Cloud, site::AzureOptions};
/// let options = AzureOptions {
///     cloud: Cloud::UsGov,
///     auth: Some(AuthMethod::WorkloadIdentity),
///     ..AzureOptions::new(Some("acct".to_owned()))
/// };
/// assert_eq!(options.timeout, std::time::Duration::from_secs(60));
/// ```
pub struct AzureOptions {
    /// The account. Optional if a connection string names the account.
    pub account: Option<String>,
    /// The blob endpoint, if it is not the default endpoint of the cloud: for private clouds and the emulator.
    pub endpoint: Option<String>,
    /// The cloud.
    pub cloud: Cloud,
    /// The only credential to try. Without it, the first available credential is used.
    pub auth: Option<AuthMethod>,
    /// The client ID of the managed identity or service principal, instead of `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The subscription whose tenant issues the tokens of the Azure CLI, instead of `AZURE_TENANT_ID`.
    pub subscription: Option<String>,
    /// The audience of the GitHub token, instead of [`Cloud::token_exchange_audience`].
    pub audience: Option<String>,
    /// The environment variables that configure credentials.
    pub environment: Environment,
    /// The time limit of one step, such as reading a document, including its retries.
    pub timeout: Duration,
    /// The maximum pause before the first retry; it doubles with each retry (exponential backoff with jitter).
    pub first_pause: Duration,
    /// The fetcher whose certificate authorities and connections are used.
    pub fetcher: HttpFetcher,
    /// The URL of Azure Resource Manager, if it is not the default of the cloud.
    pub resource_manager: Option<String>,
    /// The URL of Microsoft Graph, if it is not the default of the cloud.
    pub graph: Option<String>,
}

impl AzureOptions {
    /// Options for an account in the public cloud, with the first credential that the environment configures.
    pub fn new(account: Option<String>) -> Self {
        Self {
            account,
            endpoint: None,
            cloud: Cloud::Public,
            auth: None,
            client_id: None,
            subscription: None,
            audience: None,
            environment: Environment::of_process(),
            timeout: Duration::from_mins(1),
            first_pause: Duration::from_millis(200),
            fetcher: HttpFetcher::default(),
            resource_manager: None,
            graph: None,
        }
    }
}

impl fmt::Debug for AzureOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureOptions")
            .field("account", &self.account)
            .field("cloud", &self.cloud)
            .field("auth", &self.auth)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
