//! `issuer doctor --from-cluster`: live objects, the webhook, and objects that a user cannot read.

use serde_json::{Value, json};

use super::Desk;
use crate::support::kube_apiserver::{ISSUER, JANE, KubeApiserver};

const LABEL: &str = "azure.workload.identity/use";
const CLIENT_ID: &str = "azure.workload.identity/client-id";
const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";

fn create_pod(server: &KubeApiserver, namespace: &str, name: &str, account: &str, label: &str) {
    server.create(
        &format!("/api/v1/namespaces/{namespace}/pods"),
        &json!({
            "metadata": { "name": name, "labels": { LABEL: label } },
            "spec": {
                "serviceAccountName": account,
                "automountServiceAccountToken": false,
                "containers": [{ "name": "app", "image": "registry.example.com/app:1" }],
            },
        }),
    );
}

/// The configuration of the webhook as its Helm chart installs it. Nothing runs behind it, so it selects no pod.
fn webhook(policy: &str) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "metadata": {
            "name": "azure-wi-webhook-mutating-webhook-configuration",
            "labels": { "azure-workload-identity.io/system": "true" },
        },
        "webhooks": [{
            "name": "mutation.azure-workload-identity.io",
            "admissionReviewVersions": ["v1"],
            "clientConfig": {
                "caBundle": "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K",
                "service": { "name": "azure-wi-webhook-webhook-service", "namespace": "azure-workload-identity-system" },
            },
            "failurePolicy": policy,
            "namespaceSelector": { "matchLabels": { "workload-identity": "on" } },
            "objectSelector": { "matchLabels": { LABEL: "true" } },
            "sideEffects": "None",
            "rules": [{ "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"] }],
        }],
    })
}

fn found<'a>(answer: &'a Value, check: &str, outcome: &str) -> Vec<&'a str> {
    let checks = answer["checks"].as_array().unwrap().iter();
    let checks = checks.filter(|found| found["check"] == check && found["outcome"] == outcome);
    checks.map(|found| found["object"].as_str().unwrap()).collect()
}

