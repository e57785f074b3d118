//! Whether the selectors of the webhook select a workload.

use super::{
    super::{
        cluster::{Cluster, METADATA_NAME},
        finding::{
            ManifestCheck::{Namespace, Selector},
            ManifestFinding,
        },
        selector::{Labels, Operator, Requirement},
        webhook::Webhook,
    },
    Case,
    restart::restart,
    word,
};

/// Checks the selectors. Returns whether the webhook selects the workload, as far as that is known.
pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) -> bool {
    let Some(cluster) = case.cluster else { return true };
    if !case.workload.pod.is_labelled() || case.workload.is_changed() {
        return true;
    }
    let mut first = None;
    for webhook in cluster.webhooks {
        let Some(finding) = excluded(case, cluster, webhook) else { return true };
        first = first.or(Some(finding));
    }
    let is_selected = first.is_none();
    findings.extend(first);
    is_selected
}

/// The selector of a webhook that does not select the workload.
fn excluded(case: &Case<'_>, cluster: &Cluster<'_>, webhook: &Webhook) -> Option<ManifestFinding> {
    let (labels, is_known) = cluster.labels_of(case.namespace);
    let requirement = if is_known {
        webhook.namespace_selector.unmet(&labels)
    } else {
        webhook.namespace_selector.unmet_of(METADATA_NAME, &labels)
    };
    if let Some(requirement) = requirement {
        return Some(by_namespace(case, webhook, requirement, &labels));
    }
    let live = case.workload.live.as_deref()?;
    let requirement = webhook.object_selector.unmet(&live.labels)?;
    let message = format!(
        "the webhook ignores the pod: its objectSelector requires {requirement}, and {}",
        seen(requirement, &live.labels, "the pod")
    );
    let path = case.metadata_path("labels");
    let change = match (requirement.operator, requirement.values.first()) {
        (Operator::In, Some(value)) => format!("set {path}: {}: \"{value}\"", requirement.key),
        (Operator::Exists | Operator::In, _) => format!("set {path}: {}: \"\"", requirement.key),
        (Operator::NotIn | Operator::DoesNotExist, _) => format!("remove {} from {path}", requirement.key),
    };
    let fix = format!("{change}; or change the objectSelector of the {webhook}");
    Some(ManifestFinding::failed(Selector, case.object(), message).fix(fix))
}

fn by_namespace(case: &Case<'_>, webhook: &Webhook, requirement: &Requirement, labels: &Labels) -> ManifestFinding {
    let name = case.namespace;
    let seen = seen(requirement, labels, &format!("the namespace {name}"));
    let is_old = requirement.key == METADATA_NAME && !labels.contains_key(METADATA_NAME);
    let old = if is_old { "; API servers set this label since Kubernetes 1.21" } else { "" };
    let message = format!(
        "the webhook ignores the pods of the namespace: its namespaceSelector requires {requirement}, and {seen}{old}"
    );
    let word = word(name, "NAMESPACE");
    let labelled = |change: String| format!("kubectl label namespace {word} {change}");
    let key = label_word(&requirement.key, "LABEL");
    let value = requirement.values.first().map(|value| label_word(value, "VALUE"));
    let change = match (requirement.operator, value) {
        _ if is_old => labelled(format!("{METADATA_NAME}={word}")),
        // The API server does not accept another value of this label.
        _ if requirement.key == METADATA_NAME => format!("change the namespaceSelector of the {webhook}"),
        (Operator::In, Some(value)) => labelled(format!("{key}={value} --overwrite")),
        (Operator::In | Operator::Exists, _) => labelled(format!("{key}=true")),
        (Operator::NotIn | Operator::DoesNotExist, _) => labelled(format!("{key}-")),
    };
    let again = if case.workload.is_running() { format!("; then {}", restart(case)) } else { String::new() };
    let fix =
        format!("deploy the workload to another namespace, or change the labels or the selector: {change}{again}");
    ManifestFinding::failed(Namespace, case.object(), message).fix(fix)
}

/// The name or value of a label, if a command can contain it without quoting, else a placeholder.
fn label_word<'a>(text: &'a str, placeholder: &'a str) -> &'a str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/".contains(&byte);
    if !text.starts_with('-') && text.bytes().all(is_plain) { text } else { placeholder }
}

/// The label that a requirement found, as a clause.
fn seen(requirement: &Requirement, labels: &Labels, subject: &str) -> String {
    match labels.get(&requirement.key) {
        Some(value) => format!("{subject} has {}={value}", requirement.key),
        None => format!("{subject} has no such label"),
    }
}
