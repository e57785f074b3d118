//! Where documents are stored and served from.

#[cfg(feature = "azure")]
mod azure;
#[cfg(feature = "azure")]
mod azure_options;
mod directory;
mod memory;

use std::future::Future;

#[cfg(feature = "azure")]
pub use azure::Azure;
#[cfg(feature = "azure")]
pub use azure_options::AzureOptions;
pub use directory::Directory;
pub use memory::Memory;

use crate::{Error, documents::DocumentPath, publish::Retention};

/// A place that keeps documents and writes them one at a time, each whole, under a condition.
///
/// `Directory` is one; a blob container is another.
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
}

/// Whether a site serves what it stores.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The body.
    pub bytes: Vec<u8>,
    /// The version, for conditions.
    pub etag: ETag,
    /// What it is served with; `None` where the site does not keep that.
    pub headers: Option<Headers>,
    /// The retention record that is kept with the document.
    pub retention: Retention,
}

/// A document to write.
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers {
    /// Content-Type.
    pub content_type: String,
    /// Cache-Control.
    pub cache_control: String,
}

/// The version of a stored document; every change of body, headers or retention record makes another (RFC 9110 section 8.8.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(pub String);

/// What must hold for a write to happen (RFC 9110 section 13.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The document is still the version that was read.
    IfMatch(ETag),
    /// There is still no document (`If-None-Match: *`).
    IfNoneMatch,
}

/// How a write or removal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// The document is there, or gone.
    Done,
    /// Somebody else was faster; nothing was changed.
    PreconditionFailed,
}
