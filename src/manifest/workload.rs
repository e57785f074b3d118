use std::fmt;

use serde_json::Value;

use super::{pod_template::PodTemplate, setting::Metadata};

/// An object with a pod template, such as a Deployment, or a pod.
///
/// It is displayed as messages name it. A missing namespace is shown as `default`.
///
/// ```
/// use issuer::Manifest;
/// let yaml = "
/// kind: Pod
/// metadata: { name: orders, namespace: shop }
/// spec: { containers: [{ name: app }] }";
/// let mut manifest = Manifest::default();
/// manifest.add("pod.yaml", yaml.as_bytes());
/// let pod = &manifest.workloads[0];
/// assert_eq!((pod.kind.as_str(), pod.namespace.as_deref(), pod.name.as_str()), ("Pod", Some("shop"), "orders"));
/// assert_eq!(pod.to_string(), "Pod shop/orders");
/// assert_eq!(pod.containers().collect::<Vec<_>>(), ["app"]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Workload {
    /// The kind.
    pub kind: String,
    /// The namespace; `None` if the manifest has none.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
    /// The settings of the object itself, which the webhook does not read.
    pub(super) own: Metadata,
    pub(super) pod: PodTemplate,
    /// The path of the labels of the pod template.
    pub(super) labels_path: &'static str,
    /// Whether it is a pod that the API server returned, so that the webhook has already changed it.
    pub(super) is_running: bool,
}

impl Workload {
    /// The workload of an object; `None` if the object has no pod template.
    pub(super) fn of(object: &Value, kind: &str) -> Option<Self> {
        let (pod, labels_path) = PodTemplate::find(object, kind)?;
        let kind = if kind.is_empty() { "object" } else { kind }.to_owned();
        let (namespace, name) = namespace_and_name(object);
        // The metadata of a pod is that of its template.
        let own = if labels_path == "metadata.labels" { Metadata::default() } else { Metadata::of(object) };
        let has_uid = object.pointer("/metadata/uid").is_some_and(Value::is_string);
        let is_running = has_uid && labels_path == "metadata.labels";
        Some(Self { kind, namespace, name, own, pod, labels_path, is_running })
    }

    /// The names of its containers, the init containers last.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.pod.containers.iter().map(|container| container.name.as_str())
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace.as_deref().unwrap_or("default"), self.name)
    }
}

/// The namespace and the name of an object.
pub(super) fn namespace_and_name(object: &Value) -> (Option<String>, String) {
    let text = |member: &str| {
        let value = object.get("metadata").and_then(|metadata| metadata.get(member)).and_then(Value::as_str);
        value.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    let name = text("name").or_else(|| text("generateName")).unwrap_or_else(|| "(no name)".to_owned());
    (text("namespace"), name)
}
