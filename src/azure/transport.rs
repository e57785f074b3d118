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

/// The time limit of one request, including its response.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum length of a response, in bytes.
const RESPONSE_MAX: usize = 4 << 20;
/// The instance metadata service of a machine in Azure. Requests to this address and to loopback never use a proxy.
const METADATA_SERVICE: &str = "169.254.169.254";

/// Sends the requests of the Azure SDK over the HTTP clients of this crate, and adds the SAS of a credential.
///
/// The SAS is added here, after all code that logs or prints a URL. Errors contain no URL.
pub(crate) struct Transport {
    clients: Arc<HttpClients>,
    credential: Option<Credential>,
    /// The clock that every response sets.
    clock: Option<Arc<ServerClock>>,
    /// The replacement of the metadata service (`AZURE_POD_IDENTITY_AUTHORITY_HOST`).
    metadata_service: Option<Url>,
    /// The identity endpoint of the platform that this process runs on.
    platform: Option<Url>,
    /// The time limit of one request.
    limit: Duration,
}

impl Transport {
    /// A transport for requests that carry their own authorisation.
    pub(crate) fn new(clients: Arc<HttpClients>, metadata_service: Option<Url>) -> Self {
        Self { clients, credential: None, clock: None, metadata_service, platform: None, limit: REQUEST_TIMEOUT }
    }

    /// A transport for requests to a storage account.
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

    /// Also allows http to the identity endpoint of a platform, at any private address.
    pub(crate) fn trusting(self, platform: Option<Url>) -> Self {
        Self { platform, ..self }
    }

    /// Restricts the time limit of each request to the time limit of all requests, so that the error gives the cause.
    pub(crate) fn within(self, limit: Duration) -> Self {
        Self { limit: limit.min(self.limit), ..self }
    }

    /// The transport for the options of an SDK client.
    pub(crate) fn for_sdk(self: &Arc<Self>) -> azure_core::http::Transport {
        azure_core::http::Transport::new(Arc::clone(self) as Arc<dyn HttpClient>)
    }

    async fn execute(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let url = self.address(request.url());
        let client = match url.scheme() {
            "https" => self.clients.secure(),
            "http" if is_local(&url) || self.is_of_platform(&url) => self.clients.plain(),
            scheme => Err(format!(
                "{scheme} is not accepted for requests to {}; expected https",
                url.host_str().unwrap_or_default()
            )),
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
                return Err(Error::with_message(ErrorKind::Other, "the body of the request is not in memory"));
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
            if body.len() + chunk.len() > RESPONSE_MAX {
                return Err(Error::with_message(
                    ErrorKind::Other,
                    format!("the response is longer than {RESPONSE_MAX} bytes"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(AsyncRawResponse::from_bytes(status, headers, Bytes::from(body)))
    }

    /// Whether a URL is at the identity endpoint of the platform, and at a private address.
    fn is_of_platform(&self, url: &Url) -> bool {
        let is_platform = self.platform.as_ref().is_some_and(|platform| platform.origin() == url.origin());
        let is_private = matches!(
            why_not_public(url.as_str()),
            Some(NotPublic::Loopback | NotPublic::PrivateAddress | NotPublic::LinkLocal)
        );
        is_platform && is_private
    }

    /// The URL to which a request is sent.
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

/// Whether http to this host is safe from eavesdropping: loopback, and the link-local addresses of managed identities.
fn is_local(url: &Url) -> bool {
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
    fn http_is_allowed_to_a_private_platform_endpoint_only() {
        let url = |text: &str| Url::parse(text).unwrap();
        let is_of_platform = |platform: Option<&str>, requested: &str| {
            let transport = Transport::new(Arc::default(), None).trusting(platform.map(url));
            transport.is_of_platform(&url(requested))
        };
        let endpoint = "http://172.16.1.2:8081/msi/token";
        assert!(is_of_platform(Some(endpoint), "http://172.16.1.2:8081/msi/token?resource=x"));
        for (platform, requested) in [
            (None, endpoint),
            (Some(endpoint), "http://172.16.1.2/msi/token"),
            (Some(endpoint), "http://172.16.1.3:8081/msi/token"),
            (Some("http://203.0.114.5:8081/msi"), "http://203.0.114.5:8081/msi"),
            (Some("http://msi.example.com/"), "http://msi.example.com/"),
            (Some("http://msi/"), "http://msi/"),
            (Some("http://msi.internal/"), "http://msi.internal/"),
        ] {
            assert!(!is_of_platform(platform, requested), "{platform:?} {requested}");
        }
    }
}
