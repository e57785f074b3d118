mod document_path;
mod jwks_uri;
mod shown;
mod url_error;

use std::{fmt, net::Ipv4Addr, net::Ipv6Addr, str::FromStr};

pub use document_path::DocumentPath;
pub use jwks_uri::JwksUri;
pub(crate) use shown::shown;
pub use url_error::{UrlError, UrlProblem};

use fluent_uri::{Uri, component::Authority};
use percent_encoding::percent_decode_str;

use crate::redact::{redacted_start, without_password};

/// The maximum length of the issuer in a federated identity credential, in characters.
const LENGTH_MAX: usize = 600;

/// The maximum length of a string in an error, in characters; longer strings are truncated.
const SHOWN_MAX: usize = 700;

/// The paths of the documents below the issuer (Kubernetes `pkg/serviceaccount/openidmetadata.go`).
const DISCOVERY: &str = ".well-known/openid-configuration";
const JWKS: &str = "openid/v1/jwks";

/// An issuer URL: the string in `iss`, in the discovery document and in the federated credential.
///
/// Issuer URLs are compared byte for byte and never normalised: with and without trailing slash are two issuers. An
/// issuer URL has the scheme `https` (`http` on loopback), a host, no query, no fragment, no credentials, and at most
/// 600 characters. OpenID Connect Discovery 1.0 section 3, the API server's `--service-account-issuer` and Entra
/// require this.
///
/// ```
/// use issuer::IssuerUrl;
/// let issuer: IssuerUrl = "https://issuers.example.com/clusters/a/".parse()?;
/// assert_eq!(issuer.as_str(), "https://issuers.example.com/clusters/a/");
/// assert_eq!(issuer.base(), "https://issuers.example.com/clusters/a");
/// assert_eq!(issuer.discovery_url(), "https://issuers.example.com/clusters/a/.well-known/openid-configuration");
/// assert_eq!(issuer.jwks_uri().as_str(), "https://issuers.example.com/clusters/a/openid/v1/jwks");
/// assert_eq!(issuer.jwks_path().as_str(), "clusters/a/openid/v1/jwks");
/// assert!("http://issuer.example.com".parse::<IssuerUrl>().is_err());
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IssuerUrl {
    text: String,
    /// The path of the issuer on a site: percent-decoded, without slashes at either end.
    path: String,
}

impl IssuerUrl {
    /// The original string.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The string without its trailing slash, the prefix of the document URLs (OpenID Connect Discovery 1.0 section
    /// 4.1).
    pub fn base(&self) -> &str {
        self.text.strip_suffix('/').unwrap_or(&self.text)
    }

    /// Whether the documents of another issuer have the same URLs. Case of the host, default port, trailing slash and
    /// percent-encoding do not matter.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.origin() == other.origin() && self.path == other.path
    }

    /// Whether this URL is equal to or below another URL, by the rules of [`Self::is_same_place`].
    #[cfg(feature = "azure")]
    pub(crate) fn is_at_or_below(&self, other: &Self) -> bool {
        let rest = self.path.strip_prefix(&other.path);
        let is_below = rest.is_some_and(|rest| other.path.is_empty() || rest.is_empty() || rest.starts_with('/'));
        self.origin() == other.origin() && is_below
    }

    /// The host, in lower case and without a trailing dot, and the port.
    fn origin(&self) -> Option<(String, u16)> {
        let uri = Uri::parse(self.text.as_str()).ok()?;
        let authority = uri.authority()?;
        let port = authority.port_to_u16().ok()?.unwrap_or(if uri.scheme().as_str() == "http" { 80 } else { 443 });
        Some((authority.host().trim_end_matches('.').to_ascii_lowercase(), port))
    }

    /// The URL of the discovery document.
    pub fn discovery_url(&self) -> String {
        format!("{}/{DISCOVERY}", self.base())
    }

    /// The URL of the JWKS below the issuer, the default `jwks_uri`.
    pub fn jwks_uri(&self) -> JwksUri {
        JwksUri(format!("{}/{JWKS}", self.base()))
    }

    /// The path of the discovery document on a site.
    pub fn discovery_path(&self) -> DocumentPath {
        self.document_path(DISCOVERY)
    }

    /// The path of the JWKS on a site.
    pub fn jwks_path(&self) -> DocumentPath {
        self.document_path(JWKS)
    }

    /// The path on the site for a URL below this issuer; `None` when the URL is not below the issuer.
    ///
    /// ```
    /// let issuer: issuer::IssuerUrl = "https://issuers.example.com/clusters/a".parse()?;
    /// let path = issuer.path_below("https://issuers.example.com/clusters/a/keys.json").unwrap();
    /// assert_eq!(path.as_str(), "clusters/a/keys.json");
    /// assert_eq!(issuer.path_below("https://issuers.example.com/keys.json"), None);
    /// # Ok::<(), issuer::Error>(())
    /// ```
    pub fn path_below(&self, url: &str) -> Option<DocumentPath> {
        self.rest_below(url).map(|rest| self.document_path(&rest))
    }

    /// The decoded rest of a URL below the issuer, after the issuer.
    pub(crate) fn rest_below(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(self.base())?.strip_prefix('/')?;
        decode_path(rest).ok().filter(|rest| !rest.is_empty() && !rest.contains(['?', '#']))
    }

    fn document_path(&self, rest: &str) -> DocumentPath {
        DocumentPath::new(if self.path.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.path) })
    }
}

