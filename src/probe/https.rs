//! A request to an https resource, such as a secret of Key Vault.

use reqwest::{
    Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE},
};
use serde_json::Value;

use super::answer::{ProbeAnswer, shortened};
use crate::http_clients::HttpClients;

/// The longest body of an error that is read, in bytes.
const BODY_MAX: usize = 16 << 10;
/// A version of the storage API that accepts access tokens (Microsoft Learn, "Authorize requests to Azure Storage"). Other
/// services ignore the header.
const STORAGE_VERSION: (&str, &str) = ("x-ms-version", "2021-12-02");

pub(super) async fn get(clients: &HttpClients, url: &Url, token: &str) -> ProbeAnswer {
    let client = if url.scheme() == "http" { clients.plain() } else { clients.secure() };
    let client = match client {
        Ok(client) => client,
        Err(because) => return ProbeAnswer::NoAnswer { because },
    };
    let Ok(mut authorization) = HeaderValue::try_from(format!("Bearer {token}")) else {
        return ProbeAnswer::NoAnswer { because: "the access token contains a character that no token has".to_owned() };
    };
    authorization.set_sensitive(true);
    let request = client.get(url.clone()).header(AUTHORIZATION, authorization).header(ACCEPT, "application/json");
    match request.header(STORAGE_VERSION.0, STORAGE_VERSION.1).send().await {
        Ok(response) => judge(response).await,
        Err(error) => ProbeAnswer::NoAnswer { because: clients.cause(url, &error) },
    }
}

async fn judge(response: Response) -> ProbeAnswer {
    let status = response.status();
    if status.is_success() {
        return ProbeAnswer::Accepted { seen: format!("HTTP {}", status.as_u16()) };
    }
    // A service that refuses the token tells the reason in the body or in the challenge.
    let challenge = response.headers().get(WWW_AUTHENTICATE).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = body(response).await;
    let text = format!("HTTP {} {}", status.as_u16(), message(&body).unwrap_or(body));
    if status == StatusCode::NOT_FOUND && challenge.is_none() {
        return ProbeAnswer::NotFound { text: shortened(&text) };
    }
    if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
        return ProbeAnswer::NotJudged { text: shortened(&text) };
    }
    let challenge = challenge.filter(|_| status == StatusCode::UNAUTHORIZED);
    ProbeAnswer::refused(&format!("{text} {}", challenge.unwrap_or_default()))
}

async fn body(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > BODY_MAX {
            bytes.truncate(BODY_MAX);
            break;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Code, inner code and message of the error format that most services of Azure use.
fn message(body: &str) -> Option<String> {
    let error: Value = serde_json::from_str(body).ok()?;
    let error = error.get("error")?;
    let code = |value: &Value| value.get("code").and_then(Value::as_str).map(str::to_owned);
    let inner = ["innererror", "innerError"].iter().find_map(|name| error.get(name)).and_then(code);
    let parts = [code(error), inner, error.get("message").and_then(Value::as_str).map(str::to_owned)];
    Some(parts.into_iter().flatten().collect::<Vec<_>>().join(": "))
}
