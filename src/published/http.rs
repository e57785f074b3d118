use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::{
    Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, LOCATION},
};
use tracing::instrument;

use crate::{
    documents::{Documents, FetchError, Page, fresh_for},
    http_clients::{ClientError, HttpClients, innermost},
    issuer_url::{self, shown},
    public_host::why_not_public,
    resolver::NotPublicAddress,
};

/// The timeout of one document, redirects and body included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The number of redirects that are followed for one document.
const REDIRECTS_MAX: usize = 3;
/// The header with the error code of Azure Storage
/// (<https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2>), and the longest code that is kept.
const ERROR_CODE: &str = "x-ms-error-code";
const ERROR_CODE_MAX: usize = 60;

/// Fetches public documents over https, and over http from this machine.
///
/// A document may have at most 1 MiB and take at most 10 s. It is requested without compression. Up to three redirects are
/// followed, never from https to http. The first fetch opens the first connection. Clones share their connections.
///
/// # Hosts
///
/// A host that the caller names, as an issuer, a [`Location::Url`](crate::documents::Location::Url) or an argument of
/// [`fetch`](Self::fetch), may be private. A host and port that only a document or a redirect names must be public:
/// loopback, private, link-local and other special-purpose addresses are refused. Names that the public DNS does not have,
/// such as `localhost`, `NAME.svc` and `NAME.internal`, are refused too. A name is resolved once, all its addresses are
/// checked, and the connection is made to one of them. [`only_public`](Self::only_public) applies the same rule to the issuer.
///
/// With a proxy (`HTTPS_PROXY` or `ALL_PROXY`, without `NO_PROXY`) the proxy resolves the names. Addresses and local names
/// in URLs are still refused here; the proxy must refuse the rest.
///
/// A URL with a user name or password is refused.
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
    only_public: bool,
    deadline: Option<Instant>,
}

impl HttpFetcher {
    /// A fetcher that trusts the certificate authorities of the system and of PEM files.
    ///
    /// # Errors
    ///
    /// [`ClientError::File`] for a file that cannot be read, [`ClientError::CaFile`] for a file without a certificate.
    pub fn new(ca_files: &[impl AsRef<Path>]) -> Result<Self, ClientError> {
        Ok(Self { clients: Arc::new(HttpClients::new(ca_files)?), only_public: false, deadline: None })
    }

