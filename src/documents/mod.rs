//! The two documents of an issuer: their exact bytes, and the documents that relying parties fetch.

mod cache_control;
mod discovery;
mod fetched;
mod jwks;
mod location;
mod published_issuer;

#[cfg(feature = "remote")]
pub(crate) use cache_control::fresh_for;
pub(crate) use cache_control::longest_lifetime;
pub use discovery::Discovery;
pub use fetched::{FetchError, Fetched, Page};
pub use jwks::Jwks;
pub(crate) use location::Address;
pub use location::Location;
pub use published_issuer::PublishedIssuer;

use crate::{issuer_url::IssuerUrl, key::PublicKey};

/// The discovery document and the JWKS of one issuer.
///
/// ```
/// use issuer::{Documents, KeySet};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let documents = Documents::new("https://issuer.example.com".parse()?, &keys);
/// assert_eq!(documents.jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Documents {
    /// The issuer.
    pub issuer: IssuerUrl,
    /// The discovery document.
    pub discovery: Discovery,
    /// The key set.
    pub jwks: Jwks,
}

impl Documents {
    /// The maximum length of a document and of a retention record, in bytes.
    pub const BYTES_MAX: usize = 1 << 20;

    /// The documents that an API server serves for this issuer and these keys, with the JWKS below the issuer.
    pub fn new(issuer: IssuerUrl, keys: &[PublicKey]) -> Self {
        let discovery = Discovery::new(&issuer, &issuer.jwks_uri(), keys);
        Self { issuer, discovery, jwks: Jwks::from_keys(keys) }
    }
}

/// Reason why a document is not usable; the text completes the sentence "the JWKS is not usable: …".
///
/// ```
/// use issuer::{DocumentError, Jwks};
/// let error = Jwks::parse(b"<!DOCTYPE html>").unwrap_err();
/// assert_eq!(error, DocumentError::Html);
/// assert_eq!(error.to_string(), "it is an HTML page, not JSON");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The document does not exist.
    #[error("it does not exist")]
    Missing,
    /// The document is empty.
    #[error("it is empty")]
    Empty,
    /// The document is an HTML page, such as the error page of a website.
    #[error("it is an HTML page, not JSON")]
    Html,
    /// The document is not JSON.
    #[error("it is not JSON: {0}")]
    NotJson(String),
    /// A required member is missing or of the wrong type.
    #[error("its member \"{0}\" is missing or of the wrong type")]
    Member(&'static str),
    /// An entry of a JWKS is not a JSON object. Entries are counted from 1.
    #[error("its entry {0} is not a JSON object")]
    Entry(usize),
}

/// Parses the JSON of a document; a byte order mark at the start is ignored.
fn parse<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let start = bytes.trim_ascii_start();
    if start.is_empty() {
        return Err(DocumentError::Empty);
    }
    if start.starts_with(b"<") {
        return Err(DocumentError::Html);
    }
    serde_json::from_slice(bytes).map_err(|error| DocumentError::NotJson(error.to_string()))
}

/// JSON for printing, indented by two spaces, with a final newline.
fn pretty(value: &impl serde::Serialize) -> Vec<u8> {
    // Serialising maps, lists and strings into memory cannot fail.
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}
