//! The webhook of a cluster.

use super::{
    super::{
        cluster::{Cluster, METADATA_NAME},
        cluster_kind::{ClusterKind, NotRead},
        context::ManifestContext,
        finding::{
            ManifestCheck::{self, CaBundle, FailurePolicy, Injection, Namespace, Webhook as Installed},
            ManifestFinding,
        },
        webhook::Webhook,
    },
    host::AKS_ISSUERS,
    word,
};

/// The object of findings about the whole cluster.
const CLUSTER: &str = "cluster";
/// Azure/azure-workload-identity, "Installation", "Mutating Admission Webhook".
const HELM: &str = "helm install workload-identity-webhook workload-identity-webhook --repo https://azure.github.io/azure-workload-identity/charts --namespace azure-workload-identity-system --create-namespace --set azureTenantID=TENANT-ID";
/// Microsoft Learn, "Deploy and configure an AKS cluster with Microsoft Entra Workload ID".
const AZ: &str = "az aks update --resource-group GROUP --name CLUSTER --enable-oidc-issuer --enable-workload-identity";

/// Checks the webhook, and names what was not read. `is_needed` says whether a workload uses workload identity.
pub(in super::super) fn check(
    cluster: &Cluster<'_>,
    is_needed: bool,
    context: &ManifestContext,
    findings: &mut Vec<ManifestFinding>,
) {
    let kind = ClusterKind::MutatingWebhookConfiguration;
    if cluster.not_read.has(kind) {
        findings.push(skipped(cluster, Installed, CLUSTER, kind, "the webhook is not checked"));
    } else if cluster.webhooks.is_empty() {
        findings.push(missing(is_needed, context));
    }
    for webhook in cluster.webhooks {
        let object = webhook.to_string();
        let version =
            cluster.version(webhook).map_or("version unknown".to_owned(), |version| format!("version {version}"));
        findings.push(ManifestFinding::passed(Installed, &object, version));
        findings.push(failure_policy(webhook, &object));
        findings.extend(ca_bundle(webhook, &object));
        // The name of a namespace is known from its objects.
        let needs_labels = webhook.namespace_selector.requirements.iter().any(|one| one.key != METADATA_NAME);
        if needs_labels && cluster.not_read.has(ClusterKind::Namespace) {
            let consequence = "the namespaceSelector is not compared with their labels";
            findings.push(skipped(cluster, Namespace, &object, ClusterKind::Namespace, consequence));
        }
    }
    if cluster.not_read.has(ClusterKind::Pod) {
        findings.push(skipped(cluster, Injection, CLUSTER, ClusterKind::Pod, "running pods are not checked"));
    }
}

fn skipped(
    cluster: &Cluster<'_>,
    check: ManifestCheck,
    object: &str,
    kind: ClusterKind,
    consequence: &str,
) -> ManifestFinding {
    let message = format!("{}, so {consequence}", cluster.not_read.clause(kind));
    ManifestFinding::skipped(check, object, message).fix(NotRead::fix(kind))
}

fn missing(is_needed: bool, context: &ManifestContext) -> ManifestFinding {
    if !is_needed {
        let message = "the webhook is not installed, and no workload needs it";
        return ManifestFinding::skipped(Installed, CLUSTER, message);
    }
    let fix = match &context.issuer {
        Some(issuer) if issuer.contains(AKS_ISSUERS) => format!("install it, and create the pods again: {AZ}"),
        Some(_) => format!("install it, and create the pods again: {HELM}"),
        None => format!("install it, and create the pods again: {HELM}; on AKS: {AZ}"),
    };
    let message = "the webhook is not installed, so no pod gets variables and a token";
    ManifestFinding::failed(Installed, CLUSTER, message).fix(fix)
}

/// Version 1.0 of the webhook changed the policy to `Fail` (Azure/azure-workload-identity, release notes of v1.0.0).
fn failure_policy(webhook: &Webhook, object: &str) -> ManifestFinding {
    if !webhook.ignores_failures {
        return ManifestFinding::passed(FailurePolicy, object, "Fail");
    }
    let message = "pods are created without variables and token while the webhook does not answer";
    let fix = "upgrade the webhook to version 1.0 or later, which registers failurePolicy Fail";
    ManifestFinding::warning(FailurePolicy, object, message).compared("Ignore", "Fail").fix(fix)
}

fn ca_bundle(webhook: &Webhook, object: &str) -> Option<ManifestFinding> {
    let namespace = webhook.service_namespace.as_deref()?;
    if webhook.has_ca_bundle {
        return Some(ManifestFinding::passed(CaBundle, object, "caBundle is set"));
    }
    let consequence =
        if webhook.ignores_failures { "creates labelled pods unchanged" } else { "rejects labelled pods" };
    let message =
        format!("caBundle is empty: the API server cannot verify the certificate of the webhook, and {consequence}");
    let namespace = word(namespace, "NAMESPACE");
    let fix = format!(
        "read the log of the webhook, which sets caBundle when it starts: kubectl logs --namespace {namespace} --selector azure-workload-identity.io/system=true"
    );
    Some(ManifestFinding::failed(CaBundle, object, message).fix(fix))
}
