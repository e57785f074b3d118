use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use azure_core::{
    Bytes, Error,
    error::ErrorKind,
    http::{
        AsyncRawResponse, Body, HttpClient, Request, Url,
        headers::{HeaderName, HeaderValue, Headers},
    },
};
use reqwest::header::DATE;
use tokio::time::timeout;

use super::{Credential, ServerClock};
use crate::{
    http_clients::{HttpClients, innermost},
    public_host::{NotPublic, why_not_public},
};

/// How long one request may take, its answer included.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const ANSWER_MAX: usize = 4 << 20;
/// Where a machine in Azure asks about itself. Neither this address nor loopback is ever behind a proxy.
const METADATA_SERVICE: &str = "169.254.169.254";

/// How requests of the Azure SDK go out: over this crate's HTTP clients, and where a query authorises them, with it.
///
/// The query is added here, behind everything that logs or prints a URL, and errors name no URL at all.
pub(crate) struct Transport {
    clients: Arc<HttpClients>,
    credential: Option<Credential>,
    /// Learns the time of the server from every answer.
    clock: Option<Arc<ServerClock>>,
    /// What stands in for the metadata service (`AZURE_POD_IDENTITY_AUTHORITY_HOST`).
    metadata_service: Option<Url>,
    /// The identity endpoint of the platform that this process runs on.
    platform: Option<Url>,
    /// How long one request may take.
    limit: Duration,
}

impl Transport {
    /// For requests that carry their own authorisation.
    pub(crate) fn new(clients: Arc<HttpClients>, metadata_service: Option<Url>) -> Self {
        Self { clients, credential: None, clock: None, metadata_service, platform: None, limit: REQUEST_TIMEOUT }
    }

    /// For requests to a storage account.
    pub(crate) fn authorised(clients: Arc<HttpClients>, credential: Credential, clock: Arc<ServerClock>) -> Self {
        Self {
            clients,
            credential: Some(credential),
            clock: Some(clock),
            metadata_service: None,
            platform: None,
            limit: REQUEST_TIMEOUT,
        }
    }

    /// Also sends requests to the identity endpoint of a platform over http, at whatever private address it is.
    pub(crate) fn trusting(self, platform: Option<Url>) -> Self {
        Self { platform, ..self }
    }

    /// Gives up each request in time for its cause to be told within a limit for all of them.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit: limit.min(self.limit), ..self }
    }

    /// For the options of an SDK client.
    pub(crate) fn for_sdk(self: &Arc<Self>) -> azure_core::http::Transport {
        azure_core::http::Transport::new(Arc::clone(self) as Arc<dyn HttpClient>)
    }

    async fn execute(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url = self.address(request.url());
        let client = match url.scheme() {
            "https" => self.clients.secure(),
            "http" if stays_here(&url) || self.is_of_platform(&url) => self.clients.plain(),
            scheme => Err(format!("{scheme} to {} would be readable by others", url.host_str().unwrap_or_default())),
        };
        let client = client.map_err(|because| Error::with_message(ErrorKind::Other, because))?;
        let method = reqwest::Method::from_bytes(request.method().as_ref().as_bytes());
        let method = method.map_err(|error| Error::new(ErrorKind::Other, error))?;
        let mut outgoing = client.request(method, url.clone());
        for (name, value) in request.headers().iter() {
            outgoing = outgoing.header(name.as_str(), value.as_str());
        }
        outgoing = match request.body() {
            Body::Bytes(bytes) => outgoing.body(bytes.clone()),
            Body::SeekableStream(_) => {
                return Err(Error::with_message(ErrorKind::Other, "a body that is not in memory"));
            }
        };
        let mut answer = outgoing.send().await.map_err(|error| failure(&error, self.clients.cause(&url, &error)))?;
        if let (Some(clock), Some(date)) = (&self.clock, answer.headers().get(DATE)) {
            clock.set(date.to_str().unwrap_or_default(), Instant::now());
        }
        let mut headers = Headers::new();
        for (name, value) in answer.headers() {
            if let Ok(value) = value.to_str() {
                headers.insert(HeaderName::from(name.as_str().to_owned()), HeaderValue::from(value.to_owned()));
            }
        }
        let status = answer.status().as_u16().into();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failure(&error, innermost(&error)))? {
            if body.len() + chunk.len() > ANSWER_MAX {
                return Err(Error::with_message(
                    ErrorKind::Other,
                    format!("an answer of more than {ANSWER_MAX} bytes"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, Bytes::from(body)))
    }

    /// Whether a URL is at the platform's identity endpoint, and that is in a private network.
    fn is_of_platform(&self, url: &Url) -> bool {
        let is_there = self.platform.as_ref().is_some_and(|platform| platform.origin() == url.origin());
        let is_private = matches!(
            why_not_public(url.as_str()),
            Some(NotPublic::Loopback | NotPublic::PrivateAddress | NotPublic::LinkLocal)
        );
        is_there && is_private
    }

    /// The URL a request really goes to.
    fn address(&self, url: &Url) -> Url {
        let mut url = url.clone();
        if let Some(authority) = self.metadata_service.as_ref().filter(|_| url.host_str() == Some(METADATA_SERVICE)) {
            let rest = format!("{}?{}", url.path(), url.query().unwrap_or_default());
            url = authority.join(&rest).unwrap_or(url);
        }
        if let Some(query) = self.credential.as_ref().and_then(Credential::query) {
            let query = query.secret().trim_start_matches('?');
            let joined = url.query().map_or_else(|| query.to_owned(), |own| format!("{own}&{query}"));
            url.set_query(Some(&joined));
        }
        url
    }
}

#[async_trait]
impl HttpClient for Transport {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        match timeout(self.limit, self.execute(request)).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::with_message(ErrorKind::Io, self.clients.late(request.url(), self.limit))),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("credential", &self.credential).finish_non_exhaustive()
    }
}

/// Whether http to this address cannot be read on the way: this machine, and the link-local addresses of managed identities.
fn stays_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let link_local = host.parse().is_ok_and(|address: std::net::Ipv4Addr| address.is_link_local());
    link_local || crate::issuer_url::is_loopback_http(&format!("http://{host}"))
}

fn failure(error: &reqwest::Error, cause: String) -> Error {
    let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
    Error::with_message(kind, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_leaves_this_machine_only_for_the_platform_in_a_private_network() {
        let url = |text: &str| Url::parse(text).unwrap();
        let is_of_platform = |platform: Option<&str>, asked: &str| {
            let transport = Transport::new(Arc::default(), None).trusting(platform.map(url));
            transport.is_of_platform(&url(asked))
        };
        let endpoint = "http://172.16.1.2:8081/msi/token";
        assert!(is_of_platform(Some(endpoint), "http://172.16.1.2:8081/msi/token?resource=x"));
        for (platform, asked) in [
            (None, endpoint),
            (Some(endpoint), "http://172.16.1.2/msi/token"),
            (Some(endpoint), "http://172.16.1.3:8081/msi/token"),
            (Some("http://203.0.114.5:8081/msi"), "http://203.0.114.5:8081/msi"),
            (Some("http://msi.example.com/"), "http://msi.example.com/"),
            (Some("http://msi/"), "http://msi/"),
            (Some("http://msi.internal/"), "http://msi.internal/"),
        ] {
            assert!(!is_of_platform(platform, asked), "{platform:?} {asked}");
        }
    }
}
