use std::sync::Arc;

use futures_util::future::try_join;

use super::{
    Cluster,
    cluster::{Call, segment},
    cluster_error::ClusterError,
    grant::Grant,
};
use crate::{
    documents::{Discovery, Documents, Jwks},
    issuer_url::IssuerUrl,
    key::{KeyReader, KeySet, Note},
    shell_word::quoted,
};

/// The paths of the API server (Kubernetes `pkg/routes/openidmetadata.go`).
const DISCOVERY: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/openid/v1/jwks";

const NOT_SERVED: &str =
    "set --service-account-issuer of the API server to an https URL: it serves neither document for another issuer";

/// The issuer and the keys that an API server itself serves.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClusterIssuer {
    /// The issuer: the claim `iss` of new tokens, byte for byte.
    pub issuer: String,
    /// The API server's own `jwks_uri`. It often has a private address, so it is reported and never published.
    pub jwks_uri: String,
    /// The public keys with the key IDs that the API server writes into tokens.
    pub keys: KeySet,
    /// What was skipped among the keys.
    pub notes: Vec<Note>,
}

impl ClusterIssuer {
    /// The issuer as a URL.
    ///
    /// # Errors
    ///
    /// [`UrlError`](crate::UrlError) if the API server names an issuer that is not an https URL.
    pub fn url(&self) -> Result<IssuerUrl, crate::issuer_url::UrlError> {
        self.issuer.parse()
    }
}

impl Cluster {
    /// The issuer and the keys of the API server.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if the API server serves neither document, if the user may not read them, or if they cannot be
    /// parsed.
    pub async fn issuer(&self) -> Result<ClusterIssuer, ClusterError> {
        let (discovery, (keys, notes)) = try_join(self.discovery(), self.keys()).await?;
        let Discovery { issuer, jwks_uri, .. } = discovery;
        Ok(ClusterIssuer { issuer, jwks_uri, keys, notes })
    }

    /// The discovery document of the API server.
    ///
    /// # Errors
    ///
    /// As [`Cluster::issuer`].
    pub async fn discovery(&self) -> Result<Discovery, ClusterError> {
        let call = issuer_call(DISCOVERY, "read the discovery document");
        let bytes = self.get(&call).await?;
        Discovery::parse(&bytes).map_err(|error| self.unusable(&call, &error.to_string()))
    }

    /// The bytes of the JWKS of the API server.
    ///
    /// # Errors
    ///
    /// As [`Cluster::issuer`].
    pub async fn jwks(&self) -> Result<Vec<u8>, ClusterError> {
        let call = issuer_call(JWKS, "read the JWKS");
        let bytes = self.get(&call).await?;
        // A `KeyReader` takes keys in other forms, too.
        Jwks::parse(&bytes).map_err(|error| self.unusable(&call, &error.to_string()))?;
        Ok(bytes)
    }

    /// The keys of the API server, and what was skipped among them.
    ///
    /// # Errors
    ///
    /// As [`Cluster::issuer`].
    pub async fn keys(&self) -> Result<(KeySet, Vec<Note>), ClusterError> {
        let bytes = self.jwks().await?;
        let mut reader = KeyReader::default();
        reader.read(&format!("the JWKS of {}", self.url()), &bytes).map_err(Arc::new)?;
        Ok(reader.finish().map_err(Arc::new)?)
    }

    /// The Secret in JSON, as the API server returns it, for a [`KeyReader`].
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if there is no such Secret, or if the user may not read it.
    pub async fn secret(&self, namespace: &str, name: &str) -> Result<Vec<u8>, ClusterError> {
        let path = format!("/api/v1/namespaces/{}/secrets/{}", segment(namespace), segment(name));
        let grant = Grant::Secret { namespace: namespace.to_owned(), name: name.to_owned() };
        let kubectl = self.server.kubectl();
        let missing = (
            format!("Secret {namespace}/{name}"),
            format!("list the Secrets of the namespace: {kubectl} get secrets --namespace {}", quoted(namespace)),
        );
        let what = format!("read the Secret {namespace}/{name}");
        let call =
            Call { path: &path, what: &what, grant: &grant, missing: Some(missing), limit: KeyReader::INPUT_MAX };
        self.get(&call).await
    }

    /// The UID of a namespace. That of `kube-system` identifies a cluster.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if there is no such namespace, or if the user may not read it.
    pub async fn namespace_uid(&self, name: &str) -> Result<String, ClusterError> {
        let path = format!("/api/v1/namespaces/{}", segment(name));
        let grant = Grant::Namespace { name: name.to_owned() };
        let missing = (format!("namespace {name}"), "check the name".to_owned());
        let what = format!("read the namespace {name}");
        let call =
            Call { path: &path, what: &what, grant: &grant, missing: Some(missing), limit: Documents::BYTES_MAX };
        let bytes = self.get(&call).await?;
        let object: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|error| self.unusable(&call, &error.to_string()))?;
        let uid = object.pointer("/metadata/uid").and_then(serde_json::Value::as_str);
        uid.map(str::to_owned).ok_or_else(|| self.unusable(&call, "it has no metadata.uid"))
    }
}

fn issuer_call<'a>(path: &'a str, what: &'a str) -> Call<'a> {
    let missing = Some((format!("document {path}"), NOT_SERVED.to_owned()));
    Call { path, what, grant: &Grant::Discovery, missing, limit: Documents::BYTES_MAX }
}