    /// The same fetcher for issuers that the caller did not name, such as the issuer of a token that is not verified yet:
    /// their hosts must be public. The caller names a [`Location::Url`](crate::documents::Location::Url), so it may be private.
    ///
    /// ```
    /// use issuer::{FetchError, HttpFetcher};
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let fetcher = HttpFetcher::default().only_public();
    /// let error = fetcher.fetch("https://10.0.0.1/openid/v1/jwks").await.unwrap_err();
    /// assert!(matches!(error, FetchError::NotPublic { .. }));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn only_public(self) -> Self {
        Self { only_public: true, ..self }
    }

    /// The same fetcher with a deadline. A fetch that exceeds it is [`FetchError::NoAnswer`].
    ///
    /// ```
    /// use issuer::{FetchError, HttpFetcher};
    /// use std::time::Instant;
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// let fetcher = HttpFetcher::default().until(Instant::now());
    /// let error = fetcher.fetch("https://issuer.example.com/openid/v1/jwks").await.unwrap_err();
    /// assert!(matches!(error, FetchError::NoAnswer { .. }));
    /// # });
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub fn until(self, deadline: Instant) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    pub(crate) fn clients(&self) -> Arc<HttpClients> {
        Arc::clone(&self.clients)
    }

    /// Whether the hosts of issuers must be public.
    pub(super) fn is_only_public(&self) -> bool {
        self.only_public
    }

    /// Fetches one document.
    ///
    /// # Errors
    ///
    /// [`FetchError`] unless the server returns status 200 and a complete body.
    pub async fn fetch(&self, url: &str) -> Result<Page, FetchError> {
        let named = if self.only_public { Vec::new() } else { Url::parse(url).into_iter().collect() };
        self.fetch_for(&named, url).await
    }

    /// Fetches one document. The hosts and ports of the `named` URLs may be private; all others must be public.
    #[instrument(name = "fetch", level = "debug", skip_all, fields(url = %shown(url)))]
    pub(super) async fn fetch_for(&self, named: &[Url], url: &str) -> Result<Page, FetchError> {
        let now = tokio::time::Instant::now();
        let left =
            self.deadline.map(|deadline| tokio::time::Instant::from_std(deadline).saturating_duration_since(now));
        let left = left.map_or(TIMEOUT, |left| left.min(TIMEOUT));
        if let Ok(outcome) = tokio::time::timeout(left, self.follow(named, url)).await {
            return outcome;
        }
        let late = |asked: Url| self.clients.late(&asked, left);
        Err(FetchError::NoAnswer { url: shown(url), because: Url::parse(url).map(late).unwrap_or_default() })
    }

    async fn follow(&self, named: &[Url], url: &str) -> Result<Page, FetchError> {
        let mut at = Url::parse(url).map_err(|_| FetchError::NotHttps(shown(url)))?;
        // The URL that redirected here, and the target as the server wrote it.
        let mut from: Option<(Url, String)> = None;
        for _ in 0..=REDIRECTS_MAX {
            let is_named = named.iter().any(|named| named.origin() == at.origin());
            let response = self.get(&at, is_named).await.map_err(|error| match &from {
                Some((url, to)) => after_redirect(url, to, error),
                None => error,
            })?;
            if !response.status().is_redirection() {
                let redirected_to = from.is_some().then(|| shown(at.as_str()));
                return page(&at, response, redirected_to).await;
            }
            let target = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let Some(target) = target else {
                return Err(not_ok(&at, &response));
            };
            let refuse = |because| FetchError::Redirect { url: shown(at.as_str()), to: shown(target), because };
            let next = at.join(target).map_err(|_| refuse("it is not a URL"))?;
            if at.scheme() == "https" && next.scheme() != "https" {
                return Err(refuse("it leads from https to http"));
            }
            let target = shown(target);
            from = Some((std::mem::replace(&mut at, next), target));
        }
        let because = "there were too many redirects";
        Err(FetchError::Redirect { url: shown(url), to: shown(at.as_str()), because })
    }

    /// Sends one request if the URL is allowed.
    async fn get(&self, url: &Url, is_named: bool) -> Result<Response, FetchError> {
        let text = || shown(url.as_str());
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Credentials(text()));
        }
        if !is_fetched(url) {
            return Err(FetchError::NotHttps(text()));
        }
        if let Some(why) = why_not_public(url.as_str()).filter(|_| !is_named) {
            return Err(FetchError::NotPublic { url: text(), because: why.to_string() });
        }
        let client = match url.scheme() {
            "https" if is_named => self.clients.secure(),
            "https" => self.clients.public(url),
            _ => self.clients.plain(),
        };
        let client = client.map_err(|because| FetchError::NoAnswer { url: text(), because })?;
        let request = client.get(url.clone()).header(ACCEPT, "application/json").header(ACCEPT_ENCODING, "identity");
        request.send().await.map_err(|error| match NotPublicAddress::find(&error) {
            Some(found) => FetchError::NotPublicHere { url: text(), because: found.to_string() },
            None => FetchError::NoAnswer { url: text(), because: self.clients.cause(url, &error) },
        })
    }
}

/// Whether requests to a URL are allowed: over https, or over http on this machine.
fn is_fetched(url: &Url) -> bool {
    url.scheme() == "https" || issuer_url::is_loopback_http(url.as_str())
}

/// The error of a request that a redirect led to. A target that is not allowed is a fault of the redirect.
fn after_redirect(url: &Url, to: &str, error: FetchError) -> FetchError {
    let because = match error {
        FetchError::NotPublic { .. } | FetchError::NotPublicHere { .. } => {
            "redirects to another host are followed to public addresses only"
        }
        FetchError::Credentials(_) => "a URL with a user name or password is refused",
        error => return error,
    };
    FetchError::Redirect { url: shown(url.as_str()), to: to.to_owned(), because }
}

