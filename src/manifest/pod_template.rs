use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{
    container::{Container, Mount},
    setting::{self, Metadata},
    token_volume::TokenVolume,
};

/// The pod template of a workload, or a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PodTemplate {
    pub(super) metadata: Metadata,
    /// The name of the service account, `default` if none is set.
    pub(super) service_account: String,
    pub(super) is_on_host_network: bool,
    pub(super) containers: Vec<Container>,
    pub(super) token_volumes: Vec<TokenVolume>,
}

impl PodTemplate {
    /// Whether a value has the shape of a pod or pod template: `spec.containers` is a list.
    pub(super) fn is_in(value: &Value) -> bool {
        value.get("spec").and_then(|spec| spec.get("containers")).is_some_and(Value::is_array)
    }

    pub(super) fn of(template: &Value) -> Self {
        let spec = &template["spec"];
        Self {
            metadata: Metadata::of(template),
            service_account: service_account(spec).unwrap_or("default").to_owned(),
            is_on_host_network: spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default(),
            containers: Container::all(spec),
            token_volumes: TokenVolume::all(spec),
        }
    }

    /// Whether the webhook changes pods of this template.
    pub(super) fn is_labelled(&self) -> bool {
        self.metadata.labels.text(setting::USE) == Some("true")
    }

    /// The names of the containers that the webhook leaves unchanged.
    pub(super) fn skipped(&self) -> HashSet<&str> {
        let names = self.metadata.annotations.text(setting::SKIP_CONTAINERS).unwrap_or_default();
        names.split(';').map(str::trim).filter(|name| !name.is_empty()).collect()
    }

    /// The token that a container reads, if the pod template has the volume and the variables for it, so that the pods
    /// need no webhook.
    pub(super) fn own_token(&self) -> Option<&TokenVolume> {
        let mut volumes: HashMap<(&str, &str), &TokenVolume> = HashMap::new();
        for volume in &self.token_volumes {
            // With subPath the file is the mount itself.
            for path in [volume.path.as_str(), ""] {
                volumes.entry((&volume.name, path)).or_insert(volume);
            }
        }
        self.containers.iter().find_map(|container| {
            let has = |name: &str| container.variable(name).is_some();
            let file = container.value("AZURE_FEDERATED_TOKEN_FILE")?;
            let mounted = |mount: &'_ Mount| path_below(file, &mount.path).map(|path| (mount.volume.clone(), path));
            let (name, path) = container.mounts.iter().find_map(mounted)?;
            let volume = volumes.get(&(name.as_str(), path))?;
            (has("AZURE_CLIENT_ID") && has("AZURE_TENANT_ID")).then_some(*volume)
        })
    }

    /// Whether the token goes to the proxy of an identity binding, not to Entra.
    pub(super) fn uses_identity_binding(&self) -> bool {
        self.metadata.annotations.text(setting::IDENTITY_BINDING) == Some("true")
            || self.containers.iter().any(|container| container.variable("AZURE_KUBERNETES_TOKEN_PROXY").is_some())
    }
}

/// The service account that a pod names. `serviceAccount` is the older name of the member.
pub(super) fn service_account(spec: &Value) -> Option<&str> {
    let text = |member: &str| spec.get(member).and_then(Value::as_str).filter(|name| !name.is_empty());
    text("serviceAccountName").or_else(|| text("serviceAccount"))
}

/// Whether a file is below a folder or is the folder itself.
pub(super) fn is_below(file: &str, folder: &str) -> bool {
    path_below(file, folder).is_some()
}

/// The path of a file below a folder; empty for the folder itself.
pub(super) fn path_below<'a>(file: &'a str, folder: &str) -> Option<&'a str> {
    let rest = file.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}
