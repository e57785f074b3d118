use serde_json::Value;

use super::{found_pod::is_of_group, workload::namespace_and_name};

/// An Issuer or `ClusterIssuer` of cert-manager that names the client ID for Azure DNS. It wins over the variable of the
/// webhook (cert-manager, "Azure DNS" and `pkg/issuer/acme/dns/azuredns`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CertIssuer {
    kind: String,
    /// The namespace; `None` for a `ClusterIssuer` or if the manifest has none.
    namespace: Option<String>,
    name: String,
    pub(super) client_id: String,
}

impl CertIssuer {
    /// The client IDs of an object, one for each solver that names one.
    pub(super) fn all(object: &Value, kind: &str) -> Vec<Self> {
        if !["Issuer", "ClusterIssuer"].contains(&kind) || !is_of_group(object, "cert-manager.io") {
            return Vec::new();
        }
        let (namespace, name) = namespace_and_name(object);
        let solvers = object.pointer("/spec/acme/solvers").and_then(Value::as_array).into_iter().flatten();
        let client_ids = solvers.filter_map(|solver| {
            let client_id = solver.pointer("/dns01/azureDNS/managedIdentity/clientID")?.as_str()?;
            (!client_id.is_empty()).then(|| client_id.to_owned())
        });
        let mut client_ids: Vec<_> = client_ids.collect();
        client_ids.sort_unstable();
        client_ids.dedup();
        let issuer = |client_id| {
            let namespace = namespace.clone().filter(|_| kind == "Issuer");
            Self { kind: kind.to_owned(), namespace, name: name.clone(), client_id }
        };
        client_ids.into_iter().map(issuer).collect()
    }

    /// The issuer as messages name it.
    pub(super) fn shown(&self, default_namespace: &str) -> String {
        match self.kind.as_str() {
            "Issuer" => format!("Issuer {}/{}", self.namespace.as_deref().unwrap_or(default_namespace), self.name),
            kind => format!("{kind} {}", self.name),
        }
    }
}
