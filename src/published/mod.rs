//! Fetches the documents of a published issuer: over HTTPS, or from a directory.

#[cfg(feature = "remote")]
mod http;

#[cfg(feature = "remote")]
use std::time::Duration;
use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    path::Path,
};

#[cfg(feature = "remote")]
use futures_util::future::join;

#[cfg(feature = "remote")]
pub use self::http::HttpFetcher;
#[cfg(feature = "remote")]
use reqwest::Url;
use rustix::fs::{Mode, OFlags};

#[cfg(feature = "remote")]
use crate::resolver::resolves_to_private_only;
use crate::{
    documents::{Address, Documents, FetchError, Fetched, Location, Page, PublishedIssuer},
    issuer_url::{IssuerUrl, shown},
};

/// The timeout for resolving a host for a warning.
#[cfg(feature = "remote")]
const LOOK_UP_MAX: Duration = Duration::from_secs(2);

impl PublishedIssuer {
    /// Reads the documents of an issuer from a directory in place of its URL.
    ///
    /// Never fails: errors are part of the result. A `jwks_uri` that is not below the issuer is not followed.
    pub fn from_directory(issuer: &IssuerUrl, directory: &Path) -> Self {
        let location = Location::Directory(directory.to_owned());
        let discovery = read_place(&location.discovery(issuer));
        let discovery = discovery.or_dot_folder(|| read_place(&location.expected_jwks(issuer)));
        let jwks = discovery.jwks_place(issuer, &location).map(|place| read_place(&place));
        Self { discovery, jwks, private_host: None }
    }

    /// Fetches both documents of an issuer from a location at the same time: the JWKS from the URL that `publish` uses.
    ///
    /// The result is that of [`fetch`](Self::fetch), in half the time if the `jwks_uri` is the expected one.
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

    /// Fetches the documents of an issuer from a location.
    ///
    /// Never fails: errors are part of the result. The caller names the issuer and the location, so their hosts may be
    /// private, unless the fetcher is [for public hosts only](HttpFetcher::only_public). A `jwks_uri` or redirect to another
    /// host or port must lead to a public host.
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

    /// The same without a search for the cause of a missing discovery document.
    #[cfg(feature = "remote")]
    pub(crate) async fn fetch_documents(issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let named = named(issuer, location, fetcher);
        let discovery = fetch_place(&location.discovery(issuer), &named, fetcher).await;
        Self { discovery, jwks: None, private_host: None }.fetch_jwks(issuer, location, fetcher).await
    }

    /// Fetches the JWKS again from the `jwks_uri` of the known discovery document.
    #[cfg(feature = "remote")]
    pub(crate) async fn fetch_jwks(self, issuer: &IssuerUrl, location: &Location, fetcher: &HttpFetcher) -> Self {
        let jwks = fetch_jwks(self.discovery.jwks_place(issuer, location), issuer, location, fetcher).await;
        Self { jwks, ..self }
    }
}

/// The host of an issuer that is fetched from its own URL, if its name is public and all its addresses are private.
#[cfg(feature = "remote")]
async fn private_host(issuer: &IssuerUrl, location: &Location) -> Option<String> {
    let url = Url::parse(issuer.as_str()).ok().filter(|_| *location == Location::Issuer)?;
    let host = url.host_str()?;
    let is_private = tokio::time::timeout(LOOK_UP_MAX, resolves_to_private_only(host)).await;
    is_private.is_ok_and(|is_private| is_private).then(|| host.to_owned())
}

#[cfg(feature = "remote")]
async fn fetch_jwks(
    place: Option<Address>,
    issuer: &IssuerUrl,
    location: &Location,
    fetcher: &HttpFetcher,
) -> Option<Fetched> {
    match place? {
        // Plain http is allowed only for an issuer or a location on this machine.
        Address::Url(url) if !is_https(&url) && !location.is_plain(issuer) => {
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

/// Compares the URL as the client parses it: one URL can be written in several ways.
#[cfg(feature = "remote")]
fn is_https(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| url.scheme() == "https")
}

#[cfg(feature = "remote")]
async fn fetch_place(place: &Address, named: &[Url], fetcher: &HttpFetcher) -> Fetched {
    match place {
        Address::Url(url) => Fetched { from: shown(url), outcome: fetcher.fetch_for(named, url).await },
        Address::File(_) => read_place(place),
    }
}

/// Reads a file. A URL in a directory is never followed.
fn read_place(place: &Address) -> Fetched {
    let path = match place {
        Address::Url(url) => {
            let from = shown(url);
            return Fetched { from: from.clone(), outcome: Err(FetchError::Elsewhere(from)) };
        }
        Address::File(path) => path,
    };
    let from = path.display().to_string();
    let outcome = match read_file(path) {
        Ok(Some(body)) => Ok(Page { body, content_type: None, redirected_to: None, fresh_for: None }),
        Ok(None) => Err(FetchError::TooLong { url: from.clone(), limit: Documents::BYTES_MAX }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(FetchError::NotThere(from.clone())),
        Err(error) => Err(FetchError::Unreadable { path: from.clone(), because: error.to_string() }),
    };
    Fetched { from, outcome }
}

/// Reads a regular file; `None` if it is too long. It never blocks on a pipe or device that replaced the file meanwhile.
fn read_file(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let regular = |metadata: Metadata| {
        let error = || io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
        if metadata.is_file() { Ok(metadata.len()) } else { Err(error()) }
    };
    // Opening a device may have side effects.
    regular(fs::metadata(path)?)?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    let limit = Documents::BYTES_MAX as u64;
    if regular(file.metadata()?)? > limit {
        return Ok(None);
    }
    let mut body = Vec::new();
    file.take(limit + 1).read_to_end(&mut body)?;
    Ok((body.len() <= Documents::BYTES_MAX).then_some(body))
}
