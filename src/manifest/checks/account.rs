use super::{
    super::{
        cluster::Cluster,
        cluster_kind::{ClusterKind, NotRead},
        context::ManifestContext,
        finding::{
            ManifestCheck::{ClientId, Expiration, Label, ServiceAccount, TenantId},
            ManifestFinding,
        },
        input::{AccountKey, Input},
        setting::{CLIENT_ID, EXPIRATION, Setting, Settings, TENANT_ID, USE},
    },
    OwnClientId, Usage, cert_manager,
    guid::{is_guid, shown},
    word,
};
use crate::entra::Aadsts;

/// The range of the webhook's annotation (Azure/azure-workload-identity, `pkg/webhook/consts.go`).
const EXPIRATIONS: std::ops::RangeInclusive<i64> = 3_600..=86_400;

/// Checks a service account. `usage` is that of the workloads in scope; `None` if none uses it.
pub(in super::super) fn account(
    (namespace, name): AccountKey<'_>,
    usage: Option<&Usage>,
    input: &Input<'_>,
    context: &ManifestContext,
    findings: &mut Vec<ManifestFinding>,
) {
    let object = format!("ServiceAccount {namespace}/{name}");
    let Some(account) = input.account((namespace, name)) else {
        if let Some(cluster) = &input.cluster {
            findings.push(missing((namespace, name), object, cluster));
            return;
        }
        let assumed = match usage {
            Some(usage) if usage.is_namespace_missing && context.namespace.is_none() => {
                "; the manifest names no namespace, so default is assumed (--namespace NAME)"
            }
            _ => "",
        };
        let message = format!("it is not in the input, but may exist in the cluster{assumed}");
        let (name, namespace) = (word(name, "NAME"), word(namespace, "NAMESPACE"));
        let command = format!("kubectl get serviceaccount {name} --namespace {namespace} -o yaml");
        let fix = format!("pass it, too: {command} | issuer doctor --manifest - --manifest FILE");
        findings.push(ManifestFinding::skipped(ServiceAccount, object, message).fix(fix));
        return;
    };
    let annotate = |annotation: &str, value: &str| {
        let (name, namespace) = (word(name, "NAME"), word(namespace, "NAMESPACE"));
        format!("kubectl annotate serviceaccount {name} --namespace {namespace} --overwrite {annotation}={value}")
    };
    let annotations = &account.metadata.annotations;
    let annotate_client_id = annotate(CLIENT_ID, "CLIENT-ID");
    findings.push(match usage {
        Some(usage) if usage.needs_issuer() && annotations.get(CLIENT_ID).is_none() => {
            cert_manager::client_id(input, &object, &annotate_client_id)
        }
        _ => client_id(annotations, usage, context, &object, &annotate_client_id),
    });
    findings.extend(tenant_id(annotations, context, &object, &annotate(TENANT_ID, "TENANT-ID")));
    findings.extend(expiration(annotations, &object, &annotate(EXPIRATION, "3600")));
    if account.metadata.labels.get(USE).is_some() {
        let message = format!("the label {USE} has no effect on a ServiceAccount: the webhook reads it on pods");
        findings.push(
            ManifestFinding::warning(Label, object, message)
                .fix("remove the label from the ServiceAccount, and set it on the pods"),
        );
    }
}

/// A service account that is not in the cluster. The API server rejects new pods (Kubernetes, "Configure Service Accounts for
/// Pods").
fn missing((namespace, name): AccountKey<'_>, object: String, cluster: &Cluster<'_>) -> ManifestFinding {
    let kind = ClusterKind::ServiceAccount;
    if cluster.not_read.has(kind) {
        let message = format!("{}, so its annotations are not checked", cluster.not_read.clause(kind));
        return ManifestFinding::skipped(ServiceAccount, object, message).fix(NotRead::fix(kind));
    }
    let message = "it does not exist in the cluster, so the API server rejects new pods that name it";
    let (name, namespace) = (word(name, "NAME"), word(namespace, "NAMESPACE"));
    let fix = format!(
        "create it and set its client ID: kubectl create serviceaccount {name} --namespace {namespace}; kubectl annotate serviceaccount {name} --namespace {namespace} {CLIENT_ID}=CLIENT-ID"
    );
    ManifestFinding::failed(ServiceAccount, object, message).fix(fix)
}

