use std::{fmt, net::Ipv4Addr, net::Ipv6Addr, str::FromStr};

use fluent_uri::{Uri, component::Authority};
use percent_encoding::percent_decode_str;

use crate::{
    Error,
    documents::DocumentPath,
    redact::{redacted, redacted_start},
};

/// What Entra stores of a federated credential's issuer at most, in characters.
const LENGTH_MAX: usize = 600;

/// The longest string that an error shows whole, in characters.
const SHOWN_MAX: usize = 700;

/// Where an API server puts its documents, below the issuer (Kubernetes `pkg/serviceaccount/openidmetadata.go`).
const DISCOVERY: &str = ".well-known/openid-configuration";
const JWKS: &str = "openid/v1/jwks";

/// An issuer URL: the string in `iss`, in the discovery document and in the federated credential.
///
/// Always compared byte for byte and never normalised: with and without trailing slash are two issuers. It has the scheme
/// `https` (`http` on loopback), a host, no query, no fragment, no credentials, and at most 600 characters, as OpenID
/// Connect Discovery 1.0 section 3, the API server's `--service-account-issuer` and Entra ask.
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
    /// The path, percent-decoded, without slashes at either end: where the documents stand on a site.
    path: String,
}

impl IssuerUrl {
    /// The string, exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The string without its trailing slash, which other URLs are built on (OpenID Connect Discovery 1.0 section 4.1).
    pub fn base(&self) -> &str {
        self.text.strip_suffix('/').unwrap_or(&self.text)
    }

    /// Whether another issuer's documents are found at the same place, whatever its string: the host in any case, the port it
    /// has anyway, the path with or without its last slash and encoding.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        self.origin() == other.origin() && self.path == other.path
    }

    /// Whether this URL is at or below another, by the same rules.
    #[cfg(feature = "azure")]
    pub(crate) fn is_at_or_below(&self, other: &Self) -> bool {
        let rest = self.path.strip_prefix(&other.path);
        let is_below = rest.is_some_and(|rest| other.path.is_empty() || rest.is_empty() || rest.starts_with('/'));
        self.origin() == other.origin() && is_below
    }

    /// The host, in lower case and without a dot at its end, and the port.
    fn origin(&self) -> Option<(String, u16)> {
        let uri = Uri::parse(self.text.as_str()).ok()?;
        let authority = uri.authority()?;
        let port = authority.port_to_u16().ok()?.unwrap_or(if uri.scheme().as_str() == "http" { 80 } else { 443 });
        Some((authority.host().trim_end_matches('.').to_ascii_lowercase(), port))
    }

    /// Where relying parties fetch the discovery document.
    pub fn discovery_url(&self) -> String {
        format!("{}/{DISCOVERY}", self.base())
    }

    /// The `jwks_uri` the API server advertises below its issuer.
    pub fn jwks_uri(&self) -> JwksUri {
        JwksUri(format!("{}/{JWKS}", self.base()))
    }

    /// Where the discovery document stands on a site.
    pub fn discovery_path(&self) -> DocumentPath {
        self.document_path(DISCOVERY)
    }

    /// Where the JWKS stands on a site.
    pub fn jwks_path(&self) -> DocumentPath {
        self.document_path(JWKS)
    }

    /// Where the document of a URL stands on the site of this issuer; `None` when the URL is not below the issuer.
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

    /// What follows the issuer in the path of a URL below it, decoded.
    pub(crate) fn rest_below(&self, url: &str) -> Option<String> {
        let rest = url.strip_prefix(self.base())?.strip_prefix('/')?;
        decode_path(rest).ok().filter(|rest| !rest.is_empty() && !rest.contains(['?', '#']))
    }

    fn document_path(&self, rest: &str) -> DocumentPath {
        DocumentPath::new(if self.path.is_empty() { rest.to_owned() } else { format!("{}/{rest}", self.path) })
    }
}

