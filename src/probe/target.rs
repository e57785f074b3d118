use std::{fmt, str::FromStr};

use reqwest::Url;

use crate::{
    hint::Hint,
    issuer_url::shown,
    postgresql::{ConnectionString, ConnectionStringError},
};

/// The version of Key Vault's API that is requested if the URL names none (Microsoft Learn, "Get Secret").
const VAULT_VERSION: &str = "7.4";

/// A resource that accepts access tokens.
///
/// ```
/// use issuer::ProbeTarget;
/// let vault: ProbeTarget = "https://shop.vault.azure.net/secrets/db-password".parse()?;
/// assert_eq!(vault.host(), Some("shop.vault.azure.net"));
/// assert_eq!(vault.to_string(), "https://shop.vault.azure.net/secrets/db-password?api-version=7.4");
///
/// let database: ProbeTarget = "postgresql://orders@db.postgres.database.azure.com/shop".parse()?;
/// assert_eq!(database.to_string(), "PostgreSQL at db.postgres.database.azure.com");
/// # Ok::<(), issuer::ProbeTargetError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ProbeTarget(pub(super) Kind);

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// An https URL, or http on loopback.
    Https(Url),
    /// A database.
    PostgreSql(ConnectionString),
}

/// A text that is no resource.
///
/// ```
/// use issuer::{Hint, ProbeTarget, ProbeTargetError};
/// let error = "http://shop.vault.azure.net".parse::<ProbeTarget>().unwrap_err();
/// assert!(matches!(error, ProbeTargetError::Url));
/// assert!(error.hint().unwrap().starts_with("pass https://NAME.vault.azure.net/secrets/NAME"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeTargetError {
    /// It is no https URL without a user, and no connection string.
    #[error("the resource is neither an https URL nor a connection string of PostgreSQL")]
    Url,
    /// It is a connection string that cannot be parsed.
    #[error(transparent)]
    ConnectionString(#[from] ConnectionStringError),
}

impl Hint for ProbeTargetError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Url => {
                Some("pass https://NAME.vault.azure.net/secrets/NAME or postgresql://USER@HOST/DATABASE".to_owned())
            }
            Self::ConnectionString(error) => error.hint(),
        }
    }
}

impl ProbeTarget {
    /// The connection string of a database; `None` for a URL.
    pub fn connection(&self) -> Option<&ConnectionString> {
        match &self.0 {
            Kind::Https(_) => None,
            Kind::PostgreSql(connection) => Some(connection),
        }
    }

    /// The host; the first one of a connection string with several.
    pub fn host(&self) -> Option<&str> {
        match &self.0 {
            Kind::Https(url) => url.host_str(),
            Kind::PostgreSql(connection) => {
                connection.get("host").or_else(|| connection.get("hostaddr"))?.split(',').next()
            }
        }
    }

    /// All hosts.
    pub fn hosts(&self) -> Vec<String> {
        match &self.0 {
            Kind::Https(url) => url.host_str().map(str::to_owned).into_iter().collect(),
            Kind::PostgreSql(connection) => connection.servers().into_iter().filter_map(|server| server.host).collect(),
        }
    }
}

impl FromStr for ProbeTarget {
    type Err = ProbeTargetError;

    fn from_str(text: &str) -> Result<Self, ProbeTargetError> {
        let text = text.trim();
        if !text.contains("://") && !text.contains('=') {
            return Err(ProbeTargetError::Url);
        }
        if !text.contains("://") || ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme)) {
            let connection: ConnectionString = text.parse()?;
            return if connection.get("host").or_else(|| connection.get("hostaddr")).is_some() {
                Ok(Self(Kind::PostgreSql(connection)))
            } else {
                Err(ProbeTargetError::Url)
            };
        }
        let mut url = Url::parse(text).map_err(|_| ProbeTargetError::Url)?;
        let is_loopback = ["localhost", "127.0.0.1", "[::1]"].contains(&url.host_str().unwrap_or_default());
        let has_scheme = url.scheme() == "https" || (url.scheme() == "http" && is_loopback);
        if !has_scheme || !url.username().is_empty() || url.password().is_some() {
            return Err(ProbeTargetError::Url);
        }
        url.set_fragment(None);
        let is_of_vault = ["/secrets", "/keys", "/certificates"].iter().any(|start| url.path().starts_with(start));
        if is_of_vault && !url.query_pairs().any(|(name, _)| name == "api-version") {
            url.query_pairs_mut().append_pair("api-version", VAULT_VERSION);
        }
        Ok(Self(Kind::Https(url)))
    }
}

/// Shows the URL without secrets, or the host of the database.
impl fmt::Display for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Https(url) => f.write_str(&shown(url.as_str())),
            Kind::PostgreSql(_) => write!(f, "PostgreSQL at {}", shown(self.host().unwrap_or_default())),
        }
    }
}

impl fmt::Debug for ProbeTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProbeTarget({self})")
    }
}
