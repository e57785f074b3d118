use std::{fmt, str::FromStr, sync::Arc};

use super::{
    Cloud,
    guid::{described, is_guid},
};
use crate::{
    hint::Hint,
    issuer_url::{self, UrlProblem, shown},
    redact::redacted,
};

/// The names of authorities that stand for many tenants. They have no application of their own.
const SHARED: [&str; 3] = ["common", "organizations", "consumers"];
/// The longest domain name of a tenant (RFC 1035 section 2.3.4).
const DOMAIN_MAX: usize = 253;

/// The authority host that issues tokens: an https URL without a path, or http on loopback.
///
/// The value of `AZURE_AUTHORITY_HOST`, with or without a slash at its end.
///
/// ```
/// use issuer::{AuthorityHost, Cloud};
/// let host: AuthorityHost = "https://login.microsoftonline.com/".parse()?;
/// assert_eq!(host, AuthorityHost::from(Cloud::Public));
/// assert_eq!(host.as_str(), "https://login.microsoftonline.com");
/// let tenant = "contoso.onmicrosoft.com".parse()?;
/// assert_eq!(
///     host.token_url(&tenant),
///     "https://login.microsoftonline.com/contoso.onmicrosoft.com/oauth2/v2.0/token"
/// );
/// # Ok::<(), issuer::IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthorityHost(Arc<str>);

impl AuthorityHost {
    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of the token endpoint of a tenant.
    pub fn token_url(&self, tenant: &TenantId) -> String {
        format!("{}/{tenant}/oauth2/v2.0/token", self.0)
    }

    /// The cloud of a known authority host. `login.chinacloudapi.cn` is the former host of Azure in China, which the
    /// webhook still injects.
    ///
    /// ```
    /// use issuer::{AuthorityHost, Cloud};
    /// let host: AuthorityHost = "https://login.chinacloudapi.cn/".parse()?;
    /// assert_eq!(host.cloud(), Some(Cloud::China));
    /// # Ok::<(), issuer::IdentityError>(())
    /// ```
    pub fn cloud(&self) -> Option<Cloud> {
        match &*self.0 {
            "https://login.chinacloudapi.cn" => Some(Cloud::China),
            "https://login.windows.net" => Some(Cloud::Public),
            host => Cloud::ALL.into_iter().find(|cloud| cloud.authority_host() == host),
        }
    }
}

impl From<Cloud> for AuthorityHost {
    fn from(cloud: Cloud) -> Self {
        Self(cloud.authority_host().into())
    }
}

impl FromStr for AuthorityHost {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let is_url = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        // A query may hold a secret.
        let given = || {
            let before_query = text.split(['?', '#']).next().unwrap_or_default();
            if is_url { format!("{:?}", redacted(&shown(before_query))) } else { described(text) }
        };
        let refuse = |because: String| IdentityError::AuthorityHost { given: given(), because };
        let uri = issuer_url::parse(text).map_err(|problem| {
            // The text of the other problems quotes the value.
            refuse(match problem {
                UrlProblem::Empty
                | UrlProblem::WhiteSpace
                | UrlProblem::NoHost
                | UrlProblem::Http
                | UrlProblem::Port
                | UrlProblem::Credentials
                | UrlProblem::Fragment => problem.to_string(),
                _ => "it is not an https URL".to_owned(),
            })
        })?;
        if uri.query().is_some() {
            return Err(refuse(UrlProblem::Query.to_string()));
        }
        if !matches!(uri.path().as_str(), "" | "/") {
            return Err(refuse("it has a path".to_owned()));
        }
        let base = text.strip_suffix('/').unwrap_or(text);
        Ok(Self(base.to_ascii_lowercase().into()))
    }
}

/// A tenant: its GUID, or one of its domain names. `common`, `organizations` and `consumers` are not tenants.
///
/// ```
/// use issuer::{IdentityError, TenantId};
/// let tenant: TenantId = "72f988bf-86f1-41af-91ab-2d7cd011db47".parse()?;
/// assert_eq!(tenant.as_str(), "72f988bf-86f1-41af-91ab-2d7cd011db47");
/// assert_eq!("common".parse::<TenantId>(), Err(IdentityError::SharedTenant("common")));
/// # Ok::<(), IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TenantId(Arc<str>);

impl TenantId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TenantId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        let shared = SHARED.into_iter().find(|shared| text.eq_ignore_ascii_case(shared));
        if let Some(shared) = shared {
            return Err(IdentityError::SharedTenant(shared));
        }
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_domain = text.contains('.') && text.len() <= DOMAIN_MAX && text.split('.').all(is_label);
        // Three segments that start like a token are a token.
        if is_guid(text) || (is_domain && !text.starts_with("eyJ")) {
            return Ok(Self(text.into()));
        }
        Err(IdentityError::Tenant(described(text)))
    }
}

/// The client ID of an application or a managed identity: a GUID.
///
/// ```
/// use issuer::ClientId;
/// let client: ClientId = "11111111-aaaa-4bbb-8ccc-000000000001".parse()?;
/// assert_eq!(client.to_string(), "11111111-aaaa-4bbb-8ccc-000000000001");
/// let error = "my-identity".parse::<ClientId>().unwrap_err();
/// assert_eq!(error.to_string(), "the client ID is a value of 11 characters; expected a GUID");
/// # Ok::<(), issuer::IdentityError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientId(Arc<str>);

impl ClientId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ClientId {
    type Err = IdentityError;

