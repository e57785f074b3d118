use std::time::Duration;

use super::{Address, Discovery, Jwks, Location};
use crate::issuer_url::IssuerUrl;

/// A document as it was read from where the public reads it, or why it was not.
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
    /// The URL or file asked for.
    pub from: String,
    /// What came back.
    pub outcome: Result<Page, FetchError>,
}

impl Fetched {
    /// Whether the place answered that there is no such document.
    pub(crate) fn is_absent(&self) -> bool {
        self.outcome.as_ref().is_err_and(FetchError::is_absence)
    }

    /// Names the cause of a discovery document that is absent although the JWKS is there: its folder starts with a dot.
    pub(crate) fn or_dot_folder(self, jwks: impl FnOnce() -> Self) -> Self {
        let is_key_set = |fetched: Self| fetched.outcome.is_ok_and(|page| Jwks::parse(&page.body).is_ok());
        if self.is_absent() && is_key_set(jwks()) {
            return Self { outcome: Err(FetchError::DotFolder(self.from.clone())), ..self };
        }
        self
    }

    /// Where the discovery document says the JWKS is. Another issuer's document is followed no further than to the
    /// trusted issuer's own place, where the difference may be a slash.
    pub(crate) fn jwks_place(&self, issuer: &IssuerUrl, location: &Location) -> Option<Address> {
        let discovery = Discovery::parse(&self.outcome.as_ref().ok()?.body).ok()?;
        let trusted = discovery.issuer == issuer.as_str() || issuer.rest_below(&discovery.jwks_uri).is_some();
        trusted.then(|| location.jwks(issuer, &discovery.jwks_uri))
    }
}

/// A document that came back.
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
    /// The body.
    pub body: Vec<u8>,
    /// The Content-Type, empty where the server sent none; `None` in a directory, which keeps none.
    pub content_type: Option<String>,
    /// The URL the body came from in the end, where redirects led elsewhere.
    pub redirected_to: Option<String>,
    /// How long it may be kept, where its server says so.
    pub fresh_for: Option<Duration>,
}

/// Why a document did not come back; reads as the end of "the JWKS cannot be fetched: …".
///
/// ```
/// use issuer::{FetchError, PublishedIssuer};
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "fixtures/kubernetes/rotation".as_ref());
/// let error = published.discovery.outcome.unwrap_err();
/// assert!(matches!(error, FetchError::NotThere(_)) && !error.is_inconclusive());
/// assert_eq!(error.to_string(), "fixtures/kubernetes/rotation/.well-known/openid-configuration is not there");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// No answer: the name, the connection, TLS, or the time ran out. Nothing is known of the document.
    #[error("{url} did not answer: {because}")]
    NoAnswer {
        /// The URL.
        url: String,
        /// What went wrong, innermost cause last.
        because: String,
    },
    /// An answer with a status other than 200.
    #[error("{url} answered {status}{}", reason(*.is_html, .code.as_deref()))]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Whether a page for people came with it, as the error page of a static website.
        is_html: bool,
        /// The reason that Azure Storage gives, such as `PublicAccessNotPermitted`.
        code: Option<String>,
    },
    /// A body that is compressed, or is said to be: the request asked for `identity` (RFC 9110 section 12.5.3).
    #[error("{url} is served with Content-Encoding {coding}{}", encoding(*.is_plain))]
    Encoded {
        /// The URL.
        url: String,
        /// The Content-Encoding.
        coding: String,
        /// Whether the body is JSON as it is, so that whoever decodes it fails.
        is_plain: bool,
    },
    /// A host that the internet cannot reach, and that the caller did not name. No request was sent.
    #[error("no request was sent to {url}, because its host {because}")]
    NotPublic {
        /// The URL.
        url: String,
        /// What the host is, as the end of a sentence.
        because: String,
    },
    /// A host that looks public and has other addresses on this machine. No request was sent.
    #[error("no request was sent to {url}, because its host {because}")]
    NotPublicHere {
        /// The URL.
        url: String,
        /// What it resolves to, as the end of a sentence.
        because: String,
    },
    /// A URL with a user name or password, which is shown without them. No request was sent.
    #[error("no request was sent to {0}, because it holds a user name or password")]
    Credentials(String),
    /// No file in a directory.
    #[error("{0} is not there")]
    NotThere(String),
    /// No discovery document, although the JWKS below the same issuer is there.
    #[error("{0} is not there, but the JWKS of the issuer is")]
    DotFolder(String),
    /// A body longer than is read.
    #[error("{url} answered with more than {limit} bytes")]
    TooLong {
        /// The URL or file.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A redirect that is not followed.
    #[error("{url} redirects to {to}, and {because}")]
    Redirect {
        /// The URL.
        url: String,
        /// Where to.
        to: String,
        /// Why it is not followed.
        because: &'static str,
    },
    /// A URL that is neither https nor on this machine.
    #[error("{0} is not an https URL")]
    NotHttps(String),
    /// The file is there and cannot be read.
    #[error("{path} cannot be read: {because}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the system says.
        because: String,
    },
    /// A `jwks_uri` away from the issuer, where a directory was given to read from.
    #[error("{0} is not below the issuer, and only a directory was given to read from")]
    Elsewhere(String),
}

impl FetchError {
    /// Whether the place answered that there is no such document.
    fn is_absence(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::Status { status: 404, .. })
    }

    /// Whether nothing is known of the document, so that a later attempt may find it well.
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

    /// Whether the server keeps the document from everybody who is not signed in.
    pub(crate) fn is_blocked(&self) -> bool {
        match self {
            Self::Status { status: 401 | 403, .. } => true,
            Self::Status { status: 409, code, .. } => code.as_deref() == Some("PublicAccessNotPermitted"),
            _ => false,
        }
    }
}

/// The end of "X answered 404". The page of a static website says its own code again.
fn reason(is_html: bool, code: Option<&str>) -> String {
    match (is_html, code) {
        (true, _) => " with an HTML page".to_owned(),
        (false, Some(code)) => format!(" ({code})"),
        (false, None) => String::new(),
    }
}

/// The end of "X is served with Content-Encoding gzip".
fn encoding(is_plain: bool) -> &'static str {
    if is_plain {
        ", but it is not encoded: a client that decodes it fails"
    } else {
        " although identity was asked for"
    }
}
