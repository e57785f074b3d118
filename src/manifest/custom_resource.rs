use std::fmt;

use serde_json::Value;

use super::{container::names_variable, setting::PREFIX, workload::namespace_and_name};

/// The API groups of Kubernetes itself ("Kubernetes API reference").
const GROUPS: [&str; 24] = [
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "extensions",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "metrics.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// A custom resource that mentions workload identity, but in which no pod template was found. It is not checked.
///
/// ```
/// use issuer::{Manifest, ManifestContext};
/// let yaml = "
/// apiVersion: helm.toolkit.fluxcd.io/v2
/// kind: HelmRelease
/// metadata: { name: orders, namespace: shop }
/// spec: { values: { podLabels: { azure.workload.identity/use: 'true' } } }";
/// let mut manifest = Manifest::default();
/// manifest.add("release.yaml", yaml.as_bytes());
/// assert_eq!(manifest.custom_resources[0].to_string(), "HelmRelease shop/orders");
/// assert_eq!(manifest.examine(&ManifestContext::default()).without_pod_template, 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CustomResource {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` if the manifest has none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

impl CustomResource {
    /// The custom resource of an object without a pod template; `None` if it has nothing to do with workload identity.
    pub(super) fn of(object: &Value, kind: &str) -> Option<Self> {
        let (group, _) = object.get("apiVersion")?.as_str()?.split_once('/')?;
        if GROUPS.contains(&group) || !mentions(object) {
            return None;
        }
        let (namespace, name) = namespace_and_name(object);
        Some(Self { kind: if kind.is_empty() { "object" } else { kind }.to_owned(), namespace, name })
    }

    /// The resource in a namespace, as messages name it.
    pub(super) fn shown(&self, default_namespace: &str) -> String {
        format!("{} {}/{}", self.kind, self.namespace.as_deref().unwrap_or(default_namespace), self.name)
    }
}

impl fmt::Display for CustomResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown("default"))
    }
}

/// Whether a name or a text in a value is one of workload identity. The parser bounds the depth of the value.
fn mentions(value: &Value) -> bool {
    let is_one = |text: &str| text.contains(PREFIX) || names_variable(text);
    match value {
        Value::String(text) => is_one(text),
        Value::Array(values) => values.iter().any(mentions),
        Value::Object(members) => members.iter().any(|(name, value)| is_one(name) || mentions(value)),
        _ => false,
    }
}
