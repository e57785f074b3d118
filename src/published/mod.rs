//! A published issuer: its documents as the public reads them.

mod fetched;
#[cfg(feature = "remote")]
mod freshness;
#[cfg(feature = "remote")]
mod http;
mod location;
mod shown;

#[cfg(feature = "remote")]
use std::time::Duration;
use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

#[cfg(feature = "remote")]
use futures_util::future::join;

pub use fetched::{FetchError, Fetched, Page};
#[cfg(feature = "remote")]
pub use http::HttpFetcher;
pub use location::Location;
use location::Place;
#[cfg(feature = "remote")]
use reqwest::Url;
use rustix::fs::{Mode, OFlags};
pub(crate) use shown::shown;

#[cfg(feature = "remote")]
use crate::resolver::resolves_to_private_only;
use crate::{
    IssuerUrl,
    documents::{Discovery, Jwks},
};

/// How long the addresses of a host are looked up for a warning.
#[cfg(feature = "remote")]
const LOOK_UP_MAX: Duration = Duration::from_secs(2);
/// The longest document that is read, in bytes.
const DOCUMENT_MAX: usize = 1 << 20;

/// Both documents of an issuer, as they were read.
///
/// ```
/// use issuer::{Expectations, PublishedIssuer, Verifier};
/// let issuer: issuer::IssuerUrl = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::from_directory(&issuer, "no/such/site".as_ref());
/// assert!(published.discovery.outcome.is_err() && published.jwks.is_none());
///
/// let verifier = Verifier::from_published(issuer, &published);
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let report = verifier.examine(&token, &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// assert_eq!(report.checks[2].name.to_string(), "discovery");
/// assert!(matches!(&report.checks[2].outcome, issuer::Outcome::Failed(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Over HTTPS, with the feature `remote`:
///
/// ```no_run
/// use issuer::{HttpFetcher, Location, PublishedIssuer};
/// # async fn read() -> Result<(), issuer::Error> {
/// let issuer = "https://issuer.example.com".parse()?;
/// let published = PublishedIssuer::fetch(&issuer, &Location::Issuer, &HttpFetcher::default()).await;
/// // Both at once, where the JWKS is where `publish` puts it.
/// let same = PublishedIssuer::fetch_expected(&issuer, &Location::Issuer, &HttpFetcher::default()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedIssuer {
    /// The discovery document.
    pub discovery: Fetched,
    /// The JWKS; `None` when no trusted discovery document said where it is.
    pub jwks: Option<Fetched>,
    /// The host of the issuer, if this machine resolves it to private addresses only. Split DNS may give others elsewhere.
    pub private_host: Option<String>,
}

impl PublishedIssuer {
    /// Reads the documents of an issuer from a directory that stands in for its URL.
    ///
    /// Never fails: what could not be read is part of the answer. A `jwks_uri` that is not below the issuer is not followed.
    pub fn from_directory(issuer: &IssuerUrl, directory: &Path) -> Self {
        let location = Location::Directory(directory.to_owned());
        let discovery = read_place(&location.discovery(issuer));
        let discovery = discovery.or_dot_folder(|| read_place(&location.expected_jwks(issuer)));
        let jwks = discovery.jwks_place(issuer, &location).map(|place| read_place(&place));
        Self { discovery, jwks, private_host: None }
    }

    /// Fetches the documents of an issuer from where a location says, both at once: the JWKS from where `publish` puts it.
    ///
    /// Gives what [`fetch`](Self::fetch) gives, in half its time where the discovery document says what is expected.
    #[cfg(feature = "remote")]
    pub async fn fetch_expected(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let expected = location.expected_jwks(issuer);
        let (place, named) = (location.discovery(issuer), named(issuer, location, fetcher));
        let fetch = join(fetch_place(&place, &named, fetcher), fetch_place(&expected, &named, fetcher));
        let ((discovery, jwks), private_host) = join(fetch, private_host(issuer, location)).await;
        let discovery = discovery.or_dot_folder(|| jwks.clone());
        let jwks = match discovery.jwks_place(issuer, location) {
            Some(place) if place == expected => Some(jwks),
            place => fetch_jwks(place, issuer, location, fetcher).await,
        };
        Self { discovery, jwks, private_host }
    }

    /// Fetches the documents of an issuer from where a location says.
    ///
    /// Never fails: what could not be fetched is part of the answer. The issuer and the location are the caller's, so their
    /// hosts may be private, unless the fetcher is [for public hosts only](HttpFetcher::only_public); a `jwks_uri` or redirect
    /// to another host or port must lead to a public one.
    #[cfg(feature = "remote")]
    pub async fn fetch(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let fetch = Self::fetch_documents(issuer, location, fetcher);
        let (published, private_host) = join(fetch, private_host(issuer, location)).await;
        let published = Self { private_host, ..published };
        if !published.discovery.is_absent() {
            return published;
        }
        let named = named(issuer, location, fetcher);
        let jwks = fetch_place(&location.expected_jwks(issuer), &named, fetcher).await;
        Self { discovery: published.discovery.or_dot_folder(|| jwks), ..published }
    }

