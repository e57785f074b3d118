use std::{fmt, str::FromStr};

use azure_core::http::Url;

use super::AzureProblem;
use crate::{entra::Cloud, issuer_url, redacted};

/// The longest part of a text between dots that is shown where it should be the name of an account, and how many such parts.
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
        // What is not like a name may be a key or a connection string.
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

/// A storage account and where its blobs are.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) name: AccountName,
    pub(crate) cloud: Cloud,
    /// The blob endpoint, without a slash at its end where it has a path.
    pub(crate) endpoint: Url,
}

impl Account {
    /// An account at its own endpoint in a cloud, or at the endpoint given.
    pub(crate) fn new(name: AccountName, cloud: Cloud, endpoint: Option<&str>) -> Result<Self, AzureProblem> {
        let own = || format!("https://{name}.blob.{}", cloud.storage_suffix());
        let text = endpoint.map_or_else(own, ToOwned::to_owned);
        let is_url = text.contains("://");
        let refuse = |because: String| AzureProblem::Endpoint { url: is_url.then(|| without_secrets(&text)), because };
        // The rules are those of an issuer URL: https, or http on this machine, and no credentials.
        let uri = issuer_url::parse(&text).map_err(|error| refuse(error.to_string()))?;
        if uri.query().is_some() {
            return Err(refuse("it has a query; pass a SAS as AZURE_STORAGE_SAS_TOKEN".to_owned()));
        }
        let endpoint = Url::parse(text.trim_end_matches('/')).map_err(|error| refuse(error.to_string()))?;
        let account = Self { name, cloud, endpoint };
        if account.is_of_another() {
            return Err(AzureProblem::EndpointOfAnother {
                url: without_secrets(&text),
                account: account.name.to_string(),
            });
        }
        Ok(account)
    }

    /// Whether the endpoint names another account, in its host as in the clouds or in its path as in the emulator.
    fn is_of_another(&self) -> bool {
        let host = self.endpoint.host_str().unwrap_or_default();
        if let Some((label, rest)) = host.split_once('.')
            && rest.starts_with("blob.")
        {
            return label != self.name.as_str();
        }
        let path = self.endpoint.path().trim_matches('/');
        !path.is_empty() && path != self.name.as_str()
    }

    /// Whether the endpoint is the one the account has anyway.
    pub(crate) fn is_at_home(&self) -> bool {
        self.endpoint.host_str() == Some(&format!("{}.blob.{}", self.name, self.cloud.storage_suffix()))
    }

    /// Whether requests go out unencrypted, which is only ever to this machine.
    pub(crate) fn is_plain(&self) -> bool {
        self.endpoint.scheme() == "http"
    }
}

/// A URL as it may be printed: without a password, or a SAS.
fn without_secrets(url: &str) -> String {
    let url = issuer_url::without_password(url);
    let url = url.split_once('?').map_or_else(|| url.clone(), |(url, _)| format!("{url}?…"));
    redacted(&url).into_owned()
}
