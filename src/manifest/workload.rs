use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::Value;

use super::{
    container::VARIABLES, env_source::EnvSources, found_pod::FoundPod, live_pod::LivePod, owner::Owner,
    pod_template::PodTemplate, setting::Metadata, token_volume::TokenVolume,
};

/// A pod template of an object such as a Deployment, or a pod.
///
/// It is displayed as messages name it. A missing namespace is shown as `default`. An object with several pod templates is
/// several workloads, each with its place.
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
    /// The place of the pod template, such as `spec.driver.template`; `None` if the object has only one.
    pub place: Option<String>,
    /// The settings of the object itself, which the webhook does not read.
    pub(super) own: Arc<Metadata>,
    pub(super) pod: PodTemplate,
    /// The path of the labels of the pod template.
    pub(super) labels_path: String,
    /// The object that creates it.
    pub(super) owner: Option<Owner>,
    /// The state of a pod that the API server returned, so that the webhook has already changed it.
    pub(super) live: Option<Arc<LivePod>>,
}

impl Workload {
    /// The workloads of an object, one for each pod template.
    pub(super) fn all(object: &Value, kind: &str) -> Vec<Self> {
        let found = FoundPod::all(object, kind);
        let has_several = found.len() > 1;
        let kind = if kind.is_empty() { "object" } else { kind };
        let (namespace, name) = namespace_and_name(object);
        // The metadata of a pod is that of its template.
        let is_pod = found.iter().any(|pod| pod.is_object);
        let own = Arc::new(if is_pod { Metadata::default() } else { Metadata::of(object) });
        let live = if is_pod { LivePod::of(object).map(Arc::new) } else { None };
        let owner = Owner::of(object);
        let workload = |found: FoundPod| Self {
            kind: kind.to_owned(),
            namespace: namespace.clone(),
            name: name.clone(),
            place: has_several.then_some(found.place),
            own: Arc::clone(&own),
            pod: found.pod,
            labels_path: found.labels_path,
            owner: owner.clone(),
            live: live.clone(),
        };
        found.into_iter().map(workload).collect()
    }

    /// The workload with the variables of ConfigMaps and Secrets. `has_client_id` says whether the webhook sets the client ID.
    pub(super) fn resolved(&self, sources: &EnvSources<'_>, namespace: &str, has_client_id: bool) -> Cow<'_, Self> {
        let is_labelled = self.pod.is_labelled();
        let skipped = self.pod.skipped();
        let is_set_by_webhook = |name: &str| match name {
            "AZURE_CLIENT_ID" => has_client_id,
            name => VARIABLES.contains(&name),
        };
        let mut workload = Cow::Borrowed(self);
        for (index, container) in self.pod.containers.iter().enumerate() {
            let is_changed = is_labelled && !skipped.contains(container.name.as_str());
            let is_replaced = |name: &str| is_changed && is_set_by_webhook(name);
            if let Some(resolved) = sources.resolve(container, namespace, is_replaced) {
                workload.to_mut().pod.containers[index] = resolved;
            }
        }
        workload
    }

    /// Whether it is a pod that the API server returned.
    pub(super) fn is_running(&self) -> bool {
        self.live.is_some()
    }

    /// Whether it is a pod that the webhook has changed.
    pub(super) fn is_changed(&self) -> bool {
        self.is_running() && self.pod.token_volumes.iter().any(TokenVolume::is_of_webhook)
    }

    /// The workload in a namespace, as messages name it.
    pub(super) fn shown(&self, namespace: &str) -> String {
        let place = self.place.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
        format!("{} {namespace}/{}{place}", self.kind, self.name)
    }

    /// The names of its containers, the init containers last.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        self.pod.containers.iter().map(|container| container.name.as_str())
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(self.namespace.as_deref().unwrap_or("default")))
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
