use std::time::Duration;

use super::{Address, Discovery, Jwks, Location};
use crate::issuer_url::IssuerUrl;

/// A published document after an attempt to fetch it.
///
/// ```
/// use issuer::{Fetched, PublishedIssuer};
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "fixtures/kubernetes/rotation".as_ref());
/// let Fetched { from, outcome } = published.discovery;
/// assert_eq!(from, "fixtures/kubernetes/rotation/.well-known/openid-configuration");
/// assert!(outcome.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The URL or file of the request.
    pub from: String,
    /// The document, or the reason why it was not fetched.
    pub outcome: Result<Page, FetchError>,
}

impl Fetched {
    /// Whether the document does not exist.
    pub(crate) fn is_absent(&self) -> bool {
        self.outcome.as_ref().is_err_and(FetchError::is_absence)
    }

    /// Explains a missing discovery document when the JWKS exists: some servers omit folders that start with a dot.
    pub(crate) fn or_dot_folder(self, jwks: impl FnOnce() -> Self) -> Self {
        let is_key_set = |fetched: Self| fetched.outcome.is_ok_and(|page| Jwks::parse(&page.body).is_ok());
        if self.is_absent() && is_key_set(jwks()) {
            return Self { outcome: Err(FetchError::DotFolder(self.from.clone())), ..self };
        }
        self
    }

    /// The address of the JWKS by the discovery document. If the document has another issuer, which may differ only by
    /// a slash, its `jwks_uri` is followed only below the trusted issuer.
    pub(crate) fn jwks_place(&self, issuer: &IssuerUrl, location: &Location) -> Option<Address> {
        let discovery = Discovery::parse(&self.outcome.as_ref().ok()?.body).ok()?;
        let trusted = discovery.issuer == issuer.as_str() || issuer.rest_below(&discovery.jwks_uri).is_some();
        trusted.then(|| location.jwks(issuer, &discovery.jwks_uri))
    }
}

/// The content of a fetched document.
///
/// ```
/// use issuer::Page;
/// let body = std::fs::read("fixtures/kubernetes/rotation/jwks.json")?;
/// let page = Page { content_type: Some("application/json".to_owned()), body, ..Page::default() };
/// assert!(page.redirected_to.is_none() && page.fresh_for.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The body of the response, or the content of the file.
    pub body: Vec<u8>,
    /// The Content-Type, empty if the response has none; `None` for a file.
    pub content_type: Option<String>,
    /// The final URL after redirects, if it differs from the requested URL.
    pub redirected_to: Option<String>,
    /// How long the response may be cached, if the server gives a time.
    pub fresh_for: Option<Duration>,
}

/// Reason why a document cannot be fetched; the text completes the sentence "cannot fetch the JWKS: …".
///
/// ```
/// use issuer::{FetchError, PublishedIssuer};
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "fixtures/kubernetes/rotation".as_ref());
/// let error = published.discovery.outcome.unwrap_err();
/// assert!(matches!(error, FetchError::NotThere(_)) && !error.is_inconclusive());
/// assert_eq!(error.to_string(), "fixtures/kubernetes/rotation/.well-known/openid-configuration does not exist");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No response: name resolution, connection or TLS failed, or the request timed out. The state of the document is
    /// unknown.
    #[error("no response from {url}: {because}")]
    NoAnswer {
        /// The URL.
        url: String,
        /// The cause, the innermost cause last.
        because: String,
    },
    /// A response with a status other than 200.
    #[error("{url} returned status {status}{}", reason(*.is_html, .code.as_deref()))]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Whether the body is an HTML page, such as the error page of a static website.
        is_html: bool,
        /// The error code of Azure Storage, such as `PublicAccessNotPermitted`.
        code: Option<String>,
    },
    /// A response with a Content-Encoding, although the request accepts only `identity` (RFC 9110 section 12.5.3).
    #[error("{url} is served with Content-Encoding {coding}{}", encoding(*.is_plain))]
    Encoded {
        /// The URL.
        url: String,
        /// The Content-Encoding.
        coding: String,
        /// Whether the body is plain JSON, so that clients that decode it fail.
        is_plain: bool,
    },
    /// A URL with a host that the internet cannot reach and that the caller did not name. No request was sent.
    #[error("no request was sent to {url}, because its host {because}")]
    NotPublic {
        /// The URL.
        url: String,
        /// Why the host is not public; the text completes the sentence "its host …".
        because: String,
    },
    /// A URL with a host name that looks public, but has non-public addresses on this machine. No request was sent.
    #[error("no request was sent to {url}, because its host {because}")]
    NotPublicHere {
        /// The URL.
        url: String,
        /// The addresses of the host; the text completes the sentence "its host …".
        because: String,
    },
    /// A URL with a user name or password, shown without them. No request was sent.
    #[error("no request was sent to {0}, because the URL contains a user name or password")]
    Credentials(String),
    /// A file that does not exist in a directory.
    #[error("{0} does not exist")]
    NotThere(String),
    /// A missing discovery document, although the JWKS of the issuer exists.
    #[error("{0} does not exist, but the JWKS of the issuer exists")]
    DotFolder(String),
    /// A document that is longer than the limit.
    #[error("{url} is longer than {limit} bytes")]
    TooLong {
        /// The URL or file.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, which is not followed: {because}")]
    Redirect {
        /// The URL.
        url: String,
        /// The target of the redirect.
        to: String,
        /// Why the redirect is not followed.
        because: &'static str,
    },
    /// A URL that is neither https nor on a loopback host.
    #[error("{0} is not an https URL")]
    NotHttps(String),
    /// A file that exists, but cannot be read.
    #[error("cannot read {path}: {because}")]
    Unreadable {
        /// The file.
        path: String,
        /// The error of the operating system.
        because: String,
    },
    /// A `jwks_uri` that is not below the issuer, so that the directory with the documents cannot hold the JWKS.
    #[error("{0} is not below the issuer, so the directory cannot hold the JWKS")]
    Elsewhere(String),
}

impl FetchError {
    /// Whether the document does not exist.
    fn is_absence(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::Status { status: 404, .. })
    }

    /// Whether the state of the document is unknown, so that a later attempt may succeed.
    pub fn is_inconclusive(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { .. }
                | Self::Unreadable { .. }
                | Self::Elsewhere(_)
                | Self::NotPublicHere { .. }
                | Self::Status { status: 429 | 500.., .. }
        )
    }

    /// Whether the server rejects anonymous requests for the document.
    pub(crate) fn is_blocked(&self) -> bool {
        match self {
            Self::Status { status: 401 | 403, .. } => true,
            Self::Status { status: 409, code, .. } => code.as_deref() == Some("PublicAccessNotPermitted"),
            _ => false,
        }
    }
}

/// The suffix of "X returned status 404". The HTML page of a static website repeats the code, so the code is omitted.
fn reason(is_html: bool, code: Option<&str>) -> String {
    match (is_html, code) {
        (true, _) => " with an HTML page".to_owned(),
        (false, Some(code)) => format!(" ({code})"),
        (false, None) => String::new(),
    }
}

/// The suffix of "X is served with Content-Encoding gzip".
fn encoding(is_plain: bool) -> &'static str {
    if is_plain {
        ", but its body is not encoded; clients that decode it fail"
    } else {
        ", although the request accepts only identity"
    }
}
