use std::collections::HashSet;

use super::{
    super::{
        container::{Container, IssuerCommand},
        finding::{
            ManifestCheck::{Sdk, SkipContainers, TokenPath},
            ManifestFinding,
        },
        pod_template::is_below,
        setting::{EXPIRATION, SKIP_CONTAINERS, Setting},
    },
    Case,
    account::expiration,
    counted, listed, variables,
};

pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) {
    let pod = &case.workload.pod;
    let fix = format!("set {}: {EXPIRATION}: \"3600\"", case.metadata_path("annotations"));
    findings.extend(expiration(&pod.metadata.annotations, &case.object(), &fix));
    findings.extend(skipped(case));
    let named = case.context.container.as_deref();
    let is_relevant = |container: &&Container| named.is_none_or(|name| container.name == name);
    for container in pod.containers.iter().filter(is_relevant) {
        variables::check(case, container, findings);
        findings.extend(token_path(case, container));
    }
    findings.extend(sdk(case));
}

/// The containers that the webhook leaves unchanged.
fn skipped(case: &Case<'_>) -> Option<ManifestFinding> {
    let pod = &case.workload.pod;
    if let Setting::Other(value, kind) = pod.metadata.annotations.get(SKIP_CONTAINERS)? {
        let message = format!("the value of the annotation {SKIP_CONTAINERS} is a {kind}, not a string");
        let finding = ManifestFinding::failed(SkipContainers, case.object(), message);
        let fix = format!("write {SKIP_CONTAINERS}: \"NAME;NAME\"");
        return Some(finding.compared(format!("{value} ({kind})"), "names, separated by semicolons").fix(fix));
    }
    let names = pod.skipped();
    let containers = || pod.containers.iter().filter(|container| !container.is_init);
    let (skipped, others): (Vec<_>, Vec<_>) =
        containers().partition(|container| names.contains(container.name.as_str()));
    let remove = |name: &str| format!("remove {name} from the annotation {SKIP_CONTAINERS} of the pod template");
    let named = case.context.container.as_deref();
    if let Some(name) = named.filter(|name| names.contains(name)) {
        let message = format!("the container is in {SKIP_CONTAINERS}, so it gets no variables and no token");
        return Some(ManifestFinding::failed(SkipContainers, case.container(name), message).fix(remove(name)));
    }
    if others.is_empty() && !skipped.is_empty() {
        let message = format!("every container is in {SKIP_CONTAINERS}, so none gets variables and a token");
        return Some(
            ManifestFinding::failed(SkipContainers, case.object(), message)
                .fix(remove("the container that needs a token")),
        );
    }
    let known: HashSet<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
    if names.iter().any(|name| !known.contains(name)) {
        let message = format!("the annotation {SKIP_CONTAINERS} names a container that the pod does not have");
        return Some(
            ManifestFinding::warning(SkipContainers, case.object(), message).fix("separate the names by semicolons"),
        );
    }
    let skipped: Vec<&str> = pod.containers.iter().map(|container| container.name.as_str()).collect();
    let skipped: Vec<&str> = skipped.into_iter().filter(|name| names.contains(name) && named != Some(*name)).collect();
    let first = skipped.first()?;
    let message = format!("the webhook skips {} of the pod", counted(skipped.len(), "container"));
    let fix = format!("{} if it needs a token", remove(first));
    Some(ManifestFinding::warning(SkipContainers, case.container(first), message).fix(fix))
}

/// A fixed path of the webhook's token, which version 1.6 of the webhook moved.
fn token_path(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let mounts_own = |path: &str| container.mounts.iter().any(|mount| is_below(path, &mount.path));
    // The pod mounts its own token there, or the webhook has set the variable: a pod as the API server returns it.
    let is_own = container.value(FILE).is_some_and(mounts_own);
    let place = container.token_paths.iter().find(|place| !(is_own && *place == FILE))?;
    let message = format!("{place} contains the path of the token, which version 1.6 of the webhook moved");
    let fix = "use the variable AZURE_FEDERATED_TOKEN_FILE, which the webhook sets, in place of the path";
    Some(ManifestFinding::warning(TokenPath, case.container(&container.name), message).fix(fix))
}

/// The version of an SDK is not in a manifest. One finding for each workload.
fn sdk(case: &Case<'_>) -> Option<ManifestFinding> {
    let named = case.context.container.as_deref();
    let containers = case.workload.pod.containers.iter().filter(|container| match named {
        Some(name) => container.name == name,
        None => !container.is_init,
    });
    let containers = containers.filter(|container| !gets_token_of_issuer(case, container));
    let images: Vec<&str> = containers.filter_map(|container| container.image.as_deref()).collect();
    if images.is_empty() {
        return None;
    }
    let message = format!("the manifest does not show the version of the Azure SDK in {}", listed(&images));
    // Microsoft Learn, "Use Microsoft Entra Workload ID with Azure Kubernetes Service", "Dependencies".
    let fix = "check that the SDK supports workload identity: azure-identity 1.13 (Python), 1.9 (Java, .NET), 3.2 (JavaScript), azidentity 1.3 (Go) or later";
    Some(ManifestFinding::warning(Sdk, case.object(), message).fix(fix))
}

/// Whether `issuer` requests the tokens of a container, so that it needs no SDK: its own `issuer exec` or `issuer exchange`,
/// or an `issuer exchange` of the pod whose volume it mounts. A container that names the variables of the webhook may
/// request tokens, too.
fn gets_token_of_issuer(case: &Case<'_>, container: &Container) -> bool {
    let reads_file_of = |other: &Container| {
        other.issuer == Some(IssuerCommand::Exchange)
            && other.volumes().any(|volume| container.volumes().any(|own| own == volume))
    };
    container.issuer.is_some()
        || (!container.mentions_workload_identity() && case.workload.pod.containers.iter().any(reads_file_of))
}
