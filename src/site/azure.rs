use async_trait::async_trait;
use std::{collections::HashMap, fmt, num::NonZero, sync::Arc};

use azure_core::{
    error::ErrorKind,
    http::{ClientOptions, Etag, RequestContent, RetryOptions, XmlFormat},
};
use azure_storage_blob::{
    BlobClient, BlobServiceClient, BlobServiceClientOptions,
    models::{
        BlobClientDeleteOptions, BlobClientDownloadOptions, BlobServiceProperties, BlockBlobClientUploadOptions,
        DeleteSnapshotsOptionType, StaticWebsite, StorageErrorCode,
    },
};
use futures_util::future::join;
use jiff::Timestamp;
use tokio::{sync::Mutex, time::sleep};

use super::{AzureOptions, Condition, Content, ETag, Headers, Hosting, Site, SiteError, Stored, Written};
use crate::{
    azure::{
        Account, Credential, Found, Operation, ResourceManager, ResourceScope, Retry, Search, ServerClock, Target,
        Transport,
    },
    issuer_url::{DocumentPath, IssuerUrl},
    plan::StoredRetention,
    published::HttpFetcher,
};

/// The metadata of a blob that holds the retention record of the JWKS in it.
const RECORD: &str = "retention";
/// The longest document that is read, in bytes.
const DOCUMENT_MAX: usize = 1 << 20;

/// A site in a container of an Azure Storage account, `$web` unless told otherwise.
///
/// Documents are block blobs written under `If-Match` or `If-None-Match`; the retention record is metadata of the JWKS, so it
/// changes with it in one step. The static website is switched on where it is off, with every other property of the service
/// left as it is. Needs the role Storage Blob Data Contributor, and for the switch Storage Account Contributor.
///
/// Call [`adapt_to`](Self::adapt_to) first where the issuer may be at the blob endpoint itself.
///
/// ```no_run
/// use issuer::{SystemClock, DesiredState, site::{Azure, AzureOptions}};
/// # async fn example(desired: DesiredState) -> Result<(), issuer::Error> {
/// let site = Azure::open(AzureOptions::new(Some("acct".to_owned()))).await?;
/// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
/// # Ok(())
/// # }
/// ```
pub struct Azure {
    account: Account,
    container: String,
    /// What stands before the container in the paths of documents, where the issuer is at the blob endpoint itself.
    above: Option<String>,
    credential: Credential,
    client: BlobServiceClient,
    retry: Retry,
    fetcher: HttpFetcher,
    resource_manager: Option<String>,
    delete_snapshots: bool,
    /// How many writes in a row came too late: each waits longer before the site is read again.
    too_late: Mutex<u32>,
    /// What the storage service's answers say of its clock.
    clock: Arc<ServerClock>,
    /// The website as it was last read, so that switching it on keeps its pages.
    website: Mutex<Option<StaticWebsite>>,
}

impl Azure {
    /// Finds a credential and gets ready; nothing of the account is read.
    ///
    /// # Errors
    ///
    /// [`SiteError::Azure`] when no credential is found, the one that is set up does not work, or a name or URL is wrong.
    pub async fn open(options: AzureOptions) -> Result<Self, SiteError> {
        let AzureOptions {
            account,
            container,
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
        let fail = |problem: crate::azure::AzureProblem| problem.during(crate::azure::AzureError::OPENING);
        let account = account.map(|name| name.parse()).transpose().map_err(fail)?;
        let clients = fetcher.clients();
        let retry = Retry { timeout: options.timeout, first_pause: options.first_pause, observer: options.on_retry };
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
        let Found { credential, account } = search.run().await?;
        let clock = Arc::new(ServerClock::default());
        let transport =
            Transport::authorised(fetcher.clients(), credential.clone(), Arc::clone(&clock)).within(retry.timeout);
        let client_options = ClientOptions {
            transport: Some(Arc::new(transport).for_sdk()),
            // Retries are this crate's: they know a deadline and tell what they wait for.
            retry: RetryOptions::none(),
            ..ClientOptions::default()
        };
        let sdk_options = BlobServiceClientOptions { client_options, ..BlobServiceClientOptions::default() };
        let client = BlobServiceClient::new(account.endpoint.clone(), credential.tokens(), Some(sdk_options));
        let client = client.map_err(|error| {
            let because = error.to_string();
            fail(crate::azure::AzureProblem::Endpoint { url: Some(account.endpoint.to_string()), because })
        })?;
        Ok(Self {
            container,
            above: None,
            credential,
            client,
            retry,
            fetcher,
            resource_manager: options.resource_manager,
            account,
            delete_snapshots: options.delete_snapshots,
            too_late: Mutex::default(),
            clock,
            website: Mutex::default(),
        })
    }

    /// Who we are there, such as `workload identity 1c2d8f30-…`; nothing secret.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::site::{Azure, AzureOptions};
    /// let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), "UseDevelopmentStorage=true".to_owned());
    /// let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
    /// assert_eq!(Azure::open(options).await?.credential(), "connection string");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn credential(&self) -> String {
        self.credential.to_string()
    }

