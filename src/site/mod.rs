//! Sites, which store and serve documents.

#[cfg(feature = "azure")]
mod azure;
mod directory;
mod memory;
mod site_error;
mod site_warning;

/// The attribute for implementations of [`Site`], of the crate `async-trait`.
pub use async_trait::async_trait;
#[cfg(feature = "azure")]
pub use azure::Azure;
#[cfg(feature = "serve")]
pub(crate) use directory::CACHE_CONTROL_FILE;
pub use directory::{Directory, FileKind};
pub use memory::Memory;
pub use site_error::SiteError;
pub use site_warning::SiteWarning;

#[cfg(feature = "azure")]
#[doc(inline)]
pub use crate::azure::{AzureConnection, AzureOptions, ExistingAccount, NewAccount};
#[doc(inline)]
pub use crate::plan::{Condition, Content, ETag, Headers, Hosting, Stored};

use jiff::Timestamp;

use crate::issuer_url::DocumentPath;

/// A place that stores documents. Each write is conditional and writes one whole document.
///
/// `Azure`, `Directory` and `Memory` implement this trait.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{CurrentState, Plan, Timestamp, site::{Memory, Site, Written}};
/// # use issuer::{KeySet, DesiredState};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0);
/// let site = Memory::default();
/// site.host().await?;
/// assert_eq!(site.write(&jwks.path, &jwks.content, &jwks.condition).await?, Written::Done);
/// let stored = site.read(&jwks.path).await?.unwrap();
/// assert_eq!(stored.bytes, jwks.content.bytes, "{}", site.name());
/// assert_eq!(site.remove(&jwks.path, &stored.etag).await?, Written::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[async_trait]
pub trait Site: Send + Sync {
    /// The name of the site in messages, for example its path.
    fn name(&self) -> String;

    /// Reads a document; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// [`SiteError`] if it is unknown whether the document exists.
    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError>;

    /// Writes a whole document, if the condition is true at the time of the write.
    ///
    /// # Errors
    ///
    /// [`SiteError`] if it is unknown whether the document was written. A failed condition is not an error.
    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError>;

    /// Removes a document, if it still has this `ETag`.
    ///
    /// # Errors
    ///
    /// [`SiteError`] if it is unknown whether the document was removed. A failed condition is not an error.
    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError>;

    /// Whether the site serves its documents.
    ///
    /// # Errors
    ///
    /// [`SiteError`] if the request fails. A missing permission is not an error: the result is [`Hosting::Unknown`].
    async fn hosting(&self) -> Result<Hosting, SiteError> {
        Ok(Hosting::default())
    }

    /// Enables the hosting of the site. Called before the first write if [`hosting`](Site::hosting) is
    /// [`Hosting::Off`].
    ///
    /// # Errors
    ///
    /// [`SiteError`] if the hosting cannot be enabled.
    async fn host(&self) -> Result<(), SiteError> {
        Ok(())
    }

    /// Backs off with jitter after this many lost races in a row, before the site is read again.
    ///
    /// A conditional write loses a race if another publisher changes the document first. A site that serializes its
    /// writes needs no pause.
    async fn back_off(&self, lost_races: u32) {
        let _ = lost_races;
    }

    /// Properties that allow other users to change the site or these documents. Best effort: empty if they cannot be
    /// read.
    fn warnings(&self, documents: &[DocumentPath]) -> Vec<SiteWarning> {
        let _ = documents;
        Vec::new()
    }

    /// The maximum length of a retention record in bytes; `None` if the site has no limit.
    fn record_max(&self) -> Option<usize> {
        None
    }

    /// The current time by the clock of the site; `None` before the first read, or if the site has no clock.
    fn time(&self) -> Option<Timestamp> {
        None
    }
}

/// The outcome of a write or removal.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, CurrentState, Plan, Timestamp, DesiredState, site::{Memory, Site, Written}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0);
/// let site = Memory::default();
/// assert_eq!(site.write(&jwks.path, &jwks.content, &jwks.condition).await?, Written::Done);
/// // Another publisher with the same plan.
/// assert_eq!(site.write(&jwks.path, &jwks.content, &jwks.condition).await?, Written::PreconditionFailed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The document was written or removed.
    Done,
    /// The condition failed because another publisher changed the document. Nothing was written or removed.
    PreconditionFailed,
}