impl FromStr for IssuerUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |because| refuse(text, "an issuer URL", because);
        let uri = parse(text).map_err(refuse)?;
        if text.len() > LENGTH_MAX {
            return Err(refuse(UrlError::TooLong(text.len())));
        }
        if uri.query().is_some() {
            return Err(refuse(UrlError::Query));
        }
        let path = decode_path(uri.path().as_str()).map_err(refuse)?;
        if path == DISCOVERY || path.ends_with(&format!("/{DISCOVERY}")) {
            return Err(refuse(UrlError::Discovery));
        }
        // What starts with a dot is hidden, and no server of documents gives it out.
        if let Some(hidden) = path.split('/').find(|segment| segment.starts_with('.')) {
            return Err(refuse(UrlError::Segment(hidden.to_owned())));
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

/// The URL of a JWKS: the same rules as for an [`IssuerUrl`], and a query is allowed.
///
/// ```
/// use issuer::JwksUri;
/// let uri: JwksUri = "https://keys.example.com/jwks?cluster=a".parse()?;
/// assert_eq!(uri.as_str(), "https://keys.example.com/jwks?cluster=a");
/// assert!("keys.example.com/jwks".parse::<JwksUri>().is_err());
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JwksUri(String);

impl JwksUri {
    /// The string, exactly as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for JwksUri {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match parse(text) {
            Ok(uri) if holds_secret(&uri) => Err(refuse(text, "a jwks_uri", UrlError::Secret)),
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

/// Why a string is not an issuer URL or a `jwks_uri`; reads as the end of "X is not an issuer URL: …".
///
/// ```
/// use issuer::{Error, IssuerUrl, UrlError};
/// let error = "issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert!(matches!(error, Error::Url { because: UrlError::NoScheme, .. }));
/// assert_eq!(error.to_string(), "\"issuer.example.com\" is not an issuer URL: it has no scheme");
/// assert_eq!(error.hint().unwrap(), "write it as the API server has it, https:// included");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// White space anywhere; Entra blocks the exchange for it (and no URL may hold it).
    #[error("it holds white space")]
    WhiteSpace,
    /// A character outside ASCII.
    #[error("it holds {0:?}, and a URL is written in ASCII")]
    NotAscii(char),
    /// More than 600 characters.
    #[error("it has {0} characters, and Entra stores 600 at most")]
    TooLong(usize),
    /// No scheme.
    #[error("it has no scheme")]
    NoScheme,
    /// A scheme other than `https`.
    #[error("its scheme is {0}, not https")]
    Scheme(String),
    /// `http` to a host that is not this machine.
    #[error("its scheme is http, and only https is trusted beyond this machine")]
    Http,
    /// No host.
    #[error("it has no host")]
    NoHost,
    /// A host that is neither a name nor an address.
    #[error("its host {0:?} is not a host name or address")]
    Host(String),
    /// A port that is not a number from 1 to 65535.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// User information in front of the host.
    #[error("it holds credentials")]
    Credentials,
    /// A query.
    #[error("it has a query")]
    Query,
    /// A fragment.
    #[error("it has a fragment")]
    Fragment,
    /// A path segment that a site cannot store under its own name.
    #[error("its path segment {0:?} cannot stand on a site")]
    Segment(String),
    /// What looks like a secret, such as the signature of a SAS: everybody reads the document it would stand in.
    #[error("it holds what looks like a secret, and everybody could read it")]
    Secret,
    /// A path with two slashes in a row.
    #[error("its path has an empty segment (//)")]
    EmptySegment,
    /// The URL of the discovery document instead of its issuer.
    #[error("it is the URL of a discovery document, and the issuer is what stands before /.well-known")]
    Discovery,
    /// Characters no URL holds.
    #[error("it is not a URL (RFC 3986)")]
    Malformed,
}

/// The rules an issuer URL and a `jwks_uri` share.
pub(crate) fn parse(text: &str) -> Result<Uri<&str>, UrlError> {
    if text.is_empty() {
        return Err(UrlError::Empty);
    }
    if text.contains(char::is_whitespace) {
        return Err(UrlError::WhiteSpace);
    }
    if let Some(other) = text.chars().find(|character| !character.is_ascii()) {
        return Err(UrlError::NotAscii(other));
    }
    let Some((scheme, _)) = text.split_once(':').filter(|(scheme, _)| !scheme.contains(['/', '.', '?', '#'])) else {
        return Err(UrlError::NoScheme);
    };
    if !matches!(scheme, "https" | "http") {
        return Err(UrlError::Scheme(scheme.to_owned()));
    }
    let uri = Uri::parse(text).map_err(|_| UrlError::Malformed)?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or(UrlError::NoHost)?;
    if authority.has_userinfo() {
        return Err(UrlError::Credentials);
    }
    let host = authority.host();
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    if !is_name && !host.starts_with('[') {
        return Err(UrlError::Host(host.to_owned()));
    }
    if authority.has_port() && !matches!(authority.port_to_u16(), Ok(Some(1..))) {
        return Err(UrlError::Port);
    }
    if scheme == "http" && !is_loopback(&authority) {
        return Err(UrlError::Http);
    }
    if uri.has_fragment() {
        return Err(UrlError::Fragment);
    }
    Ok(uri)
}

/// Whether a signature stands in the query of a URL, or a token in its path. A long path is only that.
fn holds_secret(uri: &Uri<&str>) -> bool {
    let is_token = |segment: &str| segment.starts_with("eyJ") && segment.matches('.').count() >= 2;
    uri.query().is_some_and(|query| redacted(query.as_str()) != query.as_str())
        || uri.path().as_str().split('/').any(is_token)
}

/// The error for a string, without the password or signature it may hold.
fn refuse(text: &str, what: &'static str, because: UrlError) -> Error {
    // Strangers choose how long it is; no issuer URL has more characters.
    let url = redacted_start(&without_password(text), SHOWN_MAX);
    Error::Url { url, what, because }
}

/// A URL as it may be printed: without credentials, in every spelling in which a URL parser finds some (WHATWG URL section
/// 4.4), and where a password holds characters that end the host.
pub(crate) fn without_password(text: &str) -> String {
    let is_slash = |character: char| matches!(character, '/' | '\\');
    let is_ignored = |character: char| matches!(character, '\t' | '\n' | '\r' | ' ');
    let after_scheme = match text.find(':') {
        Some(colon) if !text[..colon].contains(['/', '\\', '?', '#', '@']) => colon + 1,
        _ => 0,
    };
    let rest = &text[after_scheme..];
    let authority = rest.trim_start_matches(|character| is_slash(character) || is_ignored(character));
    let slashes = rest[..rest.len() - authority.len()].matches(is_slash).count();
    if after_scheme == 0 && slashes < 2 {
        return text.to_owned();
    }
    let start = text.len() - authority.len();
    let end = authority.find(['/', '\\', '?', '#']).unwrap_or(authority.len());
    let port = authority[..end].rsplit_once(':').map_or("", |(_, port)| port);
    let has_odd_port = !port.is_empty() && !port.ends_with(']') && port.bytes().any(|byte| !byte.is_ascii_digit());
    let at = match authority[..end].rfind('@') {
        None if has_odd_port => authority.rfind('@'),
        at => at,
    };
    at.map_or_else(|| text.to_owned(), |at| format!("{}…{}", &text[..start], &authority[at..]))
}

/// Whether a host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
fn is_loopback(authority: &Authority<'_>) -> bool {
    let host = authority.host();
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: Ipv6Addr| address.is_loopback())
}

