//! Applications of the Spark operator, whose pods are described by a pod template, by members of their own, or by both
//! (kubeflow/spark-operator, `api/v1beta2/sparkapplication_types.go`).

use serde_json::Value;

use super::{
    container::Container,
    found_pod::{FoundPod, is_of_group},
    pod_template::{PodTemplate, service_account},
    setting::{Metadata, USE},
    token_volume::TokenVolume,
};

/// The parts of an application, with the names that Spark gives to their containers.
const PARTS: [(&str, &str); 2] = [("driver", "spark-kubernetes-driver"), ("executor", "spark-kubernetes-executor")];

/// The pods of an application; `None` if the object is none.
pub(super) fn pods(object: &Value, kind: &str) -> Option<Vec<FoundPod>> {
    let path = match kind {
        "SparkApplication" => "spec",
        "ScheduledSparkApplication" => "spec.template",
        _ => return None,
    };
    if !is_of_group(object, "sparkoperator.k8s.io") {
        return None;
    }
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let spec = if kind == "SparkApplication" { spec } else { spec.get("template").unwrap_or(&Value::Null) };
    let parts = PARTS.into_iter().filter_map(|(name, container)| Some((name, container, spec.get(name)?)));
    Some(parts.map(|(name, container, part)| pod(spec, part, container, &format!("{path}.{name}"))).collect())
}

fn pod(spec: &Value, part: &Value, container: &str, place: &str) -> FoundPod {
    let template = part.get("template").filter(|template| template.is_object());
    let pod_spec = template.and_then(|template| template.get("spec")).unwrap_or(&Value::Null);
    // Spark adds its own labels, variables and account to the pod template, so they win.
    let of_template = template.map(Metadata::of).unwrap_or_default();
    let metadata = Metadata::of_members(Some(part)).inheriting(&of_template.into());
    let is_own = metadata.labels.get(USE).is_some() && !metadata.labels.inherits(USE);
    let place = if template.is_some() { format!("{place}.template") } else { place.to_owned() };
    let labels_path = match template {
        Some(_) if !is_own => format!("{place}.metadata.labels"),
        _ => format!("{}.labels", place.trim_end_matches(".template")),
    };
    let of_driver = || spec.get("driver").and_then(service_account);
    let account = service_account(part).or_else(|| service_account(pod_spec)).or_else(of_driver);
    let is_true = |value: &Value| value.get("hostNetwork").and_then(Value::as_bool).unwrap_or_default();
    let mut token_volumes = TokenVolume::all(spec);
    token_volumes.extend(TokenVolume::all(pod_spec));
    let pod = PodTemplate {
        metadata,
        service_account: account.unwrap_or("default").to_owned(),
        is_on_host_network: is_true(part) || is_true(pod_spec),
        containers: containers(spec, part, pod_spec, container),
        token_volumes,
    };
    FoundPod { pod, labels_path, place, is_object: false }
}

/// The containers of a pod. The first is that of Spark.
fn containers(spec: &Value, part: &Value, pod_spec: &Value, name: &str) -> Vec<Container> {
    let mut own = Container::of(part, name, false);
    own.image = own.image.or_else(|| spec.get("image").and_then(Value::as_str).map(str::to_owned));
    // The older form of `env`.
    for (variable, value) in part.get("envVars").and_then(Value::as_object).into_iter().flatten() {
        own.add_variable(variable, value.as_str().unwrap_or_default());
    }
    let mut containers = Container::all(pod_spec);
    match containers.first_mut().filter(|container| !container.is_init) {
        Some(first) => first.extend(own),
        None => containers.insert(0, own),
    }
    for (member, is_init) in [("sidecars", false), ("initContainers", true)] {
        let others = part.get(member).and_then(Value::as_array).into_iter().flatten();
        containers.extend(others.filter(|value| value.is_object()).map(|value| Container::of(value, "", is_init)));
    }
    containers
}
