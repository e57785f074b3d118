use std::{fmt, time::Duration};

use crate::{
    azure::{AuthMethod, Environment, RetryObserver},
    entra::Cloud,
    published::HttpFetcher,
};

/// How to reach a storage account.
///
/// ```
/// use issuer::{AuthMethod, Cloud, site::AzureOptions};
/// let options = AzureOptions {
///     cloud: Cloud::UsGov,
///     auth: Some(AuthMethod::WorkloadIdentity),
///     ..AzureOptions::new(Some("acct".to_owned()))
/// };
/// assert_eq!(options.container, AzureOptions::WEB);
/// ```
pub struct AzureOptions {
    /// The account; may be left out where a connection string names it.
    pub account: Option<String>,
    /// The container; only `$web` has a static website.
    pub container: String,
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
    /// Whether the snapshots of a document are removed with it; a blob with snapshots cannot be removed alone.
    pub delete_snapshots: bool,
    /// Told of every request that is about to be sent again.
    pub on_retry: Option<RetryObserver>,
}

impl AzureOptions {
    /// The container a static website serves.
    pub const WEB: &str = "$web";

    /// The `$web` container of an account in the public cloud, as whoever the environment says we are.
    pub fn new(account: Option<String>) -> Self {
        Self {
            account,
            container: Self::WEB.to_owned(),
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
            delete_snapshots: false,
            on_retry: None,
        }
    }
}

impl fmt::Debug for AzureOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureOptions")
            .field("account", &self.account)
            .field("container", &self.container)
            .field("cloud", &self.cloud)
            .field("auth", &self.auth)
            .field("environment", &self.environment)
            .finish_non_exhaustive()
    }
}
