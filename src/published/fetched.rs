use std::time::Duration;

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
    #[error("{url} answered {status}{}", if *.is_html { " with an HTML page" } else { "" })]
    Status {
        /// The URL.
        url: String,
        /// The HTTP status.
        status: u16,
        /// Whether a page for people came with it, as the error page of a static website.
        is_html: bool,
    },
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
    pub(super) fn is_absence(&self) -> bool {
        matches!(self, Self::NotThere(_) | Self::Status { status: 404, .. })
    }

    /// Whether nothing is known of the document, so that a later attempt may find it well.
    pub fn is_inconclusive(&self) -> bool {
        matches!(
            self,
            Self::NoAnswer { .. }
                | Self::Unreadable { .. }
                | Self::Elsewhere(_)
                | Self::Status { status: 429 | 500.., .. }
        )
    }
}