fn client_id(
    annotations: &Settings,
    usage: Option<&Usage>,
    context: &ManifestContext,
    object: &str,
    annotate: &str,
) -> ManifestFinding {
    let fix = format!(
        "annotate the service account, and create the pods again, because the webhook changes only new pods: {annotate}"
    );
    let failed = |message: &str| ManifestFinding::failed(ClientId, object, message);
    match annotations.get(CLIENT_ID) {
        None if usage.is_some_and(|usage| usage.client_id == OwnClientId::All) => {
            ManifestFinding::passed(ClientId, object, "not annotated; the pod templates set AZURE_CLIENT_ID")
        }
        None if usage.is_some_and(|usage| usage.client_id == OwnClientId::Some) => {
            let message = format!(
                "the annotation {CLIENT_ID} is missing, so only the containers that set AZURE_CLIENT_ID have a client ID"
            );
            ManifestFinding::warning(ClientId, object, message).fix(fix)
        }
        None => {
            let unread = usage.map_or("", |usage| &usage.unread);
            let message =
                format!("the annotation {CLIENT_ID} is missing, so the webhook does not set AZURE_CLIENT_ID{unread}");
            failed(&message).fix(fix)
        }
        Some(Setting::Other(value, kind)) => {
            let message = format!("the value of the annotation {CLIENT_ID} is a {kind}, not a string");
            failed(&message).compared(format!("{value} ({kind})"), "a GUID in quotes").fix(fix)
        }
        Some(Setting::Text(text)) if !is_guid(text) => {
            let message = format!("the annotation {CLIENT_ID} is not a GUID");
            failed(&message).compared(shown(text), "a GUID").fix(fix)
        }
        Some(Setting::Text(text)) if context.is_object_id(text) => {
            let message =
                format!("the annotation {CLIENT_ID} is the object ID of the identity; Entra expects its client ID");
            failed(&message).compared(text, "the client ID").fix(fix).aadsts(Aadsts::APPLICATION_NOT_FOUND)
        }
        Some(Setting::Text(text)) => ManifestFinding::passed(ClientId, object, text.clone()),
    }
}

fn tenant_id(
    annotations: &Settings,
    context: &ManifestContext,
    object: &str,
    annotate: &str,
) -> Option<ManifestFinding> {
    let (seen, expected) = (annotations.get(TENANT_ID)?, context.tenant.as_deref());
    let warning = |message: String| Some(ManifestFinding::warning(TenantId, object, message).fix(annotate));
    match seen {
        Setting::Other(value, kind) => {
            let message = format!("the value of the annotation {TENANT_ID} is a {kind}, not a string");
            let finding = ManifestFinding::failed(TenantId, object, message);
            Some(finding.compared(format!("{value} ({kind})"), "a GUID in quotes").fix(annotate))
        }
        Setting::Text(text) => {
            let expected = expected.filter(|expected| !expected.eq_ignore_ascii_case(text))?;
            let finding = warning(format!("the annotation {TENANT_ID} names another tenant"))?;
            Some(finding.compared(shown(text), expected))
        }
    }
}

/// The annotation for the lifetime of the token, on a service account or a pod template. The webhook rejects pods with
/// another value ("token expiration %d not valid").
pub(super) fn expiration(annotations: &Settings, object: &str, fix: &str) -> Option<ManifestFinding> {
    let failed = |seen: String, message: String| {
        Some(
            ManifestFinding::failed(Expiration, object, message)
                .compared(seen, "\"3600\" to \"86400\" (seconds)")
                .fix(fix),
        )
    };
    match annotations.get(EXPIRATION)? {
        Setting::Other(value, kind) => {
            let message = format!("the value of the annotation {EXPIRATION} is a {kind}, not a string");
            failed(format!("{value} ({kind})"), message)
        }
        Setting::Text(text) => match text.parse::<i64>() {
            Ok(seconds) if EXPIRATIONS.contains(&seconds) => {
                Some(ManifestFinding::passed(Expiration, object, format!("{seconds} s")))
            }
            Ok(seconds) => failed(seconds.to_string(), "the webhook rejects pods with this token lifetime".to_owned()),
            Err(_) => failed("not a number".to_owned(), format!("the annotation {EXPIRATION} is not a number")),
        },
    }
}
