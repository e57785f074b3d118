use std::{collections::HashMap, fmt, num::NonZero, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    error::ErrorKind,
    http::{Etag, RequestContent},
};
use azure_storage_blob::{
    BlobClient,
    models::{
        BlobClientDeleteOptions, BlobClientDownloadOptions, BlockBlobClientUploadOptions, DeleteSnapshotsOptionType,
        StorageErrorCode,
    },
};
use futures_util::future::join;
use jiff::Timestamp;
use tokio::time::sleep;
use tracing::instrument;

use super::{Condition, Content, ETag, Headers, Hosting, Site, SiteError, Stored, Written};
use crate::{
    azure::{AzureConnection, AzureError, AzureOptions, AzureProblem, Operation},
    documents::Documents,
    issuer_url::{DocumentPath, IssuerUrl},
    plan::StoredRetention,
};

/// The name of the blob metadata that holds the retention record of the JWKS.
const RECORD: &str = "retention";
/// The size limit of blob metadata, names and values together (Microsoft Learn, "Set Blob Metadata").
const METADATA_MAX: usize = 8 * 1024;
/// The number of lost races after which the pause no longer grows.
const LOST_RACES_MAX: u32 = 4;

/// A site in a container of an Azure Storage account, by default `$web`.
///
/// Documents are block blobs. Every write is conditional, with `If-Match` or `If-None-Match`. The retention record is
/// metadata of the JWKS blob, so that one request writes both.
///
/// [`host`](Site::host) enables the static website and changes no other property of the Blob service.
///
/// The credential needs the role Storage Blob Data Contributor, and the role Storage Account Contributor to enable the
/// static website.
///
/// If the issuer URL may be at the blob endpoint of the account, call [`for_issuer`](Self::for_issuer).
///
/// ```no_run
/// use issuer::{SystemClock, DesiredState, site::{Azure, AzureOptions}};
/// # async fn example(desired: DesiredState) -> Result<(), issuer::Error> {
/// let site = Azure::open(AzureOptions::new(Some("acct".to_owned()))).await?;
/// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Azure {
    connection: Arc<AzureConnection>,
    container: String,
    /// The prefix of the document paths before the name of the blob, if the issuer is at the blob endpoint itself.
    above: Option<String>,
    deletes_snapshots: bool,
}

impl Azure {
    /// The container that a static website serves.
    pub const WEB: &str = "$web";

    /// The container `$web` of an account, over a connection that several sites can share.
    pub fn new(connection: Arc<AzureConnection>) -> Self {
        Self { connection, container: Self::WEB.to_owned(), above: None, deletes_snapshots: false }
    }

    /// The container `$web` of an account, over a connection of its own.
    ///
    /// # Errors
    ///
    /// [`SiteError::Azure`] if no credential is found, the configured credential does not work, or a name or URL is
    /// invalid.
    pub async fn open(options: AzureOptions) -> Result<Self, SiteError> {
        Ok(Self::new(Arc::new(AzureConnection::open(options).await?)))
    }

    /// Uses another container of the account. Only `$web` has a static website.
    #[must_use]
    pub fn in_container(self, container: impl Into<String>) -> Self {
        Self { container: container.into(), ..self }
    }

    /// Removes a document together with its snapshots. Azure rejects the removal of a blob alone if it has snapshots.
    #[must_use]
    pub fn deleting_snapshots(self) -> Self {
        Self { deletes_snapshots: true, ..self }
    }

    /// The connection to the account.
    pub fn connection(&self) -> &AzureConnection {
        &self.connection
    }

