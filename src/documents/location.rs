use std::{fmt, path::PathBuf, str::FromStr};

use crate::issuer_url::{IssuerUrl, UrlError};

/// The location from which the documents of an issuer are read.
///
/// Another location replaces the whole issuer URL, including its path. The discovery document is read from
/// `{location}/.well-known/openid-configuration`, and a JWKS below the issuer from the same path below the location.
/// The strings in the documents are still compared with the issuer.
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
    /// The issuer URL.
    Issuer,
    /// Another URL, which must meet the rules for an issuer URL.
    Url(IssuerUrl),
    /// A directory.
    Directory(PathBuf),
}

/// Parses a string with `://` as a URL, any other string as a directory.
impl FromStr for Location {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        if !text.contains("://") {
            return Ok(Self::Directory(PathBuf::from(text)));
        }
        text.parse()
            .map(Self::Url)
            .map_err(|error: UrlError| UrlError { what: "a URL of published documents", ..error })
    }
}

impl Location {
    /// Whether documents are read over plain http, which is accepted only for loopback hosts.
    #[cfg(feature = "remote")]
    pub(crate) fn is_plain(&self, issuer: &IssuerUrl) -> bool {
        let url = match self {
            Self::Issuer => issuer,
            Self::Url(url) => url,
            Self::Directory(_) => return false,
        };
        url.as_str().starts_with("http:")
    }

    /// The address of the discovery document.
    pub(crate) fn discovery(&self, issuer: &IssuerUrl) -> Address {
        match self {
            Self::Issuer => Address::Url(issuer.discovery_url()),
            Self::Url(url) => Address::Url(url.discovery_url()),
            Self::Directory(directory) => Address::File(directory.join(".well-known/openid-configuration")),
        }
    }

    /// The address of the JWKS at the path that `publish` uses.
    pub(crate) fn expected_jwks(&self, issuer: &IssuerUrl) -> Address {
        self.jwks(issuer, issuer.jwks_uri().as_str())
    }

    /// The address of the JWKS for the `jwks_uri` of a discovery document.
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

/// The address of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Address {
    Url(String),
    File(PathBuf),
}
