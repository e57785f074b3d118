use std::{fmt, sync::Arc};

use azure_core::http::{ClientOptions, RequestContent, RetryOptions, XmlFormat};
use azure_storage_blob::{
    BlobServiceClient, BlobServiceClientOptions,
    models::{BlobServiceProperties, StaticWebsite},
};
use jiff::Timestamp;
use tokio::sync::Mutex;
use tracing::instrument;

use super::{
    Account, AzureError, AzureOptions, AzureProblem, Credential, Operation, ResourceManager, ResourceScope, Retry,
    ServerClock, Target, Transport,
    find::{OpenedAccount, Search},
    rest::Rest,
};
use crate::{
    issuer_url::{IssuerUrl, UrlError},
    plan::Hosting,
    published::HttpFetcher,
};

/// The container that a static website serves.
const WEB: &str = "$web";

/// A connection to a storage account: credential, HTTP client, retries and the setting of the static website.
///
/// Any number of sites can share one connection. A connection has no state of an issuer.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use std::sync::Arc;
/// use issuer::site::{Azure, AzureConnection, AzureOptions, Site};
/// let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), "UseDevelopmentStorage=true".to_owned());
/// let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
/// let connection = Arc::new(AzureConnection::open(options).await?);
/// let sites = ["$web", "fleet"].map(|container| Azure::new(Arc::clone(&connection)).in_container(container));
/// assert!(sites[1].name().starts_with("fleet of devstoreaccount1"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct AzureConnection {
    pub(crate) account: Account,
    credential: Credential,
    pub(crate) client: BlobServiceClient,
    pub(crate) retry: Retry,
    fetcher: HttpFetcher,
    resource_manager: Option<String>,
    /// The clock of the storage service, from the `Date` headers of its responses.
    clock: Arc<ServerClock>,
    /// The setting of the static website as last read, so that enabling the website keeps its pages.
    website: Mutex<Option<StaticWebsite>>,
}

impl AzureConnection {
    /// Finds a credential and prepares the connection. Sends no request to the account.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if no credential is found, the configured credential does not work, or a name or URL is invalid.
    #[instrument(name = "find a credential", skip_all)]
    pub async fn open(options: AzureOptions) -> Result<Self, AzureError> {
        let AzureOptions {
            account,
            endpoint,
            cloud,
            auth,
            client_id,
            subscription,
            audience,
            environment,
            fetcher,
            ..
        } = options;
        let fail = |problem: AzureProblem| problem.during(AzureError::OPENING);
        let account = account.map(|name| name.parse()).transpose().map_err(fail)?;
        let clients = fetcher.clients();
        let retry = Retry { timeout: options.timeout, first_pause: options.first_pause };
        let search = Search {
            environment,
            method: auth,
            account,
            endpoint,
            cloud,
            client_id,
            subscription,
            audience,
            clients,
            retry: retry.clone(),
        };
        let OpenedAccount { credential, account } = search.run().await?;
        let clock = Arc::new(ServerClock::default());
        let transport =
            Transport::authorised(fetcher.clients(), credential.clone(), Arc::clone(&clock)).within(retry.timeout);
        let client_options = ClientOptions {
            transport: Some(Arc::new(transport).for_sdk()),
            // `Retry` retries instead of the SDK: with a deadline, and with an event for each retry.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        let sdk_options = BlobServiceClientOptions { client_options, ..BlobServiceClientOptions::default() };
        let client = BlobServiceClient::new(account.endpoint.clone(), credential.tokens(), Some(sdk_options));
        let client = client.map_err(|error| {
            let because = error.to_string();
            fail(AzureProblem::Endpoint { url: Some(account.endpoint.to_string()), because })
        })?;
        Ok(Self {
            credential,
            client,
            retry,
            fetcher,
            resource_manager: options.resource_manager,
            account,
            clock,
            website: Mutex::default(),
        })
    }

    /// The credential, for example `workload identity 1c2d8f30-…`. Contains no secret.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::site::{AzureConnection, AzureOptions};
    /// let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), "UseDevelopmentStorage=true".to_owned());
    /// let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
    /// assert_eq!(AzureConnection::open(options).await?.credential(), "connection string");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn credential(&self) -> String {
        self.credential.to_string()
    }

