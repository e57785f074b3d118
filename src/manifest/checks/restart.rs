use super::{Case, word};

/// How new pods take the place of a running one, as an instruction with its command.
pub(super) fn restart(case: &Case<'_>) -> String {
    let namespace = word(case.namespace, "NAMESPACE");
    let Some(owner) = case.owner() else {
        let name = word(&case.workload.name, "NAME");
        return format!(
            "delete the pod, and create it again from its manifest: kubectl delete pod {name} --namespace {namespace}"
        );
    };
    let name = word(&owner.name, "NAME");
    match owner.kind.as_str() {
        kind @ ("Deployment" | "StatefulSet" | "DaemonSet") => {
            let kind = kind.to_ascii_lowercase();
            format!("create the pods again: kubectl rollout restart {kind}/{name} --namespace {namespace}")
        }
        "Rollout" => format!("create the pods again: kubectl argo rollouts restart {name} --namespace {namespace}"),
        "CronJob" => format!(
            "wait for the next run, or start one: kubectl create job --from=cronjob/{name} JOB-NAME --namespace {namespace}"
        ),
        "Job" => format!(
            "delete the Job, and create it again from its manifest: kubectl delete job {name} --namespace {namespace}"
        ),
        _ => {
            format!("delete the pods, which the {owner} creates again: kubectl delete pod POD --namespace {namespace}")
        }
    }
}
