//! The state of a cluster, as the checks of live objects need it.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use serde_json::Value;

use super::{
    Manifest,
    cluster_kind::NotRead,
    owner::Owner,
    selector::{Labels, labels},
    webhook::Webhook,
    workload::Workload,
};

/// The label with the name of a namespace, which the API server sets since Kubernetes 1.21.
pub(super) const METADATA_NAME: &str = "kubernetes.io/metadata.name";
/// The steps from a pod to the object that a user creates: a pod of a `CronJob` takes two.
const STEPS_MAX: usize = 4;

/// A namespace with its labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LabelledNamespace {
    name: String,
    labels: Labels,
}

impl LabelledNamespace {
    /// The namespace; `None` for an object without a name.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let name = object.pointer("/metadata/name")?.as_str()?.to_owned();
        Some(Self { name, labels: labels(object) })
    }
}

/// The objects that decide what happens to the pods of a cluster.
pub(super) struct Cluster<'a> {
    pub(super) not_read: &'a NotRead,
    pub(super) webhooks: &'a [Webhook],
    namespaces: HashMap<&'a str, &'a Labels>,
    /// The workloads by namespace, kind and name.
    templates: HashMap<(&'a str, &'a str, &'a str), &'a Workload>,
    /// The versions of the webhook's program.
    versions: BTreeSet<&'a str>,
}

impl<'a> Cluster<'a> {
    pub(super) fn new(manifest: &'a Manifest, not_read: &'a NotRead, namespace: &'a str) -> Self {
        let key = |workload: &'a Workload| {
            let namespace = workload.namespace.as_deref().unwrap_or(namespace);
            ((namespace, workload.kind.as_str(), workload.name.as_str()), workload)
        };
        let templates = manifest.workloads.iter().filter(|workload| !workload.is_running()).map(key);
        let namespaces = manifest.namespaces.iter().map(|namespace| (namespace.name.as_str(), &namespace.labels));
        let versions = manifest.workloads.iter().filter_map(Webhook::version_of);
        Self {
            not_read,
            webhooks: &manifest.webhooks,
            namespaces: namespaces.collect(),
            templates: templates.collect(),
            versions: versions.filter(|version| !version.is_empty()).collect(),
        }
    }

    /// The labels of a namespace. If the namespace was not read, only the label that the API server sets is known.
    pub(super) fn labels_of(&self, namespace: &str) -> (Cow<'a, Labels>, bool) {
        match self.namespaces.get(namespace) {
            Some(labels) => (Cow::Borrowed(labels), true),
            None => (Cow::Owned(Labels::from([(METADATA_NAME.to_owned(), namespace.to_owned())])), false),
        }
    }

    /// The object that creates a workload in the end, as far as it has a pod template, and the workload of that template if it
    /// is in the input.
    pub(super) fn root(&self, workload: &'a Workload, namespace: &str) -> Option<(&'a Owner, Option<&'a Workload>)> {
        let mut owner = workload.owner.as_ref()?;
        let mut template = self.template(namespace, owner);
        for _ in 0..STEPS_MAX {
            let Some(next) = template.and_then(|template| template.owner.as_ref()) else { break };
            let of_next = self.template(namespace, next);
            // A custom resource without a pod template says less than the Deployment that it owns.
            if of_next.is_none() && next.template_path().is_none() {
                break;
            }
            (owner, template) = (next, of_next);
        }
        Some((owner, template))
    }

    fn template(&self, namespace: &str, owner: &Owner) -> Option<&'a Workload> {
        self.templates.get(&(namespace, owner.kind.as_str(), owner.name.as_str())).copied()
    }

    /// The version of the webhook, if it is known.
    pub(super) fn version(&self, webhook: &Webhook) -> Option<String> {
        if self.versions.is_empty() {
            return webhook.version.clone();
        }
        Some(self.versions.iter().copied().collect::<Vec<_>>().join(", "))
    }
}
