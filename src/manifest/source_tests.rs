//! Variables from ConfigMaps and Secrets, and client IDs of other resources.

use super::{ManifestCheck, ManifestContext, ManifestOutcome, test_setup::*};
use ManifestOutcome::{Failed, Passed, Skipped};

/// ConfigMaps and Secrets in the namespace `shop`.
fn sources() -> String {
    let object = |kind: &str, name: &str, data: &str| {
        format!("\n---\nkind: {kind}\nmetadata: {{ name: {name}, namespace: shop }}\ndata: {{ {data} }}")
    };
    [
        object("ConfigMap", "other", &format!("AZURE_CLIENT_ID: {OTHER}")),
        object(
            "ConfigMap",
            "same",
            &format!("AZURE_CLIENT_ID: {CLIENT}, AZURE_TENANT_ID: {TENANT}, AZURE_FEDERATED_TOKEN_FILE: /tokens/token"),
        ),
        object("ConfigMap", "short", &format!("CLIENT_ID: {OTHER}, clientId: {OTHER}")),
        object("ConfigMap", "word", "AZURE_CLIENT_ID: orders"),
        object("Secret", "secret", "AZURE_CLIENT_SECRET: cGxhbnRlZA==, AZURE_CLIENT_ID: cGxhbnRlZA=="),
        object("Secret", "prefixed", "CLIENT_SECRET: cGxhbnRlZA=="),
    ]
    .concat()
}

fn from(entries: &str) -> String {
    format!("env: []\n          envFrom: [{entries}]")
}

fn config_map(name: &str) -> String {
    format!("{{ configMapRef: {{ name: {name} }} }}")
}

/// The findings for the setup with these entries of the container, as `check outcome` of those that need attention.
fn found(container: &str, edits: &[(&str, &str)]) -> Vec<String> {
    let edits = [edits, &[("env", container)]].concat();
    let report = examine(&(edited(&edits) + &sources()), &context());
    assert!(!format!("{report:?}").contains("planted") && !format!("{report:?}").contains("cGxhbnRlZA"));
    remarkable(&report).iter().map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

/// The name of a case, the container, other edits, and the findings that need attention.
type Case<'a> = (&'a str, String, &'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn variables_of_config_maps_and_secrets_are_judged() {
    let no_client_id = [("client ID", "x: y")];
    let own = [
        ("label", "x: y"),
        ("mounts", "volumeMounts: [{ name: token, mountPath: /tokens }]"),
        (
            "volumes",
            "volumes: [{ name: token, projected: { sources: [{ serviceAccountToken: { path: token, audience: api://AzureADTokenExchange } }] } }]",
        ),
    ];
    let key = |name: &str, key: &str, more: &str| {
        format!(
            "env: [{{ name: AZURE_CLIENT_ID, valueFrom: {{ configMapKeyRef: {{ name: {name}, key: {key} {more} }} }} }}]"
        )
    };
    let (same, other) = (config_map("same"), config_map("other"));
    let none: &[&str] = &[];
    let cases: Vec<Case> = vec![
        // The webhook sets the variable in `env`, which wins over `envFrom`.
        ("the webhook replaces the client ID", from(&other), &[], &["variables warning"]),
        ("the same client ID", from(&same), &[], none),
        ("no annotation, so the client ID counts", from(&same), &no_client_id, &["client_id warning"]),
        ("no annotation, and no GUID", from(&config_map("word")), &no_client_id, &["variables failed", "client_id warning"]),
        ("a skipped container", from(&other), &[("pod annotations", "annotations: { azure.workload.identity/skip-containers: app }")], &["skip_containers warning", "variables failed"]),
        ("own token", from(&same), &own, none),
        ("own token of another client", from(&format!("{same}, {other}")), &own, &["variables failed"]),
        ("a later entry wins", from(&format!("{other}, {same}")), &own, none),
        ("env wins", format!("env: [{{ name: AZURE_CLIENT_ID, value: {CLIENT} }}]\n          envFrom: [{same}, {other}]"), &own, none),
        (
            "env wins in a pod with the label",
            format!("env: [{{ name: AZURE_CLIENT_ID, value: {CLIENT} }}]\n          envFrom: [{other}]"),
            &[],
            none,
        ),
        ("prefix", from("{ prefix: AZURE_, configMapRef: { name: short } }"), &[], &["variables warning"]),
        ("another prefix", from("{ prefix: X_, configMapRef: { name: other } }"), &[], none),
        ("key of a ConfigMap", key("short", "clientId", ""), &[], &["variables failed"]),
        ("same key of a ConfigMap", key("same", "AZURE_CLIENT_ID", ""), &[], none),
        ("missing optional key", key("same", "x", ", optional: true"), &no_client_id, &["client_id failed"]),
        ("missing key", key("same", "x", ""), &no_client_id, &["client_id warning"]),
        ("client secret", "env: [{ name: AZURE_CLIENT_SECRET, value: planted }]".into(), &[], &["variables warning"]),
        ("empty client secret", "env: [{ name: AZURE_CLIENT_SECRET, value: '' }]".into(), &[], none),
        ("certificate", "env: [{ name: AZURE_CLIENT_CERTIFICATE_PATH, value: /c.pem }]".into(), &[], &["variables warning"]),
        ("client secret of a Secret", from("{ secretRef: { name: secret } }"), &[], &["variables warning"]),
        ("client secret with a prefix", from("{ prefix: AZURE_, secretRef: { name: prefixed } }"), &[], &["variables warning"]),
        ("client secret by key", "env: [{ name: AZURE_CLIENT_SECRET, valueFrom: { secretKeyRef: { name: secret, key: AZURE_CLIENT_SECRET } } }]".into(), &[], &["variables warning"]),
    ];
    for (name, container, edits, expected) in cases {
        assert_eq!(found(&container, edits), expected, "{name}");
    }
}