/// Whether a URL is `http` to this machine, where it never leaves it.
#[cfg(feature = "remote")]
pub(crate) fn is_loopback_http(url: &str) -> bool {
    url.starts_with("http:") && parse(url).is_ok()
}

/// A path as a site stores it: decoded, without slashes at either end, no segment that means something else.
fn decode_path(path: &str) -> Result<String, UrlError> {
    if matches!(path, "" | "/") {
        return Ok(String::new());
    }
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    let mut decoded = Vec::new();
    for segment in path.split('/') {
        let text = percent_decode_str(segment).decode_utf8().map_err(|_| UrlError::Segment(segment.to_owned()))?;
        if text.is_empty() {
            return Err(UrlError::EmptySegment);
        }
        let odd = text.chars().any(|character| character.is_control() || matches!(character, '/' | '\\'));
        if odd || text == "." || text == ".." {
            return Err(UrlError::Segment(segment.to_owned()));
        }
        decoded.push(text);
    }
    Ok(decoded.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_spelling_of_a_url_is_printed_with_its_password() {
        for (url, expected) in [
            ("https://user:secret@a.example/x@y", "https://…@a.example/x@y"),
            ("https://user@a.example", "https://…@a.example"),
            ("https://user:sec@ret@a.example:1/", "https://…@a.example:1/"),
            ("https:user:secret@a.example", "https:…@a.example"),
            ("https:/user:secret@a.example", "https:/…@a.example"),
            ("https:\\\\user:secret@a.example\\x", "https:\\\\…@a.example\\x"),
            ("ht\ntps:/\n/user:secret@a.example", "ht\ntps:/\n/…@a.example"),
            (" https://user:secret@a.example", " https://…@a.example"),
            ("//user:secret@a.example", "//…@a.example"),
            ("user:secret@a.example", "user:…@a.example"),
            ("https://user:sec/ret@a.example", "https://…@a.example"),
            ("https://user:sec#ret@a.example", "https://…@a.example"),
            ("https://a.example:8443/x@y", "https://a.example:8443/x@y"),
            ("https://[::1]/x@y", "https://[::1]/x@y"),
            ("/x:y@z", "/x:y@z"),
            ("a.example", "a.example"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }

    #[cfg(feature = "azure")]
    #[test]
    fn a_url_is_below_its_own_folders_alone() {
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
    fn http_is_fetched_from_this_machine_alone() {
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
