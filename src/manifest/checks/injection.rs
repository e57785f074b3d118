//! Whether the webhook has changed a running pod as it would change it today. The webhook changes only new pods.

use jiff::{SignedDuration, Timestamp};

use super::{
    super::{
        cluster::Cluster,
        cluster_kind::ClusterKind,
        finding::{
            ManifestCheck::{Expiration, Injection},
            ManifestFinding,
        },
        live_pod::LivePod,
        setting::{CLIENT_ID, EXPIRATION, Setting, USE},
        token_volume::TokenVolume,
    },
    Case, listed,
    restart::restart,
};

/// The API server writes the times of one request one after the other, in whole seconds.
const SAME_REQUEST: SignedDuration = SignedDuration::from_secs(2);
/// The manager that creates pods. It also adopts them later, which renews the times of all its fields.
const CONTROLLERS: &str = "kube-controller-manager";

/// Checks a running pod with the label. `is_selected` says whether the webhook selects it.
pub(super) fn check(case: &Case<'_>, is_selected: bool, findings: &mut Vec<ManifestFinding>) {
    let (workload, pod) = (case.workload, &case.workload.pod);
    let Some(live) = workload.live.as_deref().filter(|_| pod.is_labelled()) else { return };
    let has_file = pod.containers.iter().any(|container| container.variable("AZURE_FEDERATED_TOKEN_FILE").is_some());
    match case.cluster {
        None if has_file => {}
        None => {
            let message = "the pod has the label, but the webhook has not changed it";
            let fix = "check that the webhook runs: kubectl get mutatingwebhookconfiguration azure-wi-webhook-mutating-webhook-configuration; then create the pod again";
            findings.push(ManifestFinding::failed(Injection, case.object(), message).fix(fix));
        }
        Some(_) if workload.is_changed() => outdated(case, live, findings),
        // A token of its own, or another finding that names the cause.
        Some(_) if has_file || !is_selected => {}
        Some(cluster) => findings.push(unchanged(case, live, cluster)),
    }
}

/// The pod is as the webhook found it.
fn unchanged(case: &Case<'_>, live: &LivePod, cluster: &Cluster<'_>) -> ManifestFinding {
    let restart = restart(case);
    let failed = |cause: &str| {
        let message = format!("the pod has the label, but the webhook has not changed it: {cause}");
        ManifestFinding::failed(Injection, case.object(), message)
    };
    let kind = ClusterKind::MutatingWebhookConfiguration;
    if cluster.not_read.has(kind) {
        return failed(&format!("the cause is not known, because {}", cluster.not_read.clause(kind))).fix(restart);
    }
    let Some(webhook) = cluster.webhooks.iter().min_by_key(|webhook| webhook.created) else {
        return failed("no webhook is installed").fix(format!("install the webhook; then {restart}"));
    };
    if let Some((pod, installed)) = live.created.zip(webhook.created).filter(|(pod, installed)| pod < installed) {
        let finding = failed(&format!("the pod was created before the webhook, which is from {installed}"));
        return finding.compared(format!("created {pod}"), format!("created after {installed}")).fix(restart);
    }
    let is_labelled_first = is_labelled_first(live);
    if let (Some(false), Some(update)) = (is_labelled_first, &live.labelled) {
        let finding = failed(&format!("{} added the label to the running pod", update.manager));
        let created = live.created.map(|created| format!("pod created {created}, ")).unwrap_or_default();
        let seen = format!("{created}label set {}", update.time);
        return finding.compared(seen, "a label from the pod template").fix(label(case, &restart));
    }
    let pods = "kubectl get pods --all-namespaces --selector azure-workload-identity.io/system=true";
    let other = if is_labelled_first.is_none() { "the label was added to the running pod, or " } else { "" };
    if cluster.webhooks.iter().any(|webhook| webhook.ignores_failures) {
        let cause = format!("{other}the webhook did not answer, and its failurePolicy is Ignore");
        return failed(&cause).fix(format!("check that the webhook runs: {pods}; then {restart}"));
    }
    let cause = format!("{other}the webhook was not registered for this pod when the pod was created");
    failed(&cause)
        .fix(format!("{}; if the new pods are unchanged, too, check the webhook: {pods}", label(case, &restart)))
}

