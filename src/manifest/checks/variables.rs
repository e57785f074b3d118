use super::{
    super::{
        container::{Container, OTHER_CREDENTIALS, Variable},
        finding::{
            ManifestCheck::{TenantId, Variables},
            ManifestFinding,
        },
        setting::{CLIENT_ID, TENANT_ID},
    },
    Case,
    guid::{is_guid, shown},
    restart::restart,
    unread, word,
};
use crate::entra::Aadsts;

/// The variables of a container that the webhook does not replace, because they are already set.
pub(super) fn check(case: &Case<'_>, container: &Container, findings: &mut Vec<ManifestFinding>) {
    findings.extend(client_id(case, container));
    findings.extend(tenant_id(case, container));
    findings.extend(empty_or_broken(case, container));
    findings.extend(replaced(case, container));
    findings.extend(other_credentials(case, container));
    findings.extend(not_read(case, container));
}

/// A variable with a value that is in the input.
struct Preset<'a> {
    variable: &'a Variable,
    value: &'a str,
    /// A clause about sources that were not read and may have another value.
    unread: String,
}

impl<'a> Preset<'a> {
    fn of(container: &'a Container, name: &str) -> Option<Self> {
        let variable = container.variable(name)?;
        let value = variable.value.as_deref()?;
        let unread = if variable.source.is_some() { unread(container.unread.iter()) } else { String::new() };
        Some(Self { variable, value, unread })
    }

    fn message(&self, what: &str) -> String {
        format!("{} {what}{}", self.variable.place(), self.unread)
    }
}

/// A variable with its place, as the object of "remove".
fn removed(case: &Case<'_>, Variable { name, source, .. }: &Variable) -> String {
    match (source, case.owner()) {
        (Some(source), _) => format!("{name} from {source}"),
        (None, Some(owner)) => format!("{name} from the pod template of the {owner}"),
        (None, None) => format!("{name} from the pod template"),
    }
}

/// The message about a variable that the webhook copied from an annotation which has another value today; `None` if the
/// variable is one of the pod template, or of a manifest.
fn changed_later(case: &Case<'_>, container: &Container, variable: &Variable, annotation: &str) -> Option<String> {
    let workload = case.workload;
    let live = workload.live.as_deref().filter(|_| case.cluster.is_some() && workload.is_changed())?;
    let update = case.account?.updated(annotation);
    // The webhook would have found this value when the pod was created.
    let is_older = live.created.zip(update).is_some_and(|(created, update)| update.time < created);
    let template = case.template().map(|template| &template.pod.containers);
    let own = template.and_then(|containers| containers.iter().find(|own| own.name == container.name));
    if is_older || variable.source.is_some() || own.is_some_and(|own| own.variable(&variable.name).is_some()) {
        return None;
    }
    let unless = if own.is_some() { "" } else { ", unless the pod template sets the variable" };
    Some(format!(
        "{} of the pod differs from the annotation of the service account, which was changed after the pod was created{unless}",
        variable.name
    ))
}

fn client_id(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let preset = Preset::of(container, "AZURE_CLIENT_ID")?;
    let (seen, removed) = (preset.value, removed(case, preset.variable));
    let object = case.container(&container.name);
    let fix = if case.workload.is_running() {
        format!(
            "create the pod again, so that the webhook sets AZURE_CLIENT_ID from the annotation; if it stays, remove {removed}"
        )
    } else {
        format!("remove {removed}, so that the webhook sets it from the annotation")
    };
    let failed = |what: &str| ManifestFinding::failed(Variables, &object, preset.message(what));
    let annotated = case.account.and_then(|account| account.metadata.annotations.text(CLIENT_ID));
    if let Some(annotated) = annotated.filter(|annotated| !annotated.eq_ignore_ascii_case(seen)) {
        if let Some(message) = changed_later(case, container, preset.variable, CLIENT_ID) {
            let fix = format!("{}; if it stays, remove {removed}", restart(case));
            let finding = ManifestFinding::failed(Variables, object, message);
            return Some(finding.compared(shown(seen), shown(annotated)).fix(fix));
        }
        let what = "differs from the annotation of the service account, and wins";
        return Some(failed(what).compared(shown(seen), shown(annotated)).fix(fix));
    }
    if !is_guid(seen) {
        return Some(failed("is not a GUID").compared(shown(seen), "a GUID").fix(fix));
    }
    case.context.is_object_id(seen).then(|| {
        failed("is the object ID of the identity; Entra expects its client ID")
            .compared(seen, "the client ID")
            .fix("set AZURE_CLIENT_ID to the client ID: az identity show --ids ID --query clientId")
            .aadsts(Aadsts::APPLICATION_NOT_FOUND)
    })
}

