//! Checks the parts of workload identity that Kubernetes manifests decide: pod templates and service accounts.

mod account;
mod argo;
mod cert_issuer;
mod checks;
mod cluster;
mod cluster_kind;
mod container;
mod context;
mod custom_resource;
mod env_source;
mod finding;
mod found_pod;
mod input;
mod live_pod;
mod managed_field;
mod owner;
mod pod_template;
mod report;
mod same_findings;
mod secret_store;
mod selector;
mod setting;
mod spark;
mod token_volume;
mod webhook;
mod workload;

use serde_json::{Deserializer, Value};

pub use account::ManifestAccount;
use cert_issuer::CertIssuer;
use cluster::LabelledNamespace;
pub use cluster_kind::ClusterKind;
pub use context::ManifestContext;
pub use custom_resource::CustomResource;
use env_source::{EnvKind, EnvSource};
pub use finding::{ManifestCheck, ManifestFinding, ManifestOutcome};
pub use report::ManifestReport;
use secret_store::SecretStore;
use webhook::Webhook;
pub use workload::Workload;

use crate::{file_text::file_text, yaml};

/// The workloads and service accounts in Kubernetes manifests.
///
/// Manifests are YAML streams or JSON, as `helm template`, `kubectl get -o yaml` and `kubectl get -o json` print them, also
/// Lists. Without the feature `yaml`, only JSON is read.
///
/// Pod templates are found at any place of an object. ConfigMaps and Secrets are read for the variables of containers; no
/// values of Secrets are kept. Namespaces and the webhook's `MutatingWebhookConfiguration` are read for the checks of a
/// cluster ([`ManifestContext::live`]). Other objects are ignored.
///
/// ```
/// use issuer::{ManifestOutcome, Manifest, ManifestCheck, ManifestContext};
/// let yaml = "
/// kind: Deployment
/// metadata:
///   name: orders
///   namespace: shop
///   labels: { azure.workload.identity/use: 'true' }
/// spec:
///   template:
///     spec:
///       serviceAccountName: orders
///       containers: [{ name: app }]
/// ---
/// kind: ServiceAccount
/// metadata:
///   name: orders
///   namespace: shop
///   annotations: { azure.workload.identity/client-id: 00000000-0000-0000-0000-000000000000 }";
/// let mut manifest = Manifest::default();
/// manifest.add("rendered.yaml", yaml.as_bytes());
/// let report = manifest.examine(&ManifestContext::default());
/// let label = report.findings.iter().find(|finding| finding.check == ManifestCheck::Label).unwrap();
/// assert_eq!((label.object.as_str(), label.outcome), ("Deployment shop/orders", ManifestOutcome::Failed));
/// assert!(label.message.contains("it is a label of the Deployment"));
/// assert!(label.fix.as_ref().unwrap().contains("spec.template.metadata.labels"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Manifest {
    /// The pods and pod templates.
    pub workloads: Vec<Workload>,
    /// The service accounts.
    pub service_accounts: Vec<ManifestAccount>,
    /// The custom resources that mention workload identity, but in which no pod template was found.
    pub custom_resources: Vec<CustomResource>,
    /// The documents that cannot be parsed.
    pub unreadable: Vec<UnreadableDocument>,
    env_sources: Vec<EnvSource>,
    cert_issuers: Vec<CertIssuer>,
    secret_stores: Vec<SecretStore>,
    namespaces: Vec<LabelledNamespace>,
    webhooks: Vec<Webhook>,
}

/// A document of a manifest that cannot be parsed.
///
/// ```
/// let mut manifest = issuer::Manifest::default();
/// manifest.add("rendered.yaml", b"kind: Pod\n---\nkind: [");
/// assert_eq!(manifest.unreadable[0].input, "rendered.yaml");
/// assert_eq!(manifest.unreadable[0].line, Some(3));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnreadableDocument {
    /// The name of the input.
    pub input: String,
    /// The line of the error, if it is known.
    pub line: Option<u64>,
}

impl Manifest {
    /// Adds the objects of an input. The name of the input is used for documents that cannot be parsed.
    pub fn add(&mut self, input: &str, bytes: &[u8]) {
        let text = file_text(bytes);
        let text = text.as_str();
        let documents = json_documents(text)
            .unwrap_or_else(|line| if yaml::IS_READ { yaml::kubernetes_documents(text) } else { vec![Err(line)] });
        for document in documents {
            match document {
                Ok(value) => self.add_object(&value, None),
                Err(line) => self.unreadable.push(UnreadableDocument { input: input.to_owned(), line }),
            }
        }
    }

    /// Adds an object as the API server returns it.
    pub fn add_value(&mut self, object: &Value) {
        self.add_object(object, None);
    }

    fn add_object(&mut self, object: &Value, kind_of_items: Option<&str>) {
        if let Some(objects) = object.as_array() {
            objects.iter().for_each(|object| self.add_object(object, kind_of_items));
            return;
        }
        let kind = object.get("kind").and_then(Value::as_str).or(kind_of_items).unwrap_or_default();
        if let Some(items) = object.get("items").and_then(Value::as_array) {
            // A list of one kind, such as a DeploymentList, may omit the kind of its items.
            let of_items = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            items.iter().for_each(|item| self.add_object(item, of_items));
            return;
        }
        match kind {
            "ServiceAccount" => self.service_accounts.push(ManifestAccount::of(object)),
            "ConfigMap" => self.env_sources.push(EnvSource::of(object, EnvKind::ConfigMap)),
            "Namespace" => self.namespaces.extend(LabelledNamespace::of(object)),
            "Secret" => self.env_sources.push(EnvSource::of(object, EnvKind::Secret)),
            _ => self.add_other(object, kind),
        }
    }

    /// Adds an object that may have pod templates.
    fn add_other(&mut self, object: &Value, kind: &str) {
        let workloads = Workload::all(object, kind);
        if workloads.is_empty() {
            self.custom_resources.extend(CustomResource::of(object, kind));
        }
        self.workloads.extend(workloads);
        self.cert_issuers.extend(CertIssuer::all(object, kind));
        self.secret_stores.extend(SecretStore::of(object, kind));
        self.webhooks.extend(Webhook::all(object, kind));
    }
}

/// The values of a text that is JSON; the error is the line where it stops being JSON.
fn json_documents(text: &str) -> Result<Vec<Result<Value, Option<u64>>>, Option<u64>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Err(None);
    }
    let values = Deserializer::from_str(text).into_iter::<Value>();
    values.map(|value| value.map(Ok).map_err(|error| u64::try_from(error.line()).ok())).collect()
}

#[cfg(test)]
mod cluster_tests;
#[cfg(test)]
mod finding_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod place_tests;
#[cfg(test)]
mod pod_state_tests;
#[cfg(test)]
mod reading_tests;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod selector_tests;
#[cfg(test)]
mod source_tests;
#[cfg(test)]
mod test_cluster;
#[cfg(test)]
mod test_setup;