#[test]
fn doctor_reads_what_is_live_and_names_each_fault() {
    let Some(server) = KubeApiserver::start_issuer(ISSUER) else { return };
    server.create_namespace("shop");
    for (name, annotations) in [("orders", json!({ CLIENT_ID: CLIENT })), ("stock", json!({}))] {
        let object = json!({ "metadata": { "name": name, "annotations": annotations } });
        server.create("/api/v1/namespaces/shop/serviceaccounts", &object);
    }
    create_pod(&server, "shop", "orders-0", "orders", "true");
    create_pod(&server, "shop", "stock-0", "stock", "yes");
    create_pod(&server, "shop", "gone-0", "gone", "true");
    let desk = Desk::new(&server);
    desk.succeeds("publish --from-cluster --directory site");
    let doctor = "doctor --from-cluster --published site/clusters/prod-1";

    let answer = desk.json(1, &format!("{doctor} --namespace shop"));
    assert_eq!(found(&answer, "webhook", "failed").len(), 1, "{answer:#}");
    assert_eq!(found(&answer, "service_account", "failed"), ["ServiceAccount shop/gone"], "{answer:#}");
    assert!(found(&answer, "label", "failed").contains(&"Pod shop/stock-0"), "{answer:#}");
    assert!(found(&answer, "injection", "failed").contains(&"Pod shop/orders-0"), "{answer:#}");
    // A fresh token of the annotated service account was requested, and verified with the published documents.
    assert_eq!(found(&answer, "signature", "passed"), ["token"], "{answer:#}");
    assert_eq!(found(&answer, "audiences", "passed").len(), 1, "{answer:#}");

    // The webhook is installed after the pods, for namespaces with another label, and may fail without a trace.
    server.create_namespace("azure-workload-identity-system");
    server.create(
        "/apis/apps/v1/namespaces/azure-workload-identity-system/deployments",
        &json!({
            "metadata": { "name": "azure-wi-webhook-controller-manager" },
            "spec": {
                "selector": { "matchLabels": { "app": "webhook" } },
                "template": {
                    "metadata": { "labels": { "app": "webhook" } },
                    "spec": { "containers": [{
                        "name": "manager",
                        "image": "mcr.microsoft.com/oss/v2/azure/workload-identity/webhook:v1.5.1",
                    }] },
                },
            },
        }),
    );
    server.create("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations", &webhook("Ignore"));
    let answer = desk.json(1, &format!("{doctor} --pod shop/orders-0"));
    let message = answer["checks"].as_array().unwrap().iter().find(|found| found["check"] == "webhook").unwrap();
    assert!(message["message"].as_str().unwrap().contains("v1.5.1"), "{answer:#}");
    assert_eq!(found(&answer, "failure_policy", "warning").len(), 1, "{answer:#}");
    assert_eq!(found(&answer, "namespace", "failed"), ["Pod shop/orders-0"], "{answer:#}");
    assert_eq!(answer["workloads"]["judged"], 1, "{answer:#}");

    let answer = desk.json(1, &format!("{doctor} --service-account shop/orders"));
    assert_eq!(answer["workloads"]["judged"], 1, "{answer:#}");
    let answer = desk.json(1, &format!("{doctor} --all-namespaces"));
    assert!(answer["workloads"]["judged"].as_u64().unwrap() >= 3, "{answer:#}");
    let text = desk.fails(3, "doctor --from-cluster --pod shop/none");
    assert!(text.contains("there is no pod shop/none"), "{text}");

    // A credential of another issuer does not match this API server.
    let credential = json!([{ "name": "a", "issuer": "https://old.example.com", "audiences": ["api://AzureADTokenExchange"], "subject": "system:serviceaccount:shop:orders" }]);
    std::fs::write(desk.path().join("fic.json"), credential.to_string()).unwrap();
    let answer = desk.json(1, &format!("{doctor} --namespace shop --credential fic.json"));
    assert_eq!(found(&answer, "issuer", "failed").len(), 1, "{answer:#}");
}

#[test]
fn doctor_skips_checks_of_forbidden_objects() {
    let Some(server) = KubeApiserver::shared() else { return };
    server.create_namespace("forbidden");
    create_pod(server, "forbidden", "orders-0", "orders", "true");
    let desk = Desk::with(&server.kubeconfig().user("jane", "c", json!({ "token": JANE })));
    let doctor = "doctor --from-cluster --namespace forbidden --context jane";
    let text = desk.fails(3, doctor);
    assert!(text.contains("jane may not read pods at the API server"), "{text}");
    assert!(text.contains("kubectl create clusterrole issuer-doctor --verb get,list"), "{text}");
    let text = desk.fails(3, "doctor --from-cluster --service-account forbidden/none --context admin");
    assert!(text.contains("there is no service account forbidden/none in the cluster"), "{text}");
    // Only pods may be read.
    server.create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/forbidden/roles",
        &json!({ "metadata": { "name": "pods" }, "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["list"] }] }),
    );
    server.create(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/forbidden/rolebindings",
        &json!({
            "metadata": { "name": "pods" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods" },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane" }],
        }),
    );
    // The pod has no variables, which is certain without any other object.
    let answer = desk.json(1, doctor);
    assert_eq!(found(&answer, "injection", "failed"), ["Pod forbidden/orders-0"], "{answer:#}");
    assert_eq!(found(&answer, "webhook", "skipped").len(), 1, "{answer:#}");
    assert_eq!(found(&answer, "service_account", "skipped").len(), 1, "{answer:#}");
    assert_eq!(found(&answer, "issuer", "skipped").len(), 1, "{answer:#}");
    let failed = answer["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "failed");
    assert_eq!(failed.count(), 1, "{answer:#}");
}