    /// The issuer that the account's own web endpoint is, as Azure Resource Manager tells it, without a trailing slash.
    ///
    /// ```no_run
    /// use issuer::{ResourceScope, site::{Azure, AzureOptions}};
    /// # async fn example() -> Result<(), issuer::Error> {
    /// let site = Azure::open(AzureOptions::new(Some("acct".to_owned()))).await?;
    /// let issuer = site.web_endpoint(&ResourceScope::default()).await?;
    /// assert!(issuer.as_str().ends_with(".web.core.windows.net"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`SiteError::Azure`] when it cannot be asked, does not show the account, or the account has no web endpoint.
    pub async fn web_endpoint(&self, scope: &ResourceScope) -> Result<IssuerUrl, SiteError> {
        let account = self.account.name.as_str();
        let Some(tokens) = self.credential.tokens() else {
            let because = format!("the {} may not ask Azure Resource Manager", self.credential.method.title());
            let problem = crate::azure::AzureProblem::WebEndpoint { account: account.to_owned(), because, hint: None };
            return Err(problem.during("cannot derive the issuer").into());
        };
        let cloud = self.account.cloud.resource_manager();
        let manager = ResourceManager {
            scope: self.resource_manager.is_none().then(|| format!("{cloud}/.default")),
            url: self.resource_manager.as_deref().unwrap_or(cloud).trim_end_matches('/').to_owned(),
            tokens,
            transport: Arc::new(Transport::new(self.fetcher.clients(), None).within(self.retry.timeout)),
            retry: self.retry.clone(),
            method: self.credential.method,
            tenant: self.credential.tenant.clone(),
        };
        let endpoint = manager.web_endpoint(account, scope).await?;
        Ok(endpoint.trim_end_matches('/').parse()?)
    }

    /// Gets ready for an issuer at the blob endpoint itself, as `https://acct.blob.core.windows.net/oidc`: the first segment of
    /// its path is the container. Others need nothing, and give `false`.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::site::{Azure, AzureOptions};
    /// let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), "UseDevelopmentStorage=true".to_owned());
    /// let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
    /// let mut site = Azure::open(options).await?;
    /// assert!(site.adapt_to(&"http://127.0.0.1:10000/devstoreaccount1/$web/prod-1".parse()?)?);
    /// assert!(site.adapt_to(&"http://127.0.0.1:10000/devstoreaccount1/other".parse()?).is_err());
    /// assert!(!site.adapt_to(&"https://issuer.example.com".parse()?)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SiteError::Azure`] when the issuer is in another container of this account.
    pub fn adapt_to(&mut self, issuer: &IssuerUrl) -> Result<bool, SiteError> {
        // The endpoint has the form of an issuer URL.
        let endpoint: IssuerUrl = self.account.endpoint.as_str().parse()?;
        let is_here = issuer.is_at_or_below(&endpoint);
        self.above = None;
        if is_here {
            let above = self.account.endpoint.path().trim_matches('/');
            let above = if above.is_empty() { self.container.clone() } else { format!("{above}/{}", self.container) };
            if !issuer.jwks_path().as_str().starts_with(&format!("{above}/")) {
                let (issuer, container) = (issuer.as_str().to_owned(), self.container.clone());
                let problem = crate::azure::AzureProblem::OtherContainer { issuer, container };
                return Err(problem.during(crate::azure::AzureError::OPENING).into());
            }
            self.above = Some(above);
        }
        Ok(is_here)
    }

