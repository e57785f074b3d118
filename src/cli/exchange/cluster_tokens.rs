//! `--from-cluster`: the projected token is requested from the API server for each exchange.

use std::io;

use async_trait::async_trait;
use futures_util::lock::Mutex;
use issuer::{
    AssertionError, AssertionSource, ClientAssertion,
    kubernetes::{Cluster, ClusterError, ClusterOptions, TokenRequest},
};

use super::{super::Failure, check::Refusal};

/// Tokens of a service account by TokenRequest.
#[derive(Debug)]
pub(super) struct ClusterTokens {
    options: ClusterOptions,
    request: TokenRequest,
    refusal: Refusal,
    /// The connection, made at the first request, and again after the API server has rejected its credentials.
    cluster: Mutex<Option<Cluster>>,
}

impl ClusterTokens {
    pub(super) fn new(options: ClusterOptions, request: TokenRequest, refusal: Refusal) -> Self {
        Self { options, request, refusal, cluster: Mutex::default() }
    }

    async fn token(&self) -> Result<ClientAssertion, Failure> {
        let mut connected = self.cluster.lock().await;
        let cluster = match &*connected {
            Some(cluster) => cluster.clone(),
            None => connected.insert(Cluster::connect(&self.options).await?).clone(),
        };
        let token = cluster.request_token(&self.request).await.inspect_err(|error| {
            if matches!(error, ClusterError::Unauthorized { .. }) {
                *connected = None;
            }
        })?;
        let invalid = |_| ClusterError::Response {
            server: cluster.url().to_owned(),
            path: "TokenRequest".to_owned(),
            because: "its token is not a JWT".to_owned(),
        };
        Ok(ClientAssertion::new(token.secret()).map_err(invalid)?)
    }
}

#[async_trait]
impl AssertionSource for ClusterTokens {
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
        self.refusal.set(None);
        self.token().await.map_err(|failure| {
            let error = AssertionError::other(io::Error::other(failure.message.clone()));
            self.refusal.set(Some(failure));
            error
        })
    }
}
