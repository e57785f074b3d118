//! Where documents are stored and served from.

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "azure")]
mod azure_options;
mod directory;
mod memory;
mod site_warning;

use std::future::Future;

#[cfg(feature = "azure")]
pub use azure::Azure;
#[cfg(feature = "azure")]
pub use azure_options::AzureOptions;
#[cfg(feature = "serve")]
pub(crate) use directory::CACHE_CONTROL_FILE;
pub use directory::{Directory, FileKind};
pub use memory::Memory;
pub use site_warning::SiteWarning;

use jiff::Timestamp;

use crate::{
    Error,
    documents::DocumentPath,
    publish::{Retention, StoredRetention},
};

/// A place that keeps documents and writes them one at a time, each whole, under a condition.
///
/// `Directory` is one; a blob container is another.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Live, Plan, Timestamp, site::{Memory, Site, Written}};
/// # use issuer::{KeySet, Wanted};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
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
pub trait Site: Sync {
    /// What messages call the site, such as a path.
    fn name(&self) -> String;

    /// Reads a document; `None` when it is not there.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is unknown whether the document is there.
    fn read(&self, path: &DocumentPath) -> impl Future<Output = Result<Option<Stored>, Error>> + Send;

    /// Writes a document, whole or not at all, if the condition holds at that moment.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is unknown whether the document was written; a failed condition is not an error.
    fn write(
        &self,
        path: &DocumentPath,
        content: &Content,
        condition: &Condition,
    ) -> impl Future<Output = Result<Written, Error>> + Send;

    /// Removes a document, if it is still the version that was read.
    ///
    /// # Errors
    ///
    /// [`Error`] when it is unknown whether the document is gone; a failed condition is not an error.
    fn remove(&self, path: &DocumentPath, etag: &ETag) -> impl Future<Output = Result<Written, Error>> + Send;

    /// Whether the site serves what it stores.
    ///
    /// # Errors
    ///
    /// [`Error`] when there was no answer. Missing the right to ask is not an error.
    fn hosting(&self) -> impl Future<Output = Result<Hosting, Error>> + Send {
        async { Ok(Hosting::default()) }
    }

    /// Lets the site serve what it stores; called before the first write where [`hosting`](Site::hosting) is [`Hosting::Off`].
    ///
    /// # Errors
    ///
    /// [`Error`] when it could not be switched on.
    fn host(&self) -> impl Future<Output = Result<(), Error>> + Send {
        async { Ok(()) }
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

/// Whether a site serves what it stores.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::site::{Directory, Hosting, Site};
/// assert_eq!(Directory::open("site")?.hosting().await?, Hosting::Plain);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hosting {
    /// There is nothing to switch on.
    #[default]
    Plain,
    /// The static website is on.
    On,
    /// The static website is off; publishing switches it on before its first write.
    Off,
    /// It may not be asked; why not, in a sentence.
    Unknown(String),
}

/// A document as a site holds it.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, Wanted, site::{Memory, Site, Stored}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &wanted, &SystemClock).await?;
/// let Stored { bytes, retention, .. } = site.read(&wanted.issuer.jwks_path()).await?.unwrap();
/// assert_eq!(bytes, std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert_eq!(retention.issuer(), Some("https://issuer.example.com"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The body.
    pub bytes: Vec<u8>,
    /// The version, for conditions.
    pub etag: ETag,
    /// What it is served with; `None` where the site does not keep that.
    pub headers: Option<Headers>,
    /// The retention record that is kept with the document, as it was found.
    pub retention: StoredRetention,
}

impl Stored {
    /// The Content-Encoding it is served with, as far as the site keeps that.
    pub(crate) fn content_encoding(&self) -> Option<&str> {
        self.headers.as_ref()?.content_encoding.as_deref()
    }
}

/// A document to write.
///
/// ```
/// use issuer::{Jwk, KeySet, Live, Plan, Timestamp, Wanted, site::Content};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let Content { bytes, headers, retention } = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks.content;
/// assert_eq!(bytes, std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert_eq!(headers.cache_control, wanted.cache_control);
/// assert!(retention.knows(&Jwk::new(wanted.keys[0].clone())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The body.
    pub bytes: Vec<u8>,
    /// What it is to be served with.
    pub headers: Headers,
    /// The retention record to keep with it.
    pub retention: Retention,
}

/// The HTTP headers a document is served with.
///
/// ```
/// use issuer::{KeySet, Live, Plan, Timestamp, Wanted, site::Headers};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&Live::default(), &wanted, Timestamp::now());
/// let Headers { content_type, cache_control, content_encoding } = plan.discovery.content.headers;
/// assert_eq!((content_type.as_str(), cache_control.as_str()), ("application/json", "public, max-age=300"));
/// assert_eq!(content_encoding, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    /// Content-Type.
    pub content_type: String,
    /// Cache-Control.
    pub cache_control: String,
    /// Content-Encoding; `None` for a body that is not encoded, as it is published.
    pub content_encoding: Option<String>,
}

impl Headers {
    /// The Cache-Control that documents are published with where nothing else is asked for.
    pub const CACHE_CONTROL: &str = "public, max-age=300";
}

/// The version of a stored document; every change of body, headers or retention record makes another (RFC 9110 section 8.8.3).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Live, Plan, Timestamp, site::{Condition, Content, ETag, Memory, Site}};
/// # use issuer::{KeySet, Wanted};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
/// let site = Memory::default();
/// site.write(&jwks.path, &jwks.content, &Condition::IfNoneMatch).await?;
/// let first: ETag = site.read(&jwks.path).await?.unwrap().etag;
/// let changed = Content { bytes: b"{\"keys\":[]}".to_vec(), ..jwks.content };
/// site.write(&jwks.path, &changed, &Condition::IfMatch(first.clone())).await?;
/// assert_ne!(site.read(&jwks.path).await?.unwrap().etag, first);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(pub String);

/// What must hold for a write to happen (RFC 9110 section 13.1).
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, Live, Plan, Timestamp, Wanted, site::{Condition, ETag, Memory, Site, Written}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
/// let site = Memory::default();
/// let changed = Condition::IfMatch(ETag("1".to_owned()));
/// assert_eq!(site.write(&jwks.path, &jwks.content, &changed).await?, Written::PreconditionFailed);
/// assert_eq!(site.write(&jwks.path, &jwks.content, &Condition::IfNoneMatch).await?, Written::Done);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The document is still the version that was read.
    IfMatch(ETag),
    /// There is still no document (`If-None-Match: *`).
    IfNoneMatch,
}

/// How a write or removal ended.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, Live, Plan, Timestamp, Wanted, site::{Memory, Site, Written}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let jwks = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
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
