use std::{path::Path, sync::Arc, time::Duration};

use reqwest::{
    Response, Url,
    header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, LOCATION},
};

use super::{DOCUMENT_MAX, FetchError, Page, freshness::fresh_for};
use crate::{
    Error,
    http_clients::{HttpClients, innermost},
    issuer_url, public_address,
    public_host::why_not_public,
};

/// How long one document may take, redirects and body included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many redirects are followed for one document.
const REDIRECTS_MAX: usize = 3;

/// Fetches public documents over https, and over http from this machine.
///
/// A document has 1 MiB at most and 10 s to arrive. Three redirects are followed, never from https to http, and to another
/// host only where that host's addresses, as this machine looks them up, are public. Nothing is connected or loaded before
/// the first fetch. Clones share their connections.
///
/// ```
/// use issuer::{FetchError, HttpFetcher};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let error = HttpFetcher::default().fetch("http://issuer.example.com/openid/v1/jwks").await.unwrap_err();
/// assert_eq!(error, FetchError::NotHttps("http://issuer.example.com/openid/v1/jwks".to_owned()));
/// # });
///
/// let error = HttpFetcher::new(&["no-such-ca.pem"]).unwrap_err();
/// assert!(error.to_string().contains("no-such-ca.pem"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct HttpFetcher {
    clients: Arc<HttpClients>,
}

impl HttpFetcher {
    /// A fetcher that trusts the system's certificate authorities and those of PEM files.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] for a file that cannot be read, [`Error::CaFile`] for one that holds no certificate.
    pub fn new(ca_files: &[impl AsRef<Path>]) -> Result<Self, Error> {
        Ok(Self { clients: Arc::new(HttpClients::new(ca_files)?) })
    }

    #[cfg(feature = "azure")]
    pub(crate) fn clients(&self) -> Arc<HttpClients> {
        Arc::clone(&self.clients)
    }

    /// Fetches one document.
    ///
    /// # Errors
    ///
    /// [`FetchError`] for everything but a whole body with status 200.
    pub async fn fetch(&self, url: &str) -> Result<Page, FetchError> {
        let no_answer = |because| FetchError::NoAnswer { url: url.to_owned(), because };
        match tokio::time::timeout(TIMEOUT, self.follow(url)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(no_answer(format!("no answer within {} s", TIMEOUT.as_secs()))),
        }
    }

    async fn follow(&self, url: &str) -> Result<Page, FetchError> {
        let mut at = Url::parse(url).map_err(|_| FetchError::NotHttps(url.to_owned()))?;
        for redirects in 0..=REDIRECTS_MAX {
            let response = self.get(&at).await?;
            if !response.status().is_redirection() {
                let redirected_to = (redirects > 0).then(|| at.to_string());
                return page(&at, response, redirected_to).await;
            }
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(target) = target else {
                return Err(FetchError::Status {
                    url: at.to_string(),
                    status: response.status().as_u16(),
                    is_html: false,
                });
            };
            let refuse = |because| FetchError::Redirect { url: at.to_string(), to: target.to_owned(), because };
            let next = at.join(target).map_err(|_| refuse("that is not a URL"))?;
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(refuse("https is never left for http"));
            }
            let same_host = at.host_str().zip(next.host_str()).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
            if !same_host && is_fetched(&next) && !is_public_host(&next).await {
                return Err(refuse("a redirect to another host is followed to public addresses only"));
            }
            at = next;
        }
        let because = "too many redirects came before it";
        Err(FetchError::Redirect { url: url.to_owned(), to: at.to_string(), because })
    }

    async fn get(&self, url: &Url) -> Result<Response, FetchError> {
        let no_answer = |because| FetchError::NoAnswer { url: url.to_string(), because };
        let client = match url.scheme() {
            _ if !is_fetched(url) => return Err(FetchError::NotHttps(url.to_string())),
            "https" => self.clients.secure(),
            _ => self.clients.plain(),
        };
        let client = client.map_err(no_answer)?;
        let request = client.get(url.clone()).header(ACCEPT, "application/json");
        request.send().await.map_err(|error| no_answer(innermost(&error)))
    }
}

/// Whether a URL may be asked at all: over https, or over http on this machine.
fn is_fetched(url: &Url) -> bool {
    url.scheme() == "https" || issuer_url::is_loopback_http(url.as_str())
}

/// Whether the host of a URL is public, by all the addresses it has; one without any is left to the client to tell of.
async fn is_public_host(url: &Url) -> bool {
    if why_not_public(url.as_str()).is_some() {
        return false;
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let addresses = tokio::net::lookup_host((host, 0)).await;
    addresses.map_or(true, |mut all| all.all(|address| public_address::why_not_public(address.ip()).is_none()))
}

async fn page(url: &Url, mut response: Response, redirected_to: Option<String>) -> Result<Page, FetchError> {
    let status = response.status().as_u16();
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if status != 200 {
        let is_html = content_type.to_ascii_lowercase().starts_with("text/html");
        return Err(FetchError::Status { url: url.to_string(), status, is_html });
    }
    let content_type = Some(content_type.to_owned());
    let text = |name| response.headers().get_all(name).iter().filter_map(|value| value.to_str().ok());
    let fresh_for = fresh_for(text(CACHE_CONTROL), text(AGE).next());
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| FetchError::NoAnswer { url: url.to_string(), because: innermost(&error) })? {
            Some(chunk) if body.len() + chunk.len() > DOCUMENT_MAX => {
                return Err(FetchError::TooLong { url: url.to_string(), limit: DOCUMENT_MAX });
            }
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(Page { body, content_type, redirected_to, fresh_for }),
        }
    }
}