    /// The web endpoint of the account as an issuer URL, from Azure Resource Manager, without a trailing slash.
    ///
    /// ```no_run
    /// use issuer::{ResourceScope, site::{AzureConnection, AzureOptions}};
    /// # async fn example() -> Result<(), issuer::Error> {
    /// let connection = AzureConnection::open(AzureOptions::new(Some("acct".to_owned()))).await?;
    /// let issuer = connection.web_endpoint(&ResourceScope::default()).await?;
    /// assert!(issuer.as_str().ends_with(".web.core.windows.net"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the request fails, the credential cannot read the account, or the account has no web endpoint.
    #[instrument(name = "get the web endpoint from Azure Resource Manager", skip_all)]
    pub async fn web_endpoint(&self, scope: &ResourceScope) -> Result<IssuerUrl, AzureError> {
        let account = self.account.name.as_str();
        let Some(tokens) = self.credential.tokens() else {
            let because = format!("the {} gives no access to Azure Resource Manager", self.credential.method.title());
            let problem = AzureProblem::WebEndpoint { account: account.to_owned(), because, hint: None };
            return Err(problem.during("cannot derive the issuer"));
        };
        let cloud = self.account.cloud.resource_manager();
        let manager = ResourceManager(Rest {
            service: "Azure Resource Manager",
            scope: self.resource_manager.is_none().then(|| format!("{cloud}/.default")),
            url: self.resource_manager.as_deref().unwrap_or(cloud).trim_end_matches('/').to_owned(),
            tokens,
            transport: Arc::new(Transport::new(self.fetcher.clients(), None).within(self.retry.timeout)),
            retry: self.retry.clone(),
            method: self.credential.method,
            tenant: self.credential.tenant.clone(),
        });
        let endpoint = manager.web_endpoint(account, scope).await?;
        let because = |error: UrlError| AzureProblem::WebEndpoint {
            account: account.to_owned(),
            because: error.to_string(),
            hint: None,
        };
        let parsed = endpoint.trim_end_matches('/').parse();
        parsed.map_err(|error| because(error).during("cannot derive the issuer"))
    }

    /// The current time by the clock of the storage service; `None` before its first response.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.clock.now()
    }

    /// Reads whether the static website is enabled.
    #[instrument(name = "read the static website setting", skip_all)]
    pub(crate) async fn website(&self) -> Result<Hosting, AzureError> {
        let read = || async { self.client.get_properties(None).await?.into_model() };
        let properties = match self.retry.run("the static website", read).await {
            Ok(properties) => properties,
            // The credential may have access to blobs only. Reading back shows whether the website serves them.
            Err(error) if matches!(error.http_status().map(u16::from), Some(403)) => {
                let unknown = self.explain(WEB, Operation::ReadWebsite, error).to_string();
                return Ok(Hosting::Unknown(unknown));
            }
            Err(error) => return Err(self.explain(WEB, Operation::ReadWebsite, error)),
        };
        let website = properties.static_website.unwrap_or_default();
        let hosting = if website.enabled == Some(true) { Hosting::On } else { Hosting::Off };
        *self.website.lock().await = Some(website);
        Ok(hosting)
    }

    /// Enables the static website.
    #[instrument(name = "enable the static website", skip_all)]
    pub(crate) async fn enable_website(&self) -> Result<(), AzureError> {
        // Azure keeps every property that the request omits. The pages of the website are sent as they were read.
        let website = self.website.lock().await.clone().unwrap_or_default();
        let website = StaticWebsite { enabled: Some(true), ..website };
        let properties =
            || BlobServiceProperties { static_website: Some(website.clone()), ..BlobServiceProperties::default() };
        let enable = || async {
            let body: RequestContent<BlobServiceProperties, XmlFormat> = properties().try_into()?;
            self.client.set_properties(body, None).await.map(|_| ())
        };
        let enabled = self.retry.run("the static website", enable).await;
        enabled.map_err(|error| self.explain(WEB, Operation::EnableWebsite, error))
    }

    /// The error of a failed operation in a container, with the response of the service.
    pub(crate) fn explain(&self, container: &str, operation: Operation<'_>, error: azure_core::Error) -> AzureError {
        let target = Target {
            container,
            account: self.account.name.as_str(),
            host: self.account.endpoint.host_str().unwrap_or_default(),
            cloud: self.account.cloud,
            method: self.credential.method,
            tenant: self.credential.tenant.as_deref(),
        };
        target.explain(operation, error)
    }
}

impl fmt::Debug for AzureConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureConnection")
            .field("account", &self.account)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}
