use std::{fmt, net::Ipv4Addr, str::FromStr};

use azure_core::http::Url;
use percent_encoding::percent_decode_str;

use super::AzureProblem;
use crate::{
    entra::Cloud,
    issuer_url,
    redact::{redacted, without_password},
};

/// The limits for showing a rejected account name: the length of each part between dots, and the number of parts.
const SHOWN_MAX: (usize, usize) = (30, 6);

/// The name of a storage account: 3 to 24 lower-case letters and digits.
///
/// Microsoft Learn, "Storage account overview", "Storage account name".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AccountName(String);

impl AccountName {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountName {
    type Err = AzureProblem;

    fn from_str(text: &str) -> Result<Self, AzureProblem> {
        let letters = text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
        if letters && (3..=24).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        // Other text may be a key or a connection string, which must not be printed.
        let is_like_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_short = text.split('.').count() <= SHOWN_MAX.1 && text.split('.').all(|part| part.len() <= SHOWN_MAX.0);
        let is_shown = is_short && text.bytes().all(is_like_a_name);
        Err(AzureProblem::AccountName(is_shown.then(|| text.to_owned())))
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A storage account and its blob endpoint.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: AccountName,
    pub(crate) cloud: Cloud,
    /// The blob endpoint, without a trailing slash if it has a path.
    pub(crate) endpoint: Url,
}

impl Account {
    /// An account at the given blob endpoint, or at the default endpoint of the cloud.
    pub(crate) fn new(name: AccountName, cloud: Cloud, endpoint: Option<&str>) -> Result<Self, AzureProblem> {
        let default = || format!("https://{name}.blob.{}", cloud.storage_suffix());
        let text = endpoint.map_or_else(default, ToOwned::to_owned);
        let is_url = text.contains("://");
        let refuse = |because: String| AzureProblem::Endpoint { url: is_url.then(|| without_secrets(&text)), because };
        // An endpoint follows the rules of an issuer URL: https, or http on loopback, and no credentials.
        let uri = issuer_url::parse(&text).map_err(|error| refuse(error.to_string()))?;
        if uri.query().is_some() {
            return Err(refuse("it has a query; pass a SAS as AZURE_STORAGE_SAS_TOKEN".to_owned()));
        }
        let endpoint = Url::parse(text.trim_end_matches('/')).map_err(|error| refuse(error.to_string()))?;
        let account = Self { name, cloud, endpoint };
        match account.check_endpoint() {
            Ok(()) => Ok(account),
            Err(Mismatch::OtherAccount) => {
                Err(AzureProblem::EndpointOfAnother { url: without_secrets(&text), account: account.name.to_string() })
            }
            Err(Mismatch::OtherService(service)) => {
                Err(refuse(format!("it is the {service} endpoint of {}", account.name)))
            }
            Err(Mismatch::Container(container)) => {
                Err(refuse(format!("its path names a container; pass the endpoint alone, and --container {container}")))
            }
        }
    }

    /// Checks that the endpoint is a blob endpoint of this account. Its host names the account in the clouds, its path
    /// in the emulator.
    fn check_endpoint(&self) -> Result<(), Mismatch> {
        let path = self.endpoint.path().trim_matches('/');
        let path = percent_decode_str(path).decode_utf8_lossy();
        let (first, rest) = path.split_once('/').unwrap_or((&path, ""));
        let container = match host_account(self.endpoint.host_str().unwrap_or_default()) {
            Some((account, _)) if account != self.name.as_str() => return Err(Mismatch::OtherAccount),
            Some((_, service)) if service != "blob" => return Err(Mismatch::OtherService(service)),
            Some(_) => &*path,
            None if first == self.name.as_str() => rest,
            None if first.starts_with('$') => &*path,
            None if path.is_empty() => "",
            None => return Err(Mismatch::OtherAccount),
        };
        if container.is_empty() { Ok(()) } else { Err(Mismatch::Container(container.to_owned())) }
    }

    /// Whether the host of a URL names another account. If the host is an IP address, as in the emulator, the first
    /// segment of the path names the account.
    pub(crate) fn is_other_than(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let first = url.path().trim_start_matches('/').split('/').next().unwrap_or_default();
        match host_account(host) {
            Some((account, _)) => account != self.name.as_str(),
            None => host.parse::<Ipv4Addr>().is_ok() && first != self.name.as_str(),
        }
    }

    /// Whether the endpoint is the default endpoint of the account.
    pub(crate) fn has_default_endpoint(&self) -> bool {
        self.endpoint.host_str() == Some(&format!("{}.blob.{}", self.name, self.cloud.storage_suffix()))
    }

    /// Whether requests are not encrypted. Only loopback endpoints use http.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoint.scheme() == "http"
    }
}

/// Reason why an endpoint is not a blob endpoint of an account.
enum Mismatch {
    OtherAccount,
    OtherService(&'static str),
    Container(String),
}

/// The services of a storage account by their names in hosts.
const SERVICES: [&str; 6] = ["blob", "web", "dfs", "file", "queue", "table"];
/// The domains of DNS zone endpoints in the clouds.
const ZONES: [&str; 3] = ["storage.azure.net", "storage.azure.us", "storage.azure.cn"];

/// The account and service in the name of a host; `None` for other hosts.
///
/// - Default endpoint: `acct.blob.core.windows.net`
/// - DNS zone endpoint: `acct.z7.blob.storage.azure.net`
/// - Web endpoint: `acct.z6.web.core.windows.net`
/// - Private endpoint: `acct.privatelink.blob.…`
/// - Secondary endpoint: `acct-secondary.blob.…`
/// - Private cloud, Blob service only: `acct.blob.local.example.com`
///
/// Microsoft Learn, "Storage account overview", "Storage account endpoints".
fn host_account(host: &str) -> Option<(&str, &'static str)> {
    let host = host.trim_end_matches('.');
    let mut clouds = Cloud::ALL.iter().map(|cloud| cloud.storage_suffix()).chain(ZONES);
    let is_cloud = clouds.any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')));
    let mut labels = host.split('.');
    let account = labels.next()?;
    let service = labels.take(2).find_map(|label| SERVICES.into_iter().find(|service| *service == label))?;
    let is_blob_first = host[account.len()..].starts_with(".blob.");
    (is_cloud || is_blob_first).then(|| (account.strip_suffix("-secondary").unwrap_or(account), service))
}

/// A URL without password and SAS, which may be printed.
fn without_secrets(url: &str) -> String {
    let url = without_password(url);
    let url = url.split_once('?').map_or_else(|| url.clone(), |(url, _)| format!("{url}?…"));
    redacted(&url).into_owned()
}
