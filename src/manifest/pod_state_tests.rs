//! Running pods that differ from new ones.

use serde_json::{Value, json};

use super::{
    ManifestCheck, ManifestContext, ManifestFinding,
    test_cluster::*,
    test_setup::{OTHER, TENANT, remarkable},
};

/// The first finding of a check that needs attention.
fn fault(objects: &[Value], check: ManifestCheck) -> ManifestFinding {
    let report = report(objects, &live());
    let is_fault = |finding: &&ManifestFinding| finding.check == check && finding.fix.is_some();
    report.findings.iter().find(is_fault).cloned().unwrap_or_else(|| panic!("{report:#?}"))
}

fn owned_by(mut pod: Value, kind: &str, name: &str) -> Value {
    pod["metadata"]["ownerReferences"] = json!([{ "kind": kind, "name": name, "controller": true }]);
    pod
}

#[test]
fn cause_of_an_unchanged_pod_is_named() {
    let ignoring = with(webhook(), "/webhooks/0/failurePolicy", json!("Ignore"));
    let older = with(unchanged("orders-a"), "/metadata/creationTimestamp", json!("2026-02-01T08:00:00Z"));
    let labelled = |manager: &str, time: &str| {
        with(unchanged("orders-a"), "/metadata/managedFields", managed(manager, time, "labels", "use"))
    };
    let later = labelled("kubectl-label", "2026-03-03T08:00:00Z");
    let first = labelled("kube-controller-manager", "2026-03-02T08:00:01Z");
    let adopted = labelled("kube-controller-manager", "2026-03-04T08:00:01Z");
    let timeless = with(unchanged("orders-a"), "/metadata/creationTimestamp", Value::Null);
    let unknown = "the label was added to the running pod, or ";
    let cases = [
        (webhook(), older, "the pod was created before the webhook, which is from 2026-03-01T08:00:00Z".to_owned()),
        (webhook(), later, "kubectl-label added the label to the running pod".to_owned()),
        (webhook(), first.clone(), "the webhook was not registered for this pod when the pod was created".to_owned()),
        (ignoring.clone(), first, "the webhook did not answer, and its failurePolicy is Ignore".to_owned()),
        (ignoring.clone(), adopted, format!("{unknown}the webhook did not answer, and its failurePolicy is Ignore")),
        (ignoring, timeless, format!("{unknown}the webhook did not answer, and its failurePolicy is Ignore")),
        (
            webhook(),
            unchanged("orders-a"),
            format!("{unknown}the webhook was not registered for this pod when the pod was created"),
        ),
        (namespace(), unchanged("orders-a"), "no webhook is installed".to_owned()),
    ];
    for (webhook, pod, cause) in cases {
        let finding = fault(&[webhook, namespace(), account(), pod], ManifestCheck::Injection);
        let message = format!("the pod has the label, but the webhook has not changed it: {cause}");
        assert_eq!(finding.message, message);
        let fix = finding.fix.unwrap();
        assert!(fix.contains("kubectl rollout restart deployment/orders --namespace shop"), "{fix}");
    }
}

#[test]
fn changes_of_the_service_account_need_new_pods() {
    let annotated = |name: &str, value: &str| {
        with(account(), &format!("/metadata/annotations/azure.workload.identity~1{name}"), json!(value))
    };
    let without_client = || {
        let mut pod = pod("orders-a");
        pod["spec"]["containers"][0]["env"].as_array_mut().unwrap().remove(0);
        pod
    };
    let updated = |time: &str| {
        let fields = managed("kubectl-annotate", time, "annotations", "client-id");
        with(account(), "/metadata/managedFields", fields)
    };
    let own = with(
        pod("orders-a"),
        "/metadata/annotations",
        json!({ "azure.workload.identity/service-account-token-expiration": "3600" }),
    );
    let cases = [
        (account(), pod("orders-a"), None),
        (account(), without_client(), Some(("injection", "the pod was created before the annotation"))),
        (
            updated("2026-03-05T08:00:00Z"),
            without_client(),
            Some(("injection", "the pod was created before the annotation")),
        ),
        (
            updated("2026-03-01T08:00:00Z"),
            without_client(),
            Some(("injection", "the webhook did not find the annotation")),
        ),
        (
            annotated("client-id", OTHER),
            pod("orders-a"),
            Some(("variables", "which was changed after the pod was created")),
        ),
        (
            annotated("tenant-id", OTHER),
            pod("orders-a"),
            Some(("tenant_id", "which was changed after the pod was created")),
        ),
        (annotated("tenant-id", TENANT), pod("orders-a"), None),
        (
            annotated("service-account-token-expiration", "7200"),
            pod("orders-a"),
            Some(("expiration", "was changed after the pod was created")),
        ),
        (annotated("service-account-token-expiration", "7200"), own, None),
    ];
    for (account, pod, expected) in cases {
        let report = report(&[webhook(), namespace(), account.clone(), pod], &live());
        let found = report.findings.iter().find(|finding| finding.fix.is_some() && finding.check != ManifestCheck::Sdk);
        assert_eq!(found.map(|finding| finding.check.id()), expected.map(|(check, _)| check), "{account}");
        if let (Some(found), Some((_, message))) = (found, expected) {
            assert!(found.message.contains(message), "{found:?}");
            assert!(found.fix.as_ref().unwrap().contains("kubectl rollout restart deployment/orders"), "{found:?}");
        }
    }
}

