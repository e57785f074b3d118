//! A pod that Kubernetes and the webhook of workload identity make of a manifest.

use std::path::Path;

use tempfile::TempDir;

use super::api_server::ApiServer;
use crate::{chains::pod::Sent, support::python::Variables};

const AUTHORITY_HOST: &str = "https://login.microsoftonline.com/";

/// The variables of a pod, and the folder with its token.
pub(super) struct Pod {
    pub(super) variables: Variables,
    folder: TempDir,
}

impl Pod {
    /// The first workload of a manifest in a cluster with this issuer. `None`: the webhook does not change the pod, so
    /// that it has no variables and no token.
    pub(super) fn new(manifest: &str, api_server: &ApiServer, issuer: &str) -> Option<Self> {
        let sent = Sent::from(manifest)?;
        let folder = TempDir::new().unwrap();
        let claim = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let token = api_server.token(issuer, &claim(&sent.claims["sub"]), &claim(&sent.claims["aud"][0]));
        let file = folder.path().join("azure-identity-token");
        std::fs::write(&file, token).unwrap();
        let variables = Variables::from([
            ("AZURE_AUTHORITY_HOST", AUTHORITY_HOST.to_owned()),
            ("AZURE_CLIENT_ID", sent.client_id),
            ("AZURE_TENANT_ID", sent.tenant),
            ("AZURE_FEDERATED_TOKEN_FILE", file.to_str().unwrap().to_owned()),
        ]);
        Some(Self { variables, folder })
    }

    /// The folder with the token.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
