use std::{fmt, path::PathBuf, str::FromStr};

use crate::issuer_url::{IssuerUrl, UrlError};

/// Where the documents of an issuer are read from.
///
/// Another place stands in for the whole issuer URL, path included: the discovery document is at
/// `{place}/.well-known/openid-configuration`, and a `jwks_uri` below the issuer is read from the same place below it.
/// What the documents say is held to the issuer all the same.
///
/// ```
/// use issuer::Location;
/// assert_eq!("site".parse::<Location>()?, Location::Directory("site".into()));
/// assert_eq!("http://127.0.0.1:8080".parse::<Location>()?.to_string(), "http://127.0.0.1:8080");
/// assert!("http://issuer.example.com".parse::<Location>().is_err());
/// assert_eq!(Location::Issuer.to_string(), "the issuer URL");
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Location {
    /// At the issuer's own URL.
    Issuer,
    /// At another URL, held to the rules of an issuer URL.
    Url(IssuerUrl),
    /// In a directory.
    Directory(PathBuf),
}

/// A URL when it starts like one, else a directory.
impl FromStr for Location {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !text.contains("://") {
            return Ok(Self::Directory(PathBuf::from(text)));
        }
        text.parse()
            .map(Self::Url)
            .map_err(|error: UrlError| UrlError { what: "a URL documents are published at", ..error })
    }
}

impl Location {
    /// Whether documents are read over plain http, which is only ever from this machine.
    #[cfg(feature = "remote")]
    pub(crate) fn is_plain(&self, issuer: &IssuerUrl) -> bool {
        let url = match self {
            Self::Issuer => issuer,
            Self::Url(url) => url,
            Self::Directory(_) => return false,
        };
        url.as_str().starts_with("http:")
    }

    /// Where the discovery document is.
    pub(crate) fn discovery(&self, issuer: &IssuerUrl) -> Address {
        match self {
            Self::Issuer => Address::Url(issuer.discovery_url()),
            Self::Url(url) => Address::Url(url.discovery_url()),
            Self::Directory(directory) => Address::File(directory.join(".well-known/openid-configuration")),
        }
    }

    /// Where the JWKS is if it is where `publish` puts it.
    pub(crate) fn expected_jwks(&self, issuer: &IssuerUrl) -> Address {
        self.jwks(issuer, issuer.jwks_uri().as_str())
    }

    /// Where the JWKS is that a discovery document points to by its `jwks_uri`.
    pub(crate) fn jwks(&self, issuer: &IssuerUrl, uri: &str) -> Address {
        let elsewhere = || Address::Url(uri.to_owned());
        match self {
            Self::Issuer => elsewhere(),
            Self::Url(url) => match uri.strip_prefix(issuer.base()) {
                Some(rest) if rest.starts_with('/') => Address::Url(format!("{}{rest}", url.base())),
                _ => elsewhere(),
            },
            Self::Directory(directory) => {
                issuer.rest_below(uri).map_or_else(elsewhere, |rest| Address::File(directory.join(rest)))
            }
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer => f.write_str("the issuer URL"),
            Self::Url(url) => f.write_str(url.as_str()),
            Self::Directory(directory) => write!(f, "{}", directory.display()),
        }
    }
}

/// One document's address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Url(String),
    File(PathBuf),
}