    /// Prepares the site for an issuer URL, which may be at the blob endpoint of the account.
    ///
    /// In the path of such an issuer URL, for example `https://acct.blob.core.windows.net/oidc`, the first segment is
    /// the container. Other issuer URLs need no preparation.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::site::{Azure, AzureOptions};
    /// let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), "UseDevelopmentStorage=true".to_owned());
    /// let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
    /// let site = Azure::open(options).await?;
    /// let at_blob_endpoint = "http://127.0.0.1:10000/devstoreaccount1/$web/prod-1".parse()?;
    /// assert!(site.clone().for_issuer(&at_blob_endpoint)?.is_at_blob_endpoint());
    /// assert!(site.clone().for_issuer(&"http://127.0.0.1:10000/devstoreaccount1/other".parse()?).is_err());
    /// assert!(!site.for_issuer(&"https://issuer.example.com".parse()?)?.is_at_blob_endpoint());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SiteError::Azure`] if the issuer is in another container of this account.
    pub fn for_issuer(self, issuer: &IssuerUrl) -> Result<Self, SiteError> {
        let endpoint = &self.connection.account.endpoint;
        // An endpoint follows the rules of an issuer URL (`Account::new`).
        if !issuer.is_at_or_below(&endpoint.as_str().parse()?) {
            return Ok(Self { above: None, ..self });
        }
        let above = endpoint.path().trim_matches('/');
        let above = if above.is_empty() { self.container.clone() } else { format!("{above}/{}", self.container) };
        if !issuer.jwks_path().as_str().starts_with(&format!("{above}/")) {
            let (issuer, container) = (issuer.as_str().to_owned(), self.container);
            let problem = AzureProblem::OtherContainer { issuer, container };
            return Err(problem.during(AzureError::OPENING).into());
        }
        Ok(Self { above: Some(above), ..self })
    }

    /// Whether the issuer given to [`for_issuer`](Self::for_issuer) is at the blob endpoint of the account.
    pub fn is_at_blob_endpoint(&self) -> bool {
        self.above.is_some()
    }

    /// The name of the blob of a document.
    fn name_of<'a>(&self, path: &'a DocumentPath) -> &'a str {
        let below = self.above.as_ref().and_then(|above| path.as_str().strip_prefix(above.as_str())?.strip_prefix('/'));
        below.unwrap_or(path.as_str())
    }

    fn blob(&self, path: &DocumentPath) -> BlobClient {
        self.connection.client.blob_client(&self.container, self.name_of(path))
    }

    fn explain(&self, operation: Operation<'_>, error: azure_core::Error) -> SiteError {
        self.connection.explain(&self.container, operation, error).into()
    }

    /// Sends a request, and retries it after transient failures.
    async fn run<T, F>(&self, what: &str, attempt: impl FnMut() -> F) -> azure_core::Result<T>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        self.connection.retry.run(what, attempt).await
    }

    async fn read_blob(&self, path: &DocumentPath) -> azure_core::Result<Stored> {
        // The first range is one byte longer than the longest document. A longer blob is rejected before the rest is
        // downloaded.
        let options = BlobClientDownloadOptions {
            partition_size: NonZero::new(Documents::BYTES_MAX + 1),
            ..BlobClientDownloadOptions::default()
        };
        let answer = self.blob(path).download(Some(options)).await?;
        let properties = answer.properties;
        let too_long = || azure_core::Error::with_message(ErrorKind::Other, "the blob is longer than 1 MiB");
        if properties.content_length.is_some_and(|length| length > Documents::BYTES_MAX as u64) {
            return Err(too_long());
        }
        let bytes = answer.body.collect().await?.to_vec();
        if bytes.len() > Documents::BYTES_MAX {
            return Err(too_long());
        }
        // A conditional write needs the ETag.
        let etag = properties.etag.map(|etag| ETag(etag.to_string())).filter(|etag| !etag.0.is_empty());
        let etag = etag.ok_or_else(|| azure_core::Error::with_message(ErrorKind::Other, "the response has no ETag"))?;
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
            // Put Blob clears every property that the request omits.
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
        let delete_snapshots = self.deletes_snapshots.then_some(DeleteSnapshotsOptionType::Include);
        let options = BlobClientDeleteOptions { if_match, delete_snapshots, ..BlobClientDeleteOptions::default() };
        match self.blob(path).delete(Some(options)).await {
            Ok(_) => Ok(Written::Done),
            Err(error) if is_precondition(&error) || is_absent(&error) => Ok(Written::PreconditionFailed),
            Err(error) => Err(error),
        }
    }

    async fn create_container(&self) -> Result<(), SiteError> {
        let create = || async {
            match self.connection.client.blob_container_client(&self.container).create(None).await {
                Err(error) if is(&error, 409, &StorageErrorCode::ContainerAlreadyExists) => Ok(()),
                other => other.map(|_| ()),
            }
        };
        let created = self.run("the container", create).await;
        created.map_err(|error| self.explain(Operation::CreateContainer, error))
    }
}

