use std::{sync::Arc, time::Duration};

use azure_core::{
    credentials::TokenCredential,
    error::ErrorKind,
    http::{
        HttpClient, Method, RawResponse, Request, Url,
        headers::{AUTHORIZATION, CONTENT_TYPE},
    },
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{AuthMethod, Retry, Transport};

/// The API version of the metadata endpoint of a private cloud.
const METADATA_VERSION: &str = "2015-01-01";
/// The maximum number of pages of a list, each with about a hundred items.
const PAGES_MAX: usize = 100;

/// A client of a JSON API of Azure: Azure Resource Manager or Microsoft Graph.
#[derive(Clone)]
pub(crate) struct Rest {
    /// The name of the service, for messages.
    pub(crate) service: &'static str,
    /// The URL of the service, without a trailing slash.
    pub(crate) url: String,
    /// The scope of its tokens; `None` if it is not the default of the cloud, so that its metadata must be read.
    pub(crate) scope: Option<String>,
    pub(crate) tokens: Arc<dyn TokenCredential>,
    pub(crate) transport: Arc<Transport>,
    pub(crate) retry: Retry,
    pub(crate) method: AuthMethod,
    /// The tenant of the credential, if known.
    pub(crate) tenant: Option<String>,
}

/// A successful response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) response: RawResponse,
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    value: Vec<T>,
    #[serde(rename = "nextLink", alias = "@odata.nextLink")]
    next: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    authentication: Authentication,
}

#[derive(Deserialize)]
struct Authentication {
    audiences: Vec<String>,
}

/// The body of an error response.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorDetail,
}

/// The code and the message of an error response.
#[derive(Deserialize)]
pub(crate) struct ErrorDetail {
    pub(crate) code: String,
    #[serde(default)]
    pub(crate) message: String,
}

impl ErrorDetail {
    /// The error in the body of a response, as Azure Resource Manager and Microsoft Graph write it.
    pub(crate) fn read(answer: &RawResponse) -> Option<Self> {
        serde_json::from_slice::<ErrorBody>(answer.body()).ok().map(|body| body.error)
    }
}

impl Rest {
    /// The same without retries.
    pub(crate) fn once(&self) -> Self {
        Self { retry: Retry { timeout: Duration::ZERO, ..self.retry.clone() }, ..self.clone() }
    }

    /// All items of a list, page by page. Each page is retried.
    pub(crate) async fn list<T: DeserializeOwned>(&self, first: String) -> azure_core::Result<Vec<T>> {
        let mut items = Vec::new();
        let mut next = Some(first);
        for _ in 0..PAGES_MAX {
            let Some(url) = next.take() else { break };
            // The token must not be sent to another host.
            if !url.to_ascii_lowercase().starts_with(&format!("{}/", self.url.to_ascii_lowercase())) {
                let because = "the next page of a list is at another host";
                return Err(azure_core::Error::with_message(ErrorKind::DataConversion, because));
            }
            let page: Page<T> = self.get(&url).await?;
            items.extend(page.value);
            next = page.next;
        }
        Ok(items)
    }

    /// A document. The request is retried.
    pub(crate) async fn get<T: DeserializeOwned>(&self, url: &str) -> azure_core::Result<T> {
        self.retry.run(self.service, || async { parsed(&self.send(Method::Get, url, None).await?.response) }).await
    }

    /// Sends one request with a token.
    pub(crate) async fn send(&self, method: Method, url: &str, body: Option<&Value>) -> azure_core::Result<Answer> {
        let scope = match &self.scope {
            Some(scope) => scope.clone(),
            None => self.read_scope().await?,
        };
        let token = self.tokens.get_token(&[&scope], None).await?;
        self.send_with(method, url, body, Some(token.token.secret())).await
    }

    /// The scope of its tokens, from its metadata. A token for another service must not be sent to this one.
    async fn read_scope(&self) -> azure_core::Result<String> {
        let url = format!("{}/metadata/endpoints?api-version={METADATA_VERSION}", self.url);
        let metadata: Metadata = parsed(&self.send_with(Method::Get, &url, None, None).await?.response)?;
        let unknown = || {
            azure_core::Error::with_message(ErrorKind::DataConversion, "its metadata contains no audience for tokens")
        };
        let audience = metadata.authentication.audiences.into_iter().next().ok_or_else(unknown)?;
        Ok(format!("{}/.default", audience.trim_end_matches('/')))
    }

    async fn send_with(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        token: Option<&str>,
    ) -> azure_core::Result<Answer> {
        let mut request = Request::new(Url::parse(url)?, method);
        if let Some(token) = token {
            request.insert_header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = body {
            request.insert_header(CONTENT_TYPE, "application/json");
            request.set_body(body.to_string());
        }
        let answer = self.transport.execute_request(&request).await?.try_into_raw_response().await?;
        let status = answer.status();
        if !status.is_success() {
            let kind = ErrorKind::HttpResponse {
                status,
                error_code: ErrorDetail::read(&answer).map(|error| error.code),
                raw_response: Some(Box::new(answer)),
            };
            return Err(azure_core::Error::with_message(kind, format!("{} returned an error", self.service)));
        }
        Ok(Answer { status: u16::from(status), response: answer })
    }
}

/// The document in the body of a response.
pub(crate) fn parsed<T: DeserializeOwned>(answer: &RawResponse) -> azure_core::Result<T> {
    let unread = |_| azure_core::Error::with_message(ErrorKind::DataConversion, "its response cannot be parsed");
    serde_json::from_slice(answer.body()).map_err(unread)
}
