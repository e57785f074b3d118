//! Shared code of the tests: the fixtures, the binary, servers, stand-ins, and encoders that are independent of the
//! crate.
#![allow(clippy::cast_possible_truncation, clippy::format_collect, reason = "short inputs")]

pub(crate) mod answer;
pub(crate) mod api_server_stand_in;
pub(crate) mod arm;
pub(crate) mod arm_answer;
pub(crate) mod arm_clusters;
pub(crate) mod arm_identities;
pub(crate) mod arm_policy;
pub(crate) mod arm_storage;
pub(crate) mod assertion;
pub(crate) mod azure_controls;
pub(crate) mod azure_credential;
pub(crate) mod azure_directory;
pub(crate) mod azure_rates;
pub(crate) mod azure_resources;
pub(crate) mod azurite;
pub(crate) mod bicep;
pub(crate) mod cli;
pub(crate) mod client_authority;
pub(crate) mod clients;
pub(crate) mod cloud;
pub(crate) mod encode;
pub(crate) mod entra;
pub(crate) mod entra_controls;
pub(crate) mod entra_error;
pub(crate) mod entra_login;
pub(crate) mod etcd;
pub(crate) mod events;
pub(crate) mod federated_credential;
pub(crate) mod federated_token;
pub(crate) mod front;
pub(crate) mod github;
pub(crate) mod graph;
pub(crate) mod graph_answer;
pub(crate) mod graph_credential;
pub(crate) mod hostile;
pub(crate) mod http;
pub(crate) mod https_client;
pub(crate) mod imds;
pub(crate) mod internet;
pub(crate) mod issued_tokens;
pub(crate) mod issuer;
pub(crate) mod issuer_metadata;
pub(crate) mod key_vault;
pub(crate) mod kube_apiserver;
pub(crate) mod kubeconfig;
pub(crate) mod message;
pub(crate) mod other_user;
pub(crate) mod pgaadauth;
pub(crate) mod postgresql;
pub(crate) mod postgresql_gate;
pub(crate) mod postgresql_message;
pub(crate) mod proxy;
pub(crate) mod pty;
pub(crate) mod python;
pub(crate) mod service_account_key;
pub(crate) mod signer;
pub(crate) mod stand_in;
pub(crate) mod storage;
pub(crate) mod tls;
pub(crate) mod tls_connection;
pub(crate) mod token_endpoint;
pub(crate) mod tunnel;

use std::path::{Path, PathBuf};

/// A recorded run of a kube-apiserver.
pub(crate) struct Recording {
    pub(crate) name: &'static str,
    pub(crate) issuer: String,
    dir: PathBuf,
}

pub(crate) const RUNS: [&str; 5] = ["mixed-keys", "no-trailing-slash", "path-issuer", "rotation", "trailing-slash"];

/// Every recorded run.
pub(crate) fn recordings() -> Vec<Recording> {
    RUNS.map(recording).into()
}

/// One recorded run.
pub(crate) fn recording(name: &'static str) -> Recording {
    let dir = fixtures().join("kubernetes").join(name);
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("recording.json")).unwrap()).unwrap();
    Recording { name, issuer: json["issuer"].as_str().unwrap().to_owned(), dir }
}

impl Recording {
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).unwrap()
    }

    /// The path of the issuer URL, without slashes at its ends.
    pub(crate) fn issuer_path(&self) -> &str {
        self.issuer.splitn(4, '/').nth(3).unwrap_or_default().trim_end_matches('/')
    }
}

pub(crate) fn fixtures() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures"))
}

/// The JSON in a segment of a token, parsed without the crate.
pub(crate) fn segment(token: &str, index: usize) -> serde_json::Value {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(index).unwrap()).unwrap();
    serde_json::from_slice(&bytes).unwrap()
}
