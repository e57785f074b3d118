use std::fmt;

/// The path of a document on a site: segments joined by slashes, without `.` and `..`, and no slash at either end.
///
/// Only an [`IssuerUrl`](crate::issuer_url::IssuerUrl) creates a document path, and checks it.
///
/// ```
/// let issuer: issuer::IssuerUrl = "https://issuers.example.com/clusters/a".parse()?;
/// assert_eq!(issuer.jwks_path().as_str(), "clusters/a/openid/v1/jwks");
/// assert_eq!(issuer.discovery_path().to_string(), "clusters/a/.well-known/openid-configuration");
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentPath(String);

impl DocumentPath {
    pub(crate) fn new(path: String) -> Self {
        Self(path)
    }

    /// The path as a string: a blob name, or a relative path in a directory.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