    fn from_str(text: &str) -> Result<Self, IdentityError> {
        if is_guid(text) { Ok(Self(text.into())) } else { Err(IdentityError::ClientId(described(text))) }
    }
}

/// A text is not an authority host, a tenant or a client ID. Values that may be secrets are described, not shown.
///
/// ```
/// use issuer::{AuthorityHost, Hint};
/// let error = "http://login.example.com".parse::<AuthorityHost>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "the authority host \"http://login.example.com\" is not usable: its scheme is http, which is accepted only for \
///      loopback hosts"
/// );
/// assert!(error.hint().unwrap().contains("https://login.microsoftonline.com/"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// A text is not an authority host.
    #[error("the authority host {given} is not usable: {because}")]
    AuthorityHost {
        /// The URL without credentials and query, or a description.
        given: String,
        /// The rule that it breaks.
        because: String,
    },
    /// A text is not a tenant.
    #[error("the tenant is {0}; expected a GUID or a domain name")]
    Tenant(String),
    /// The text is `common`, `organizations` or `consumers`.
    #[error("the tenant is {0}, which stands for many tenants; expected a GUID or a domain name")]
    SharedTenant(&'static str),
    /// A text is not a client ID.
    #[error("the client ID is {0}; expected a GUID")]
    ClientId(String),
}

impl Hint for IdentityError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::AuthorityHost { .. } => "pass scheme and host only, such as https://login.microsoftonline.com/",
            Self::Tenant(_) | Self::SharedTenant(_) => {
                "pass the tenant ID: az account show --query tenantId --output tsv"
            }
            Self::ClientId(_) => {
                "pass the client ID: az identity show --name NAME --resource-group GROUP --query clientId --output tsv"
            }
        };
        Some(hint.to_owned())
    }
}

macro_rules! shown_as_text {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

shown_as_text!(AuthorityHost, TenantId, ClientId);

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "Xy38Q~AbCdEfGhIjKlMnOpQrStUvWxYz01234567";

    #[test]
    fn authority_host_is_https_without_a_path() {
        for (text, host) in [
            ("https://login.microsoftonline.com", "https://login.microsoftonline.com"),
            ("https://login.microsoftonline.com/", "https://login.microsoftonline.com"),
            ("https://Login.MicrosoftOnline.us/", "https://login.microsoftonline.us"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://localhost", "http://localhost"),
            ("https://[::1]:8443", "https://[::1]:8443"),
        ] {
            let parsed: AuthorityHost = text.parse().unwrap();
            assert_eq!(parsed.as_str(), host);
            let tenant = "contoso.com".parse().unwrap();
            assert_eq!(parsed.token_url(&tenant), format!("{host}/contoso.com/oauth2/v2.0/token"));
        }
        for (text, because) in [
            ("", "it is empty"),
            (" https://login.microsoftonline.com", "it contains white space"),
            ("login.microsoftonline.com", "it is not an https URL"),
            ("ftp://login.microsoftonline.com", "it is not an https URL"),
            ("http://login.microsoftonline.com/", "its scheme is http"),
            ("https://", "it has no host"),
            ("https://login.microsoftonline.com/tenant", "it has a path"),
            ("https://login.microsoftonline.com//", "it has a path"),
            ("https://login.microsoftonline.com/?x", "it has a query"),
            ("https://login.microsoftonline.com/#x", "it has a fragment"),
            ("https://user:secret@login.microsoftonline.com/", "it contains credentials"),
            ("https://login.microsoftonline.com:0", "its port is not a number"),
            ("https://löw.example.com", "it is not an https URL"),
        ] {
            let error = text.parse::<AuthorityHost>().unwrap_err();
            assert!(error.to_string().contains(because), "{error}");
            assert!(!error.to_string().contains("secret") && error.hint().is_some(), "{error}");
        }
    }

    #[test]
    fn tenant_is_a_guid_or_a_domain() {
        for text in ["72f988bf-86f1-41af-91ab-2d7cd011db47", "72F988BF-86F1-41AF-91AB-2D7CD011DB47", "contoso.com"] {
            assert_eq!(text.parse::<TenantId>().unwrap().as_str(), text);
        }
        for text in ["common", "Organizations", "consumers"] {
            assert!(matches!(text.parse::<TenantId>(), Err(IdentityError::SharedTenant(_))), "{text}");
        }
        for text in ["", "contoso", "con toso.com", "a/b.com", "-a.com", "a..com", "../x.y", "eyJhbGciOi.eyJpc3M.c2ln"]
        {
            assert!(matches!(text.parse::<TenantId>(), Err(IdentityError::Tenant(_))), "{text}");
        }
    }

    #[test]
    fn value_that_may_be_a_secret_is_described() {
        let errors = [
            SECRET.parse::<TenantId>().unwrap_err(),
            SECRET.parse::<ClientId>().unwrap_err(),
            SECRET.parse::<AuthorityHost>().unwrap_err(),
            format!("https://login.example.com/?sig={SECRET}").parse::<AuthorityHost>().unwrap_err(),
            format!("https://:{SECRET}@login.example.com/").parse::<AuthorityHost>().unwrap_err(),
            format!("https://login.example.com/{SECRET}").parse::<AuthorityHost>().unwrap_err(),
        ];
        for error in errors {
            assert!(!error.to_string().contains("Xy38Q"), "{error}");
        }
        assert!(SECRET.parse::<ClientId>().unwrap_err().to_string().contains("a value of 40 characters"));
    }
}
