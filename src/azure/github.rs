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

/// Fetches the OIDC token of a GitHub Actions job. Each call fetches a new token, which is valid for only a few
/// minutes.
///
/// GitHub Docs, "OpenID Connect reference", "Methods for requesting the OIDC token".
pub(super) struct GitHubAssertion {
    pub(super) url: Url,
    pub(super) token: Secret,
    pub(super) audience: String,
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
        url.query_pairs_mut().append_pair("audience", &self.audience);
        let mut request = Request::new(url, Method::Get);
        request.insert_header(AUTHORIZATION, format!("bearer {}", self.token.secret()));
        let answer = self.transport.execute_request(&request).await?.try_into_raw_response().await?;
        let status = answer.status();
        if !status.is_success() {
            let because =
                format!("cannot fetch the OIDC token of the job: GitHub returned status {}", u16::from(status));
            let kind = ErrorKind::HttpResponse { status, error_code: None, raw_response: Some(Box::new(answer)) };
            return Err(azure_core::Error::with_message(kind, because));
        }
        let unread = |_| {
            let because = "cannot fetch the OIDC token of the job: the response of GitHub contains no token";
            azure_core::Error::with_message(ErrorKind::Credential, because)
        };
        let answer: Answer = serde_json::from_slice(answer.body()).map_err(unread)?;
        Ok(answer.value)
    }
}

impl fmt::Debug for GitHubAssertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GitHubAssertion").finish_non_exhaustive()
    }
}
