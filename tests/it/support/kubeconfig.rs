//! A kubeconfig file with any number of clusters, users and contexts.

#![allow(clippy::needless_pass_by_value, reason = "callers pass json! values")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// A kubeconfig, in JSON, which is YAML.
#[derive(Clone, Default)]
pub(crate) struct Kubeconfig {
    clusters: Vec<Value>,
    users: Vec<Value>,
    contexts: Vec<Value>,
}

impl Kubeconfig {
    /// Adds a cluster.
    pub(crate) fn cluster(mut self, name: &str, cluster: Value) -> Self {
        self.clusters.push(json!({ "name": name, "cluster": cluster }));
        self
    }

    /// Adds a user, and the context of the same name with this cluster.
    pub(crate) fn user(mut self, name: &str, cluster: &str, user: Value) -> Self {
        self.users.push(json!({ "name": name, "user": user }));
        self.contexts.push(json!({ "name": name, "context": { "cluster": cluster, "user": name } }));
        self
    }

    /// Adds a context without a user.
    pub(crate) fn anonymous(mut self, name: &str, cluster: &str) -> Self {
        self.contexts.push(json!({ "name": name, "context": { "cluster": cluster } }));
        self
    }

    /// Writes the file. The first context is the current one.
    pub(crate) fn write(&self, folder: &Path) -> PathBuf {
        let path = folder.join("kubeconfig");
        let current = self.contexts.first().map(|context| context["name"].clone());
        let text = json!({
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": self.clusters,
            "users": self.users,
            "contexts": self.contexts,
            "current-context": current,
        });
        std::fs::write(&path, text.to_string()).unwrap();
        path
    }
}
