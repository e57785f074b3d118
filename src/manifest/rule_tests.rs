//! One case for each rule, and one for its exception.

use super::{ManifestCheck, test_setup::*};

/// The name of a case, the lines that it changes, and the findings that need attention.
type Case<'a> = (&'a str, Vec<(&'a str, String)>, &'a [&'a str]);

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
    let cases: Vec<Case> = vec![
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
        (
            "no client ID, but in one container of the pod",
            vec![("client ID", String::new()), ("env", same_client.clone())],
            &["client_id warning ServiceAccount shop/orders"],
        ),
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
            &["variables failed Deployment shop/orders, container app", "client_id warning ServiceAccount shop/orders"],
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

#[test]
fn tokens_of_issuer_need_no_sdk() {
    let images = |edits: &[(&str, &str)]| {
        let report = examine(&edited(edits), &context());
        let sdk = report.findings.into_iter().find(|finding| finding.check == ManifestCheck::Sdk);
        sdk.map(|finding| finding.message.split_once(" in ").unwrap().1.to_owned())
    };
    let exchange = |volume: &str| {
        format!(
            "initContainers: [{{ name: token, image: example.com/tools:1, restartPolicy: Always, command: [/bin/issuer], \
         args: [exchange, --watch, --out, /azure/pgpass], volumeMounts: [{{ name: {volume}, mountPath: /azure }}] }}]"
        )
    };
    let (shared, own) = (exchange("azure"), exchange("another"));
    let mounts = ("mounts", "volumeMounts: [{ name: azure, mountPath: /azure }]");
    let (app, sidecar) = ("registry.example.com/orders:1", "registry.example.com/sidecar:1");
    let both = format!("{app}, {sidecar}");
    let cases = [
        (vec![("args", "command: [issuer, exec, --resource, postgres, --env, PGPASSWORD, --, psql]")], sidecar),
        (vec![("args", "command: [sh, -c, exchange]")], &both),
        (vec![("args", "args: [exchange]")], &both),
        (vec![("network", &shared), mounts], sidecar),
        (vec![("network", &own), mounts], &both),
        // The application names a variable of the webhook, so it may request tokens.
        (vec![("network", &shared), mounts, ("args", "args: [--client=$(AZURE_CLIENT_ID)]")], &both),
    ];
    for (edits, expected) in cases {
        assert_eq!(images(&edits).as_deref(), Some(expected), "{edits:?}");
    }
}