#[test]
fn finding_names_the_source_of_a_variable() {
    let report = examine(&(edited(&[("env", &from(&config_map("other")))]) + &sources()), &context());
    let finding = report.findings.iter().find(|finding| finding.check == ManifestCheck::Variables).unwrap();
    assert!(
        finding.message.starts_with("AZURE_CLIENT_ID of ConfigMap shop/other has no effect"),
        "{}",
        finding.message
    );
    assert_eq!((finding.seen.as_deref(), finding.expected.as_deref()), (Some(OTHER), Some(CLIENT)));
    let secret = from("{ secretRef: { name: secret } }");
    let report = examine(&(edited(&[("env", &secret)]) + &sources()), &context());
    let finding = report.findings.iter().find(|finding| finding.check == ManifestCheck::Variables).unwrap();
    assert_eq!(
        finding.message,
        "AZURE_CLIENT_SECRET of Secret shop/secret is set, and DefaultAzureCredential uses it before the token"
    );
    assert!(finding.fix.as_ref().unwrap().starts_with("remove AZURE_CLIENT_SECRET from Secret shop/secret"));
}

#[test]
fn client_id_of_a_config_map_brings_a_pod_into_scope() {
    let pod = |entries: &str| {
        format!(
            "kind: Pod\nmetadata: {{ name: web, namespace: shop }}\nspec: {{ containers: [{{ name: app, envFrom: [{entries}] }}] }}{}",
            sources()
        )
    };
    let [same, secret] = [config_map("same"), "{ secretRef: { name: secret } }".to_owned()];
    let unread = "{ secretRef: { name: unread } }";
    let cases = [
        (config_map("other"), true),
        (format!("{}, {secret}", config_map("other")), false),
        // The Secret may have the client secret, as for a service principal.
        (format!("{}, {unread}", config_map("other")), false),
        (format!("{same}, {unread}"), true),
        (secret, false),
        (unread.to_owned(), false),
    ];
    for (entries, is_judged) in cases {
        assert_eq!(examine(&pod(&entries), &context()).judged, usize::from(is_judged), "{entries}");
    }
}

#[test]
fn source_that_was_not_read_is_named() {
    let clause = "ConfigMap shop/a, Secret shop/b were not read, and may set variables";
    let entries =
        "{ configMapRef: { name: a, optional: true } }, { secretRef: { name: b } }, { configMapRef: { name: a } }";
    let report = examine(&edited(&[("env", &from(entries)), ("label", "x: y"), ("client ID", "x: y")]), &context());
    let of = |check| report.findings.iter().find(|finding| finding.check == check).unwrap();
    let (label, client_id) = (of(ManifestCheck::Label), of(ManifestCheck::ClientId));
    assert!(label.message.ends_with(clause) && client_id.message.ends_with(clause), "{}", label.message);
    let variables = of(ManifestCheck::Variables);
    assert_eq!((variables.outcome, variables.message.as_str()), (Skipped, clause));
    let fix = variables.fix.as_ref().unwrap();
    assert!(fix.contains("kubectl get configmap a --namespace shop -o yaml | issuer doctor"), "{fix}");
    // A value of `env` does not depend on them; one of `envFrom` does.
    let env = format!("env: [{{ name: AZURE_CLIENT_ID, value: {OTHER} }}]\n          envFrom: [{entries}]");
    let later = from(&format!("{}, {}", config_map("word"), config_map("a")));
    for (container, is_named) in [(env, false), (later, true)] {
        let annotation =
            if is_named { "x: y" } else { "azure.workload.identity/client-id: 11111111-aaaa-4bbb-8ccc-000000000001" };
        let report = examine(&(edited(&[("env", &container), ("client ID", annotation)]) + &sources()), &context());
        let failed = report.findings.iter().find(|finding| finding.check == ManifestCheck::Variables).unwrap();
        assert_eq!((failed.outcome, failed.message.contains("not read")), (Failed, is_named), "{}", failed.message);
    }
}

