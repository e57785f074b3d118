use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use k8s_openapi::api::authentication::v1::{TokenRequest as Object, TokenRequestSpec};
use serde_json::{Value, json};

use super::{
    Cluster,
    cluster::{Call, segment},
    cluster_error::ClusterError,
    grant::Grant,
};
use crate::{
    exchange::{AssertionError, AssertionSource, ClientAssertion},
    shell_word::quoted,
    token::ServiceAccount,
};

/// The longest response with a token that is read, in bytes.
const RESPONSE_MAX: usize = 256 << 10;
/// The shortest lifetime that the API server accepts (Kubernetes `pkg/apis/authentication/validation`).
const LIFETIME_MIN: Duration = Duration::from_mins(10);

/// A request for a token of a service account (Kubernetes API `authentication.k8s.io/v1`, `TokenRequest`).
///
/// ```
/// use issuer::kubernetes::TokenRequest;
/// let request = TokenRequest::new("default/app".parse()?).audience("api://AzureADTokenExchange");
/// # Ok::<(), issuer::ServiceAccountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    account: ServiceAccount,
    audiences: Vec<String>,
    lifetime: Duration,
}

impl TokenRequest {
    /// A request for a token of ten minutes, the shortest lifetime, with the audience of the API server.
    pub fn new(account: ServiceAccount) -> Self {
        Self { account, audiences: Vec::new(), lifetime: LIFETIME_MIN }
    }

    /// Adds an audience.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the lifetime, at least ten minutes. The API server may shorten it.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }
}

/// A token that the API server issued. It is a secret; the `Debug` output omits it.
///
/// ```no_run
/// use issuer::kubernetes::{Cluster, ClusterOptions, TokenRequest};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let cluster = Cluster::connect(&ClusterOptions::default()).await?;
/// let token = cluster.request_token(&TokenRequest::new("default/app".parse()?)).await?;
/// println!("expires at {:?}", token.expires_at);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestedToken {
    token: String,
    /// The time when it expires, if the API server names it.
    pub expires_at: Option<Timestamp>,
}

impl RequestedToken {
    /// The token itself, a secret.
    pub fn secret(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for RequestedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestedToken").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

impl Cluster {
    /// Requests a token of a service account.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if there is no such service account, or if the user may not request its tokens.
    pub async fn request_token(&self, request: &TokenRequest) -> Result<RequestedToken, ClusterError> {
        let ServiceAccount { namespace, name } = &request.account;
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{}/token", segment(namespace), segment(name));
        let object = Object {
            spec: TokenRequestSpec {
                audiences: request.audiences.clone(),
                expiration_seconds: Some(i64::try_from(request.lifetime.as_secs()).unwrap_or(i64::MAX)),
                ..TokenRequestSpec::default()
            },
            ..Object::default()
        };
        let grant = Grant::Token { namespace: namespace.clone(), name: name.clone() };
        let create = format!(
            "{} create serviceaccount {} --namespace {}",
            self.server.kubectl(),
            quoted(name),
            quoted(namespace)
        );
        let missing =
            (format!("service account {namespace}/{name}"), format!("check --service-account, or create it: {create}"));
        let what = format!("request tokens of the service account {namespace}/{name}");
        let call = Call { path: &path, what: &what, grant: &grant, missing: Some(missing), limit: RESPONSE_MAX };
        let bytes = self.post(&call, &json!(object)).await?;
        let answer: Value = serde_json::from_slice(&bytes).map_err(|_| self.unusable(&call, "it is not JSON"))?;
        let status = |name: &str| answer.get("status")?.get(name)?.as_str();
        let token = status("token").ok_or_else(|| self.unusable(&call, "it has no status.token"))?;
        let expires_at = status("expirationTimestamp").and_then(|text| text.parse().ok());
        Ok(RequestedToken { token: token.to_owned(), expires_at })
    }
}

/// Tokens of a service account as assertions: each token request gets a fresh one by TokenRequest.
///
/// ```no_run
/// use issuer::{WorkloadIdentity, kubernetes::{Cluster, ClusterOptions, ServiceAccountTokens, TokenRequest}};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let cluster = Cluster::connect(&ClusterOptions::default()).await?;
/// let request = TokenRequest::new("default/app".parse()?).audience("api://AzureADTokenExchange");
/// let identity = WorkloadIdentity::builder().assertion_source(ServiceAccountTokens::new(cluster, request));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ServiceAccountTokens {
    cluster: Cluster,
    request: TokenRequest,
}

impl ServiceAccountTokens {
    /// The tokens of this request.
    pub fn new(cluster: Cluster, request: TokenRequest) -> Self {
        Self { cluster, request }
    }

    /// Requests a token.
    ///
    /// # Errors
    ///
    /// As [`Cluster::request_token`].
    pub async fn token(&self) -> Result<RequestedToken, ClusterError> {
        self.cluster.request_token(&self.request).await
    }
}

#[async_trait]
impl AssertionSource for ServiceAccountTokens {
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
        let token = self.token().await.map_err(AssertionError::other)?;
        Ok(ClientAssertion::new(token.secret())?)
    }
}
