use std::collections::{HashMap, HashSet};

use super::{
    super::{
        container::{Container, Mount},
        finding::{
            ManifestCheck::{Audience, ProjectedToken},
            ManifestFinding,
        },
        pod_template::path_below,
        token_volume::TokenVolume,
    },
    Case,
};
use crate::entra::{Aadsts, IDENTITY_BINDING_AUDIENCE, LIFETIME_MAX};

/// The shortest lifetime that the API server issues (Kubernetes, `pkg/apis/authentication/validation`).
const LIFETIME_MIN: i64 = 600;
/// The lifetime below which a token can expire before an SDK reads the file again: SDKs read it every 10 minutes.
const LIFETIME_SHORT: i64 = 3_600;
/// The longest lifetime of the webhook.
const LIFETIME_LONG: i64 = 86_400;

/// The tokens for Entra that the pod template itself projects.
pub(super) fn check(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) {
    let pod = &case.workload.pod;
    if pod.token_volumes.is_empty() {
        return;
    }
    // The first mount of each volume with subPath.
    let mut mounts: HashMap<&str, (&Container, &Mount)> = HashMap::new();
    let mut files = HashSet::new();
    for container in &pod.containers {
        let file = container.value("AZURE_FEDERATED_TOKEN_FILE");
        for mount in &container.mounts {
            if mount.has_sub_path {
                mounts.entry(&mount.volume).or_insert((container, mount));
            }
            files.extend(file.and_then(|file| path_below(file, &mount.path)).map(|path| (mount.volume.as_str(), path)));
        }
    }
    for volume in &pod.token_volumes {
        // With subPath the file is the mount itself.
        let is_read = ["", volume.path.as_str()].iter().any(|path| files.contains(&(volume.name.as_str(), *path)));
        if is_read || volume.is_of_webhook() || is_for_entra(case, volume) {
            judge(case, volume, mounts.get(volume.name.as_str()).copied(), findings);
        }
    }
}

/// Whether the audience is one of Entra, also if it is misspelled.
fn is_for_entra(case: &Case<'_>, volume: &TokenVolume) -> bool {
    let audience = volume.audience.as_deref().unwrap_or_default();
    let lower = audience.to_ascii_lowercase();
    lower.contains("azuread") || audience == IDENTITY_BINDING_AUDIENCE || case.context.accepts(audience)
}

fn judge(
    case: &Case<'_>,
    volume: &TokenVolume,
    sub_path: Option<(&Container, &Mount)>,
    findings: &mut Vec<ManifestFinding>,
) {
    let pod = &case.workload.pod;
    let object = format!("{}, volume {}", case.object(), volume.name);
    let before = findings.len();
    findings.extend(audience(case, volume, &object));
    findings.extend(lifetime(volume, &object));
    if let Some((container, mount)) = sub_path {
        let message =
            format!("the token is mounted with subPath at {}, and the kubelet never refreshes it there", mount.path);
        let fix = format!("mount the whole volume in the container {}, without subPath", container.name);
        findings.push(ManifestFinding::failed(ProjectedToken, &object, message).fix(fix).aadsts(Aadsts::TIME));
    }
    if findings.len() > before {
        return;
    }
    if pod.is_labelled() && !volume.is_of_webhook() {
        let message = "the pod template projects its own token beside that of the webhook";
        let fix = "remove the volume and use the token of the webhook, or remove the label azure.workload.identity/use";
        findings.push(ManifestFinding::warning(ProjectedToken, &object, message).fix(fix));
    } else {
        let seen = volume.audience.as_deref().unwrap_or_default();
        findings.push(ManifestFinding::passed(ProjectedToken, &object, format!("audience {seen}")));
    }
}

fn audience(case: &Case<'_>, volume: &TokenVolume, object: &str) -> Option<ManifestFinding> {
    let expected = case.context.audience();
    let seen = volume.audience.as_deref();
    let (check, message) = match seen {
        Some(IDENTITY_BINDING_AUDIENCE) if case.workload.pod.uses_identity_binding() => return None,
        Some(IDENTITY_BINDING_AUDIENCE) => {
            (Audience, "Entra does not accept this audience, which is for the proxy of identity bindings")
        }
        Some(seen) if case.context.accepts(seen) => return None,
        Some(seen) if case.context.credentials.is_none() && !is_known(seen) => {
            let message = "the projected token has an audience of its own";
            let fix = format!(
                "check that the federated identity credential has this audience (--credential), or set audience of the serviceAccountToken to {expected}; the webhook has the flag --audience for its own volume"
            );
            return Some(ManifestFinding::warning(ProjectedToken, object, message).compared(seen, expected).fix(fix));
        }
        Some(_) => (ProjectedToken, "the projected token has another audience than the federated identity credential"),
        None => (ProjectedToken, "the projected token has the audience of the API server"),
    };
    let fix = format!("set audience of the serviceAccountToken to {expected}");
    let seen = seen.unwrap_or("(none)");
    Some(ManifestFinding::failed(check, object, message).compared(seen, expected).fix(fix).aadsts(Aadsts::AUDIENCE))
}

/// Whether an audience is that of another relying party: the API server, or Entra in another cloud or spelling.
fn is_known(audience: &str) -> bool {
    audience.contains("kubernetes.default") || audience.to_ascii_lowercase().contains("azuread")
}

fn lifetime(volume: &TokenVolume, object: &str) -> Option<ManifestFinding> {
    let text = volume.expiration.as_deref()?;
    let fix = "set expirationSeconds of the serviceAccountToken to 3600, or to at most 86400";
    let range = "3600 to 86400";
    let seen = |seconds: i64| format!("{seconds}");
    let Ok(seconds) = text.parse::<i64>() else {
        let finding = ManifestFinding::failed(ProjectedToken, object, "expirationSeconds is not a whole number");
        return Some(finding.compared("not a number", range).fix(fix));
    };
    if seconds < LIFETIME_MIN {
        let message = "the API server rejects an expirationSeconds of less than 600";
        return Some(ManifestFinding::failed(ProjectedToken, object, message).compared(seen(seconds), range).fix(fix));
    }
    if seconds > LIFETIME_LONG {
        let message = "expirationSeconds is longer than 24 hours, the longest lifetime of the webhook and of AKS";
        let finding = ManifestFinding::failed(ProjectedToken, object, message).compared(seen(seconds), range).fix(fix);
        let is_refused = u64::try_from(seconds).is_ok_and(|seconds| seconds > LIFETIME_MAX.as_secs());
        return Some(if is_refused { finding.aadsts(Aadsts::LIFETIME) } else { finding });
    }
    (seconds < LIFETIME_SHORT).then(|| {
        let message = "the token can expire before an SDK reads the file again, which takes up to 10 minutes";
        ManifestFinding::warning(ProjectedToken, object, message).compared(seen(seconds), range).fix(fix)
    })
}
