use std::{fmt, time::Duration};

use super::{AuthMethod, Environment};
use crate::{entra::Cloud, published::HttpFetcher};

/// How to reach a storage account.
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
    /// The account; may be left out where a connection string names it.
    pub account: Option<String>,
    /// The blob endpoint, where it is not the one of the account in its cloud: private clouds, the emulator.
    pub endpoint: Option<String>,
    /// The cloud.
    pub cloud: Cloud,
    /// The only credential to take; without it, the first that is there.
    pub auth: Option<AuthMethod>,
    /// The client ID of the managed identity or service principal, in place of `AZURE_CLIENT_ID`.
    pub client_id: Option<String>,
    /// The subscription whose tenant the Azure CLI gets tokens of, in place of `AZURE_TENANT_ID`.
    pub subscription: Option<String>,
    /// The audience that GitHub is asked for, in place of [`Cloud::token_exchange_audience`].
    pub audience: Option<String>,
    /// The variables credentials are found in.
    pub environment: Environment,
    /// How long one step, such as reading a document, is tried again.
    pub timeout: Duration,
    /// The pause before the first retry; each further one is up to twice as long.
    pub first_pause: Duration,
    /// Whose certificate authorities and connections are used.
    pub fetcher: HttpFetcher,
    /// Azure Resource Manager, where it is not the one of the cloud.
    pub resource_manager: Option<String>,
}

impl AzureOptions {
    /// An account in the public cloud, with the first credential that the environment has.
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
