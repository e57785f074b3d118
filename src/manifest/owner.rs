use std::fmt;

use serde_json::Value;

/// The object that creates another one, such as the Deployment of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) kind: String,
    pub(super) name: String,
}

impl Owner {
    /// The owner of an object in a cluster. A Deployment owns a pod through a `ReplicaSet`, whose name is that of the
    /// Deployment and the hash of the pod template.
    pub(super) fn of(object: &Value) -> Option<Self> {
        let metadata = object.get("metadata")?;
        let owners = metadata.get("ownerReferences")?.as_array()?;
        let is_controller = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
        let owner = owners.iter().find(is_controller).or_else(|| owners.first())?;
        let text = |member: &str| owner.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (kind, name) = (text("kind")?, text("name")?);
        let labels = metadata.get("labels");
        let through = |label: &str| {
            let hash = labels?.get(label)?.as_str().filter(|hash| !hash.is_empty())?;
            name.strip_suffix(hash)?.strip_suffix('-').filter(|name| !name.is_empty())
        };
        let of = |kind: &str, name: &str| Some(Self { kind: kind.to_owned(), name: name.to_owned() });
        match kind {
            // A static pod belongs to its node, and no template makes it.
            "Node" => None,
            "ReplicaSet" => match (through("pod-template-hash"), through("rollouts-pod-template-hash")) {
                (Some(deployment), _) => of("Deployment", deployment),
                (None, Some(rollout)) => of("Rollout", rollout),
                (None, None) => of(kind, name),
            },
            _ => of(kind, name),
        }
    }

    /// The path of the metadata of its pod template, for kinds of Kubernetes itself.
    pub(super) fn template_path(&self) -> Option<&'static str> {
        match self.kind.as_str() {
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" | "Rollout" => {
                Some("spec.template.metadata")
            }
            "CronJob" => Some("spec.jobTemplate.spec.template.metadata"),
            _ => None,
        }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
