//! Reading manifests, and the workloads that are judged.

use super::{Manifest, ManifestCheck, ManifestContext, ManifestOutcome, test_setup::*};
use ManifestOutcome::Passed;

#[test]
fn every_kind_with_a_pod_template_is_read() {
    let template = |indent: &str| {
        let lines = [
            "template:",
            "  metadata: { labels: { azure.workload.identity/use: \"true\" } }",
            "  spec: { containers: [{ name: app }] }",
        ];
        lines.map(|line| format!("{indent}{line}")).join("\n")
    };
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Rollout"];
    let mut objects: Vec<_> =
        kinds.iter().map(|kind| (*kind, format!("spec:\n{}", template("  ")), "spec.template.")).collect();
    objects.push((
        "CronJob",
        format!("spec:\n  jobTemplate:\n    spec:\n{}", template("      ")),
        "spec.jobTemplate.spec.template.",
    ));
    objects.push(("PodTemplate", template(""), "template."));
    for (kind, body, path) in objects {
        let yaml = format!("kind: {kind}\nmetadata: {{ name: x }}\n{body}");
        let report = examine(&yaml, &ManifestContext::default());
        let label = &report.findings[0];
        assert_eq!((label.check, label.outcome, report.judged), (ManifestCheck::Label, Passed, 1), "{yaml}");
        let report = examine(&yaml.replace("\"true\"", "\"no\""), &ManifestContext::default());
        assert!(report.findings[0].fix.as_ref().unwrap().contains(&format!("set {path}metadata.labels")), "{yaml}");
    }
    let others = [
        "kind: Service\nmetadata: { name: x }\nspec: { ports: [] }",
        "kind: Namespace",
        "a: [1]",
        "[1, 2]",
        "text",
        "",
    ];
    for yaml in others {
        let mut manifest = Manifest::default();
        manifest.add("x", yaml.as_bytes());
        assert_eq!(manifest, Manifest::default(), "{yaml}");
    }
}

#[test]
fn lists_and_streams_are_read() {
    let pod = r#"{ "kind": "Pod", "metadata": { "name": "web" }, "spec": { "containers": [] } }"#;
    let without_kind = r#"{ "metadata": { "name": "web" }, "spec": { "containers": [] } }"#;
    let account = r#"{ "kind": "ServiceAccount", "metadata": { "name": "a" } }"#;
    let cases = [
        (pod.to_owned(), (1, 0, 0)),
        (format!("{pod}\n{account}\n{pod}"), (2, 1, 0)),
        (format!(r#"{{ "kind": "List", "items": [{pod}, {account}] }}"#), (1, 1, 0)),
        (
            format!(r#"{{ "kind": "List", "items": [{{ "kind": "List", "items": [{pod}] }}, {without_kind}] }}"#),
            (2, 0, 0),
        ),
        (format!(r#"{{ "kind": "PodList", "items": [{without_kind}] }}"#), (1, 0, 0)),
        (r#"{ "kind": "ServiceAccountList", "items": [{ "metadata": { "name": "a" } }] }"#.to_owned(), (0, 1, 0)),
        (format!("{pod}\n---\n{account}\n"), (1, 1, 0)),
        (format!("\u{feff}---\n# Source: a.yaml\n{pod}\n---\n---\nkind: [\n---\n{account}\n"), (1, 1, 1)),
        (
            "kind: Pod\nkind: Pod\nmetadata: { name: twice }\nspec: { containers: [] }\n---\n{{ .Values.x }}\n"
                .to_owned(),
            (1, 0, 1),
        ),
    ];
    for (text, expected) in cases {
        let mut manifest = Manifest::default();
        manifest.add("x", text.as_bytes());
        let found = (manifest.workloads.len(), manifest.service_accounts.len(), manifest.unreadable.len());
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn only_workloads_with_workload_identity_are_judged() {
    let pod = |spec: &str| format!("kind: Pod\nmetadata: {{ name: web, namespace: shop }}\nspec: {spec}");
    let env = |text: &str| pod(&format!("{{ containers: [{{ name: app, env: [{text}] }}] }}"));
    let cases = [
        (pod("{ containers: [{ name: app }] }"), false),
        (pod("{ containers: [{ name: app }], hostNetwork: true }"), false),
        (pod("{ containers: [{ name: app }], serviceAccountName: orders }"), true),
        (pod("{ containers: [{ name: app, args: [\"$(AZURE_CLIENT_ID)\"] }] }"), true),
        (pod("{ containers: [], initContainers: [{ name: app, env: [{ name: AZURE_CLIENT_ID }] }] }"), true),
        (env("{ name: AZURE_CLIENT_ID, value: x }"), true),
        (env("{ name: AZURE_AUTHORITY_HOST, value: x }"), true),
        (env("{ name: AZURE_STORAGE_ACCOUNT, value: x }"), false),
        (env("{ name: TOKEN, value: /run/secrets/azure/wi/token/azure-identity-token }"), true),
        (env("{ name: AZURE_CLIENT_ID, value: x }, { name: AZURE_CLIENT_SECRET, value: x }"), false),
        (env("{ name: AZURE_FEDERATED_TOKEN_FILE, value: x }, { name: AZURE_CLIENT_SECRET, value: x }"), true),
        ("kind: Pod\nmetadata: { name: web, labels: { azure.workload.identity/use: 'true' } }\nspec: { containers: [] }".to_owned(), true),
    ];
    for (yaml, is_judged) in cases {
        let report = examine(&yaml, &context());
        assert_eq!((report.judged, report.not_judged), if is_judged { (1, 0) } else { (0, 1) }, "{yaml}");
        assert!(is_judged || report.findings.is_empty(), "{yaml}");
    }
}

#[test]
fn values_that_may_be_secrets_are_not_kept() {
    let secret = "Xy38Q~AbCdEfGhIjKlMnOpQrStUvWxYz01234567";
    let edits = [
        ("client ID", format!("azure.workload.identity/client-id: {secret}")),
        ("tenant ID", format!("azure.workload.identity/tenant-id: {secret}")),
        ("expiration", format!("azure.workload.identity/service-account-token-expiration: {secret}")),
        ("label", format!("azure.workload.identity/use: {secret}")),
        ("env", format!("env: [{{ name: PASSWORD, value: {secret} }}, {{ name: AZURE_CLIENT_ID, value: {secret}x }}]")),
        ("volumes", volume("audience: api://AzureADTokenExchange,", &format!("expirationSeconds: {secret}"))),
        ("pod annotations", format!("annotations: {{ azure.workload.identity/skip-containers: {secret} }}")),
    ];
    let edits: Vec<_> = edits.iter().map(|(mark, text)| (*mark, text.as_str())).collect();
    let yaml = format!("{}\n---\nkind: Secret\nstringData: {{ a: {secret} }}\n", edited(&edits));
    let report = examine(&yaml, &ManifestContext::default());
    assert!(report.findings.len() > 6);
    let text = format!("{report:?}");
    assert!(!text.contains("Xy38Q"), "{text}");
}
