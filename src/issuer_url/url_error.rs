use crate::hint::Hint;

/// A string is not a valid issuer URL, `jwks_uri` or URL of published documents.
///
/// ```
/// use issuer::{Hint, IssuerUrl, UrlProblem};
/// let error = "issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!((error.url.as_str(), &error.problem), ("issuer.example.com", &UrlProblem::NoScheme));
/// assert_eq!(error.to_string(), "\"issuer.example.com\" is not an issuer URL: it has no scheme");
/// assert_eq!(error.hint().unwrap(), "pass the whole URL, including https://");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not {what}: {problem}")]
pub struct UrlError {
    /// The string, without a password or signature.
    pub url: String,
    /// The expected kind of URL, with its article: `an issuer URL`.
    pub what: &'static str,
    /// The rule that the string breaks.
    pub problem: UrlProblem,
}

impl Hint for UrlError {
    fn hint(&self) -> Option<String> {
        let hint = match self.problem {
            UrlProblem::NoScheme => "pass the whole URL, including https://",
            UrlProblem::Scheme(_) | UrlProblem::Http => "pass an https URL; http is accepted only for loopback hosts",
            UrlProblem::Query | UrlProblem::Fragment => "pass scheme, host and path only",
            UrlProblem::WhiteSpace => "check the quoting; Entra rejects an issuer that contains white space",
            _ => "pass exactly the value of the API server's --service-account-issuer or --service-account-jwks-uri",
        };
        Some(hint.to_owned())
    }
}

/// The rule that a URL breaks; the text completes the sentence "X is not an issuer URL: …".
///
/// ```
/// use issuer::{IssuerUrl, UrlProblem};
/// let error = "http://issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!(error.problem, UrlProblem::Http);
/// assert_eq!(error.problem.to_string(), "its scheme is http, which is accepted only for loopback hosts");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
    /// An empty string.
    #[error("it is empty")]
    Empty,
    /// White space, which a URL must not contain and for which Entra rejects the exchange.
    #[error("it contains white space")]
    WhiteSpace,
    /// A character outside ASCII.
    #[error("it contains {0:?}; only ASCII characters are accepted")]
    NotAscii(char),
    /// More than 600 characters.
    #[error("it has {0} characters; Entra accepts at most 600")]
    TooLong(usize),
    /// No scheme.
    #[error("it has no scheme")]
    NoScheme,
    /// A scheme other than `https`.
    #[error("its scheme is {0}, not https")]
    Scheme(String),
    /// `http` with a host that is not a loopback host.
    #[error("its scheme is http, which is accepted only for loopback hosts")]
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
    /// User information before the host.
    #[error("it contains credentials")]
    Credentials,
    /// A query.
    #[error("it has a query")]
    Query,
    /// A fragment.
    #[error("it has a fragment")]
    Fragment,
    /// A path segment that is not a valid file name on a site.
    #[error("its path segment {0:?} is not a valid file name on a site")]
    Segment(String),
    /// A secret, such as the signature of a SAS, which would become public with the discovery document.
    #[error("it seems to contain a secret, which would become public")]
    Secret,
    /// A path with two slashes in a row.
    #[error("its path has an empty segment (//)")]
    EmptySegment,
    /// The URL of the discovery document instead of the issuer URL.
    #[error("it is the URL of a discovery document; the issuer is the part before /.well-known")]
    Discovery,
    /// A string that is not a URL by RFC 3986.
    #[error("it is not a URL (RFC 3986)")]
    Malformed,
}
