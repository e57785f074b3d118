//! A sound cluster that the tests change.

use serde_json::{Value, json};

use super::{
    ClusterKind, Manifest, ManifestContext, ManifestReport,
    test_setup::{CLIENT, TENANT},
};

pub(super) const WEBHOOK: &str = "MutatingWebhookConfiguration azure-wi-webhook-mutating-webhook-configuration";
/// The volume of webhook 1.6.
pub(super) const VOLUME: &str = "azure-workload-identity-reserved-0f1e2d3c";

pub(super) fn webhook() -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {
            "name": "azure-wi-webhook-mutating-webhook-configuration",
            "uid": "w",
            "creationTimestamp": "2026-03-01T08:00:00Z",
            "labels": { "azure-workload-identity.io/system": "true" }
        },
        "webhooks": [{
            "name": "mutation.azure-workload-identity.io",
            "clientConfig": {
                "caBundle": "LS0t",
                "service": { "name": "azure-wi-webhook-webhook-service", "namespace": "azure-workload-identity-system" }
            },
            "failurePolicy": "Fail",
            "namespaceSelector": {},
            "objectSelector": { "matchLabels": { "azure.workload.identity/use": "true" } }
        }]
    })
}

pub(super) fn namespace() -> Value {
    let labels = json!({ "kubernetes.io/metadata.name": "shop" });
    json!({ "kind": "Namespace", "metadata": { "name": "shop", "labels": labels } })
}

pub(super) fn account() -> Value {
    json!({ "kind": "ServiceAccount", "metadata": {
        "name": "orders", "namespace": "shop", "uid": "a",
        "annotations": { "azure.workload.identity/client-id": CLIENT }
    } })
}

/// A pod of the Deployment `orders` that the webhook has changed.
pub(super) fn pod(name: &str) -> Value {
    let variables = json!([
        { "name": "AZURE_CLIENT_ID", "value": CLIENT },
        { "name": "AZURE_TENANT_ID", "value": TENANT },
        { "name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/var/run/secrets/azure/wi/token/azure-identity-token" },
        { "name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/" }
    ]);
    let token = json!({ "path": "token/azure-identity-token", "audience": "api://AzureADTokenExchange", "expirationSeconds": 3600 });
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name, "namespace": "shop", "uid": name,
            "creationTimestamp": "2026-03-02T08:00:00Z",
            "labels": { "azure.workload.identity/use": "true", "pod-template-hash": "7c9d" },
            "ownerReferences": [{ "kind": "ReplicaSet", "name": "orders-7c9d", "controller": true }]
        },
        "spec": {
            "serviceAccountName": "orders",
            "containers": [{
                "name": "app", "image": "registry.example.com/orders:1", "env": variables,
                "volumeMounts": [{ "name": VOLUME, "mountPath": "/var/run/secrets/azure/wi" }]
            }],
            "volumes": [{ "name": VOLUME, "projected": { "sources": [{ "serviceAccountToken": token }] } }]
        },
        "status": { "phase": "Running" }
    })
}

/// A pod that the webhook has not changed.
pub(super) fn unchanged(name: &str) -> Value {
    let mut pod = pod(name);
    pod["spec"]["containers"] = json!([{ "name": "app", "image": "registry.example.com/orders:1" }]);
    pod["spec"]["volumes"] = json!([]);
    pod
}

/// The Deployment of the pods.
pub(super) fn deployment() -> Value {
    let template = json!({
        "metadata": { "labels": { "azure.workload.identity/use": "true" } },
        "spec": { "serviceAccountName": "orders", "containers": [{ "name": "app", "image": "registry.example.com/orders:1" }] }
    });
    json!({ "kind": "Deployment", "metadata": { "name": "orders", "namespace": "shop", "uid": "d" }, "spec": { "template": template } })
}

/// An object whose value at a pointer is another one. Null removes the member.
pub(super) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let (parent, member) = pointer.rsplit_once('/').unwrap();
    let member = member.replace("~1", "/");
    let parent = object.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    match (parent, value) {
        (Value::Object(members), Value::Null) => {
            members.remove(&member);
        }
        (parent, value) => parent[&member] = value,
    }
    object
}

/// The entry of `metadata.managedFields` for a label or annotation of the webhook.
pub(super) fn managed(manager: &str, time: &str, member: &str, name: &str) -> Value {
    let fields = json!({ format!("f:{member}"): { format!("f:azure.workload.identity/{name}"): {} } });
    json!([
        1,
        { "manager": "kubelet", "time": "2026-03-02T08:00:05Z", "fieldsV1": { "f:status": {} } },
        { "manager": manager, "time": time, "fieldsV1": { "f:metadata": fields } }
    ])
}

pub(super) fn live() -> ManifestContext {
    ManifestContext::default().live(ClusterKind::ALL)
}

pub(super) fn report(objects: &[Value], context: &ManifestContext) -> ManifestReport {
    let mut manifest = Manifest::default();
    manifest.add("cluster", json!({ "kind": "List", "items": objects }).to_string().as_bytes());
    assert_eq!(manifest.unreadable, []);
    manifest.examine(context)
}