    /// The name of a document's blob.
    fn name_of<'a>(&self, path: &'a DocumentPath) -> &'a str {
        let below = self.above.as_ref().and_then(|above| path.as_str().strip_prefix(above.as_str())?.strip_prefix('/'));
        below.unwrap_or(path.as_str())
    }

    fn blob(&self, path: &DocumentPath) -> BlobClient {
        self.client.blob_client(&self.container, self.name_of(path))
    }

    fn explain(&self, operation: Operation<'_>, error: azure_core::Error) -> SiteError {
        let target = Target {
            container: &self.container,
            account: self.account.name.as_str(),
            host: self.account.endpoint.host_str().unwrap_or_default(),
            cloud: self.account.cloud,
            method: self.credential.method,
            tenant: self.credential.tenant.as_deref(),
        };
        target.explain(operation, error).into()
    }

    async fn read_blob(&self, path: &DocumentPath) -> azure_core::Result<Stored> {
        // A first range of one byte more than a document may have: a longer blob is refused before the rest is downloaded.
        let options = BlobClientDownloadOptions {
            partition_size: NonZero::new(DOCUMENT_MAX + 1),
            ..BlobClientDownloadOptions::default()
        };
        let answer = self.blob(path).download(Some(options)).await?;
        let properties = answer.properties;
        let too_long = || azure_core::Error::with_message(ErrorKind::Other, "the blob is longer than 1 MiB");
        if properties.content_length.is_some_and(|length| length > DOCUMENT_MAX as u64) {
            return Err(too_long());
        }
        let bytes = answer.body.collect().await?.to_vec();
        if bytes.len() > DOCUMENT_MAX {
            return Err(too_long());
        }
        // Without the version a write could not be made conditional.
        let etag = properties.etag.map(|etag| ETag(etag.to_string())).filter(|etag| !etag.0.is_empty());
        let etag = etag.ok_or_else(|| azure_core::Error::with_message(ErrorKind::Other, "the answer has no ETag"))?;
        let record = properties.metadata.iter().find(|(name, _)| name.eq_ignore_ascii_case(RECORD));
        Ok(Stored {
            bytes,
            etag,
            headers: Some(Headers {
                content_type: properties.content_type.unwrap_or_default(),
                cache_control: properties.cache_control.unwrap_or_default(),
                content_encoding: properties.content_encoding.filter(|coding| !coding.is_empty()),
            }),
            retention: record.map(|(_, text)| StoredRetention::from_bytes(text.as_bytes())).unwrap_or_default(),
        })
    }

    async fn write_blob(
        &self,
        path: &DocumentPath,
        content: &Content,
        condition: &Condition,
    ) -> azure_core::Result<Written> {
        let (if_match, if_none_match) = match condition {
            Condition::IfMatch(etag) => (Some(Etag::from(etag.0.clone())), None),
            Condition::IfNoneMatch => (None, Some(Etag::from("*"))),
        };
        let metadata =
            (!content.retention.is_empty()).then(|| HashMap::from([(RECORD.to_owned(), content.retention.to_text())]));
        let options = BlockBlobClientUploadOptions {
            // A property that is not sent is cleared (Put Blob).
            blob_content_encoding: content.headers.content_encoding.clone(),
            blob_content_type: Some(content.headers.content_type.clone()),
            blob_cache_control: Some(content.headers.cache_control.clone()),
            if_match,
            if_none_match,
            metadata,
            ..BlockBlobClientUploadOptions::default()
        };
        let body = RequestContent::from(content.bytes.clone());
        match self.blob(path).upload(body, Some(options)).await {
            Ok(_) => Ok(Written::Done),
            Err(error) if is_precondition(&error) => Ok(Written::PreconditionFailed),
            Err(error) => Err(error),
        }
    }

    async fn remove_blob(&self, path: &DocumentPath, etag: &ETag) -> azure_core::Result<Written> {
        let if_match = Some(Etag::from(etag.0.clone()));
        let delete_snapshots = self.delete_snapshots.then_some(DeleteSnapshotsOptionType::Include);
        let options = BlobClientDeleteOptions { if_match, delete_snapshots, ..BlobClientDeleteOptions::default() };
        match self.blob(path).delete(Some(options)).await {
            Ok(_) => Ok(Written::Done),
            Err(error) if is_precondition(&error) || is_absent(&error) => Ok(Written::PreconditionFailed),
            Err(error) => Err(error),
        }
    }

    async fn create_container(&self) -> Result<(), SiteError> {
        let create = || async {
            match self.client.blob_container_client(&self.container).create(None).await {
                Err(error) if is(&error, 409, &StorageErrorCode::ContainerAlreadyExists) => Ok(()),
                other => other.map(|_| ()),
            }
        };
        self.retry.run("the container", create).await.map_err(|error| self.explain(Operation::CreateContainer, error))
    }

    async fn enable_website(&self) -> Result<(), SiteError> {
        // What is left out of the request stays as it is: other services' rules, and the pages of the website.
        let website = self.website.lock().await.clone().unwrap_or_default();
        let website = StaticWebsite { enabled: Some(true), ..website };
        let properties =
            || BlobServiceProperties { static_website: Some(website.clone()), ..BlobServiceProperties::default() };
        let enable = || async {
            let body: RequestContent<BlobServiceProperties, XmlFormat> = properties().try_into()?;
            self.client.set_properties(body, None).await.map(|_| ())
        };
        self.retry
            .run("the static website", enable)
            .await
            .map_err(|error| self.explain(Operation::EnableWebsite, error))
    }

    /// Lets those who came too late spread, so that one of them gets through.
    async fn step_back(&self) {
        let times = {
            let mut times = self.too_late.lock().await;
            *times += 1;
            *times
        };
        sleep(self.retry.pause(times.min(4)) / 4).await;
    }
}

