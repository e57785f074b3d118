use crate::{
    Documents, IssuerUrl, Refusal,
    documents::{Discovery, Jwks},
    entra::Aadsts,
    published::{Fetched, Page, PublishedIssuer},
    verify::is_json,
};

/// How what the public reads differs from what was written.
///
/// ```
/// use issuer::{Aadsts, PublishedIssuer};
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "fixtures/keys".as_ref());
/// let mismatch = issuer::published_documents(&issuer, &published).unwrap_err();
/// assert!(mismatch.to_string().ends_with("fixtures/keys/.well-known/openid-configuration is not there"));
/// assert_eq!(mismatch.aadsts(), Some(Aadsts::UNREACHABLE));
/// assert!(!mismatch.is_tolerable() && !mismatch.is_inconclusive());
/// assert!(mismatch.fix().starts_with("publish"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// A document cannot be fetched or used, or names another issuer.
    #[error("{0}")]
    Refusal(Refusal),
    /// A document comes from somewhere else than where it was written.
    #[error("{from} redirects to {to}")]
    Redirected {
        /// The URL that was asked.
        from: String,
        /// The URL that answered.
        to: String,
    },
    /// A document is not served as JSON.
    #[error("{from} is served {}, not as application/json", as_type(.content_type))]
    ContentType {
        /// The URL.
        from: String,
        /// The Content-Type.
        content_type: String,
        /// Whether it is the JWKS.
        is_jwks: bool,
    },
    /// The discovery document names the right issuer and is otherwise another one.
    #[error("{from} is not the discovery document that was written")]
    Discovery {
        /// The URL.
        from: String,
    },
    /// Keys that were written are not read.
    #[error("{from} lacks {}", keys(.kids))]
    KeysMissing {
        /// The URL.
        from: String,
        /// The `kid`s that are missing.
        kids: Vec<String>,
    },
    /// Something else than the keys that were written is read as well.
    #[error("{from} is not the JWKS that was written")]
    KeysUnexpected {
        /// The URL.
        from: String,
    },
}

impl Mismatch {
    /// The code Entra will answer with while it stays so; `None` where that leads to no error.
    ///
    /// Of what [is tolerable](Self::is_tolerable) it is the code Entra would give if it did not put up with it.
    pub fn aadsts(&self) -> Option<Aadsts> {
        match self {
            Self::Refusal(refusal) => refusal.aadsts(),
            Self::KeysMissing { .. } => Some(Aadsts::KEY_NOT_FOUND),
            Self::Redirected { .. } => Some(Aadsts::UNREACHABLE),
            Self::ContentType { is_jwks: true, .. } => Some(Aadsts::KEY_SET),
            Self::ContentType { is_jwks: false, .. } => Some(Aadsts::DISCOVERY),
            Self::Discovery { .. } | Self::KeysUnexpected { .. } => None,
        }
    }

    /// Whether it is not documented that Entra minds: redirects, and documents that are JSON and say they are something else.
    pub fn is_tolerable(&self) -> bool {
        matches!(self, Self::Redirected { .. } | Self::ContentType { .. })
    }

    /// The next step.
    pub fn fix(&self) -> String {
        match self {
            Self::Refusal(refusal) => refusal.fix(),
            Self::Redirected { .. } => "serve the documents at the issuer URL itself".to_owned(),
            Self::ContentType { .. } => "let the server send application/json for both documents".to_owned(),
            Self::Discovery { .. } | Self::KeysMissing { .. } | Self::KeysUnexpected { .. } => {
                "check that this place serves the site that was written; a cache in front of it is up to date after the max-age of the old document, and --wait waits for it"
                    .to_owned()
            }
        }
    }

    /// Whether nothing is known of the documents, as when the network is down.
    pub fn is_inconclusive(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.is_inconclusive())
    }
}

/// Holds what the public reads against the documents that were written.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, PublishedIssuer, SystemClock, Wanted, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// let publication = issuer::publish(&site, &wanted, &SystemClock).await?;
/// let published = PublishedIssuer::from_directory(&wanted.issuer, site.path());
/// assert_eq!(issuer::compare(&publication.documents, &published), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first [`Mismatch`].
pub fn compare(documents: &Documents, published: &PublishedIssuer) -> Result<(), Mismatch> {
    let page = read_discovery(&documents.issuer, published)?;
    if parse_discovery(page)? != documents.discovery {
        return Err(Mismatch::Discovery { from: published.discovery.from.clone() });
    }
    let (fetched, jwks) = read_jwks(published)?;
    let missing = documents.jwks.keys.iter().filter(|key| !jwks.keys.contains(key));
    let kids: Vec<_> = missing.map(|key| key.kid().unwrap_or_default().to_owned()).collect();
    let from = fetched.from.clone();
    if !kids.is_empty() {
        return Err(Mismatch::KeysMissing { from, kids });
    }
    if jwks == documents.jwks { Ok(()) } else { Err(Mismatch::KeysUnexpected { from }) }
}

/// The documents the public reads, where they are of use for this issuer.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, PublishedIssuer, SystemClock, Wanted, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// let publication = issuer::publish(&site, &wanted, &SystemClock).await?;
/// let published = PublishedIssuer::from_directory(&wanted.issuer, site.path());
/// assert_eq!(issuer::published_documents(&wanted.issuer, &published)?, publication.documents);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first [`Mismatch`] with what an issuer's documents must be, whatever is in them.
pub fn published_documents(issuer: &IssuerUrl, published: &PublishedIssuer) -> Result<Documents, Mismatch> {
    let page = read_discovery(issuer, published)?;
    let discovery = parse_discovery(page)?;
    let (_, jwks) = read_jwks(published)?;
    if jwks.keys.is_empty() {
        return Err(Mismatch::Refusal(Refusal::KeySetEmpty));
    }
    Ok(Documents { issuer: issuer.clone(), discovery, jwks })
}

