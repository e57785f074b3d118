use std::fmt;

use super::{Content, Headers, Retention};
use crate::{
    documents::Documents,
    issuer_url::{DocumentPath, IssuerUrl},
};

/// A document of an issuer. Planning, writing and removing follow [`ALL`](Self::ALL), so add a new document there.
///
/// ```
/// use issuer::DocumentKind;
/// let issuer = "https://issuer.example.com/prod-1".parse()?;
/// let paths = DocumentKind::ALL.map(|kind| kind.path(&issuer).to_string());
/// assert_eq!(paths, ["prod-1/openid/v1/jwks", "prod-1/.well-known/openid-configuration"]);
/// assert_eq!(DocumentKind::Discovery.to_string(), "discovery document");
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DocumentKind {
    /// The JWKS.
    Jwks,
    /// The discovery document.
    Discovery,
}

impl DocumentKind {
    /// All documents in the order of writing. They are removed in reverse order, so that no document refers to a
    /// missing document.
    pub const ALL: [Self; 2] = [Self::Jwks, Self::Discovery];

    /// The name in messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jwks => "JWKS",
            Self::Discovery => "discovery document",
        }
    }

    /// The path on the site of an issuer.
    pub fn path(self, issuer: &IssuerUrl) -> DocumentPath {
        match self {
            Self::Jwks => issuer.jwks_path(),
            Self::Discovery => issuer.discovery_path(),
        }
    }

    /// The content to store. The retention record is stored with the JWKS.
    pub(super) fn content(self, documents: &Documents, retention: &Retention, cache_control: &str) -> Content {
        let (bytes, content_type, retention) = match self {
            Self::Jwks => (documents.jwks.to_bytes(), "application/json", retention.clone()),
            Self::Discovery => (documents.discovery.to_bytes(), "application/json", Retention::default()),
        };
        let (content_type, cache_control) = (content_type.to_owned(), cache_control.to_owned());
        Content { bytes, headers: Headers { content_type, cache_control, content_encoding: None }, retention }
    }
}

impl fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
