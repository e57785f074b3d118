use super::{
    super::{
        finding::{ManifestCheck::Label, ManifestFinding},
        setting::{Setting, USE},
    },
    Case,
};

/// The webhook's `objectSelector` matches the label of the pod with the string `true`, and nothing else
/// (Azure/azure-workload-identity, "Labels and annotations").
pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) {
    let (workload, object) = (case.workload, case.object());
    let path = case.metadata_path("labels");
    let fix = format!("set {path}: {USE}: \"true\"{}", chart(case));
    findings.push(match workload.pod.metadata.labels.get(USE) {
        Some(Setting::Text(text)) if text == "true" => {
            ManifestFinding::passed(Label, object, "the pod template has the label")
        }
        Some(Setting::Text(text)) => {
            let message = format!("the label {USE} has another value than true, so the webhook ignores the pod");
            let seen = if text.len() <= 10 { format!("{text:?}") } else { "another text".to_owned() };
            ManifestFinding::failed(Label, object, message).compared(seen, "\"true\"").fix(fix)
        }
        Some(Setting::Other(value, kind)) => {
            let message = format!(
                "the value of the label {USE} is a {kind}, not a string: the API server rejects the {}",
                workload.kind
            );
            let fix = format!("quote the value at {}: {USE}: \"true\"", workload.labels_path);
            ManifestFinding::failed(Label, object, message)
                .compared(format!("{value} ({kind})"), "\"true\" (string)")
                .fix(fix)
        }
        None if workload.pod.own_token().is_some() => {
            let message = "the pod template has its own token volume and variables, so it needs no webhook";
            ManifestFinding::skipped(Label, object, message)
        }
        None if case.store.is_some() && is_external_secrets(case) => {
            let store = case.store.map(|store| store.shown(case.namespace)).unwrap_or_default();
            let message = format!(
                "the pod template has no label, and needs none: {store} names its service account, and external-secrets requests the token itself"
            );
            ManifestFinding::skipped(Label, object, message)
        }
        None => {
            let elsewhere = found_elsewhere(case);
            let elsewhere = if elsewhere.is_empty() { String::new() } else { format!("; {}", elsewhere.join(" and ")) };
            let unread = case.unread();
            let message = format!("the pod template has no label {USE}, so the webhook ignores its pods{elsewhere}{unread}");
            ManifestFinding::failed(Label, object, message).fix(fix)
        }
    });
}

/// The other places where the setting is, each a clause.
fn found_elsewhere(case: &Case<'_>) -> Vec<String> {
    let (own, pod) = (&case.workload.own, &case.workload.pod.metadata);
    let kind = &case.workload.kind;
    let mut places = Vec::new();
    let mut add = |is_there: bool, place: String| places.extend(is_there.then_some(place));
    add(own.labels.get(USE).is_some(), format!("it is a label of the {kind}, which the pods do not inherit"));
    add(own.annotations.get(USE).is_some(), format!("it is an annotation of the {kind}"));
    add(pod.annotations.get(USE).is_some(), "it is an annotation of the pod template".to_owned());
    if let Some(account) = case.account {
        add(account.metadata.labels.get(USE).is_some(), "it is a label of the ServiceAccount".to_owned());
        add(account.metadata.annotations.get(USE).is_some(), "it is an annotation of the ServiceAccount".to_owned());
    }
    places
}

/// Whether a container is the operator external-secrets.
fn is_external_secrets(case: &Case<'_>) -> bool {
    case.workload.pod.containers.iter().any(|container| container.is_image("external-secrets"))
}

/// How the label is set through a chart. Charts that cannot set it need a patch of their output.
fn chart(case: &Case<'_>) -> &'static str {
    if case.workload.kind == "Pod" && case.owner().is_none() {
        return ", and create the pod again";
    }
    "; in a Helm chart through its value for pod labels, or with a post-renderer such as kustomize if it has none"
}