#[test]
fn annotation_older_than_the_pod_was_not_changed_later() {
    let fields = managed("kubectl-annotate", "2026-03-01T08:00:00Z", "annotations", "client-id");
    let account = with(account(), "/metadata/managedFields", fields);
    let account = with(account, "/metadata/annotations/azure.workload.identity~1client-id", json!(OTHER));
    let finding = fault(&[webhook(), namespace(), account, pod("orders-a")], ManifestCheck::Variables);
    assert!(finding.message.ends_with("differs from the annotation of the service account, and wins"), "{finding:?}");
}

#[test]
fn variable_of_the_template_is_not_one_of_the_webhook() {
    let mut deployment = deployment();
    deployment["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{ "name": "AZURE_CLIENT_ID", "value": OTHER }]);
    let mut pod = pod("orders-a");
    pod["spec"]["containers"][0]["env"][0]["value"] = json!(OTHER);
    let report = report(&[webhook(), namespace(), account(), deployment, pod], &live());
    assert_eq!(remarkable(&report), ["variables failed Deployment shop/orders, container app"]);
}

#[test]
fn new_pods_come_from_the_owner() {
    let bare = with(unchanged("orders-a"), "/metadata/ownerReferences", Value::Null);
    let without_hash = with(unchanged("orders-a"), "/metadata/labels/pod-template-hash", Value::Null);
    let job = with(deployment(), "/kind", json!("Job"));
    let job = with(job, "/metadata/name", json!("orders-29"));
    let cases = [
        (unchanged("orders-a"), None, "kubectl rollout restart deployment/orders --namespace shop"),
        (
            owned_by(unchanged("a-0"), "StatefulSet", "a"),
            None,
            "kubectl rollout restart statefulset/a --namespace shop",
        ),
        (owned_by(unchanged("a-0"), "DaemonSet", "a"), None, "kubectl rollout restart daemonset/a --namespace shop"),
        (owned_by(unchanged("a-0"), "Rollout", "a"), None, "kubectl argo rollouts restart a --namespace shop"),
        (owned_by(unchanged("a-0"), "Job", "orders-29"), None, "kubectl delete job orders-29 --namespace shop"),
        (
            owned_by(unchanged("a-0"), "Job", "orders-29"),
            Some(owned_by(job, "CronJob", "orders")),
            "--from=cronjob/orders",
        ),
        (owned_by(unchanged("a-0"), "Workflow", "a"), None, "which the Workflow a creates again"),
        (without_hash.clone(), None, "which the ReplicaSet orders-7c9d creates again"),
        (
            without_hash,
            Some(owned_by(
                with(with(deployment(), "/kind", json!("ReplicaSet")), "/metadata/name", json!("orders-7c9d")),
                "Deployment",
                "orders",
            )),
            "kubectl rollout restart deployment/orders --namespace shop",
        ),
        (bare, None, "kubectl delete pod orders-a --namespace shop"),
        (
            with(unchanged("orders-a"), "/metadata/ownerReferences/0/kind", json!("Node")),
            None,
            "kubectl delete pod orders-a",
        ),
    ];
    for (pod, other, command) in cases {
        let mut objects = vec![webhook(), namespace(), account(), pod];
        objects.extend(other);
        let finding = fault(&objects, ManifestCheck::Injection);
        assert!(finding.fix.as_ref().unwrap().contains(command), "{finding:?}");
    }
}

#[test]
fn label_of_a_running_pod_changes_in_its_template() {
    for value in ["True", "yes", "1", "true ", ""] {
        let pod = with(unchanged("orders-a"), "/metadata/labels/azure.workload.identity~1use", json!(value));
        let finding = fault(&[webhook(), namespace(), account(), pod], ManifestCheck::Label);
        assert_eq!(finding.seen, Some(format!("{value:?}")));
        assert_eq!(finding.expected.as_deref(), Some("\"true\""));
        let fix = finding.fix.unwrap();
        assert!(fix.contains("spec.template.metadata.labels of the Deployment orders, which creates the Pod"), "{fix}");
    }
}

#[test]
fn pods_of_one_owner_share_a_finding() {
    let names = ["orders-a", "orders-b", "orders-c", "orders-d", "orders-e"];
    let mut objects = vec![webhook(), namespace(), account()];
    objects.extend(names.map(unchanged));
    for (hour, pod) in objects[3..].iter_mut().enumerate() {
        pod["metadata"]["creationTimestamp"] = json!(format!("2026-02-01T0{hour}:00:00Z"));
    }
    objects.push(owned_by(unchanged("stock-0"), "StatefulSet", "stock"));
    let report = report(&objects, &live());
    assert_eq!(
        remarkable(&report),
        ["injection failed Pod shop/orders-a and 4 more of Deployment orders", "injection failed Pod shop/stock-0",]
    );
    assert_eq!(report.judged, 6);
    let volumes: Vec<_> = ["0a", "1b"]
        .iter()
        .map(|hash| {
            let mut pod = owned_by(pod(&format!("stock-{hash}")), "StatefulSet", "stock");
            pod["spec"]["volumes"][0]["name"] = json!(format!("azure-workload-identity-reserved-{hash}"));
            pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"]["expirationSeconds"] =
                json!(60);
            pod
        })
        .collect();
    let objects = [webhook(), namespace(), account(), volumes[0].clone(), volumes[1].clone()];
    let expected = "projected_token failed Pod shop/stock-0a and 1 more of StatefulSet stock, volume azure-workload-identity-reserved-0a";
    assert_eq!(remarkable(&super::test_cluster::report(&objects, &live())), [expected]);
}

#[test]
fn fault_of_a_template_is_reported_once() {
    let wrong = json!("True");
    let label = "/metadata/labels/azure.workload.identity~1use";
    let deployment = with(deployment(), &format!("/spec/template{label}"), wrong.clone());
    let replica_set =
        with(with(deployment.clone(), "/kind", json!("ReplicaSet")), "/metadata/name", json!("orders-7c9d"));
    let replica_set = owned_by(replica_set, "Deployment", "orders");
    let pods = ["orders-a", "orders-b"].map(|name| with(unchanged(name), label, wrong.clone()));
    let [first, second] = pods;
    let report = report(&[webhook(), namespace(), account(), first, second, replica_set, deployment], &live());
    assert_eq!(remarkable(&report), ["label failed Deployment shop/orders"]);
    assert_eq!((report.judged, report.left_out), (3, 1));
}

#[test]
fn completed_pods_are_not_judged() {
    for phase in ["Succeeded", "Failed"] {
        let pod = with(unchanged("orders-a"), "/status/phase", json!(phase));
        let report = report(&[webhook(), namespace(), account(), pod], &live());
        assert_eq!((remarkable(&report), report.judged, report.left_out), (Vec::new(), 0, 1));
    }
}

#[test]
fn state_of_pods_is_compared_only_in_a_cluster() {
    let objects = [webhook(), namespace(), account(), unchanged("orders-a"), unchanged("orders-b")];
    let report = report(&objects, &ManifestContext::default());
    assert_eq!(remarkable(&report), ["injection failed Pod shop/orders-a", "injection failed Pod shop/orders-b"]);
    assert_eq!(report.findings[1].message, "the pod has the label, but the webhook has not changed it");
}