fn read_discovery<'a>(issuer: &IssuerUrl, published: &'a PublishedIssuer) -> Result<&'a Page, Mismatch> {
    let page = page(&published.discovery, Refusal::DiscoveryFetch)?;
    let discovery = parse_discovery(page)?;
    if discovery.issuer != issuer.as_str() {
        let (expected, seen) = (issuer.as_str().to_owned(), discovery.issuer);
        return Err(Mismatch::Refusal(Refusal::DiscoveryIssuer { expected, seen }));
    }
    check_transport(&published.discovery, page, false)?;
    Ok(page)
}

fn parse_discovery(page: &Page) -> Result<Discovery, Mismatch> {
    Discovery::parse(&page.body).map_err(|error| Mismatch::Refusal(Refusal::DiscoveryContent(error)))
}

fn read_jwks(published: &PublishedIssuer) -> Result<(&Fetched, Jwks), Mismatch> {
    let Some(fetched) = &published.jwks else {
        return Err(Mismatch::Refusal(Refusal::KeySetEmpty));
    };
    let page = page(fetched, Refusal::KeySetFetch)?;
    let jwks = Jwks::parse(&page.body).map_err(|error| Mismatch::Refusal(Refusal::KeySetContent(error)))?;
    check_transport(fetched, page, true)?;
    Ok((fetched, jwks))
}

fn page(fetched: &Fetched, refusal: fn(crate::published::FetchError) -> Refusal) -> Result<&Page, Mismatch> {
    fetched.outcome.as_ref().map_err(|error| Mismatch::Refusal(refusal(error.clone())))
}

fn check_transport(fetched: &Fetched, page: &Page, is_jwks: bool) -> Result<(), Mismatch> {
    let from = fetched.from.clone();
    if let Some(to) = page.redirected_to.clone() {
        return Err(Mismatch::Redirected { from, to });
    }
    match page.content_type.clone() {
        Some(content_type) if !is_json(&content_type) => Err(Mismatch::ContentType { from, content_type, is_jwks }),
        _ => Ok(()),
    }
}

fn as_type(content_type: &str) -> String {
    if content_type.is_empty() { "without a Content-Type".to_owned() } else { format!("as {content_type}") }
}

fn keys(kids: &[String]) -> String {
    match kids {
        [one] => format!("key {one}"),
        many => format!("{} keys: {}", many.len(), many.join(", ")),
    }
}

#[cfg(feature = "remote")]
pub use remote::read_back;

#[cfg(feature = "remote")]
mod remote {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::{Mismatch, compare};
    use crate::{
        Documents, Jwk, Location, PublishedIssuer,
        documents::{Discovery, Jwks},
        publish::{Publication, Wanted, apply::read_live},
        published::HttpFetcher,
        site::Site,
    };

    /// The pause before the second look, doubled before each further one.
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);

    /// Reads the documents back as the public does, again and again until they are what was written or `wait` is over.
    ///
    /// When another publisher has written since, what counts is what the site holds now, as long as every key of ours is
    /// in it.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::{HttpFetcher, Location, SystemClock, site::Directory};
    /// use std::time::Duration;
    /// # use issuer::{KeySet, Wanted};
    /// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
    /// # let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
    /// let directory = tempfile::tempdir()?;
    /// let site = Directory::open(directory.path())?;
    /// let publication = issuer::publish(&site, &wanted, &SystemClock).await?;
    /// let (location, fetcher) = (Location::Directory(site.path().to_owned()), HttpFetcher::default());
    /// let read = issuer::read_back(&site, &wanted, &publication, &location, &fetcher, Duration::ZERO).await;
    /// assert_eq!(read, Ok(()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Mismatch`] when what the public reads stayed different.
    pub async fn read_back(
        site: &impl Site,
        wanted: &Wanted,
        publication: &Publication,
        location: &Location,
        fetcher: &HttpFetcher,
        wait: Duration,
    ) -> Result<(), Mismatch> {
        // A wait beyond the end of time has no end.
        let deadline = Instant::now().checked_add(wait);
        let mut documents = publication.documents.clone();
        let mut pause = FIRST_PAUSE;
        loop {
            let published = PublishedIssuer::fetch_expected(&wanted.issuer, location, fetcher).await;
            let Err(mismatch) = compare(&documents, &published) else { return Ok(()) };
            if let Some(newer) = newer(site, wanted, &documents).await {
                documents = newer;
                if compare(&documents, &published).is_ok() {
                    return Ok(());
                }
            }
            let left = deadline.map_or(pause, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(mismatch);
            }
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What the site holds now, where that is something else and still has every key of the input. A site that does not
    /// answer has told what it holds already.
    async fn newer(site: &impl Site, wanted: &Wanted, known: &Documents) -> Option<Documents> {
        let live = read_live(site, &wanted.issuer).await.ok()?;
        let discovery = Discovery::parse(&live.discovery?.bytes).ok()?;
        let jwks = Jwks::parse(&live.jwks?.bytes).ok()?;
        let documents = Documents { issuer: known.issuer.clone(), discovery, jwks };
        let complete = wanted.keys.iter().all(|key| documents.jwks.keys.contains(&Jwk::new(key.clone())));
        (complete && documents != *known).then_some(documents)
    }
}
