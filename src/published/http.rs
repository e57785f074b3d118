use std::{fs::File, io::Read, path::Path, sync::OnceLock, time::Duration};

use reqwest::{
    Certificate, Client, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
    redirect::Policy,
};

use super::{DOCUMENT_MAX, FetchError, Page};
use crate::{Error, issuer_url};

/// How long one document may take, redirects and body included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest file of authorities that is read, in bytes: a system's whole bundle has a quarter of it.
const CA_FILE_MAX: u64 = 1 << 20;
/// How many redirects are followed for one document.
const REDIRECTS_MAX: usize = 3;

/// Fetches public documents over https, and over http from this machine.
///
/// A document has 1 MiB at most and 10 s to arrive; three redirects are followed, never from https to http. Nothing is
/// connected or loaded before the first fetch.
#[derive(Debug, Default)]
pub struct HttpFetcher {
    authorities: Vec<Certificate>,
    https: OnceLock<Client>,
    loopback: OnceLock<Client>,
}

impl HttpFetcher {
    /// A fetcher that trusts the system's certificate authorities and those of PEM files.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] for a file that cannot be read, [`Error::CaFile`] for one that holds no certificate.
    pub fn new(ca_files: &[impl AsRef<Path>]) -> Result<Self, Error> {
        let mut authorities = Vec::new();
        for path in ca_files {
            let path = path.as_ref();
            let mut pem = Vec::new();
            File::open(path)
                .and_then(|file| file.take(CA_FILE_MAX + 1).read_to_end(&mut pem))
                .map_err(|source| Error::Read { path: path.to_owned(), source })?;
            let refuse = |because: String| Error::CaFile { path: path.to_owned(), because };
            if pem.len() as u64 > CA_FILE_MAX {
                return Err(refuse(format!("it is longer than {CA_FILE_MAX} bytes")));
            }
            let found = Certificate::from_pem_bundle(&pem).map_err(|error| refuse(innermost(&error)))?;
            if found.is_empty() {
                return Err(refuse("no certificate is in it".to_owned()));
            }
            authorities.extend(found);
        }
        Ok(Self { authorities, ..Self::default() })
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
                return Err(FetchError::Status { url: at.to_string(), status: response.status().as_u16() });
            };
            let refuse = |because| FetchError::Redirect { url: at.to_string(), to: target.to_owned(), because };
            let next = at.join(target).map_err(|_| refuse("that is not a URL"))?;
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(refuse("https is never left for http"));
            }
            at = next;
        }
        let because = "too many redirects came before it";
        Err(FetchError::Redirect { url: url.to_owned(), to: at.to_string(), because })
    }

    async fn get(&self, url: &Url) -> Result<Response, FetchError> {
        let no_answer = |because| FetchError::NoAnswer { url: url.to_string(), because };
        let client = match url.scheme() {
            "https" => {
                get_or_build(&self.https, || builder().tls_certs_merge(self.authorities.iter().cloned()).build())
            }
            "http" if issuer_url::is_loopback_http(url.as_str()) => {
                // A proxy stands for the outside, and the system's authorities take time to load.
                get_or_build(&self.loopback, || builder().no_proxy().tls_certs_only([]).build())
            }
            _ => return Err(FetchError::NotHttps(url.to_string())),
        };
        let client = client.map_err(no_answer)?;
        let request = client.get(url.clone()).header(ACCEPT, "application/json");
        request.send().await.map_err(|error| no_answer(innermost(&error)))
    }
}

fn builder() -> reqwest::ClientBuilder {
    let agent = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
    Client::builder().user_agent(agent).redirect(Policy::none())
}

fn get_or_build(cell: &OnceLock<Client>, build: impl FnOnce() -> reqwest::Result<Client>) -> Result<&Client, String> {
    if let Some(client) = cell.get() {
        return Ok(client);
    }
    let client = build().map_err(|error| innermost(&error))?;
    Ok(cell.get_or_init(|| client))
}

async fn page(url: &Url, mut response: Response, redirected_to: Option<String>) -> Result<Page, FetchError> {
    let status = response.status().as_u16();
    if status != 200 {
        return Err(FetchError::Status { url: url.to_string(), status });
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = Some(content_type.to_owned());
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| FetchError::NoAnswer { url: url.to_string(), because: innermost(&error) })? {
            Some(chunk) if body.len() + chunk.len() > DOCUMENT_MAX => {
                return Err(FetchError::TooLong { url: url.to_string(), limit: DOCUMENT_MAX });
            }
            Some(chunk) => body.extend_from_slice(&chunk),
            None => return Ok(Page { body, content_type, redirected_to }),
        }
    }
}

/// The cause at the bottom: the layers above it only say that something failed.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    // rustls has no words of its own for it.
    if text.contains("CaUsedAsEndEntity") {
        return "the server's certificate is that of an authority; let the authority sign one for the server"
            .to_owned();
    }
    text
}
