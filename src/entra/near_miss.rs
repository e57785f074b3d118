use percent_encoding::percent_decode_str;

use super::{Cloud, IDENTITY_BINDING_AUDIENCE};

/// How two strings that should be equal differ, in words.
///
/// ```
/// use issuer::NearMiss;
/// let near = |expected: &str, seen: &str| NearMiss::between(expected, seen);
/// assert_eq!(near("https://a.example.com", "https://a.example.com/"), Some(NearMiss::TrailingSlash));
/// assert_eq!(near("https://a.example.com", "https://A.example.com"), Some(NearMiss::Case));
/// assert_eq!(near("https://a.example.com", "https://other.example.org"), None);
/// assert_eq!(NearMiss::TrailingSlash.to_string(), "they differ by a slash at the end");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum NearMiss {
    /// One of them has a slash at its end.
    #[error("they differ by a slash at the end")]
    TrailingSlash,
    /// One of them has white space around it.
    #[error("they differ by white space at the start or end")]
    WhiteSpace,
    /// Upper and lower case differ.
    #[error("they differ in upper and lower case")]
    Case,
    /// One of them is URL-encoded.
    #[error("one of them is URL-encoded")]
    UrlEncoded,
    /// They differ in several of these ways.
    #[error(
        "they differ only in several of these: a slash at the end, white space, upper and lower case, URL encoding"
    )]
    Several,
    /// Namespace and name of the service account are swapped.
    #[error("namespace and name of the service account are swapped")]
    Swapped,
    /// The service account has another name.
    #[error("only the namespace of the service account is the same")]
    NamespaceOnly,
    /// The service account is in another namespace.
    #[error("only the name of the service account is the same")]
    NameOnly,
    /// The issuers are in the same account or on the same host, and have other paths.
    #[error("the host is the same, but the path is that of another cluster")]
    OtherCluster,
    /// The values are the same, but longer than a credential can have.
    #[error("they are longer than the 600 characters that Entra accepts")]
    Length,
    /// The issuers are different endpoints of one storage account.
    #[error("both are endpoints of the same storage account")]
    OtherEndpoint,
    /// The token has the default issuer of an API server without an issuer URL.
    #[error("the API server has no --service-account-issuer that Entra can reach, or was not restarted")]
    DefaultIssuer,
    /// The token is for the API server.
    #[error("the token is for the API server, not for Entra")]
    ApiServer,
    /// The token is for identity bindings of AKS.
    #[error("the token is for identity bindings of AKS, whose proxy must exchange it")]
    IdentityBinding,
    /// The audience belongs to another cloud.
    #[error("they belong to different clouds")]
    OtherCloud,
}

impl NearMiss {
    /// The difference of two issuers, subjects or audiences; `None` if they are equal or differ in other ways.
    pub fn between(expected: &str, seen: &str) -> Option<Self> {
        if expected == seen {
            return None;
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let plain = |text: &str| decoded(text).trim().trim_end_matches('/').to_ascii_lowercase();
        let checks: [(Self, &dyn Fn() -> bool); 5] = [
            (Self::TrailingSlash, &|| expected.trim_end_matches('/') == seen.trim_end_matches('/')),
            (Self::WhiteSpace, &|| expected.trim() == seen.trim()),
            (Self::Case, &|| expected.eq_ignore_ascii_case(seen)),
            (Self::UrlEncoded, &|| decoded(expected) == decoded(seen)),
            (Self::Several, &|| plain(expected) == plain(seen)),
        ];
        checks.into_iter().find_map(|(miss, applies)| applies().then_some(miss))
    }

    /// The difference of two issuers. Equal values that do not match are too long.
    pub(super) fn of_issuers(expected: &str, seen: &str) -> Option<Self> {
        if expected == seen {
            return Some(Self::Length);
        }
        let other = || {
            if is_internal(seen) && !is_internal(expected) {
                return Some(Self::DefaultIssuer);
            }
            let (host, seen_host) = (host(expected)?, host(seen)?);
            if host == seen_host {
                Some(Self::OtherCluster)
            } else {
                (account(host)? == account(seen_host)?).then_some(Self::OtherEndpoint)
            }
        };
        Self::between(expected, seen).or_else(other)
    }

    /// The difference of two subjects.
    pub(super) fn of_subjects(expected: &str, seen: &str) -> Option<Self> {
        if expected == seen {
            return Some(Self::Length);
        }
        let other = || {
            let ((namespace, name), (seen_namespace, seen_name)) = (parts(expected)?, parts(seen)?);
            if (namespace, name) == (seen_name, seen_namespace) {
                Some(Self::Swapped)
            } else if namespace == seen_namespace {
                Some(Self::NamespaceOnly)
            } else {
                (name == seen_name).then_some(Self::NameOnly)
            }
        };
        Self::between(expected, seen).or_else(other)
    }

    /// The difference of two audiences. The API server is the default audience of its own tokens.
    pub(super) fn of_audiences(expected: &str, seen: &str, issuer: Option<&str>) -> Option<Self> {
        let is_of_cloud = |audience: &str| Cloud::ALL.iter().any(|cloud| cloud.token_exchange_audience() == audience);
        let is_api_server = || Some(seen) == issuer || is_internal(seen);
        if expected == seen {
            Some(Self::Length)
        } else if seen == IDENTITY_BINDING_AUDIENCE {
            Some(Self::IdentityBinding)
        } else if is_of_cloud(expected) && is_of_cloud(seen) {
            Some(Self::OtherCloud)
        } else {
            Self::between(expected, seen).or_else(|| is_api_server().then_some(Self::ApiServer))
        }
    }
}

/// Whether a URL is that of the API server inside its cluster, which is its default issuer and audience.
fn is_internal(url: &str) -> bool {
    url.contains("kubernetes.default.svc") || url == "kubernetes/serviceaccount"
}

/// The storage account of a host such as `https://acct.z6.web.core.windows.net`.
fn account(host: &str) -> Option<&str> {
    let (account, endpoint) = host.strip_prefix("https://")?.split_once('.')?;
    Cloud::ALL.iter().any(|cloud| endpoint.ends_with(cloud.storage_suffix())).then_some(account)
}

/// The host of an issuer, with scheme and port.
fn host(issuer: &str) -> Option<&str> {
    let start = issuer.find("://")? + 3;
    let end = issuer[start..].find('/').map_or(issuer.len(), |at| start + at);
    Some(&issuer[..end]).filter(|_| end > start)
}

/// Namespace and name of a subject, also if they break the rules of Kubernetes.
fn parts(subject: &str) -> Option<(&str, &str)> {
    subject.strip_prefix("system:serviceaccount:")?.split_once(':')
}
