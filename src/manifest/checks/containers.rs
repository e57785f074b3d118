use std::collections::HashSet;

use super::{
    super::{
        container::Container,
        finding::{
            ManifestCheck::{Sdk, SkipContainers, TenantId, TokenPath, Variables},
            ManifestFinding,
        },
        pod_template::is_below,
        setting::{CLIENT_ID, EXPIRATION, SKIP_CONTAINERS, Setting, TENANT_ID},
    },
    Case,
    account::expiration,
    counted,
    guid::{is_guid, shown},
};
use crate::entra::Aadsts;

/// The number of images that a finding lists.
const IMAGES_MAX: usize = 3;

pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) {
    let pod = &case.workload.pod;
    let path = case.workload.labels_path.trim_end_matches("labels");
    let fix = format!("set {path}annotations of the {}: {EXPIRATION}: \"3600\"", case.workload.kind);
    findings.extend(expiration(&pod.metadata.annotations, &case.object(), &fix));
    findings.extend(skipped(case));
    let named = case.context.container.as_deref();
    let is_relevant = |container: &&Container| named.is_none_or(|name| container.name == name);
    for container in pod.containers.iter().filter(is_relevant) {
        findings.extend(client_id(case, container));
        findings.extend(tenant_id(case, container));
        findings.extend(empty_or_broken(case, container));
        findings.extend(token_path(case, container));
    }
    findings.extend(sdk(case));
}

/// The containers that the webhook leaves unchanged.
fn skipped(case: &Case<'_>) -> Option<ManifestFinding> {
    let pod = &case.workload.pod;
    let names = match pod.metadata.annotations.get(SKIP_CONTAINERS)? {
        Setting::Other(value, kind) => {
            let message = format!("the value of the annotation {SKIP_CONTAINERS} is a {kind}, not a string");
            let finding = ManifestFinding::failed(SkipContainers, case.object(), message);
            let fix = format!("write {SKIP_CONTAINERS}: \"NAME;NAME\"");
            return Some(finding.compared(format!("{value} ({kind})"), "names, separated by semicolons").fix(fix));
        }
        Setting::Text(text) => text,
    };
    let names: HashSet<&str> = names.split(';').map(str::trim).filter(|name| !name.is_empty()).collect();
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

/// A client ID in the pod template: the webhook does not replace a variable that is already set.
fn client_id(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let seen = container.value("AZURE_CLIENT_ID")?;
    let object = case.container(&container.name);
    let fix = if case.workload.is_running {
        "create the pod again, so that the webhook sets AZURE_CLIENT_ID from the annotation; if it stays, remove it from the pod template"
    } else {
        "remove AZURE_CLIENT_ID from the pod template, so that the webhook sets it from the annotation"
    };
    let failed = |message: &str| ManifestFinding::failed(Variables, &object, message);
    let annotated = case.account.and_then(|account| account.metadata.annotations.text(CLIENT_ID));
    if let Some(annotated) = annotated.filter(|annotated| !annotated.eq_ignore_ascii_case(seen)) {
        let message =
            "AZURE_CLIENT_ID in the pod template differs from the annotation of the service account, and wins";
        return Some(failed(message).compared(shown(seen), shown(annotated)).fix(fix));
    }
    if !is_guid(seen) {
        return Some(
            failed("AZURE_CLIENT_ID in the pod template is not a GUID").compared(shown(seen), "a GUID").fix(fix),
        );
    }
    case.context.is_object_id(seen).then(|| {
        failed("AZURE_CLIENT_ID in the pod template is the object ID of the identity; Entra expects its client ID")
            .compared(seen, "the client ID")
            .fix("set AZURE_CLIENT_ID to the client ID: az identity show --ids ID --query clientId")
            .aadsts(Aadsts::APPLICATION_NOT_FOUND)
    })
}

/// A tenant ID in the pod template, likewise.
fn tenant_id(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let seen = container.value("AZURE_TENANT_ID")?;
    let annotated = case.account.and_then(|account| account.metadata.annotations.text(TENANT_ID));
    let expected = annotated.or(case.context.tenant.as_deref()).filter(|other| !other.eq_ignore_ascii_case(seen))?;
    let object = case.container(&container.name);
    let message = if annotated.is_some() {
        "AZURE_TENANT_ID in the pod template differs from the annotation of the service account, and wins"
    } else {
        "AZURE_TENANT_ID in the pod template names another tenant"
    };
    let fix = "remove AZURE_TENANT_ID from the pod template, so that the webhook sets it";
    Some(ManifestFinding::warning(TenantId, object, message).compared(shown(seen), shown(expected)).fix(fix))
}

/// A variable that is empty, or a URL of another form: the webhook does not replace it.
fn empty_or_broken(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let names = ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];
    let is_url =
        |text: &str| ["https://", "http://127.0.0.1", "http://localhost"].iter().any(|start| text.starts_with(start));
    let (name, message) = names.into_iter().find_map(|name| match container.value(name)? {
        "" => Some((name, "is empty in the pod template, and wins")),
        text if name == "AZURE_AUTHORITY_HOST" && !is_url(text) => {
            Some((name, "in the pod template is not an https URL, and wins"))
        }
        _ => None,
    })?;
    let fix = format!("remove {name} from the pod template, so that the webhook sets it");
    Some(ManifestFinding::failed(Variables, case.container(&container.name), format!("{name} {message}")).fix(fix))
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
    let images: Vec<&str> = containers.filter_map(|container| container.image.as_deref()).collect();
    let (first, more) = (images.first()?, images.len().saturating_sub(IMAGES_MAX));
    let shown = if images.len() == 1 { (*first).to_owned() } else { images[..images.len().min(IMAGES_MAX)].join(", ") };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("the manifest does not show the version of the Azure SDK in {shown}{more}");
    // Microsoft Learn, "Use Microsoft Entra Workload ID with Azure Kubernetes Service", "Dependencies".
    let fix = "check that the SDK supports workload identity: azure-identity 1.13 (Python), 1.9 (Java, .NET), 3.2 (JavaScript), azidentity 1.3 (Go) or later";
    Some(ManifestFinding::warning(Sdk, case.object(), message).fix(fix))
}
