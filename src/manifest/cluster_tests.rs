//! The webhook of a cluster, its selectors, and missing objects.

use serde_json::{Value, json};

use super::{
    ClusterKind, Manifest, ManifestCheck, ManifestContext,
    ManifestOutcome::{Failed, Passed, Skipped, Warning},
    test_cluster::*,
    test_setup::remarkable,
};

/// The finding of a check, which must be there.
fn finding(objects: &[Value], context: &ManifestContext, check: ManifestCheck) -> super::ManifestFinding {
    let report = report(objects, context);
    report.findings.iter().find(|finding| finding.check == check).cloned().unwrap_or_else(|| panic!("{report:#?}"))
}

#[test]
fn sound_cluster_has_no_remarkable_finding() {
    let report = report(&[pod("orders-a"), account(), namespace(), webhook(), deployment()], &live());
    assert_eq!(remarkable(&report), [""; 0]);
    assert_eq!((report.judged, report.not_judged, report.left_out), (2, 0, 0));
    let passed = |check| report.findings.iter().any(|finding| finding.check == check && finding.outcome == Passed);
    for check in
        [ManifestCheck::Webhook, ManifestCheck::FailurePolicy, ManifestCheck::CaBundle, ManifestCheck::Injection]
    {
        assert!(passed(check), "{check}: {:#?}", report.findings);
    }
}

#[test]
fn lists_of_the_api_server_are_read() {
    let mut manifest = Manifest::default();
    let lists = [("Pod", pod("orders-a")), ("ServiceAccount", account()), ("Namespace", namespace())];
    for (kind, object) in lists.into_iter().chain([("MutatingWebhookConfiguration", webhook())]) {
        // The items of a list have no kind and no version.
        let item = with(with(object, "/kind", Value::Null), "/apiVersion", Value::Null);
        let list = json!({ "kind": format!("{kind}List"), "apiVersion": "v1", "metadata": {}, "items": [item] });
        manifest.add(kind, list.to_string().as_bytes());
    }
    let report = manifest.examine(&live());
    assert_eq!((remarkable(&report), report.judged), (Vec::new(), 1));
    assert_eq!(report.findings[0].object, WEBHOOK);
}

#[test]
fn webhook_is_found_by_any_of_its_names() {
    let open_shift = with(webhook(), "/metadata", json!({ "name": "pod-identity-webhook" }));
    let renamed = with(open_shift.clone(), "/webhooks/0/name", json!("copy.example.com"));
    let by_label = with(webhook(), "/webhooks/0/name", json!("other.example.com"));
    let by_label = with(by_label, "/webhooks/0/objectSelector", json!({}));
    let beta = with(webhook(), "/apiVersion", json!("admissionregistration.k8s.io/v1beta1"));
    let other = with(renamed.clone(), "/webhooks/0/objectSelector", json!({ "matchLabels": { "a": "b" } }));
    let validating = with(webhook(), "/kind", json!("ValidatingWebhookConfiguration"));
    let open_shift = with(open_shift, "/webhooks/0/name", json!("pod-identity-webhook.azure.mutate.io"));
    let cases = [
        (webhook(), Passed),
        (open_shift, Passed),
        (renamed, Passed),
        (by_label, Passed),
        (beta, Passed),
        (other, Failed),
        (validating, Failed),
        (with(webhook(), "/webhooks", json!(null)), Failed),
    ];
    for (webhook, outcome) in cases {
        let objects = [webhook.clone(), unchanged("orders-a"), account()];
        assert_eq!(finding(&objects, &live(), ManifestCheck::Webhook).outcome, outcome, "{webhook}");
    }
}

#[test]
fn missing_webhook_names_the_command_that_installs_it() {
    let objects = [unchanged("orders-a"), account()];
    let aks = "https://westeurope.oic.prod-aks.azure.com/t/u/";
    let cases = [
        (live(), ["helm install", "az aks update"], [true, true]),
        (live().issuer(aks), ["helm install", "az aks update"], [false, true]),
        (live().issuer("https://issuer.example.com"), ["helm install", "az aks update"], [true, false]),
    ];
    for (context, commands, expected) in cases {
        let finding = finding(&objects, &context, ManifestCheck::Webhook);
        let fix = finding.fix.unwrap();
        assert_eq!((finding.outcome, commands.map(|command| fix.contains(command))), (Failed, expected), "{fix}");
    }
    let unused = finding(&[namespace()], &live(), ManifestCheck::Webhook);
    assert_eq!(unused.outcome, Skipped);
    let report = report(&objects, &ManifestContext::default());
    assert!(report.findings.iter().all(|finding| finding.check != ManifestCheck::Webhook));
}

