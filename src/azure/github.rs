use std::{fmt, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    credentials::Secret,
    error::ErrorKind,
    http::{ClientMethodOptions, HttpClient, Method, Request, Url, headers::AUTHORIZATION},
};
use azure_identity::ClientAssertion;
use serde::Deserialize;

use super::Transport;
use crate::TOKEN_EXCHANGE_AUDIENCE;

/// Fetches the OIDC token of a GitHub Actions job, a new one each time: it lives for some minutes only.
///
/// GitHub Docs, "OpenID Connect reference", "Methods for requesting the OIDC token".
pub(super) struct GitHubAssertion {
    pub(super) url: Url,
    pub(super) token: Secret,
    pub(super) transport: Arc<Transport>,
}

#[derive(Deserialize)]
struct Answer {
    value: String,
}

#[async_trait]
impl ClientAssertion for GitHubAssertion {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let mut url = self.url.clone();
        url.query_pairs_mut().append_pair("audience", TOKEN_EXCHANGE_AUDIENCE);
        let mut request = Request::new(url, Method::Get);
        request.insert_header(AUTHORIZATION, format!("bearer {}", self.token.secret()));
        let answer = self.transport.execute_request(&request).await?;
        let failed = |because: String| azure_core::Error::with_message(ErrorKind::Credential, because);
        let status = u16::from(answer.status());
        if status != 200 {
            return Err(failed(format!("GitHub answered {status} to the request for the job's OIDC token")));
        }
        let body = answer.into_body().collect().await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| failed("GitHub's answer to the request for the job's OIDC token holds none".to_owned()))?;
        Ok(answer.value)
    }
}

impl fmt::Debug for GitHubAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubAssertion").finish_non_exhaustive()
    }
}
