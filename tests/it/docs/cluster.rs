//! The cluster of the blocks with the setting `cluster`: a real API server, whose key is that of `sa.pub`.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::support::{
    fixtures,
    kube_apiserver::{ADMIN, Flags, JANE, KubeApiserver},
    service_account_key::ServiceAccountKey,
};

/// The address of the API server in the documents, and the one in its own discovery document.
const SHOWN: &str = "prod-1.example.com:6443";
const INTERNAL: &str = "10.0.0.10";
/// The home directory in the documents.
const HOME: &str = "/home/jane";
/// The UID of the namespace kube-system in the documents.
const UID: &str = "626bab34-605e-40e3-8395-47a5ecaaaba5";

pub(super) struct Cluster {
    server: KubeApiserver,
    port: String,
    uid: String,
}

impl Cluster {
    /// Starts an API server with this issuer and a few objects. `None`: its programs are missing.
    pub(super) fn start(issuer: &str) -> Option<Self> {
        let [private, public] = ["key", "pub"].map(|name| fixtures().join(format!("keys/rsa-private.{name}")));
        let server = KubeApiserver::start(&Flags {
            issuers: vec![issuer.to_owned()],
            keys: vec![ServiceAccountKey::of_files(&private, &public)],
            others: vec![format!("--external-hostname={INTERNAL}").into()],
        })?;
        for namespace in ["shop", "org-acme"] {
            server.create_namespace(namespace);
        }
        let annotations = json!({ "azure.workload.identity/client-id": "11111111-aaaa-4bbb-8ccc-000000000001" });
        server.create(
            "/api/v1/namespaces/shop/serviceaccounts",
            &json!({ "metadata": { "name": "orders", "annotations": annotations } }),
        );
        server.create(
            "/api/v1/namespaces/shop/pods",
            &json!({
                "metadata": { "name": "orders-0", "labels": { "azure.workload.identity/use": "true" } },
                "spec": {
                    "serviceAccountName": "orders",
                    "automountServiceAccountToken": false,
                    "containers": [{ "name": "app", "image": "example.com/orders:1" }],
                },
            }),
        );
        let [private, public] = [private, public].map(|path| BASE64_STANDARD.encode(fs::read(path).unwrap()));
        server.create(
            "/api/v1/namespaces/org-acme/secrets",
            &json!({ "metadata": { "name": "prod-1-sa" }, "data": { "tls.crt": public, "tls.key": private } }),
        );
        let system: serde_json::Value = serde_json::from_slice(&server.get("/api/v1/namespaces/kube-system")).unwrap();
        let uid = system["metadata"]["uid"].as_str().unwrap().to_owned();
        let port = server.url().rsplit(':').next().unwrap().to_owned();
        Some(Self { server, port, uid })
    }

    /// Writes `~/.kube/config`: the administrator of the workload and of the management cluster, and a user without
    /// permissions.
    pub(super) fn write_kubeconfig(&self, home: &Path) {
        let folder = home.join(".kube");
        fs::create_dir(&folder).unwrap();
        let unverified = json!({ "server": self.server.url(), "insecure-skip-tls-verify": true });
        let kubeconfig = self.server.kubeconfig().cluster("unverified", unverified);
        let kubeconfig = ["mc", "prod-1"]
            .iter()
            .fold(kubeconfig, |kubeconfig, name| kubeconfig.user(name, "c", json!({ "token": ADMIN })));
        let kubeconfig = kubeconfig.user("jane", "c", json!({ "token": JANE }));
        let path = kubeconfig.user("lab", "unverified", json!({ "token": ADMIN })).write(&folder);
        fs::rename(path, folder.join("config")).unwrap();
    }

    /// The text with the values of the documents in place of those that differ from run to run.
    pub(super) fn shown(&self, text: &str, home: &Path) -> String {
        let Self { port, uid, .. } = self;
        let text = text.replace(&format!("127.0.0.1:{port}"), SHOWN).replace(uid, UID);
        let text = text.replace(home.to_str().unwrap(), HOME);
        text.replace(&format!("{INTERNAL}:{port}"), &format!("{INTERNAL}:6443"))
    }
}
