//! Labels and annotations of the workload identity webhook (Azure/azure-workload-identity, `pkg/webhook/consts.go`).

use serde_json::Value;

/// The start of every label and annotation of the webhook.
const PREFIX: &str = "azure.workload.identity/";

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
pub(super) struct Settings(Vec<(String, Setting)>);

impl Settings {
    fn of(members: Option<&Value>) -> Self {
        let members = members.and_then(Value::as_object).into_iter().flatten();
        let own = members.filter(|(name, _)| name.starts_with(PREFIX));
        Self(own.map(|(name, value)| (name.clone(), Setting::of(value))).collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&Setting> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Setting::text)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let metadata = object.get("metadata");
        let member = |name: &str| Settings::of(metadata.and_then(|metadata| metadata.get(name)));
        Self { labels: member("labels"), annotations: member("annotations") }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.annotations.is_empty()
    }
}
