//! Where documents are stored and served from.

#[cfg(feature = "azure")]
mod azure;
mod directory;
mod memory;
mod site_error;
mod site_warning;

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
pub use crate::azure::{AzureConnection, AzureOptions};
#[doc(inline)]
pub use crate::plan::{Condition, Content, ETag, Headers, Hosting, Stored};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::issuer_url::DocumentPath;

/// A place that keeps documents and writes them one at a time, each whole, under a condition.
///
/// `Directory` is one; a blob container is another.
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
    /// What messages call the site, such as a path.
    fn name(&self) -> String;

    /// Reads a document; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when it is unknown whether the document is there.
    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError>;

    /// Writes a document, whole or not at all, if the condition holds at that moment.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when it is unknown whether the document was written; a failed condition is not an error.
    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError>;

    /// Removes a document, if it is still the version that was read.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when it is unknown whether the document is gone; a failed condition is not an error.
    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError>;

    /// Whether the site serves what it stores.
    ///
    /// # Errors
    ///
    /// [`SiteError`] when there was no answer. Missing the right to ask is not an error.
    async fn hosting(&self) -> Result<Hosting, SiteError> {
        Ok(Hosting::default())
    }

    /// Lets the site serve what it stores; called before the first write where [`hosting`](Site::hosting) is [`Hosting::Off`].
    ///
    /// # Errors
    ///
    /// [`SiteError`] when it could not be switched on.
    async fn host(&self) -> Result<(), SiteError> {
        Ok(())
    }

    /// Waits before the site is read again, after this many conditional writes in a row were lost to other publishers.
    ///
    /// Publishers that wait for different times do not meet again. A site whose writes are serialized needs no wait.
    async fn back_off(&self, lost_races: u32) {
        let _ = lost_races;
    }

    /// What lets others change the site or these documents; best effort, and empty where nothing is known.
    fn warnings(&self, documents: &[DocumentPath]) -> Vec<SiteWarning> {
        let _ = documents;
        Vec::new()
    }

    /// The time by the site's clock, where it has one and anything was read; `None` where it has none.
    fn time(&self) -> Option<Timestamp> {
        None
    }
}

/// How a write or removal ended.
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
    /// The document is there, or gone.
    Done,
    /// Somebody else was faster; nothing was changed.
    PreconditionFailed,
}