#[test]
fn version_is_that_of_the_image_or_of_the_labels() {
    let program = |image: &str| {
        let pod = json!({ "spec": { "containers": [{ "name": "manager", "image": image }] } });
        json!({ "kind": "Deployment", "metadata": { "name": "azure-wi-webhook-controller-manager", "namespace": "kube-system",
            "labels": { "azure.workload.identity/use": "true" } }, "spec": { "template": pod } })
    };
    let labels = |labels: Value| with(webhook(), "/metadata/labels", labels);
    let chart = json!({ "helm.sh/chart": "workload-identity-webhook-1.4.0" });
    let cases = [
        (vec![webhook()], "version unknown"),
        (vec![webhook(), program("mcr.microsoft.com/oss/azure/workload-identity/webhook:v1.3.0")], "version v1.3.0"),
        (vec![webhook(), program("registry.example.com:5000/wi@sha256:00")], "version unknown"),
        (vec![webhook(), program("registry.example.com:5000/wi:v1.5.1@sha256:00")], "version v1.5.1"),
        (vec![labels(chart)], "version 1.4.0"),
        (vec![labels(json!({ "app.kubernetes.io/version": "v1.5.0" }))], "version v1.5.0"),
    ];
    for (objects, expected) in cases {
        let report = report(&objects, &live());
        let finding = report.findings.iter().find(|finding| finding.check == ManifestCheck::Webhook).unwrap();
        assert_eq!(finding.message, expected, "{objects:?}");
        // The program of the webhook uses no workload identity itself.
        assert_eq!(report.judged, 0);
    }
}

#[test]
fn registration_of_the_webhook_is_checked() {
    let entry = |member: &str, value: Value| with(webhook(), &format!("/webhooks/0/{member}"), value);
    let ca = |value: Value| with(webhook(), "/webhooks/0/clientConfig/caBundle", value);
    let beta = with(entry("failurePolicy", Value::Null), "/apiVersion", json!("admissionregistration.k8s.io/v1beta1"));
    let ignored = format!("failure_policy warning {WEBHOOK}");
    let uncertain = format!("ca_bundle failed {WEBHOOK}");
    let cases: [(Value, &[&str]); 7] = [
        (webhook(), &[]),
        (entry("failurePolicy", json!("Ignore")), &[&ignored]),
        (entry("failurePolicy", Value::Null), &[]),
        (beta, &[&ignored]),
        (ca(Value::Null), &[&uncertain]),
        (ca(json!("\n")), &[&uncertain]),
        (entry("clientConfig", json!({ "url": "https://127.0.0.1:9443/mutate-v1-pod" })), &[]),
    ];
    for (webhook, expected) in cases {
        assert_eq!(remarkable(&report(std::slice::from_ref(&webhook), &live())), expected, "{webhook}");
    }
}

#[test]
fn selectors_decide_which_pods_the_webhook_changes() {
    let selector = |member: &str, selector: Value| with(webhook(), &format!("/webhooks/0/{member}"), selector);
    let expression = |key: &str, operator: &str, values: Value| {
        selector(
            "namespaceSelector",
            json!({ "matchExpressions": [{ "key": key, "operator": operator, "values": values }] }),
        )
    };
    let labelled = |labels: Value| with(namespace(), "/metadata/labels", labels);
    let name = "kubernetes.io/metadata.name";
    let by_pod = json!({ "matchLabels": { "azure.workload.identity/use": "true", "tier": "gold" } });
    let managed = || expression("kubernetes.azure.com/managedby", "NotIn", json!(["aks"]));
    let cases = [
        (webhook(), namespace(), None),
        (
            expression("control-plane", "DoesNotExist", json!([])),
            labelled(json!({ "control-plane": "x" })),
            Some(("namespace", "kubectl label namespace shop control-plane-")),
        ),
        (expression("control-plane", "DoesNotExist", json!([])), namespace(), None),
        (managed(), labelled(json!({ "kubernetes.azure.com/managedby": "aks" })), Some(("namespace", "managedby-"))),
        (managed(), namespace(), None),
        (
            expression("team", "In", json!(["a", "b"])),
            namespace(),
            Some(("namespace", "kubectl label namespace shop team=a --overwrite")),
        ),
        (expression("team", "Exists", json!([])), namespace(), Some(("namespace", "team=true"))),
        (expression(name, "NotIn", json!(["shop"])), namespace(), Some(("namespace", "change the namespaceSelector"))),
        (expression(name, "In", json!(["shop"])), namespace(), None),
        (
            expression(name, "In", json!(["shop"])),
            labelled(json!({})),
            Some(("namespace", "kubernetes.io/metadata.name=shop")),
        ),
        (
            selector("objectSelector", by_pod),
            namespace(),
            Some((
                "selector",
                "set spec.template.metadata.labels of the Deployment orders, which creates the Pod: tier: \"gold\"",
            )),
        ),
    ];
    for (webhook, namespace, expected) in cases {
        let report = report(&[webhook.clone(), namespace, account(), unchanged("orders-a")], &live());
        let found = report.findings.iter().find(|finding| finding.outcome == Failed).unwrap();
        let (check, fix) =
            expected.unwrap_or(("injection", "kubectl rollout restart deployment/orders --namespace shop"));
        assert_eq!(found.check.id(), check, "{webhook} {:#?}", report.findings);
        assert!(found.fix.as_ref().unwrap().contains(fix), "{found:?}");
        assert_eq!(remarkable(&report).len(), 1, "{:#?}", report.findings);
    }
    // A second webhook that selects the pod is enough.
    let both = [expression("team", "Exists", json!([])), webhook(), namespace(), account(), unchanged("orders-a")];
    assert_eq!(remarkable(&report(&both, &live())), ["injection failed Pod shop/orders-a"]);
}

