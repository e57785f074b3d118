//! What findings say, and how the context changes them.

use super::{ManifestCheck, ManifestContext, ManifestOutcome, test_setup::*};
use crate::entra::Aadsts;
use ManifestOutcome::{Failed, Passed, Warning};

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
fn finding_says_where_the_label_was_found() {
    let use_label = r#"{ azure.workload.identity/use: "true" }"#;
    let cases = [
        (
            vec![("own labels", format!("labels: {use_label}"))],
            "it is a label of the Deployment, which the pods do not inherit",
        ),
        (vec![("own annotations", format!("annotations: {use_label}"))], "it is an annotation of the Deployment"),
        (vec![("pod annotations", format!("annotations: {use_label}"))], "it is an annotation of the pod template"),
        (vec![("account labels", format!("labels: {use_label}"))], "it is a label of the ServiceAccount"),
        (
            vec![("client ID", "azure.workload.identity/use: \"true\"".to_owned())],
            "it is an annotation of the ServiceAccount",
        ),
    ];
    for (edits, clause) in cases {
        let mut edits: Vec<_> = edits.iter().map(|(mark, text)| (*mark, text.as_str())).collect();
        edits.push(("label", "x: y"));
        let report = examine(&edited(&edits), &context());
        let label = report.findings.iter().find(|finding| finding.check == ManifestCheck::Label).unwrap();
        assert!(label.message.ends_with(clause), "{}", label.message);
    }
}

#[test]
fn codes_of_entra_are_predicted() {
    let entra = "audience: api://AzureADTokenExchange,";
    let client = |id: &str| format!("azure.workload.identity/client-id: {id}");
    let mounted = "volumeMounts: [{ name: token, mountPath: /tokens, subPath: token }]".to_owned();
    let cases = [
        (vec![("client ID", client(OBJECT))], Aadsts::APPLICATION_NOT_FOUND),
        (vec![("volumes", volume("audience: api://AKSIdentityBinding,", ""))], Aadsts::AUDIENCE),
        (vec![("volumes", volume(entra, "")), ("mounts", mounted)], Aadsts::TIME),
        (vec![("volumes", volume(entra, "expirationSeconds: 90001"))], Aadsts::LIFETIME),
        (vec![("namespace", "namespace: store".to_owned())], Aadsts::SUBJECT),
    ];
    for (edits, code) in cases {
        let edits: Vec<_> = edits.iter().map(|(mark, text)| (*mark, text.as_str())).collect();
        let report = examine(&edited(&edits), &context());
        let failed = report.findings.iter().find(|finding| finding.outcome == Failed).unwrap();
        assert_eq!(failed.aadsts, Some(code), "{}", failed.message);
    }
}

#[test]
fn namespace_of_a_rendering_can_be_given() {
    let yaml = edited(&[("namespace", "")]).replace("  namespace: shop\n", "");
    let of = |context: &ManifestContext| {
        let report = examine(&yaml, context);
        report.findings.into_iter().find(|finding| finding.check == ManifestCheck::Credential).unwrap()
    };
    let assumed = of(&context());
    assert_eq!((assumed.outcome, assumed.object.as_str()), (Failed, "ServiceAccount default/orders"));
    assert!(assumed.message.ends_with("default is assumed"), "{}", assumed.message);
    let fix = assumed.fix.unwrap();
    assert!(fix.starts_with("pass the namespace of the workload: --namespace shop; if it is default, "), "{fix}");
    let given = of(&context().namespace("shop"));
    assert_eq!((given.outcome, given.object.as_str()), (Passed, "ServiceAccount shop/orders"));
}

#[test]
fn kube_system_fails_unless_the_issuer_is_of_another_cluster() {
    let yaml = SOUND.replace("namespace: shop", "namespace: kube-system");
    let is_failed = |context: &ManifestContext| {
        let report = examine(&yaml, context);
        report.findings.iter().any(|finding| finding.check == ManifestCheck::Namespace && finding.outcome == Failed)
    };
    assert!(is_failed(&ManifestContext::default()));
    let aks = "https://eastus.oic.prod-aks.azure.com/33333333-aaaa-4bbb-8ccc-000000000003/0d4b5f1e/";
    assert!(is_failed(&ManifestContext::default().issuer(aks)));
    assert!(!is_failed(&ManifestContext::default().issuer(ISSUER)));
}

