use super::{Finding, FindingOutcome, Manifest, ManifestCheck, ManifestContext, ManifestReport};
use crate::entra::FederatedCredential;
use FindingOutcome::{Failed, Passed, Warning};

const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
const OBJECT: &str = "22222222-aaaa-4bbb-8ccc-000000000002";
const TENANT: &str = "33333333-aaaa-4bbb-8ccc-000000000003";
const OTHER: &str = "44444444-aaaa-4bbb-8ccc-000000000004";
const SUBJECT: &str = "system:serviceaccount:shop:orders";
const ISSUER: &str = "https://issuer.example.com";

/// A sound setup, with places that the cases change.
const SOUND: &str = r#"apiVersion: apps/v1
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
fn volume(audience: &str, expiration: &str) -> String {
    format!(
        "volumes: [{{ name: token, projected: {{ sources: [{{ serviceAccountToken: {{ path: token, {audience} {expiration} }} }}] }} }}]"
    )
}

/// The sound setup with the line that ends in each mark replaced; an empty text removes the line.
fn edited(edits: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = SOUND.lines().map(str::to_owned).collect();
    for (mark, text) in edits {
        let end = format!("# {mark}");
        let at = lines.iter().position(|line| line.ends_with(&end)).unwrap_or_else(|| panic!("no line for {mark}"));
        let indent = " ".repeat(lines[at].len() - lines[at].trim_start().len());
        lines[at] = if text.is_empty() { String::new() } else { format!("{indent}{text}") };
    }
    lines.join("\n")
}

fn context() -> ManifestContext {
    ManifestContext::default()
        .issuer(ISSUER)
        .object_id(OBJECT)
        .tenant(TENANT)
        .credentials([FederatedCredential::new(ISSUER, SUBJECT)])
}

fn examine(yaml: &str, context: &ManifestContext) -> ManifestReport {
    let mut manifest = Manifest::default();
    manifest.add("rendered.yaml", yaml.as_bytes());
    assert_eq!(manifest.unreadable, [], "{yaml}");
    manifest.examine(context)
}

/// The findings that need attention, as `check outcome object`.
fn remarkable(report: &ManifestReport) -> Vec<String> {
    let is_remarkable = |finding: &&Finding| finding.outcome >= Warning && finding.check != ManifestCheck::Sdk;
    let line = |finding: &Finding| {
        assert!(finding.fix.is_some(), "{finding:?}");
        let outcome = if finding.outcome == Failed { "failed" } else { "warning" };
        format!("{} {outcome} {}", finding.check.id(), finding.object)
    };
    report.findings.iter().filter(is_remarkable).map(line).collect()
}

#[test]
fn sound_setup_has_one_warning_about_the_sdk() {
    let report = examine(SOUND, &context());
    assert_eq!(remarkable(&report), [""; 0]);
    assert_eq!((report.judged, report.not_judged), (1, 0));
    let of = |outcome| report.findings.iter().filter(move |finding| finding.outcome == outcome);
    assert_eq!(of(Warning).map(|finding| finding.check).collect::<Vec<_>>(), [ManifestCheck::Sdk]);
    let passed: Vec<_> = of(Passed).map(|finding| finding.check.id()).collect();
    assert_eq!(passed, ["label", "client_id", "expiration", "credential"]);
}