#[test]
fn labels_of_a_command_are_plain() {
    let selector = json!({ "matchLabels": { "a;b": "$(x)" } });
    let webhook = with(webhook(), "/webhooks/0/namespaceSelector", selector);
    let finding = finding(&[webhook, namespace(), account(), deployment()], &live(), ManifestCheck::Namespace);
    assert!(finding.fix.unwrap().ends_with("kubectl label namespace shop LABEL=VALUE --overwrite"));
}

#[test]
fn webhook_is_not_needed_by_pods_with_their_own_token() {
    let own = with(pod("orders-a"), "/metadata/labels", json!({}));
    let webhook = finding(&[own, account()], &live(), ManifestCheck::Webhook);
    assert_eq!(webhook.outcome, Skipped);
}

#[test]
fn selectors_are_checked_for_pod_templates() {
    let selector = json!({ "matchLabels": { "team": "a" } });
    let webhook = with(webhook(), "/webhooks/0/namespaceSelector", selector);
    let report = report(&[webhook, namespace(), account(), deployment(), unchanged("orders-a")], &live());
    assert_eq!(remarkable(&report), ["namespace failed Deployment shop/orders"]);
}

#[test]
fn missing_service_account_is_a_fault() {
    let objects = [webhook(), namespace(), pod("orders-a")];
    let missing = finding(&objects, &live(), ManifestCheck::ServiceAccount);
    assert_eq!((missing.outcome, missing.object.as_str()), (Failed, "ServiceAccount shop/orders"));
    assert!(missing.fix.unwrap().contains("kubectl create serviceaccount orders --namespace shop"));
}

#[test]
fn kinds_that_were_not_read_cause_no_fault() {
    let objects = [unchanged("orders-a")];
    let context = ManifestContext::default().live([]).not_read(ClusterKind::ServiceAccount, "403 Forbidden");
    let report = report(&objects, &context);
    assert_eq!(remarkable(&report), ["injection failed Pod shop/orders-a"]);
    let skipped: Vec<_> = report.findings.iter().filter(|finding| finding.outcome == Skipped).collect();
    let text: Vec<_> = skipped.iter().map(|finding| format!("{}: {}", finding.object, finding.message)).collect();
    assert_eq!(
        text,
        [
            "cluster: mutatingwebhookconfigurations were not read, so the webhook is not checked",
            "cluster: pods were not read, so running pods are not checked",
            "ServiceAccount shop/orders: serviceaccounts were not read (403 Forbidden), so its annotations are not checked",
        ]
    );
    assert!(skipped[2].fix.as_ref().unwrap().ends_with("kubectl auth can-i list serviceaccounts --all-namespaces"));
}

#[test]
fn unread_namespaces_are_judged_by_name_only() {
    let expressions = json!([
        { "key": "control-plane", "operator": "DoesNotExist" },
        { "key": "team", "operator": "Exists" },
        { "key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["store"] }
    ]);
    let webhook = with(webhook(), "/webhooks/0/namespaceSelector", json!({ "matchExpressions": expressions }));
    let context = live().not_read(ClusterKind::Namespace, "403 Forbidden");
    let objects = |namespace: &str| {
        let mut objects = [webhook.clone(), account(), unchanged("orders-a")];
        objects[1]["metadata"]["namespace"] = json!(namespace);
        objects[2]["metadata"]["namespace"] = json!(namespace);
        objects
    };
    assert_eq!(remarkable(&report(&objects("shop"), &context)), ["injection failed Pod shop/orders-a"]);
    assert_eq!(remarkable(&report(&objects("store"), &context)), ["namespace failed Pod store/orders-a"]);
    assert_eq!(finding(&objects("shop"), &context, ManifestCheck::Namespace).outcome, Skipped);
}

#[test]
fn policy_and_version_are_not_checked_in_manifests() {
    let ignoring = with(webhook(), "/webhooks/0/failurePolicy", json!("Ignore"));
    assert_eq!(report(&[ignoring.clone(), namespace()], &ManifestContext::default()).findings, []);
    assert_eq!(finding(&[ignoring], &live(), ManifestCheck::FailurePolicy).outcome, Warning);
}