#[async_trait]
impl Site for Azure {
    fn name(&self) -> String {
        let Account { name, endpoint, .. } = &self.account;
        if self.account.is_at_home() {
            return format!("{} of {name}", self.container);
        }
        let port = endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("{} of {name} at {}{port}", self.container, endpoint.host_str().unwrap_or_default())
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        match self.retry.run(self.name_of(path), || self.read_blob(path)).await {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.explain(Operation::Read(self.name_of(path)), error)),
        }
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        let operation = Operation::Write(self.name_of(path));
        let write = || self.write_blob(path, content, condition);
        let mut written = self.retry.run(self.name_of(path), write).await;
        if let Err(error) = &written
            && is(error, 404, &StorageErrorCode::ContainerNotFound)
        {
            self.create_container().await?;
            written = self.retry.run(self.name_of(path), write).await;
        }
        let written = written.map_err(|error| self.explain(operation, error))?;
        match written {
            Written::Done => *self.too_late.lock().await = 0,
            Written::PreconditionFailed => self.step_back().await,
        }
        Ok(written)
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        self.retry
            .run(self.name_of(path), || self.remove_blob(path, etag))
            .await
            .map_err(|error| self.explain(Operation::Remove(self.name_of(path)), error))
    }

    async fn hosting(&self) -> Result<Hosting, SiteError> {
        if self.container != AzureOptions::WEB {
            return Ok(Hosting::default());
        }
        let read = || async { self.client.get_properties(None).await?.into_model() };
        let properties = match self.retry.run("the static website", read).await {
            Ok(properties) => properties,
            // Only the blobs may be open to whoever asks; reading back shows whether they are served.
            Err(error) if matches!(error.http_status().map(u16::from), Some(403)) => {
                let unknown = self.explain(Operation::ReadWebsite, error).to_string();
                return Ok(Hosting::Unknown(unknown));
            }
            Err(error) => return Err(self.explain(Operation::ReadWebsite, error)),
        };
        let website = properties.static_website.unwrap_or_default();
        let hosting = if website.enabled == Some(true) { Hosting::On } else { Hosting::Off };
        *self.website.lock().await = Some(website);
        Ok(hosting)
    }

    async fn host(&self) -> Result<(), SiteError> {
        // Switching the website on makes its container too, in Azure; making it here as well costs no time. Where it cannot
        // be made and is not there, the first write says so.
        let (website, _) = join(self.enable_website(), self.create_container()).await;
        website
    }

    fn time(&self) -> Option<Timestamp> {
        self.clock.now()
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("account", &self.account)
            .field("container", &self.container)
            .field("credential", &self.credential)
            .finish_non_exhaustive()
    }
}

/// Whether an answer has this status and error code.
fn is(error: &azure_core::Error, status: u16, code: &StorageErrorCode) -> bool {
    match error.kind() {
        ErrorKind::HttpResponse { status: found, error_code, .. } => {
            u16::from(*found) == status && error_code.as_deref() == Some(code.as_ref())
        }
        _ => false,
    }
}

/// Whether there is no such blob, or not even its container.
fn is_absent(error: &azure_core::Error) -> bool {
    is(error, 404, &StorageErrorCode::BlobNotFound) || is(error, 404, &StorageErrorCode::ContainerNotFound)
}

/// Whether a condition did not hold. A lease and others that answer 412 are something else.
fn is_precondition(error: &azure_core::Error) -> bool {
    is(error, 412, &StorageErrorCode::ConditionNotMet)
        || is(error, 412, &StorageErrorCode::TargetConditionNotMet)
        // What `If-None-Match: *` gives where the blob is there, and `If-Match` where it is not.
        || is(error, 409, &StorageErrorCode::BlobAlreadyExists)
        || is(error, 404, &StorageErrorCode::BlobNotFound)
}
