//! Arbitrary bytes as Kubernetes manifests, with arbitrary options of the checks.
//!
//! - Each workload is judged or counted, each custom resource without a pod template is named, and each failed check and warning has a fix.
//! - The checks do not depend on the time or on an earlier run.
//! - An input that is added twice has twice the objects.
#![no_main]

use issuer::{ClusterKind, FederatedCredential, Manifest, ManifestContext, ManifestFinding, ManifestOutcome};
use libfuzzer_sys::fuzz_target;

const CLIENT: &str = "5f0c7f3a-1c7e-4f39-9b0e-3a8f6f5b1a06";

fuzz_target!(|input: (u8, &[u8])| {
    let (options, bytes) = input;
    let mut manifest = Manifest::default();
    manifest.add("input", bytes);
    let context = context(options);
    let report = manifest.examine(&context);
    assert_eq!(report.judged + report.not_judged + report.left_out, manifest.workloads.len());
    assert_eq!(report.without_pod_template, manifest.custom_resources.len());
    // Pods of a cluster share findings.
    let judged = if is_live(options) { 0 } else { report.judged };
    assert!(report.findings.len() >= manifest.unreadable.len() + judged + report.without_pod_template);
    for finding in &report.findings {
        let needs_fix = matches!(finding.outcome, ManifestOutcome::Failed | ManifestOutcome::Warning);
        assert!(!needs_fix || finding.fix.is_some(), "{finding:?}");
        assert!(!finding.message.is_empty() && !finding.object.is_empty(), "{finding:?}");
    }
    assert_eq!(manifest.examine(&context), report);
    let is_failed = |finding: &ManifestFinding| finding.outcome == ManifestOutcome::Failed;
    assert_eq!(report.is_failed(), report.findings.iter().any(is_failed));
    let (workloads, accounts) = (manifest.workloads.len(), manifest.service_accounts.len());
    manifest.add("input", bytes);
    assert_eq!((manifest.workloads.len(), manifest.service_accounts.len()), (2 * workloads, 2 * accounts));
});

/// Whether the input is the state of a cluster.
fn is_live(options: u8) -> bool {
    options & 1 << 6 != 0
}

/// A context with one option for each bit.
fn context(options: u8) -> ManifestContext {
    let has = |bit: u8| options & 1 << bit != 0;
    let mut context = ManifestContext::default();
    if has(0) {
        let subject = "system:serviceaccount:shop:orders";
        context = context.credentials([FederatedCredential::new("https://issuer.example.com", subject)]);
    }
    if has(1) {
        context = context.issuer("https://issuer.example.com");
    }
    if has(2) {
        context = context.container("app");
    }
    if has(3) {
        context = context.object_id(CLIENT);
    }
    if has(4) {
        context = context.tenant(CLIENT);
    }
    if has(5) {
        context = context.namespace("shop");
    }
    if is_live(options) {
        context = context.live(ClusterKind::ALL);
    }
    if has(7) {
        context = context.not_read(ClusterKind::Namespace, "403 Forbidden");
    }
    context
}