/// Whether the pod had the label when it was created; `None` if it is not known.
fn is_labelled_first(live: &LivePod) -> Option<bool> {
    let (created, update) = (live.created?, live.labelled.as_ref()?);
    if update.time.duration_since(created) <= SAME_REQUEST {
        return Some(true);
    }
    (update.manager != CONTROLLERS).then_some(false)
}

/// Sets the label in the pod template, unless the template in the input has it.
fn label(case: &Case<'_>, restart: &str) -> String {
    let is_in_template = case.template().is_some_and(|template| template.pod.is_labelled());
    if is_in_template || case.owner().is_none() {
        return restart.to_owned();
    }
    format!("check that the label {USE}: \"true\" is at {}; then {restart}", case.metadata_path("labels"))
}

/// The pod was changed before the service account got its present annotations.
fn outdated(case: &Case<'_>, live: &LivePod, findings: &mut Vec<ManifestFinding>) {
    let before = findings.len();
    findings.extend(client_id(case, live));
    findings.extend(expiration(case));
    if findings.len() == before {
        findings.push(ManifestFinding::passed(Injection, case.object(), "the webhook has changed the pod"));
    }
}

/// The webhook leaves the variable out if the service account has no client ID (Azure/azure-workload-identity,
/// `addEnvironmentVariables` in `pkg/webhook/webhook.go`).
fn client_id(case: &Case<'_>, live: &LivePod) -> Option<ManifestFinding> {
    const NAME: &str = "AZURE_CLIENT_ID";
    let account = case.account?;
    account.metadata.annotations.text(CLIENT_ID).filter(|client_id| !client_id.is_empty())?;
    let pod = &case.workload.pod;
    // Another webhook may add containers after this one.
    let lacks = pod.containers.iter().filter(|container| {
        container.variable("AZURE_FEDERATED_TOKEN_FILE").is_some() && container.variable(NAME).is_none()
    });
    let lacks: Vec<&str> = lacks.map(|container| container.name.as_str()).collect();
    if lacks.is_empty() {
        return None;
    }
    let update = account.updated(CLIENT_ID);
    let is_older = |created: Timestamp| update.is_some_and(|update| update.time < created);
    let cause = if live.created.is_some_and(is_older) {
        format!("the webhook did not find the annotation {CLIENT_ID} when the pod was created")
    } else {
        format!("the pod was created before the annotation {CLIENT_ID} of the service account")
    };
    let message = format!("{NAME} is missing in {}: {cause}", listed(&lacks));
    let finding = ManifestFinding::failed(Injection, case.object(), message).fix(restart(case));
    Some(match (live.created, update) {
        (Some(created), Some(update)) => {
            finding.compared(format!("pod created {created}"), format!("after the annotation, set by {}", update.time))
        }
        _ => finding,
    })
}

/// The lifetime of the webhook's token. The annotation of the pod wins over that of the service account.
fn expiration(case: &Case<'_>) -> Option<ManifestFinding> {
    let pod = &case.workload.pod;
    let own = pod.metadata.annotations.text(EXPIRATION);
    let annotated = own.or_else(|| case.account?.metadata.annotations.get(EXPIRATION).and_then(Setting::text))?;
    let expected: i64 = annotated.parse().ok()?;
    let volume = pod.token_volumes.iter().find(|volume| TokenVolume::is_of_webhook(volume))?;
    let seen: i64 = volume.expiration.as_deref()?.parse().ok()?;
    (seen != expected).then(|| {
        let object = format!("{}, volume {}", case.object(), volume.name);
        let message = format!("the annotation {EXPIRATION} was changed after the pod was created");
        let finding = ManifestFinding::warning(Expiration, object, message);
        finding.compared(format!("{seen} s"), format!("{expected} s")).fix(restart(case))
    })
}