impl FromStr for IssuerUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let refuse = |because| refuse(text, "an issuer URL", because);
        let uri = parse(text).map_err(refuse)?;
        if text.len() > LENGTH_MAX {
            return Err(refuse(UrlProblem::TooLong(text.len())));
        }
        if uri.query().is_some() {
            return Err(refuse(UrlProblem::Query));
        }
        let path = decode_path(uri.path().as_str()).map_err(refuse)?;
        if path == DISCOVERY || path.ends_with(&format!("/{DISCOVERY}")) {
            return Err(refuse(UrlProblem::Discovery));
        }
        // Names that start with a dot are hidden files, which the document server does not serve.
        if let Some(hidden) = path.split('/').find(|segment| segment.starts_with('.')) {
            return Err(refuse(UrlProblem::Segment(hidden.to_owned())));
        }
        Ok(Self { text: text.to_owned(), path })
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for IssuerUrl {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

/// Checks the rules that apply to both an issuer URL and a `jwks_uri`.
pub(crate) fn parse(text: &str) -> Result<Uri<&str>, UrlProblem> {
    if text.is_empty() {
        return Err(UrlProblem::Empty);
    }
    if text.contains(char::is_whitespace) {
        return Err(UrlProblem::WhiteSpace);
    }
    if let Some(other) = text.chars().find(|character| !character.is_ascii()) {
        return Err(UrlProblem::NotAscii(other));
    }
    let Some((scheme, _)) = text.split_once(':').filter(|(scheme, _)| !scheme.contains(['/', '.', '?', '#'])) else {
        return Err(UrlProblem::NoScheme);
    };
    if !matches!(scheme, "https" | "http") {
        return Err(UrlProblem::Scheme(scheme.to_owned()));
    }
    let uri = Uri::parse(text).map_err(|_| UrlProblem::Malformed)?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(UrlProblem::NoHost)?;
    if authority.has_userinfo() {
        return Err(UrlProblem::Credentials);
    }
    let host = authority.host();
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name && !host.starts_with('[') {
        return Err(UrlProblem::Host(host.to_owned()));
    }
    if authority.has_port() && !matches!(authority.port_to_u16(), Ok(Some(1..))) {
        return Err(UrlProblem::Port);
    }
    if scheme == "http" && !is_loopback(&authority) {
        return Err(UrlProblem::Http);
    }
    if uri.has_fragment() {
        return Err(UrlProblem::Fragment);
    }
    Ok(uri)
}

/// The error for a string, which is redacted because it may hold a password or signature.
fn refuse(text: &str, what: &'static str, problem: UrlProblem) -> UrlError {
    // The string is not trusted, so its length is limited.
    let url = redacted_start(&without_password(text), SHOWN_MAX);
    UrlError { url, what, problem }
}

/// Whether a host is a loopback host: `localhost`, 127.0.0.0/8 or `::1`.
fn is_loopback(authority: &Authority<'_>) -> bool {
    let host = authority.host();
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: Ipv6Addr| address.is_loopback())
}

/// Whether a URL is `http` with a loopback host.
#[cfg(feature = "remote")]
pub(crate) fn is_loopback_http(url: &str) -> bool {
    url.starts_with("http:") && parse(url).is_ok()
}

/// Decodes a path for a site, without slashes at either end. Segments with a special meaning are rejected.
fn decode_path(path: &str) -> Result<String, UrlProblem> {
    if matches!(path, "" | "/") {
        return Ok(String::new());
    }
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut decoded = Vec::new();
    for segment in path.split('/') {
        let text = percent_decode_str(segment).decode_utf8().map_err(|_| UrlProblem::Segment(segment.to_owned()))?;
        if text.is_empty() {
            return Err(UrlProblem::EmptySegment);
        }
        let odd = text.chars().any(|character| character.is_control() || matches!(character, '/' | '\\'));
        if odd || text == "." || text == ".." {
            return Err(UrlProblem::Segment(segment.to_owned()));
        }
        decoded.push(text);
    }
    Ok(decoded.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "azure")]
    #[test]
    fn url_is_below_its_own_parent_paths_only() {
        let url: IssuerUrl = "https://issuer.example.com/a/b".parse().unwrap();
        for (folder, expected) in [
            ("https://issuer.example.com", true),
            ("https://ISSUER.example.com:443/", true),
            ("https://issuer.example.com/a/", true),
            ("https://issuer.example.com/a/b", true),
            ("https://issuer.example.com/a/b/c", false),
            ("https://issuer.example.com/a/bc", false),
            ("https://issuer.example.com/b", false),
            ("https://issuer.example.com/a/b/", true),
            ("https://issuer.example.com:8443/a", false),
            ("https://other.example.com/a", false),
        ] {
            assert_eq!(url.is_at_or_below(&folder.parse().unwrap()), expected, "{folder}");
        }
        let longer: IssuerUrl = "https://issuer.example.com/ab".parse().unwrap();
        assert!(!longer.is_at_or_below(&"https://issuer.example.com/a".parse().unwrap()));
    }

    #[cfg(feature = "remote")]
    #[test]
    fn plain_http_is_accepted_for_loopback_only() {
        for (url, expected) in [
            ("http://localhost:8080/jwks?a", true),
            ("http://127.0.0.1", true),
            ("http://issuer.example.com", false),
            ("https://localhost", false),
            ("http:", false),
        ] {
            assert_eq!(is_loopback_http(url), expected, "{url}");
        }
    }
}
