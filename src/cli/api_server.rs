//! The issuer of an API server, as it names it itself.

use issuer::{
    KeySet, Note,
    kubernetes::{Cluster, ClusterError},
};

/// The namespace whose UID identifies a cluster.
const KUBE_SYSTEM: &str = "kube-system";

/// An API server and its own issuer.
#[derive(Clone)]
pub(super) struct ApiServer {
    /// Its URL.
    pub(super) server: String,
    /// The issuer of new tokens, byte for byte.
    pub(super) issuer: String,
    /// The `jwks_uri`, which often has a private address.
    pub(super) jwks_uri: String,
    /// The UID of the cluster, if it was read.
    pub(super) uid: Option<String>,
}

/// An API server with its keys.
pub(super) struct WithKeys {
    pub(super) api_server: ApiServer,
    pub(super) keys: KeySet,
    /// What was skipped among the keys.
    pub(super) notes: Vec<Note>,
}

impl ApiServer {
    /// Reads the issuer, and the UID of the cluster on request.
    pub(super) async fn read(cluster: &Cluster, with_uid: bool) -> Result<Self, ClusterError> {
        let discovery = cluster.discovery().await?;
        let uid = if with_uid { Some(cluster.namespace_uid(KUBE_SYSTEM).await?) } else { None };
        let (issuer, jwks_uri) = (discovery.issuer, discovery.jwks_uri);
        Ok(Self { server: cluster.url().to_owned(), issuer, jwks_uri, uid })
    }
}

impl WithKeys {
    /// Reads the keys, too.
    pub(super) async fn read(cluster: &Cluster, with_uid: bool) -> Result<Self, ClusterError> {
        let read = futures_util::future::try_join(ApiServer::read(cluster, with_uid), cluster.keys()).await;
        let (api_server, (keys, notes)) = read?;
        Ok(Self { api_server, keys, notes })
    }
}
