//! A sound setup that the tests change.

use super::{Manifest, ManifestCheck, ManifestContext, ManifestFinding, ManifestOutcome, ManifestReport};
use crate::entra::FederatedCredential;
use ManifestOutcome::{Failed, Warning};

pub(super) const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
pub(super) const OBJECT: &str = "22222222-aaaa-4bbb-8ccc-000000000002";
pub(super) const TENANT: &str = "33333333-aaaa-4bbb-8ccc-000000000003";
pub(super) const OTHER: &str = "44444444-aaaa-4bbb-8ccc-000000000004";
pub(super) const SUBJECT: &str = "system:serviceaccount:shop:orders";
pub(super) const ISSUER: &str = "https://issuer.example.com";

/// A sound setup, with places that the cases change.
pub(super) const SOUND: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
  namespace: shop # namespace
  labels: {} # own labels
  annotations: {} # own annotations
spec:
  template:
    metadata:
      labels:
        azure.workload.identity/use: "true" # label
      annotations: {} # pod annotations
    spec:
      serviceAccountName: orders # account
      hostNetwork: false # network
      containers:
        - name: app
          image: registry.example.com/orders:1
          args: [] # args
          env: [] # env
          volumeMounts: [] # mounts
        - name: sidecar
          image: registry.example.com/sidecar:1
      volumes: [] # volumes
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: orders
  namespace: shop
  labels: {} # account labels
  annotations:
    azure.workload.identity/client-id: 11111111-aaaa-4bbb-8ccc-000000000001 # client ID
    azure.workload.identity/tenant-id: 33333333-aaaa-4bbb-8ccc-000000000003 # tenant ID
    azure.workload.identity/service-account-token-expiration: "3600" # expiration
"#;

/// A projected token with this audience and lifetime, in the volume `token`.
pub(super) fn volume(audience: &str, expiration: &str) -> String {
    format!(
        "volumes: [{{ name: token, projected: {{ sources: [{{ serviceAccountToken: {{ path: token, {audience} {expiration} }} }}] }} }}]"
    )
}

/// The sound setup with the line that ends in each mark replaced; an empty text removes the line.
pub(super) fn edited(edits: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = SOUND.lines().map(str::to_owned).collect();
    for (mark, text) in edits {
        let end = format!("# {mark}");
        let at = lines.iter().position(|line| line.ends_with(&end)).unwrap_or_else(|| panic!("no line for {mark}"));
        let indent = " ".repeat(lines[at].len() - lines[at].trim_start().len());
        lines[at] = if text.is_empty() { String::new() } else { format!("{indent}{text}") };
    }
    lines.join("\n")
}

pub(super) fn context() -> ManifestContext {
    ManifestContext::default()
        .issuer(ISSUER)
        .object_id(OBJECT)
        .tenant(TENANT)
        .credentials([FederatedCredential::new(ISSUER, SUBJECT)])
}

pub(super) fn examine(yaml: &str, context: &ManifestContext) -> ManifestReport {
    let mut manifest = Manifest::default();
    manifest.add("rendered.yaml", yaml.as_bytes());
    assert_eq!(manifest.unreadable, [], "{yaml}");
    manifest.examine(context)
}

/// The findings that need attention, as `check outcome object`.
pub(super) fn remarkable(report: &ManifestReport) -> Vec<String> {
    let is_remarkable = |finding: &&ManifestFinding| finding.outcome >= Warning && finding.check != ManifestCheck::Sdk;
    let line = |finding: &ManifestFinding| {
        assert!(finding.fix.is_some(), "{finding:?}");
        let outcome = if finding.outcome == Failed { "failed" } else { "warning" };
        format!("{} {outcome} {}", finding.check.id(), finding.object)
    };
    report.findings.iter().filter(is_remarkable).map(line).collect()
}
