use crate::{
    documents::{Discovery, DocumentError, Documents, FetchError, Fetched, Jwks, PublishedIssuer},
    entra::Aadsts,
    hint::Hint,
    issuer_url::IssuerUrl,
    verify::{Refusal, RelyingParty, TrustedIssuer},
};

/// A difference between the written documents and those that relying parties fetch.
///
/// ```
/// use issuer::{Aadsts, Hint, PublishedIssuer, RelyingParty};
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "fixtures/keys".as_ref());
/// let mismatch = issuer::published_documents(&issuer, &published, RelyingParty::Entra).unwrap_err();
/// assert!(mismatch.to_string().ends_with("fixtures/keys/.well-known/openid-configuration does not exist"));
/// assert_eq!(mismatch.aadsts(), Some(Aadsts::UNREACHABLE));
/// assert!(!mismatch.is_inconclusive());
/// assert!(mismatch.hint().unwrap().starts_with("publish"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// A document cannot be fetched or parsed, or names another issuer.
    #[error("{0}")]
    Refusal(Refusal),
    /// The discovery document names the issuer, but is not the one that was written.
    #[error("{from} is not the discovery document that was written")]
    Discovery {
        /// The URL.
        from: String,
    },
    /// Keys that were written are missing.
    #[error("{from} lacks {}", keys(.kids))]
    KeysMissing {
        /// The URL.
        from: String,
        /// The `kid`s that are missing.
        kids: Vec<String>,
    },
    /// The JWKS has entries that were not written.
    #[error("{from} is not the JWKS that was written")]
    KeysUnexpected {
        /// The URL.
        from: String,
    },
}

impl Mismatch {
    /// The error code that Entra returns while this difference lasts; `None` if no code is known.
    pub fn aadsts(&self) -> Option<Aadsts> {
        match self {
            Self::Refusal(refusal) => refusal.aadsts(),
            Self::KeysMissing { .. } => Some(Aadsts::KEY_NOT_FOUND),
            Self::Discovery { .. } | Self::KeysUnexpected { .. } => None,
        }
    }

    /// Whether the documents could not be compared, for example because the network is down.
    pub fn is_inconclusive(&self) -> bool {
        matches!(self, Self::Refusal(refusal) if refusal.is_inconclusive())
    }
}

impl Hint for Mismatch {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Refusal(refusal) => refusal.hint(),
            Self::Discovery { .. } | Self::KeysMissing { .. } | Self::KeysUnexpected { .. } => Some(
                "check that this URL serves the site that was written; pass a longer --wait if a cache still holds the old document"
                    .to_owned(),
            ),
        }
    }
}

/// Compares the documents that relying parties fetch with those that were written.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, PublishedIssuer, RelyingParty, SystemClock, DesiredState, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
/// let published = PublishedIssuer::from_directory(&desired.issuer, site.path());
/// assert_eq!(issuer::compare(&publication.documents, &published, RelyingParty::Entra), Ok(()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The first [`Mismatch`]. A refusal of [`TrustedIssuer::judge`] is one, even if the documents are those that were written.
pub fn compare(
    documents: &Documents,
    published: &PublishedIssuer,
    relying_party: RelyingParty,
) -> Result<(), Mismatch> {
    let read = published_documents(&documents.issuer, published, relying_party)?;
    if read.discovery != documents.discovery {
        return Err(Mismatch::Discovery { from: published.discovery.from.clone() });
    }
    let from = published.jwks.as_ref().map(|fetched| fetched.from.clone()).unwrap_or_default();
    let missing = documents.jwks.keys.iter().filter(|key| !read.jwks.keys.contains(key));
    let kids: Vec<_> = missing.map(|key| key.kid().unwrap_or_default().to_owned()).collect();
    if !kids.is_empty() {
        return Err(Mismatch::KeysMissing { from, kids });
    }
    if read.jwks == documents.jwks { Ok(()) } else { Err(Mismatch::KeysUnexpected { from }) }
}

/// The documents that relying parties fetch, if they can use them for this issuer.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, PublishedIssuer, RelyingParty, SystemClock, DesiredState, site::Directory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// let site = Directory::open(directory.path())?;
/// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
/// let published = PublishedIssuer::from_directory(&desired.issuer, site.path());
/// assert_eq!(issuer::published_documents(&desired.issuer, &published, RelyingParty::Entra)?, publication.documents);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Mismatch::Refusal`] with the first refusal of [`TrustedIssuer::judge`].
pub fn published_documents(
    issuer: &IssuerUrl,
    published: &PublishedIssuer,
    relying_party: RelyingParty,
) -> Result<Documents, Mismatch> {
    TrustedIssuer::from_published(issuer.clone(), published).judge(relying_party).map_err(Mismatch::Refusal)?;
    let discovery = read(&published.discovery, Discovery::parse, Refusal::DiscoveryFetch, Refusal::DiscoveryContent)?;
    let jwks = published.jwks.as_ref().ok_or(Mismatch::Refusal(Refusal::KeySetEmpty))?;
    let jwks = read(jwks, Jwks::parse, Refusal::KeySetFetch, Refusal::KeySetContent)?;
    Ok(Documents { issuer: issuer.clone(), discovery, jwks })
}

