use std::fmt;

use serde_json::Value;

use super::{setting::Metadata, workload::namespace_and_name};

/// A service account in a manifest.
///
/// ```
/// use issuer::Manifest;
/// let mut manifest = Manifest::default();
/// manifest.add("sa.json", br#"{ "kind": "ServiceAccount", "metadata": { "name": "orders", "namespace": "shop" } }"#);
/// assert_eq!(manifest.service_accounts[0].to_string(), "ServiceAccount shop/orders");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestAccount {
    /// The namespace; `None` if the manifest has none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    pub(super) metadata: Metadata,
}

impl ManifestAccount {
    pub(super) fn of(object: &Value) -> Self {
        let (namespace, name) = namespace_and_name(object);
        Self { namespace, name, metadata: Metadata::of(object) }
    }
}

impl fmt::Display for ManifestAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount {}/{}", self.namespace.as_deref().unwrap_or("default"), self.name)
    }
}
