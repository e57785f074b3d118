use std::fmt;

use serde_json::Value;

use super::{
    managed_field::FieldUpdate,
    setting::{CLIENT_ID, EXPIRATION, Metadata, TENANT_ID},
    workload::namespace_and_name,
};

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
    /// The last updates of the annotations that decide what the webhook sets.
    updates: Vec<(&'static str, FieldUpdate)>,
}

impl ManifestAccount {
    /// The annotation `azure.workload.identity/client-id`; `None` if it is missing or no text.
    ///
    /// ```
    /// # let mut manifest = issuer::Manifest::default();
    /// let account = br#"{ "kind": "ServiceAccount", "metadata": {
    ///     "name": "orders", "annotations": { "azure.workload.identity/client-id": "11111111-aaaa-4bbb-8ccc-000000000001" } } }"#;
    /// manifest.add("sa.json", account);
    /// assert_eq!(manifest.service_accounts[0].client_id(), Some("11111111-aaaa-4bbb-8ccc-000000000001"));
    /// ```
    pub fn client_id(&self) -> Option<&str> {
        self.metadata.annotations.text(CLIENT_ID)
    }

    pub(super) fn of(object: &Value) -> Self {
        let (namespace, name) = namespace_and_name(object);
        let update = |name: &'static str| Some((name, FieldUpdate::of(object, "annotations", name)?));
        let updates = [CLIENT_ID, TENANT_ID, EXPIRATION].into_iter().filter_map(update).collect();
        Self { namespace, name, metadata: Metadata::of(object), updates }
    }

    /// The last update of an annotation; `None` if it is not known.
    pub(super) fn updated(&self, annotation: &str) -> Option<&FieldUpdate> {
        self.updates.iter().find(|(name, _)| *name == annotation).map(|(_, update)| update)
    }
}

impl fmt::Display for ManifestAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServiceAccount {}/{}", self.namespace.as_deref().unwrap_or("default"), self.name)
    }
}
