use super::{ETag, Retention, StoredRetention};

/// A document on a site.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, DesiredState, site::{Memory, Site, Stored}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// let Stored { bytes, retention, .. } = site.read(&desired.issuer.jwks_path()).await?.unwrap();
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
    /// The version, for conditional writes.
    pub etag: ETag,
    /// The headers of responses; `None` if the site does not store headers.
    pub headers: Option<Headers>,
    /// The retention record of the document.
    pub retention: StoredRetention,
}

impl Stored {
    /// The Content-Encoding of responses, if the site stores headers.
    pub(crate) fn content_encoding(&self) -> Option<&str> {
        self.headers.as_ref()?.content_encoding.as_deref()
    }
}

/// The content of a document to write.
///
/// ```
/// use issuer::{Jwk, KeySet, CurrentState, Plan, Timestamp, DesiredState, site::Content};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let Content { bytes, headers, retention } = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0).content;
/// assert_eq!(bytes, std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert_eq!(headers.cache_control, desired.cache_control);
/// assert!(retention.knows(&Jwk::new(desired.keys[0].clone())));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The body.
    pub bytes: Vec<u8>,
    /// The headers of responses.
    pub headers: Headers,
    /// The retention record to store with the document.
    pub retention: Retention,
}

/// The HTTP headers of responses with a document.
///
/// ```
/// use issuer::{KeySet, CurrentState, Plan, Timestamp, DesiredState, site::Headers};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::now());
/// let Headers { content_type, cache_control, content_encoding } = plan.documents[1].content.headers.clone();
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
    /// Content-Encoding; `None` for a body that is not encoded, which is always the case for published documents.
    pub content_encoding: Option<String>,
}

impl Headers {
    /// The default Cache-Control of published documents.
    pub const CACHE_CONTROL: &str = "public, max-age=300";
}
