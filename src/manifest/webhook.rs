//! The registration of the workload identity webhook in a cluster.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    container::Container,
    found_pod::is_of_group,
    managed_field::created,
    selector::{LabelSelector, Labels, labels},
    setting::USE,
    workload::{Workload, namespace_and_name},
};

/// The names of the webhook: of Azure/azure-workload-identity, also in AKS and Azure Arc (`pkg/webhook/webhook.go`), and of
/// `OpenShift` (openshift/cloud-credential-operator, `bindata/v4.1.0/azure-pod-identity-webhook`).
const NAMES: [&str; 2] = ["mutation.azure-workload-identity.io", "pod-identity-webhook.azure.mutate.io"];
/// The label of each object of the webhook's chart.
const SYSTEM: &str = "azure-workload-identity.io/system";
/// The Deployment of the webhook.
const DEPLOYMENT: &str = "azure-wi-webhook-controller-manager";

/// A webhook of a `MutatingWebhookConfiguration` that changes pods for workload identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Webhook {
    /// The name of the `MutatingWebhookConfiguration`.
    pub(super) configuration: String,
    /// The version in the labels.
    pub(super) version: Option<String>,
    pub(super) created: Option<Timestamp>,
    /// Whether pods are created unchanged while the webhook does not answer.
    pub(super) ignores_failures: bool,
    pub(super) namespace_selector: LabelSelector,
    pub(super) object_selector: LabelSelector,
    /// The namespace of its Service; `None` for a URL.
    pub(super) service_namespace: Option<String>,
    /// Whether the API server has the CA of its certificate. That is the webhook's own (Azure/azure-workload-identity,
    /// `cmd/webhook/main.go`), and without `caBundle` the API server uses the roots of its system (Kubernetes,
    /// `WebhookClientConfig`).
    pub(super) has_ca_bundle: bool,
}

impl Webhook {
    /// The webhooks of an object. Other objects have none.
    pub(super) fn all(object: &Value, kind: &str) -> Vec<Self> {
        if kind != "MutatingWebhookConfiguration" || !is_of_group(object, "admissionregistration.k8s.io") {
            return Vec::new();
        }
        let own_labels = labels(object);
        let configuration = namespace_and_name(object).1;
        let is_of_chart = own_labels.contains_key(SYSTEM) || configuration.starts_with("azure-wi-webhook");
        let webhooks = object.get("webhooks").and_then(Value::as_array).into_iter().flatten();
        let webhook = |webhook: &Value| {
            let object_selector = LabelSelector::of(webhook.get("objectSelector"));
            let name = webhook.get("name").and_then(Value::as_str).unwrap_or_default();
            // A copy with another name has the same selector.
            let selects_label = object_selector.requirements.iter().any(|requirement| requirement.key == USE);
            let is_own = NAMES.contains(&name) || is_of_chart || selects_label;
            is_own.then(|| Self {
                configuration: configuration.clone(),
                version: version_of_labels(&own_labels),
                created: created(object),
                ignores_failures: ignores_failures(object, webhook),
                namespace_selector: LabelSelector::of(webhook.get("namespaceSelector")),
                object_selector,
                service_namespace: text(webhook, "/clientConfig/service/namespace"),
                has_ca_bundle: text(webhook, "/clientConfig/caBundle").is_some(),
            })
        };
        webhooks.filter_map(webhook).collect()
    }

    /// The version of a workload that is the webhook itself: the tag of its image. The empty text if the tag is missing.
    pub(super) fn version_of(workload: &Workload) -> Option<&str> {
        let container = workload.pod.containers.iter().find(|container| is_program(workload, container))?;
        let image = container.image.as_deref().unwrap_or_default();
        let file = image.split('@').next().and_then(|image| image.rsplit('/').next()).unwrap_or_default();
        Some(file.split_once(':').map_or("", |(_, tag)| tag))
    }
}

impl fmt::Display for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MutatingWebhookConfiguration {}", self.configuration)
    }
}

/// Whether a container is the webhook. Mirrors put the path of the registry before the name of the image.
fn is_program(workload: &Workload, container: &Container) -> bool {
    let image = container.image.as_deref().unwrap_or_default().split('@').next().unwrap_or_default();
    let (folder, file) = image.rsplit_once('/').unwrap_or_default();
    let is_image = folder.ends_with("workload-identity") && file.split(':').next() == Some("webhook");
    is_image || (workload.name.starts_with(DEPLOYMENT) && container.name == "manager")
}

fn version_of_labels(labels: &Labels) -> Option<String> {
    let chart = |chart: &String| Some(chart.strip_prefix("workload-identity-webhook-")?.to_owned());
    let version = labels.get("app.kubernetes.io/version").filter(|version| !version.is_empty()).cloned();
    version.or_else(|| labels.get("helm.sh/chart").and_then(chart))
}

/// The default of `failurePolicy` is `Fail`, and `Ignore` in v1beta1 (Kubernetes, "Dynamic Admission Control").
fn ignores_failures(object: &Value, webhook: &Value) -> bool {
    let is_beta = object.get("apiVersion").and_then(Value::as_str) == Some("admissionregistration.k8s.io/v1beta1");
    let policy = webhook.get("failurePolicy").and_then(Value::as_str);
    policy.map_or(is_beta, |policy| policy == "Ignore")
}

/// The text at a pointer; `None` if it is empty.
fn text(webhook: &Value, pointer: &str) -> Option<String> {
    webhook.pointer(pointer).and_then(Value::as_str).filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