#[test]
fn values_of_config_maps_and_secrets_are_not_debugged() {
    let mut manifest = super::Manifest::default();
    manifest.add("x", b"kind: Secret\nmetadata: { name: a }\nstringData: { KEY: planted }\n---\nkind: ConfigMap\nmetadata: { name: b }\ndata: { PASSWORD: planted }");
    let text = format!("{manifest:?}");
    assert!(text.contains("KEY") && text.contains("PASSWORD") && !text.contains("planted"), "{text}");
}

/// The setup as cert-manager, without the annotation.
fn cert_manager(more: &str) -> String {
    let image = "quay.io/jetstack/cert-manager-controller:v1.16.1@sha256:0";
    edited(&[("client ID", "x: y")]).replace("registry.example.com/orders:1", image) + more
}

fn issuer(kind: &str, client_id: &str) -> String {
    format!(
        "\n---\napiVersion: cert-manager.io/v1\nkind: {kind}\nmetadata: {{ name: le, namespace: shop }}\nspec: {{ acme: {{ solvers: [{{ http01: {{}} }}, {{ dns01: {{ azureDNS: {{ managedIdentity: {{ clientID: {client_id} }} }} }} }}] }} }}"
    )
}

#[test]
fn client_id_of_cert_manager_is_that_of_its_issuers() {
    let account = ["client_id failed ServiceAccount shop/orders"];
    let cases: Vec<(String, &[&str])> = vec![
        (cert_manager(""), &account),
        (cert_manager(&issuer("ClusterIssuer", CLIENT)), &[]),
        (cert_manager(&issuer("Issuer", CLIENT)), &[]),
        (cert_manager(&issuer("Issuer", "orders")), &["client_id failed Issuer shop/le"]),
        (cert_manager(&issuer("ClusterIssuer", OBJECT)), &["client_id failed ClusterIssuer le"]),
        (cert_manager(&issuer("ClusterIssuer", "''")), &account),
        (cert_manager(&issuer("ClusterIssuer", CLIENT)).replace("cert-manager.io/v1", "example.com/v1"), &account),
        // Another program does not read the Issuer.
        (cert_manager(&issuer("ClusterIssuer", CLIENT)).replace("cert-manager-controller", "other"), &account),
        (edited(&[]) + &issuer("ClusterIssuer", "orders"), &[]),
    ];
    for (yaml, expected) in cases {
        assert_eq!(remarkable(&examine(&yaml, &context())), expected, "{yaml}");
    }
    let of = |yaml: &str| {
        let report = examine(yaml, &context());
        report.findings.into_iter().find(|finding| finding.check == ManifestCheck::ClientId).unwrap()
    };
    let passed = of(&cert_manager(&issuer("ClusterIssuer", CLIENT)));
    assert_eq!(
        (passed.outcome, passed.message.as_str()),
        (Passed, "not annotated; ClusterIssuer le names the client ID for cert-manager")
    );
    let fix = of(&cert_manager("")).fix.unwrap();
    assert!(fix.contains("kubectl annotate") && fix.contains("managedIdentity.clientID"), "{fix}");
}

#[test]
fn external_secrets_needs_no_label_for_a_referenced_account() {
    let store = |kind: &str, reference: &str| {
        format!(
            "\n---\napiVersion: external-secrets.io/v1\nkind: {kind}\nmetadata: {{ name: vault, namespace: shop }}\nspec: {{ provider: {{ azurekv: {{ authType: WorkloadIdentity, {reference} }} }} }}"
        )
    };
    let image = "ghcr.io/external-secrets/external-secrets:v0.10.4";
    let yaml =
        |image: &str, more: &str| edited(&[("label", "x: y")]).replace("registry.example.com/orders:1", image) + more;
    let reference = "serviceAccountRef: { name: orders, namespace: shop }";
    let cases = [
        (yaml(image, ""), Failed),
        (yaml(image, &store("ClusterSecretStore", reference)), Skipped),
        (yaml(image, &store("SecretStore", "serviceAccountRef: { name: orders }")), Skipped),
        (yaml(image, &store("ClusterSecretStore", "serviceAccountRef: { name: orders }")), Failed),
        (yaml(image, &store("SecretStore", "serviceAccountRef: { name: other }")), Failed),
        (yaml(image, &store("SecretStore", "")), Failed),
        (yaml(image, &store("SecretStore", reference).replace("WorkloadIdentity", "ManagedIdentity")), Failed),
        (yaml("registry.example.com/orders:1", &store("SecretStore", reference)), Failed),
    ];
    for (yaml, expected) in cases {
        let report = examine(&yaml, &ManifestContext::default());
        let label = report.findings.iter().find(|finding| finding.check == ManifestCheck::Label).unwrap();
        assert_eq!(label.outcome, expected, "{yaml}: {}", label.message);
    }
}