#[test]
fn account_outside_the_input_is_skipped_and_its_subject_matched() {
    let yaml = SOUND.split("---").next().unwrap();
    let report = examine(yaml, &context());
    let of = |check| report.findings.iter().find(|finding| finding.check == check).unwrap();
    let account = of(ManifestCheck::ServiceAccount);
    assert_eq!((account.outcome, account.object.as_str()), (ManifestOutcome::Skipped, "ServiceAccount shop/orders"));
    assert!(account.fix.as_ref().unwrap().contains("kubectl get serviceaccount orders --namespace shop"));
    assert_eq!(of(ManifestCheck::Credential).outcome, Passed);
    assert!(!report.findings.iter().any(|finding| finding.check == ManifestCheck::ClientId));
}

#[test]
fn named_container_is_the_only_one_that_is_checked() {
    let skip = |names: &str| format!("annotations: {{ azure.workload.identity/skip-containers: '{names}' }}");
    for (names, container, outcome) in [
        ("app", "app", Some(Failed)),
        ("sidecar", "app", Some(Warning)),
        ("app", "sidecar", Some(Warning)),
        ("", "app", None),
    ] {
        let report = examine(&edited(&[("pod annotations", &skip(names))]), &context().container(container));
        let found = report.findings.iter().find(|finding| finding.check == ManifestCheck::SkipContainers);
        assert_eq!(found.map(|finding| finding.outcome), outcome, "{names} for {container}");
    }
}

#[test]
fn running_pod_is_compared_with_what_the_webhook_sets() {
    let pod = |env: &str, uid: &str| {
        let account = SOUND.split("---").nth(1).unwrap();
        format!(
            "kind: Pod\nmetadata: {{ name: web, namespace: shop, {uid} labels: {{ azure.workload.identity/use: 'true' }} }}\nspec: {{ serviceAccountName: orders, containers: [{{ name: app, env: [{env}], volumeMounts: [{{ name: azure-identity-token, mountPath: /var/run/secrets/azure/tokens }}] }}] }}\n---{account}"
        )
    };
    let token = "{ name: AZURE_FEDERATED_TOKEN_FILE, value: /var/run/secrets/azure/tokens/azure-identity-token }";
    let client = |id: &str| format!("{token}, {{ name: AZURE_CLIENT_ID, value: {id} }}");
    let uid = "uid: 0d4b5f1e-53c1-4c8e-9f0c-2f6d1a7b8c9d,";
    assert_eq!(remarkable(&examine(&pod(&client(CLIENT), uid), &context())), [""; 0]);
    assert_eq!(remarkable(&examine(&pod("", uid), &context())), ["injection failed Pod shop/web"]);
    assert_eq!(remarkable(&examine(&pod("", ""), &context())), [""; 0]);
    let stale = examine(&pod(&client(OTHER), uid), &context());
    assert_eq!(remarkable(&stale), ["variables failed Pod shop/web, container app"]);
    let fix = stale.findings.iter().find_map(|finding| finding.fix.as_ref().filter(|_| finding.outcome == Failed));
    assert!(fix.unwrap().starts_with("create the pod again"));
}

#[test]
fn commands_contain_only_plain_names() {
    let yaml = SOUND.replace(
        "name: orders\n  namespace: shop\n  labels: {} # account",
        "name: 'x; reboot'\n  namespace: shop\n  labels: {} # account",
    );
    let yaml = yaml.replace("11111111-aaaa-4bbb-8ccc-000000000001", "orders");
    assert!(yaml.contains("reboot"));
    let report = examine(&yaml, &ManifestContext::default());
    let fixes: Vec<_> = report.findings.iter().filter_map(|finding| finding.fix.as_deref()).collect();
    assert!(fixes.iter().any(|fix| fix.contains("kubectl annotate serviceaccount NAME --namespace shop")), "{fixes:?}");
    assert!(!fixes.iter().any(|fix| fix.contains("reboot")), "{fixes:?}");
}

