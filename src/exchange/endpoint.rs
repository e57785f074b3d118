use std::{fmt::Debug, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use reqwest::{
    Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE},
};

use crate::{
    backoff::retry_after,
    http_clients::{HttpClients, innermost},
    no_answer::is_of_certificate,
};

/// The maximum length of an answer, in bytes.
const ANSWER_MAX: usize = 256 << 10;

/// An answer of the token endpoint.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
    pub(super) retry_after: Option<Duration>,
}

/// There was no answer.
pub(super) struct Unanswered {
    pub(super) because: String,
    pub(super) is_permanent: bool,
}

/// Sends token requests.
#[async_trait]
pub(super) trait Endpoint: Send + Sync + Debug {
    /// Posts a form. `now` is the time for a date in `Retry-After`.
    async fn post(&self, url: &str, form: String, limit: Duration, now: Timestamp) -> Result<Reply, Unanswered>;
}

/// The token endpoint over https, or over http on loopback.
#[derive(Debug)]
pub(super) struct HttpEndpoint(pub(super) Arc<HttpClients>);

#[async_trait]
impl Endpoint for HttpEndpoint {
    async fn post(&self, url: &str, form: String, limit: Duration, now: Timestamp) -> Result<Reply, Unanswered> {
        let Ok(url) = Url::parse(url) else {
            return Err(Unanswered { because: "its URL is not valid".to_owned(), is_permanent: true });
        };
        match tokio::time::timeout(limit, self.exchange(&url, form, now)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Unanswered { because: self.0.late(&url, limit), is_permanent: false }),
        }
    }
}

impl HttpEndpoint {
    async fn exchange(&self, url: &Url, form: String, now: Timestamp) -> Result<Reply, Unanswered> {
        // An authority host is https, or http on loopback.
        let client = if url.scheme() == "http" { self.0.plain() } else { self.0.secure() };
        let client = client.map_err(|because| Unanswered { because, is_permanent: true })?;
        let request = client
            .post(url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .header(ACCEPT_ENCODING, "identity")
            .body(form);
        let answer = request.send().await.map_err(|error| {
            let because = self.0.cause(url, &error);
            Unanswered { is_permanent: is_of_certificate(&because), because }
        })?;
        let header = |name: &'static str| Some(answer.headers().get(name)?.to_str().ok()?.to_owned());
        let (status, retry_after) = (answer.status().as_u16(), retry_after(header, now));
        Ok(Reply { status, body: body(answer).await?, retry_after })
    }
}

async fn body(mut answer: Response) -> Result<Vec<u8>, Unanswered> {
    let failed = |because| Unanswered { because, is_permanent: false };
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| failed(innermost(&error)))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(failed(format!("the answer is longer than {ANSWER_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
