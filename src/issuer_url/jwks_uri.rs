use std::{fmt, str::FromStr};

use fluent_uri::Uri;

use super::{UrlError, UrlProblem, parse, refuse};
use crate::redact::redacted;

/// The URL of a JWKS: an [`IssuerUrl`](super::IssuerUrl) that may also have a query and any length.
///
/// ```
/// use issuer::JwksUri;
/// let uri: JwksUri = "https://keys.example.com/jwks?cluster=a".parse()?;
/// assert_eq!(uri.as_str(), "https://keys.example.com/jwks?cluster=a");
/// assert!("keys.example.com/jwks".parse::<JwksUri>().is_err());
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksUri(pub(super) String);

impl JwksUri {
    /// The original string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JwksUri {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match parse(text) {
            Ok(uri) if holds_secret(&uri) => Err(refuse(text, "a jwks_uri", UrlProblem::Secret)),
            Ok(_) => Ok(Self(text.to_owned())),
            Err(because) => Err(refuse(text, "a jwks_uri", because)),
        }
    }
}

impl fmt::Display for JwksUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a URL has a signature in its query or a token in its path. A long path alone is not a secret.
fn holds_secret(uri: &Uri<&str>) -> bool {
    let is_token = |segment: &str| segment.starts_with("eyJ") && segment.matches('.').count() >= 2;
    uri.query().is_some_and(|query| redacted(query.as_str()) != query.as_str())
        || uri.path().as_str().split('/').any(is_token)
}
