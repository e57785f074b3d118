//! Labels and annotations of the workload identity webhook (Azure/azure-workload-identity, `pkg/webhook/consts.go`).

use std::{collections::BTreeMap, sync::Arc};

use serde_json::Value;

/// The start of every label and annotation of the webhook.
pub(super) const PREFIX: &str = "azure.workload.identity/";

/// The label that selects a pod. The webhook reads it only on pods.
pub(super) const USE: &str = "azure.workload.identity/use";
/// The client ID of the application or managed identity, on the service account.
pub(super) const CLIENT_ID: &str = "azure.workload.identity/client-id";
/// The tenant ID, on the service account.
pub(super) const TENANT_ID: &str = "azure.workload.identity/tenant-id";
/// The lifetime of the token in seconds, on the pod or the service account. The pod's value wins.
pub(super) const EXPIRATION: &str = "azure.workload.identity/service-account-token-expiration";
/// The containers that the webhook leaves unchanged, on the pod, separated by semicolons.
pub(super) const SKIP_CONTAINERS: &str = "azure.workload.identity/skip-containers";
/// With the value `true` on the pod, the webhook adds its proxy.
pub(super) const PROXY: &str = "azure.workload.identity/inject-proxy-sidecar";
/// With the value `true` on the pod, AKS sends the token to the proxy of an identity binding (Microsoft Learn, "Identity
/// bindings").
pub(super) const IDENTITY_BINDING: &str = "azure.workload.identity/use-identity-binding";

/// The value of a label or annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Setting {
    /// A string, as Kubernetes requires.
    Text(String),
    /// A value of another type, which the API server rejects: the value as YAML, and its type.
    Other(String, &'static str),
}

impl Setting {
    fn of(value: &Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(value) => Self::Other(value.to_string(), "boolean"),
            Value::Number(value) => Self::Other(value.to_string(), "number"),
            Value::Null => Self::Other("null".to_owned(), "null"),
            Value::Array(_) => Self::Other("[…]".to_owned(), "list"),
            Value::Object(_) => Self::Other("{…}".to_owned(), "object"),
        }
    }

    /// The text, if the value is a string.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Other(..) => None,
        }
    }
}

/// The labels or annotations of the webhook on an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    own: BTreeMap<String, Setting>,
    /// The settings that apply to several pod templates of an object, shared by them. Own settings win.
    inherited: Option<Arc<Self>>,
}

impl Settings {
    fn of(members: Option<&Value>) -> Self {
        let members = members.and_then(Value::as_object).into_iter().flatten();
        let own = members.filter(|(name, _)| name.starts_with(PREFIX));
        Self { own: own.map(|(name, value)| (name.clone(), Setting::of(value))).collect(), inherited: None }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.own.get(name).or_else(|| self.inherited.as_ref()?.get(name))
    }

    /// Whether the value of a setting is inherited.
    pub(super) fn inherits(&self, name: &str) -> bool {
        !self.own.contains_key(name) && self.get(name).is_some()
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Setting::text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.inherited.as_ref().is_none_or(|inherited| inherited.is_empty())
    }
}

/// The settings in the metadata of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) labels: Settings,
    pub(super) annotations: Settings,
}

impl Metadata {
    /// The metadata of an object or pod template.
    pub(super) fn of(object: &Value) -> Self {
        Self::of_members(object.get("metadata"))
    }

    /// The metadata in a value that has the members `labels` and `annotations`.
    pub(super) fn of_members(value: Option<&Value>) -> Self {
        let member = |name: &str| Settings::of(value.and_then(|value| value.get(name)));
        Self { labels: member("labels"), annotations: member("annotations") }
    }

    /// Adds settings that apply unless the metadata itself has them.
    pub(super) fn inheriting(mut self, shared: &SharedMetadata) -> Self {
        self.labels.inherited = Some(Arc::clone(&shared.labels));
        self.annotations.inherited = Some(Arc::clone(&shared.annotations));
        self
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}

/// The metadata of several pod templates. It is not copied for each.
#[derive(Clone)]
pub(super) struct SharedMetadata {
    labels: Arc<Settings>,
    annotations: Arc<Settings>,
}

impl From<Metadata> for SharedMetadata {
    fn from(metadata: Metadata) -> Self {
        Self { labels: Arc::new(metadata.labels), annotations: Arc::new(metadata.annotations) }
    }
}
