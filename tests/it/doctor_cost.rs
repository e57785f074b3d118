//! The cost of checking manifests.

use allocation_counter::measure;
use issuer::{ClusterKind, Manifest, ManifestContext};

const CLIENT: &str = "5f0c7f3a-1c7e-4f39-9b0e-3a8f6f5b1a06";

/// Pods with a service account each, half of them without a label.
fn pods(count: usize) -> String {
    let pod = |number: usize| {
        let label = if number.is_multiple_of(2) { "azure.workload.identity/use: 'true'" } else { "" };
        format!(
            "---\nkind: ServiceAccount\nmetadata: {{ name: sa-{number}, annotations: {{ azure.workload.identity/client-id: {CLIENT} }} }}\n\
             ---\nkind: Pod\nmetadata: {{ name: pod-{number}, labels: {{ {label} }} }}\nspec: {{ serviceAccountName: sa-{number}, containers: [{{ name: app, image: a }}] }}\n"
        )
    };
    (0..count).map(pod).collect()
}

/// A text for each number.
fn numbered(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// An object with pod templates below a list.
fn templates(count: usize) -> String {
    let labels = numbered(count, |number| format!("azure.workload.identity/{number}: 'x', "));
    let template = "      - template: { metadata: { labels: {} }, spec: { containers: [{ name: app }] } }\n";
    format!(
        "apiVersion: example.com/v1\nkind: Group\nmetadata: {{ name: a, labels: {{ {labels} }} }}\nspec:\n  groups:\n{}",
        template.repeat(count)
    )
}

/// A workflow whose templates share labels and volumes.
fn workflow(count: usize) -> String {
    let labels = numbered(count, |number| format!("azure.workload.identity/{number}: 'x', "));
    let volume = |number: usize| {
        format!(
            "    - {{ name: v{number}, projected: {{ sources: [{{ serviceAccountToken: {{ path: a, audience: vault }} }}] }} }}\n"
        )
    };
    let template = "    - container: { volumeMounts: [{ name: v0, mountPath: /a }] }\n";
    format!(
        "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {{ name: a }}\nspec:\n  podMetadata: {{ labels: {{ {labels} }} }}\n  volumes:\n{}  templates:\n{}",
        numbered(count, volume),
        template.repeat(count)
    )
}

/// A ConfigMap with many entries, and pods with many sources of variables.
fn sources(count: usize) -> String {
    let entries = numbered(count, |number| format!("  AZURE_{number}: x\n"));
    let refs = numbered(count, |number| format!("        - configMapRef: {{ name: map-{number} }}\n"));
    let pod = |number: usize| {
        format!(
            "---\nkind: Pod\nmetadata: {{ name: pod-{number} }}\nspec:\n  containers:\n    - name: app\n      env: [{{ name: AZURE_CLIENT_ID }}]\n      envFrom:\n"
        )
    };
    let pods = numbered(count, |number| format!("{}        - configMapRef: {{ name: map }}\n", pod(number)));
    format!("kind: ConfigMap\nmetadata: {{ name: map }}\ndata:\n{entries}{pods}{}{refs}", pod(count))
}

/// The pods of two Deployments in a cluster, half of them unchanged by the webhook, in a namespace each.
fn cluster(count: usize) -> String {
    let pod = |number: usize| {
        let owner = number % 2;
        format!(
            "---\nkind: Namespace\nmetadata: {{ name: n-{number}, labels: {{ a: b }} }}\n\
             ---\nkind: Pod\nmetadata: {{ name: pod-{number}, namespace: n-{}, uid: '{number}', creationTimestamp: '2026-03-01T08:00:00Z', labels: {{ pod-template-hash: x, azure.workload.identity/use: 'true' }}, ownerReferences: [{{ kind: ReplicaSet, name: app-{owner}-x }}] }}\n\
             spec: {{ containers: [{{ name: app, image: a }}] }}\n",
            number / 10
        )
    };
    let webhook = "kind: MutatingWebhookConfiguration\nmetadata: { name: a }\nwebhooks: [{ name: mutation.azure-workload-identity.io, namespaceSelector: { matchLabels: { a: b } } }]\n";
    format!("{webhook}{}", numbered(count, pod))
}

#[test]
fn cost_is_proportional_to_the_manifest() {
    let inputs: [fn(usize) -> (String, usize); 5] = [
        |count| (pods(count), count),
        |count| (templates(count), count),
        |count| (workflow(count), count),
        |count| (sources(count), count + 1),
        |count| (cluster(count), count),
    ];
    let manifests = ManifestContext::default();
    let live = ManifestContext::default().live(ClusterKind::ALL);
    for (input, context) in inputs.into_iter().flat_map(|input| [(input, &manifests), (input, &live)]) {
        let cost = |count: usize| {
            let (text, judged) = input(count);
            let info = measure(|| {
                let mut manifest = Manifest::default();
                manifest.add("x", text.as_bytes());
                let report = manifest.examine(context);
                assert_eq!((report.judged, manifest.unreadable.len()), (judged, 0));
            });
            (info.count_total, info.bytes_total)
        };
        let (short, long) = (cost(100), cost(1000));
        assert!(long.0 <= 11 * short.0 && long.1 <= 11 * short.1, "{short:?} {long:?}");
    }
}