fn tenant_id(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let preset = Preset::of(container, "AZURE_TENANT_ID")?;
    let seen = preset.value;
    let annotated = case.account.and_then(|account| account.metadata.annotations.text(TENANT_ID));
    let expected = annotated.or(case.context.tenant.as_deref()).filter(|other| !other.eq_ignore_ascii_case(seen))?;
    let object = case.container(&container.name);
    let removed = removed(case, preset.variable);
    let later = annotated.and_then(|_| changed_later(case, container, preset.variable, TENANT_ID));
    if let Some(message) = later {
        let fix = format!("{}; if it stays, remove {removed}", restart(case));
        let finding = ManifestFinding::warning(TenantId, object, message);
        return Some(finding.compared(shown(seen), shown(expected)).fix(fix));
    }
    let message = preset.message(if annotated.is_some() {
        "differs from the annotation of the service account, and wins"
    } else {
        "names another tenant"
    });
    let fix = format!("remove {removed}, so that the webhook sets it");
    Some(ManifestFinding::warning(TenantId, object, message).compared(shown(seen), shown(expected)).fix(fix))
}

/// A variable that is empty, or a URL of another form.
fn empty_or_broken(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let names = ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"];
    let is_url =
        |text: &str| ["https://", "http://127.0.0.1", "http://localhost"].iter().any(|start| text.starts_with(start));
    let (preset, message) = names.into_iter().find_map(|name| {
        let preset = Preset::of(container, name)?;
        let place = preset.variable.place();
        let message = match preset.value {
            "" if preset.variable.source.is_none() => format!("{name} is empty in the pod template, and wins"),
            "" => format!("{place} is empty, and wins"),
            text if name == "AZURE_AUTHORITY_HOST" && !is_url(text) => format!("{place} is not an https URL, and wins"),
            _ => return None,
        };
        Some((preset, message))
    })?;
    let fix = format!("remove {}, so that the webhook sets it", removed(case, preset.variable));
    Some(ManifestFinding::failed(Variables, case.container(&container.name), message + &preset.unread).fix(fix))
}

/// A client ID of `envFrom` that the webhook replaces: it looks at `env` only, and `env` wins (Azure/azure-workload-identity,
/// `addEnvironmentVariables` in `pkg/webhook/webhook.go`).
fn replaced(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let variable = container.replaced.iter().rev().find(|variable| variable.name == "AZURE_CLIENT_ID")?;
    let annotated = case.account.and_then(|account| account.metadata.annotations.text(CLIENT_ID))?;
    let seen = variable.value.as_deref().filter(|seen| !seen.eq_ignore_ascii_case(annotated))?;
    let message = format!("{} has no effect: the webhook sets it from the annotation, which differs", variable.place());
    let fix = format!("remove {}, or correct the annotation of the service account", removed(case, variable));
    let finding = ManifestFinding::warning(Variables, case.container(&container.name), message);
    Some(finding.compared(shown(seen), shown(annotated)).fix(fix))
}

/// Another credential of the same application in a pod that the webhook changes.
fn other_credentials(case: &Case<'_>, container: &Container) -> Vec<ManifestFinding> {
    if !case.workload.pod.is_labelled() {
        return Vec::new();
    }
    let set = |name: &&str| {
        // The SDKs ignore an empty variable.
        container.variable(name).filter(|variable| variable.value.as_deref() != Some(""))
    };
    let finding = |variable: &Variable| {
        let message = format!("{} is set, and DefaultAzureCredential uses it before the token", variable.place());
        let fix = format!("remove {}, or select WorkloadIdentityCredential in the program", removed(case, variable));
        ManifestFinding::warning(Variables, case.container(&container.name), message).fix(fix)
    };
    OTHER_CREDENTIALS.iter().filter_map(set).map(finding).collect()
}

/// The ConfigMaps and Secrets of the variables that are not in the input.
fn not_read(case: &Case<'_>, container: &Container) -> Option<ManifestFinding> {
    let first = container.unread.first()?;
    let (kind, name) = first.split_once(' ')?;
    let name = word(name.rsplit('/').next()?, "NAME");
    let message = unread(container.unread.iter()).trim_start_matches("; ").to_owned();
    let (kind, namespace) = (kind.to_ascii_lowercase(), word(case.namespace, "NAMESPACE"));
    let command = format!("kubectl get {kind} {name} --namespace {namespace} -o yaml");
    let fix = match case.cluster {
        Some(_) => format!("look for variables with the prefix AZURE_: {command}"),
        None => format!("pass it, too: {command} | issuer doctor --manifest - --manifest FILE"),
    };
    Some(ManifestFinding::skipped(Variables, case.container(&container.name), message).fix(fix))
}