#[test]
fn empty_or_broken_variable_of_the_pod_template_fails() {
    let report = |name: &str, value: &str| {
        let env = format!("env: [{{ name: {name}, value: '{value}' }}]");
        remarkable(&examine(&edited(&[("env", &env)]), &context()))
    };
    let failed = "variables failed Deployment shop/orders, container app";
    assert_eq!(report("AZURE_AUTHORITY_HOST", "login.microsoftonline.com"), [failed]);
    assert_eq!(report("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.us/"), [""; 0]);
    assert_eq!(report("AZURE_FEDERATED_TOKEN_FILE", ""), [failed]);
    assert!(report("AZURE_TENANT_ID", "").contains(&failed.to_owned()));
}

#[test]
fn client_id_of_one_container_is_not_that_of_the_others() {
    let env = format!("env: [{{ name: AZURE_CLIENT_ID, value: {CLIENT} }}]");
    let report =
        |context: &ManifestContext| remarkable(&examine(&edited(&[("env", &env), ("client ID", "x: y")]), context));
    assert_eq!(report(&context()), ["client_id warning ServiceAccount shop/orders"]);
    assert_eq!(report(&context().container("app")), [""; 0]);
    assert_eq!(report(&context().container("sidecar")), ["client_id failed ServiceAccount shop/orders"]);
}

#[test]
fn audience_of_its_own_is_a_warning_without_credentials() {
    let yaml = edited(&[("volumes", &volume("audience: api://azuread-custom,", ""))]);
    let own = edited(&[
        ("volumes", &volume("audience: custom,", "")),
        ("mounts", "volumeMounts: [{ name: token, mountPath: /t }]"),
        ("env", "env: [{ name: AZURE_FEDERATED_TOKEN_FILE, value: /t/token }]"),
    ]);
    let of = |yaml: &str, context: &ManifestContext| {
        let report = examine(yaml, context);
        report.findings.into_iter().find(|finding| finding.object.contains("volume")).unwrap().outcome
    };
    assert_eq!(of(&own, &ManifestContext::default()), Warning);
    assert_eq!(of(&own, &context()), Failed);
    assert_eq!(of(&yaml, &ManifestContext::default()), Failed);
}

#[test]
fn identity_binding_of_one_workload_does_not_hide_another() {
    let binding = "annotations: { azure.workload.identity/use-identity-binding: \"true\" }";
    let other = "namespace: store";
    let both = format!(
        "{}\n---\n{}",
        edited(&[("pod annotations", binding), ("namespace", other)]),
        edited(&[("namespace", other)])
    );
    let report = examine(&both, &context());
    let of_credential = report.findings.iter().filter(|finding| finding.check == ManifestCheck::Credential);
    assert_eq!(of_credential.filter(|finding| finding.outcome == Failed).count(), 1);
}

#[test]
fn first_skipped_container_of_the_pod_is_named() {
    let skip = "annotations: { azure.workload.identity/skip-containers: 'proxy;sidecar' }";
    let yaml = edited(&[("pod annotations", skip)]).replace(
        "        - name: sidecar\n",
        "        - name: sidecar\n          image: registry.example.com/sidecar:1\n        - name: proxy\n",
    );
    for _ in 0..20 {
        let report = examine(&yaml, &context());
        assert_eq!(remarkable(&report), ["skip_containers warning Deployment shop/orders, container sidecar"]);
    }
}

#[test]
fn other_token_of_the_volume_is_not_judged() {
    let sources = "serviceAccountToken: { path: token, audience: api://AzureADTokenExchange } }, { serviceAccountToken: { path: vault, audience: vault }";
    let volumes = format!("volumes: [{{ name: tokens, projected: {{ sources: [{{ {sources} }}] }} }}]");
    let env = |path: &str| format!("env: [{{ name: AZURE_FEDERATED_TOKEN_FILE, value: /tokens/{path} }}]");
    let report = |path: &str| {
        let mounts = "volumeMounts: [{ name: tokens, mountPath: /tokens }]";
        let edits = [("volumes", volumes.as_str()), ("env", &env(path)), ("mounts", mounts)];
        remarkable(&examine(&edited(&edits), &context()))
    };
    let beside = "projected_token warning Deployment shop/orders, volume tokens";
    assert_eq!(report("token"), [beside]);
    assert_eq!(report("vault"), [beside, "projected_token failed Deployment shop/orders, volume tokens"]);
}
