//! Argo Workflows, which make a pod of each template with containers ("Field Reference" of its documentation).

use std::collections::HashMap;

use serde_json::Value;

use super::{
    container::Container,
    found_pod::{FoundPod, is_of_group},
    pod_template::PodTemplate,
    setting::{Metadata, SharedMetadata, USE},
    token_volume::TokenVolume,
};

/// The name of the container of a template.
const MAIN: &str = "main";

/// The pods of a workflow; `None` if the object is none.
pub(super) fn pods(object: &Value, kind: &str) -> Option<Vec<FoundPod>> {
    let path = match kind {
        "Workflow" | "WorkflowTemplate" | "ClusterWorkflowTemplate" => "spec",
        "CronWorkflow" => "spec.workflowSpec",
        _ => return None,
    };
    if !is_of_group(object, "argoproj.io") {
        return None;
    }
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let spec = if kind == "CronWorkflow" { spec.get("workflowSpec").unwrap_or(&Value::Null) } else { spec };
    let workflow = Workflow::of(spec, path, kind);
    let templates = spec.get("templates").and_then(Value::as_array).into_iter().flatten().enumerate();
    let templates = templates.flat_map(|(index, template)| {
        let place = format!("{path}.templates[{index}]");
        let mut found = inline(template, &place);
        found.insert(0, (place, template));
        found
    });
    Some(templates.filter_map(|(place, template)| workflow.pod(place, template)).collect())
}

/// The templates that are written into the steps or tasks of another one, with their places.
fn inline<'a>(template: &'a Value, place: &str) -> Vec<(String, &'a Value)> {
    let list = |value: Option<&'a Value>| value.and_then(Value::as_array).into_iter().flatten().enumerate();
    let mut found = Vec::new();
    for (group, steps) in list(template.get("steps")) {
        for (index, step) in list(Some(steps)) {
            found.extend(step.get("inline").map(|own| (format!("{place}.steps[{group}][{index}].inline"), own)));
        }
    }
    for (index, task) in list(template.get("dag").and_then(|dag| dag.get("tasks"))) {
        found.extend(task.get("inline").map(|own| (format!("{place}.dag.tasks[{index}].inline"), own)));
    }
    found
}

/// What applies to every template.
struct Workflow<'a> {
    spec: &'a Value,
    path: &'a str,
    /// Whether another workflow may use a single template, and then ignores `podMetadata` (argo-workflows#7091).
    is_library: bool,
    /// `templateDefaults`, which wins over `podMetadata`.
    defaults: Option<&'a Value>,
    metadata: SharedMetadata,
    volumes: HashMap<String, Vec<TokenVolume>>,
}

impl<'a> Workflow<'a> {
    fn of(spec: &'a Value, path: &'a str, kind: &str) -> Self {
        let shared = SharedMetadata::from(Metadata::of_members(spec.get("podMetadata")));
        let defaults = spec.get("templateDefaults");
        let of_defaults = Metadata::of_members(defaults.and_then(|defaults| defaults.get("metadata")));
        let mut volumes: HashMap<String, Vec<TokenVolume>> = HashMap::new();
        for volume in TokenVolume::all(spec) {
            volumes.entry(volume.name.clone()).or_default().push(volume);
        }
        Self {
            spec,
            path,
            is_library: kind.ends_with("WorkflowTemplate"),
            defaults,
            metadata: of_defaults.inheriting(&shared).into(),
            volumes,
        }
    }

    /// The pod of a template; `None` if it has no containers of its own, such as a list of steps.
    fn pod(&self, place: String, template: &Value) -> Option<FoundPod> {
        let of = |value: &Value, is_init: bool| Container::of(value, MAIN, is_init);
        let single = ["container", "script"].into_iter().filter_map(|member| template.get(member));
        let set = template.get("containerSet").and_then(|set| set.get("containers"));
        let set = set.and_then(Value::as_array).into_iter().flatten();
        let mut containers: Vec<_> =
            single.chain(set).filter(|value| value.is_object()).map(|value| of(value, false)).collect();
        if containers.is_empty() {
            return None;
        }
        for (member, is_init) in [("sidecars", false), ("initContainers", true)] {
            let others = template.get(member).and_then(Value::as_array).into_iter().flatten();
            containers.extend(others.filter(|value| value.is_object()).map(|value| of(value, is_init)));
        }
        let text =
            |value: Option<&'a Value>| value?.get("serviceAccountName")?.as_str().filter(|name| !name.is_empty());
        let own_account = template.get("serviceAccountName").and_then(Value::as_str).filter(|name| !name.is_empty());
        let account = own_account.or_else(|| text(self.defaults)).or_else(|| text(Some(self.spec)));
        let metadata = Metadata::of(template).inheriting(&self.metadata);
        let is_shared =
            if metadata.labels.get(USE).is_some() { metadata.labels.inherits(USE) } else { !self.is_library };
        let labels_path = match is_shared {
            true if self.defaults.is_some_and(|defaults| Metadata::of(defaults).labels.get(USE).is_some()) => {
                format!("{}.templateDefaults.metadata.labels", self.path)
            }
            true => format!("{}.podMetadata.labels", self.path),
            false => format!("{place}.metadata.labels"),
        };
        let name = template.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let mut token_volumes = TokenVolume::all(template);
        // A volume of the workflow matters to the templates that mount it.
        let mut mounted: Vec<&str> = containers.iter().flat_map(Container::volumes).collect();
        mounted.sort_unstable();
        mounted.dedup();
        token_volumes.extend(mounted.into_iter().filter_map(|name| self.volumes.get(name)).flatten().cloned());
        let pod = PodTemplate {
            metadata,
            service_account: account.unwrap_or("default").to_owned(),
            is_on_host_network: self.spec.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default(),
            containers,
            token_volumes,
        };
        let place = name.map_or(place, |name| format!("template {name}"));
        Some(FoundPod { pod, labels_path, place, is_object: false })
    }
}