async fn page(url: &Url, mut response: Response, redirected_to: Option<String>) -> Result<Page, FetchError> {
    if response.status().as_u16() != 200 {
        return Err(not_ok(url, &response));
    }
    let headers = response.headers();
    let content_type = Some(first(headers, CONTENT_TYPE.as_str()).unwrap_or_default().to_owned());
    let coding = coding(headers);
    let text = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let fresh_for = fresh_for(text(CACHE_CONTROL), text(AGE).next());
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await;
        match chunk.map_err(|error| FetchError::NoAnswer { url: shown(url.as_str()), because: innermost(&error) })? {
            Some(chunk) if body.len() + chunk.len() > Documents::BYTES_MAX => {
                return Err(FetchError::TooLong { url: shown(url.as_str()), limit: Documents::BYTES_MAX });
            }
            Some(chunk) => body.extend_from_slice(&chunk),
            None => break,
        }
    }
    match coding {
        Some(coding) => {
            let is_plain = body.trim_ascii_start().starts_with(b"{");
            Err(FetchError::Encoded { url: shown(url.as_str()), coding, is_plain })
        }
        None => Ok(Page { body, content_type, redirected_to, fresh_for }),
    }
}

/// The error for a response without a document.
fn not_ok(url: &Url, response: &Response) -> FetchError {
    let headers = response.headers();
    let content_type = first(headers, CONTENT_TYPE.as_str()).unwrap_or_default();
    let is_code = |code: &&str| code.len() <= ERROR_CODE_MAX && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    FetchError::Status {
        url: shown(url.as_str()),
        status: response.status().as_u16(),
        is_html: content_type.to_ascii_lowercase().starts_with("text/html"),
        code: first(headers, ERROR_CODE).filter(|code| !code.is_empty()).filter(is_code).map(str::to_owned),
    }
}

/// The content codings of a response, except `identity`, which means no coding (RFC 9110 section 8.4).
fn coding(headers: &HeaderMap) -> Option<String> {
    let values = headers.get_all(CONTENT_ENCODING).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let values: Vec<_> = values.collect();
    let codings = values.iter().flat_map(|value| value.split(',')).map(str::trim);
    let codings: Vec<_> =
        codings.filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")).map(shown).collect();
    (!codings.is_empty()).then(|| shown(&codings.join(", ")))
}

fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Read, Write},
        net::{SocketAddr, TcpListener},
        sync::atomic::{AtomicUsize, Ordering},
        thread,
    };

    use reqwest::dns::{Addrs, Name, Resolve, Resolving};

    use super::*;
    use crate::resolver::PublicOnly;

    /// A resolver that returns the loopback address for every name and counts the requests.
    #[derive(Clone, Default)]
    struct Rebound(Arc<AtomicUsize>);

    impl Resolve for Rebound {
        fn resolve(&self, _: Name) -> Resolving {
            self.0.fetch_add(1, Ordering::SeqCst);
            let here = SocketAddr::from(([127, 0, 0, 1], 0));
            Box::pin(std::future::ready(Ok(Box::new(std::iter::once(here)) as Addrs)))
        }
    }

    #[test]
    fn public_name_with_a_private_address_gets_no_connection() {
        let dns = Rebound::default();
        let clients = HttpClients::resolving(PublicOnly::of(dns.clone()));
        let fetcher = HttpFetcher { clients: Arc::new(clients), only_public: true, deadline: None };
        let untouched = TcpListener::bind("127.0.0.1:0").unwrap();
        untouched.set_nonblocking(true).unwrap();
        let rebound = format!("https://rebound.example.com:{}/jwks", untouched.local_addr().unwrap().port());
        // A server that the caller names redirects to that host.
        let redirecting = TcpListener::bind("127.0.0.1:0").unwrap();
        let named = format!("http://{}/", redirecting.local_addr().unwrap());
        let answer =
            format!("HTTP/1.1 302 Found\r\nLocation: {rebound}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        thread::spawn(move || {
            let (mut stream, _) = redirecting.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let because = "resolves to 127.0.0.1, which is a loopback address".to_owned();
            let here = FetchError::NotPublicHere { url: rebound.clone(), because };
            assert!(here.is_inconclusive());
            assert_eq!(fetcher.fetch(&rebound).await, Err(here));
            // The name is resolved once, so a second answer cannot lead the connection elsewhere.
            assert_eq!(dns.0.load(Ordering::SeqCst), 1);
            let caller = [Url::parse(&named).unwrap()];
            let because = "redirects to another host are followed to public addresses only";
            let redirect = FetchError::Redirect { url: named.clone(), to: rebound.clone(), because };
            assert_eq!(fetcher.fetch_for(&caller, &named).await, Err(redirect));
        });
        assert_eq!(untouched.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
