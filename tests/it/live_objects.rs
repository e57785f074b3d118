//! The checks of a cluster, with lists as the API server returns them.

use issuer::{ClusterKind, Manifest, ManifestCheck, ManifestContext, ManifestFinding, ManifestOutcome, ManifestReport};

use crate::support::fixtures;

fn examine(context: &ManifestContext) -> ManifestReport {
    let mut manifest = Manifest::default();
    manifest.add("cluster", &std::fs::read(fixtures().join("manifests/live/cluster.json")).unwrap());
    assert_eq!(manifest.unreadable, []);
    manifest.examine(context)
}

fn line(finding: &ManifestFinding) -> String {
    format!("{}: {}: {}", finding.object, finding.check.id(), finding.message)
}

#[test]
fn each_fault_of_a_cluster_is_reported_once() {
    let report = examine(&ManifestContext::default().live(ClusterKind::ALL));
    let failed = report.findings.iter().filter(|finding| finding.outcome == ManifestOutcome::Failed);
    assert_eq!(
        failed.map(line).collect::<Vec<_>>(),
        [
            "Pod shop/stock-0 and 2 more of StatefulSet stock: injection: the pod has the label, but the webhook has not changed it: the pod was created before the webhook, which is from 2026-02-01T09:00:00Z",
            "Pod shop/web-5c4b8-q7w9e: injection: AZURE_CLIENT_ID is missing in app: the pod was created before the annotation azure.workload.identity/client-id of the service account",
            "Pod shop/prices-7f6d9-a1b2c, container app: variables: AZURE_CLIENT_ID of the pod differs from the annotation of the service account, which was changed after the pod was created, unless the pod template sets the variable",
            "ServiceAccount shop/mail: service_account: it does not exist in the cluster, so the API server rejects new pods that name it",
            "Pod tools/sync-8d7c6-m3n4b: namespace: the webhook ignores the pods of the namespace: its namespaceSelector requires !control-plane, and the namespace tools has control-plane=true",
        ]
    );
    assert_eq!((report.judged, report.not_judged, report.left_out), (10, 1, 1));
    let webhook = report.findings.iter().find(|finding| finding.check == ManifestCheck::Webhook).unwrap();
    assert_eq!(webhook.message, "version v1.3.0");
}

#[test]
fn unread_kinds_leave_only_faults_that_are_certain() {
    let report = examine(&ManifestContext::default().live([ClusterKind::Pod]));
    let skipped =
        |check| report.findings.iter().any(|one| one.check == check && one.outcome == ManifestOutcome::Skipped);
    assert!(skipped(ManifestCheck::ServiceAccount));
    let is_missing = |finding: &&ManifestFinding| {
        finding.check == ManifestCheck::ServiceAccount && finding.outcome == ManifestOutcome::Failed
    };
    assert_eq!(report.findings.iter().find(is_missing), None);
}