#[async_trait]
impl Site for Azure {
    fn name(&self) -> String {
        let account = &self.connection.account;
        if account.has_default_endpoint() {
            return format!("{} of {}", self.container, account.name);
        }
        let port = account.endpoint.port().map(|port| format!(":{port}")).unwrap_or_default();
        let host = account.endpoint.host_str().unwrap_or_default();
        format!("{} of {} at {host}{port}", self.container, account.name)
    }

    #[instrument(name = "read", skip_all, fields(%path))]
    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        match self.run(self.name_of(path), || self.read_blob(path)).await {
            Ok(stored) => Ok(Some(stored)),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.explain(Operation::Read(self.name_of(path)), error)),
        }
    }

    #[instrument(name = "write", skip_all, fields(%path))]
    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        let operation = Operation::Write(self.name_of(path));
        let write = || self.write_blob(path, content, condition);
        let mut written = self.run(self.name_of(path), write).await;
        if let Err(error) = &written
            && is(error, 404, &StorageErrorCode::ContainerNotFound)
        {
            self.create_container().await?;
            written = self.run(self.name_of(path), write).await;
        }
        written.map_err(|error| self.explain(operation, error))
    }

    #[instrument(name = "remove", skip_all, fields(%path))]
    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        let removed = self.run(self.name_of(path), || self.remove_blob(path, etag)).await;
        removed.map_err(|error| self.explain(Operation::Remove(self.name_of(path)), error))
    }

    async fn hosting(&self) -> Result<Hosting, SiteError> {
        if self.container == Self::WEB { Ok(self.connection.website().await?) } else { Ok(Hosting::default()) }
    }

    async fn host(&self) -> Result<(), SiteError> {
        // Azure also creates the container when it enables the website. Creating the container at the same time costs
        // no time. If the container cannot be created and does not exist, the first write returns the error.
        let (website, _) = join(self.connection.enable_website(), self.create_container()).await;
        Ok(website?)
    }

    async fn back_off(&self, lost_races: u32) {
        sleep(self.connection.retry.pause(lost_races.min(LOST_RACES_MAX)) / 4).await;
    }

    fn record_max(&self) -> Option<usize> {
        Some(METADATA_MAX - RECORD.len())
    }

    fn time(&self) -> Option<Timestamp> {
        self.connection.time()
    }
}

impl fmt::Debug for Azure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Azure")
            .field("connection", &self.connection)
            .field("container", &self.container)
            .finish_non_exhaustive()
    }
}

/// Whether a response has this status and error code.
fn is(error: &azure_core::Error, status: u16, code: &StorageErrorCode) -> bool {
    match error.kind() {
        ErrorKind::HttpResponse { status: found, error_code, .. } => {
            u16::from(*found) == status && error_code.as_deref() == Some(code.as_ref())
        }
        _ => false,
    }
}

/// Whether the blob or its container does not exist.
fn is_absent(error: &azure_core::Error) -> bool {
    is(error, 404, &StorageErrorCode::BlobNotFound) || is(error, 404, &StorageErrorCode::ContainerNotFound)
}

/// Whether the condition of a conditional write failed. Other causes of status 412, such as a lease, do not count.
fn is_precondition(error: &azure_core::Error) -> bool {
    is(error, 412, &StorageErrorCode::ConditionNotMet)
        || is(error, 412, &StorageErrorCode::TargetConditionNotMet)
        // `If-None-Match: *` for a blob that exists, and `If-Match` for a blob that does not exist.
        || is(error, 409, &StorageErrorCode::BlobAlreadyExists)
        || is(error, 404, &StorageErrorCode::BlobNotFound)
}