#[test]
fn each_rule_has_its_finding() {
    let entra = "audience: api://AzureADTokenExchange,";
    let mount = ("mounts", "volumeMounts: [{ name: token, mountPath: /tokens }]");
    let sub_path = ("mounts", "volumeMounts: [{ name: token, mountPath: /tokens/token, subPath: token }]");
    let file = "{ name: AZURE_FEDERATED_TOKEN_FILE, value: /tokens/token }";
    let complete = format!(
        "env: [{file}, {{ name: AZURE_CLIENT_ID, value: {CLIENT} }}, {{ name: AZURE_TENANT_ID, value: {TENANT} }}]"
    );
    let env = |name: &str, value: &str| format!("env: [{{ name: {name}, value: '{value}' }}]");
    let [client_env, same_client, object_env, empty_env] =
        [OTHER, &CLIENT.to_uppercase(), OBJECT, ""].map(|value| env("AZURE_CLIENT_ID", value));
    let [old_path, new_path] = ["tokens/azure-identity-token", "wi/token/azure-identity-token"]
        .map(|file| env("AZURE_FEDERATED_TOKEN_FILE", &format!("/var/run/secrets/azure/{file}")));
    let other_path = env("TOKEN", "/run/secrets/azure/tokens/azure-identity-token");
    let use_label = r#"azure.workload.identity/use: "true""#;
    let own_label = format!("labels: {{ {use_label} }}");
    let annotation = |name: &str, value: &str| format!("azure.workload.identity/{name}: {value}");
    let pod = |name: &str, value: &str| format!("annotations: {{ {} }}", annotation(name, value));
    let sound = volume(entra, "expirationSeconds: 3600");
    let cases: Vec<(&str, Vec<(&str, String)>, &[&str])> = vec![
        ("no label", vec![("label", "x: y".into())], &["label failed Deployment shop/orders"]),
        (
            "label on the Deployment",
            vec![("label", "x: y".into()), ("own labels", own_label.clone())],
            &["label failed Deployment shop/orders"],
        ),
        ("label on both", vec![("own labels", own_label.clone())], &[]),
        (
            "label as an annotation",
            vec![("label", "x: y".into()), ("pod annotations", format!("annotations: {{ {use_label} }}"))],
            &["label failed Deployment shop/orders"],
        ),
        (
            "label on the account only",
            vec![("label", "x: y".into()), ("account labels", own_label.clone())],
            &["label failed Deployment shop/orders", "label warning ServiceAccount shop/orders"],
        ),
        (
            "label on the account, too",
            vec![("account labels", own_label.clone())],
            &["label warning ServiceAccount shop/orders"],
        ),
        ("boolean label", vec![("label", annotation("use", "true"))], &["label failed Deployment shop/orders"]),
        ("YAML 1.1 boolean", vec![("label", annotation("use", "yes"))], &["label failed Deployment shop/orders"]),
        ("label True", vec![("label", annotation("use", "'True'"))], &["label failed Deployment shop/orders"]),
        ("label false", vec![("label", annotation("use", "\"false\""))], &["label failed Deployment shop/orders"]),
        ("no client ID", vec![("client ID", String::new())], &["client_id failed ServiceAccount shop/orders"]),
        ("no client ID, but in each pod", vec![("client ID", String::new()), ("env", same_client.clone())], &[]),
        (
            "client ID is a name",
            vec![("client ID", annotation("client-id", "orders"))],
            &["client_id failed ServiceAccount shop/orders"],
        ),
        (
            "client ID is a number",
            vec![("client ID", annotation("client-id", "12"))],
            &["client_id failed ServiceAccount shop/orders"],
        ),
        (
            "client ID is the object ID",
            vec![("client ID", annotation("client-id", OBJECT))],
            &["client_id failed ServiceAccount shop/orders"],
        ),
        ("client ID in upper case", vec![("client ID", annotation("client-id", &CLIENT.to_uppercase()))], &[]),
        (
            "another tenant",
            vec![("tenant ID", annotation("tenant-id", OTHER))],
            &["tenant_id warning ServiceAccount shop/orders"],
        ),
        (
            "tenant in the pod",
            vec![("env", env("AZURE_TENANT_ID", OTHER))],
            &["tenant_id warning Deployment shop/orders, container app"],
        ),
        ("same tenant in the pod", vec![("env", env("AZURE_TENANT_ID", TENANT))], &[]),
        (
            "expiration too short",
            vec![("expiration", annotation("service-account-token-expiration", "\"3599\""))],
            &["expiration failed ServiceAccount shop/orders"],
        ),
        (
            "expiration too long",
            vec![("expiration", annotation("service-account-token-expiration", "\"86401\""))],
            &["expiration failed ServiceAccount shop/orders"],
        ),
        ("longest expiration", vec![("expiration", annotation("service-account-token-expiration", "\"86400\""))], &[]),
        (
            "expiration is no number",
            vec![("expiration", annotation("service-account-token-expiration", "1h"))],
            &["expiration failed ServiceAccount shop/orders"],
        ),
        (
            "expiration is no string",
            vec![("expiration", annotation("service-account-token-expiration", "3600"))],
            &["expiration failed ServiceAccount shop/orders"],
        ),
        (
            "expiration on the pod",
            vec![("pod annotations", pod("service-account-token-expiration", "\"60\""))],
            &["expiration failed Deployment shop/orders"],
        ),
        (
            "every container skipped",
            vec![("pod annotations", pod("skip-containers", "app;sidecar"))],
            &["skip_containers failed Deployment shop/orders"],
        ),
        (
            "a container skipped",
            vec![("pod annotations", pod("skip-containers", "sidecar"))],
            &["skip_containers warning Deployment shop/orders, container sidecar"],
        ),
        (
            "containers by comma",
            vec![("pod annotations", pod("skip-containers", "'app,sidecar'"))],
            &["skip_containers warning Deployment shop/orders"],
        ),
        ("no container skipped", vec![("pod annotations", pod("skip-containers", "''"))], &[]),
        (
            "another client ID in the pod",
            vec![("env", client_env)],
            &["variables failed Deployment shop/orders, container app"],
        ),
        ("same client ID in the pod", vec![("env", same_client)], &[]),
        (
            "empty client ID in the pod",
            vec![("env", empty_env)],
            &["variables failed Deployment shop/orders, container app"],
        ),
        (
            "object ID in the pod",
            vec![("client ID", String::new()), ("env", object_env)],
            &["variables failed Deployment shop/orders, container app"],
        ),
        (
            "client ID from a Secret",
            vec![("env", "env: [{ name: AZURE_CLIENT_ID, valueFrom: { secretKeyRef: { name: a, key: b } } }]".into())],
            &[],
        ),
        (
            "own volume without the webhook",
            vec![
                ("label", "x: y".into()),
                ("volumes", sound.clone()),
                (mount.0, mount.1.into()),
                ("env", complete.clone()),
            ],
            &[],
        ),
        (
            "own volume without the webhook and without variables",
            vec![("label", "x: y".into()), ("volumes", sound.clone()), (mount.0, mount.1.into())],
            &["label failed Deployment shop/orders"],
        ),
        (
            "own volume beside the webhook's",
            vec![("volumes", sound.clone())],
            &["projected_token warning Deployment shop/orders, volume token"],
        ),
        (
            "volume for another service",
            vec![("volumes", volume("audience: vault,", "expirationSeconds: 600")), (sub_path.0, sub_path.1.into())],
            &[],
        ),
        (
            "misspelled audience",
            vec![("volumes", volume("audience: api://azureadtokenexchange,", ""))],
            &["projected_token failed Deployment shop/orders, volume token"],
        ),
        (
            "audience of another service in the token file",
            vec![("volumes", volume("audience: vault,", "")), (mount.0, mount.1.into()), ("env", complete.clone())],
            // The audience is also that of the token in the pod.
            &[
                "projected_token failed Deployment shop/orders, volume token",
                "credential failed ServiceAccount shop/orders",
            ],
        ),
        (
            "no audience in the token file",
            vec![("volumes", volume("", "")), (mount.0, mount.1.into()), ("env", complete.clone())],
            &["projected_token failed Deployment shop/orders, volume token"],
        ),
        (
            "audience of identity bindings",
            vec![("volumes", volume("audience: api://AKSIdentityBinding,", ""))],
            &["audience failed Deployment shop/orders, volume token"],
        ),
        (
            "identity binding with its proxy",
            vec![
                ("volumes", volume("audience: api://AKSIdentityBinding,", "")),
                ("pod annotations", pod("use-identity-binding", "\"true\"")),
            ],
            &["projected_token warning Deployment shop/orders, volume token"],
        ),
        (
            "subPath",
            vec![("volumes", sound.clone()), (sub_path.0, sub_path.1.into())],
            &["projected_token failed Deployment shop/orders, volume token"],
        ),
        (
            "token below 600 s",
            vec![("volumes", volume(entra, "expirationSeconds: 599"))],
            &["projected_token failed Deployment shop/orders, volume token"],
        ),
        (
            "token of 600 s",
            vec![("volumes", volume(entra, "expirationSeconds: 600"))],
            &["projected_token warning Deployment shop/orders, volume token"],
        ),
        (
            "token above 24 h",
            vec![("volumes", volume(entra, "expirationSeconds: 86401"))],
            &["projected_token failed Deployment shop/orders, volume token"],
        ),
        ("old token path", vec![("env", old_path)], &["token_path warning Deployment shop/orders, container app"]),
        ("new token path", vec![("env", new_path)], &["token_path warning Deployment shop/orders, container app"]),
        (
            "token path in another variable",
            vec![("env", other_path)],
            &["token_path warning Deployment shop/orders, container app"],
        ),
        (
            "token path in an argument",
            vec![("args", "args: [--token=/var/run/secrets/azure/tokens/azure-identity-token]".into())],
            &["token_path warning Deployment shop/orders, container app"],
        ),
        ("variable in an argument", vec![("args", "args: [--token=$(AZURE_FEDERATED_TOKEN_FILE)]".into())], &[]),
        (
            "host network",
            vec![("network", "hostNetwork: true".into())],
            &["host_network warning Deployment shop/orders"],
        ),
        (
            "host network and proxy",
            vec![("network", "hostNetwork: true".into()), ("pod annotations", pod("inject-proxy-sidecar", "\"true\""))],
            &["host_network failed Deployment shop/orders"],
        ),
        ("proxy", vec![("pod annotations", pod("inject-proxy-sidecar", "\"true\""))], &[]),
        (
            "another namespace",
            vec![("namespace", "namespace: store".into())],
            &["credential failed ServiceAccount store/orders"],
        ),
        (
            "another account",
            vec![("account", "serviceAccountName: default".into())],
            &["credential failed ServiceAccount shop/default"],
        ),
        ("older name of the account", vec![("account", "serviceAccount: orders".into())], &[]),
    ];
    for (name, edits, expected) in cases {
        let edits: Vec<_> = edits.iter().map(|(mark, text)| (*mark, text.as_str())).collect();
        assert_eq!(remarkable(&examine(&edited(&edits), &context())), expected, "{name}");
    }
}