fn read<T>(
    fetched: &Fetched,
    parse: fn(&[u8]) -> Result<T, DocumentError>,
    unread: fn(FetchError) -> Refusal,
    unusable: fn(DocumentError) -> Refusal,
) -> Result<T, Mismatch> {
    let page = fetched.outcome.as_ref().map_err(|error| Mismatch::Refusal(unread(error.clone())))?;
    parse(&page.body).map_err(|error| Mismatch::Refusal(unusable(error)))
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
    use tracing::{info, instrument};

    use super::{Mismatch, compare};
    use crate::{
        documents::{Discovery, Documents, Jwks, Location, PublishedIssuer},
        key::Jwk,
        plan::{DesiredState, DocumentKind},
        public_host::why_not_public,
        publish::{Publication, apply::read_current},
        published::HttpFetcher,
        redact::redacted,
        site::Site,
        verify::{RelyingParty, TrustedIssuer, VerifyWarning},
    };

    /// The pause before the second attempt. It doubles before each further attempt.
    const FIRST_PAUSE: Duration = Duration::from_millis(100);
    const LONGEST_PAUSE: Duration = Duration::from_secs(5);
    /// The shortest timeout of an attempt.
    const LOOK_MIN: Duration = Duration::from_secs(1);

    /// Reads the documents back as relying parties fetch them, until they are those that were written or `wait` is over.
    /// Returns the warnings about how they are served.
    ///
    /// Each attempt that finds a difference is an event of `tracing` at level INFO with the [`Mismatch`] as `cause`.
    ///
    /// If another publisher has written meanwhile, the documents that the site holds now are expected, if they have every key
    /// of the input.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::{HttpFetcher, Location, SystemClock, site::Directory};
    /// use std::time::Duration;
    /// # use issuer::{KeySet, DesiredState};
    /// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
    /// # let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
    /// let directory = tempfile::tempdir()?;
    /// let site = Directory::open(directory.path())?;
    /// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
    /// let (location, fetcher) = (Location::Directory(site.path().to_owned()), HttpFetcher::default());
    /// let read = issuer::read_back(&site, &desired, &publication, &location, &fetcher, Duration::ZERO).await;
    /// assert_eq!(read, Ok(Vec::new()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The last [`Mismatch`] if the documents still differ at the end.
    #[instrument(name = "read back from", skip_all, fields(%location, limit_s = wait.as_secs_f64()))]
    pub async fn read_back(
        site: &dyn Site,
        desired: &DesiredState,
        publication: &Publication,
        location: &Location,
        fetcher: &HttpFetcher,
        wait: Duration,
    ) -> Result<Vec<VerifyWarning>, Mismatch> {
        // An overflowing wait means no deadline.
        let deadline = Instant::now().checked_add(wait);
        // The caller allowed an issuer that Entra cannot reach, so that is not a mismatch.
        let is_private = desired.allow_private_issuer && why_not_public(desired.issuer.as_str()).is_some();
        let relying_party = if is_private { RelyingParty::Oidc } else { desired.relying_party };
        let mut documents = publication.documents.clone();
        let mut pause = FIRST_PAUSE;
        loop {
            // An attempt ends with the wait, but the last attempt has at least `LOOK_MIN`.
            let soonest = Instant::now() + LOOK_MIN;
            let until = deadline.map(|deadline| deadline.max(soonest)).filter(|_| !wait.is_zero());
            let fetcher = until.map_or_else(|| fetcher.clone(), |until| fetcher.clone().until(until.into_std()));
            let published = PublishedIssuer::fetch_expected(&desired.issuer, location, &fetcher).await;
            let judge = |documents: &Documents| compare(documents, &published, relying_party);
            let warnings = || TrustedIssuer::from_published(desired.issuer.clone(), &published).warnings().to_vec();
            let Err(mismatch) = judge(&documents) else { return Ok(warnings()) };
            if let Some(newer) = newer(site, desired, &documents).await {
                documents = newer;
                if judge(&documents).is_ok() {
                    return Ok(warnings());
                }
            }
            let left = deadline.map_or(pause, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(mismatch);
            }
            info!(cause = %redacted(&mismatch.to_string()), limit_s = wait.as_secs_f64(), "not read back yet");
            sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The documents that the site holds now, if they differ and have every key of the input. A failure to read the site is
    /// not an error here: its documents are known from the publish.
    async fn newer(site: &dyn Site, desired: &DesiredState, known: &Documents) -> Option<Documents> {
        let current = read_current(site, &desired.issuer).await.ok()?;
        let discovery = Discovery::parse(&current.document(DocumentKind::Discovery)?.bytes).ok()?;
        let jwks = Jwks::parse(&current.document(DocumentKind::Jwks)?.bytes).ok()?;
        let documents = Documents { issuer: known.issuer.clone(), discovery, jwks };
        let complete = desired.keys.iter().all(|key| documents.jwks.keys.contains(&Jwk::new(key.clone())));
        (complete && documents != *known).then_some(documents)
    }
}