    /// The same without a look for the cause of an absent discovery document.
    #[cfg(feature = "remote")]
    pub(crate) async fn fetch_documents(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let named = named(issuer, location, fetcher);
        let discovery = fetch_place(&location.discovery(issuer), &named, fetcher).await;
        Self { discovery, jwks: None, private_host: None }.fetch_jwks(issuer, location, fetcher).await
    }

    /// Fetches the JWKS again, from where the discovery document said.
    #[cfg(feature = "remote")]
    pub(crate) async fn fetch_jwks(self, issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let jwks = fetch_jwks(self.discovery.jwks_place(issuer, location), issuer, location, fetcher).await;
        Self { jwks, ..self }
    }
}

impl Fetched {
    /// Whether the place answered that there is no such document.
    fn is_absent(&self) -> bool {
        self.outcome.as_ref().is_err_and(FetchError::is_absence)
    }

    /// Names the cause of a discovery document that is absent although the JWKS is there: its folder starts with a dot.
    fn or_dot_folder(self, jwks: impl FnOnce() -> Self) -> Self {
        let is_key_set = |fetched: Self| fetched.outcome.is_ok_and(|page| Jwks::parse(&page.body).is_ok());
        if self.is_absent() && is_key_set(jwks()) {
            return Self { outcome: Err(FetchError::DotFolder(self.from.clone())), ..self };
        }
        self
    }

    /// Where the discovery document says the JWKS is. Another issuer's document is followed no further than to the
    /// trusted issuer's own place, where the difference may be a slash.
    fn jwks_place(&self, issuer: &IssuerUrl, location: &Location) -> Option<Place> {
        let discovery = Discovery::parse(&self.outcome.as_ref().ok()?.body).ok()?;
        let trusted = discovery.issuer == issuer.as_str() || issuer.rest_below(&discovery.jwks_uri).is_some();
        trusted.then(|| location.jwks(issuer, &discovery.jwks_uri))
    }
}

/// The host of an issuer that is read at its own URL, if it looks public and this machine resolves it to private addresses only.
#[cfg(feature = "remote")]
async fn private_host(issuer: &IssuerUrl, location: &Location) -> Option<String> {
    let url = Url::parse(issuer.as_str()).ok().filter(|_| *location == Location::Issuer)?;
    let host = url.host_str()?;
    let is_private = tokio::time::timeout(LOOK_UP_MAX, resolves_to_private_only(host)).await;
    is_private.is_ok_and(|is_private| is_private).then(|| host.to_owned())
}

#[cfg(feature = "remote")]
async fn fetch_jwks(
    place: Option<Place>,
    issuer: &IssuerUrl,
    location: &Location,
    fetcher: &HttpFetcher,
) -> Option<Fetched> {
    match place? {
        // Plain http is for an issuer on this machine, or for the place that stands in for it.
        Place::Url(url) if !is_https(&url) && !location.is_plain(issuer) => {
            Some(Fetched { from: shown(&url), outcome: Err(FetchError::NotHttps(shown(&url))) })
        }
        place => Some(fetch_place(&place, &named(issuer, location, fetcher), fetcher).await),
    }
}

/// The URLs whose hosts the caller named.
#[cfg(feature = "remote")]
fn named(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Vec<Url> {
    let location = match location {
        Location::Url(url) => Some(url),
        _ => None,
    };
    let issuer = Some(issuer).filter(|_| !fetcher.is_only_public());
    location.into_iter().chain(issuer).filter_map(|url| Url::parse(url.as_str()).ok()).collect()
}

/// As the client reads the URL, which is more than one way to write it.
#[cfg(feature = "remote")]
fn is_https(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

#[cfg(feature = "remote")]
async fn fetch_place(place: &Place, named: &[Url], fetcher: &HttpFetcher) -> Fetched {
    match place {
        Place::Url(url) => Fetched { from: shown(url), outcome: fetcher.fetch_for(named, url).await },
        Place::File(_) => read_place(place),
    }
}

/// Reads a file; a URL is never followed from a directory.
fn read_place(place: &Place) -> Fetched {
    let path = match place {
        Place::Url(url) => {
            let from = shown(url);
            return Fetched { from: from.clone(), outcome: Err(FetchError::Elsewhere(from)) };
        }
        Place::File(path) => path,
    };
    let from = path.display().to_string();
    let outcome = match read_file(path) {
        Ok(Some(body)) => Ok(Page { body, content_type: None, redirected_to: None, fresh_for: None }),
        Ok(None) => Err(FetchError::TooLong { url: from.clone(), limit: DOCUMENT_MAX }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::NotThere(from.clone())),
        Err(error) => Err(FetchError::Unreadable { path: from.clone(), because: error.to_string() }),
    };
    Fetched { from, outcome }
}

/// Reads a regular file; `None` when it is too long. Waits for no pipe or device in its place, not even one that came just now.
fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let regular = |metadata: Metadata| {
        let error = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        if metadata.is_file() { Ok(metadata.len()) } else { Err(error()) }
    };
    // Opening a device may have effects of its own.
    regular(fs::metadata(path)?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let limit = DOCUMENT_MAX as u64;
    if regular(file.metadata()?)? > limit {
        return Ok(None);
    }
    let mut body = Vec::new();
    file.take(limit + 1).read_to_end(&mut body)?;
    Ok((body.len() <= DOCUMENT_MAX).then_some(body))
}
