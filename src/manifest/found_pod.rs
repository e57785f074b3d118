use std::fmt::Write as _;

use serde_json::Value;

use super::{argo, pod_template::PodTemplate, spark};

/// The depth to which an object is searched. Known pod templates are at depths below 10, such as that of a `JobSet` in
/// another object.
const DEPTH_MAX: usize = 16;

/// A pod template with its place in an object.
pub(super) struct FoundPod {
    pub(super) pod: PodTemplate,
    /// The path of its labels in YAML, such as `spec.template.metadata.labels`.
    pub(super) labels_path: String,
    /// The place as messages name it, such as `spec.driver.template`.
    pub(super) place: String,
    /// Whether the object is itself the pod.
    pub(super) is_object: bool,
}

impl FoundPod {
    /// Every pod template of an object.
    pub(super) fn all(object: &Value, kind: &str) -> Vec<Self> {
        if kind == "Pod" || (kind.is_empty() && PodTemplate::is_in(object)) {
            let pod = PodTemplate::is_in(object).then(|| PodTemplate::of(object));
            let found = |pod| {
                let (labels_path, place) = ("metadata.labels".to_owned(), String::new());
                Self { pod, labels_path, place, is_object: true }
            };
            return pod.map(found).into_iter().collect();
        }
        if let Some(found) = argo::pods(object, kind).or_else(|| spark::pods(object, kind)) {
            return found;
        }
        let (mut found, mut path) = (Vec::new(), Vec::new());
        // The status may repeat the specification.
        let members = object.as_object().into_iter().flatten();
        for (name, value) in members.filter(|(name, _)| !["metadata", "status"].contains(&name.as_str())) {
            path.push(Step::Member(name));
            search(value, &mut path, &mut found);
            path.pop();
        }
        found
    }
}

/// A step of a path in an object.
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

/// Adds the pod templates in a value. A pod template is not searched for others.
fn search<'a>(value: &'a Value, path: &mut Vec<Step<'a>>, found: &mut Vec<FoundPod>) {
    if PodTemplate::is_in(value) {
        let place = shown(path);
        let labels_path = format!("{place}.metadata.labels");
        found.push(FoundPod { pod: PodTemplate::of(value), labels_path, place, is_object: false });
    } else if path.len() < DEPTH_MAX {
        for (name, value) in value.as_object().into_iter().flatten() {
            path.push(Step::Member(name));
            search(value, path, found);
            path.pop();
        }
        for (index, value) in value.as_array().into_iter().flatten().enumerate() {
            path.push(Step::Item(index));
            search(value, path, found);
            path.pop();
        }
    }
}

fn shown(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Member(name) if text.is_empty() => text.push_str(name),
            Step::Member(name) => {
                let _ = write!(text, ".{name}");
            }
            Step::Item(index) => {
                let _ = write!(text, "[{index}]");
            }
        }
    }
    text
}

/// Whether an object is of an API group. A manifest may omit the version of the API.
pub(super) fn is_of_group(object: &Value, group: &str) -> bool {
    let version = object.get("apiVersion").and_then(Value::as_str);
    version.is_none_or(|version| version.split('/').next() == Some(group))
}
