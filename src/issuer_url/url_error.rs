use crate::hint::Hint;

/// A string is not a URL of the kind it should be.
///
/// ```
/// use issuer::{Hint, IssuerUrl, UrlProblem};
/// let error = "issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!((error.url.as_str(), &error.problem), ("issuer.example.com", &UrlProblem::NoScheme));
/// assert_eq!(error.to_string(), "\"issuer.example.com\" is not an issuer URL: it has no scheme");
/// assert_eq!(error.hint().unwrap(), "write it as the API server has it, https:// included");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{url:?} is not {what}: {problem}")]
pub struct UrlError {
    /// The string, without a password or signature.
    pub url: String,
    /// What it should be, with its article: `an issuer URL`.
    pub what: &'static str,
    /// The rule it breaks.
    pub problem: UrlProblem,
}

impl Hint for UrlError {
    fn hint(&self) -> Option<String> {
        let hint = match self.problem {
            UrlProblem::NoScheme => "write it as the API server has it, https:// included",
            UrlProblem::Scheme(_) | UrlProblem::Http => {
                "Entra and the API server accept https only; http is for tests on this machine"
            }
            UrlProblem::Query | UrlProblem::Fragment => "pass scheme, host and path only",
            UrlProblem::WhiteSpace => "Entra blocks an issuer with white space; check the quoting",
            _ => "pass it as --service-account-issuer or --service-account-jwks-uri has it, byte for byte",
        };
        Some(hint.to_owned())
    }
}

/// The rule that a string breaks as an issuer URL or a `jwks_uri`; reads as the end of "X is not an issuer URL: …".
///
/// ```
/// use issuer::{IssuerUrl, UrlProblem};
/// let error = "http://issuer.example.com".parse::<IssuerUrl>().unwrap_err();
/// assert_eq!(error.problem, UrlProblem::Http);
/// assert_eq!(error.problem.to_string(), "its scheme is http, and only https is trusted beyond this machine");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlProblem {
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
