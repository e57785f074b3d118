use serde_json::Value;

use super::{found_pod::is_of_group, workload::namespace_and_name};

/// A `SecretStore` or `ClusterSecretStore` of external-secrets that names a service account for Azure Key Vault. The operator
/// requests the token of that account from the API server, so its own pods need no label (external-secrets, "Azure Key
/// Vault", "Referenced Service Account").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SecretStore {
    kind: String,
    namespace: Option<String>,
    name: String,
    account: String,
    account_namespace: Option<String>,
}

impl SecretStore {
    pub(super) fn of(object: &Value, kind: &str) -> Option<Self> {
        if !["SecretStore", "ClusterSecretStore"].contains(&kind) || !is_of_group(object, "external-secrets.io") {
            return None;
        }
        let vault = object.pointer("/spec/provider/azurekv")?;
        let account =
            vault.get("serviceAccountRef").filter(|_| vault.get("authType") == Some(&"WorkloadIdentity".into()))?;
        let text = |member: &str| account.get(member).and_then(Value::as_str).map(str::to_owned);
        let (namespace, name) = namespace_and_name(object);
        // Without a namespace, a ClusterSecretStore means that of each ExternalSecret.
        let account_namespace = if kind == "SecretStore" { namespace.clone() } else { Some(text("namespace")?) };
        Some(Self { kind: kind.to_owned(), namespace, name, account: text("name")?, account_namespace })
    }

    /// The namespace and the name of the service account.
    pub(super) fn account<'a>(&'a self, default_namespace: &'a str) -> (&'a str, &'a str) {
        (self.account_namespace.as_deref().unwrap_or(default_namespace), &self.account)
    }

    /// The store as messages name it.
    pub(super) fn shown(&self, default_namespace: &str) -> String {
        match self.kind.as_str() {
            "SecretStore" => {
                format!("SecretStore {}/{}", self.namespace.as_deref().unwrap_or(default_namespace), self.name)
            }
            kind => format!("{kind} {}", self.name),
        }
    }
}
