//! The manifests of the documents are applied to a real API server. Each grants its command, which is refused before.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::Desk;
use crate::{
    docs::{blocks::blocks, read},
    support::{
        kube_apiserver::{ADMIN, ISSUER, JANE, KubeApiserver},
        kubeconfig::Kubeconfig,
    },
};

const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1";

/// The objects in the YAML blocks of a document.
fn manifests(file: &str) -> Vec<Value> {
    let text = read(Path::new(file));
    let blocks = blocks(Path::new(file), &text);
    let yaml = blocks.iter().filter(|block| block.language == "yaml");
    let objects = yaml.flat_map(|block| serde_saphyr::from_multiple::<Value>(&block.lines.join("\n")).unwrap());
    objects.filter(|object| object.get("kind").is_some()).collect()
}

/// Creates an object, and checks that the API server has stored every member: it drops those that it does not know.
fn apply(server: &KubeApiserver, object: &Value) {
    let kind = object["kind"].as_str().unwrap();
    let namespace = object["metadata"]["namespace"].as_str().map(|name| format!("/namespaces/{name}"));
    let namespace = namespace.unwrap_or_default();
    let (path, mut object) = match kind {
        "Namespace" => ("/api/v1/namespaces".to_owned(), object.clone()),
        "ServiceAccount" => (format!("/api/v1{namespace}/serviceaccounts"), object.clone()),
        "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            (format!("{RBAC}{namespace}/{}s", kind.to_ascii_lowercase()), object.clone())
        }
        "CronJob" => (format!("/apis/batch/v1beta1{namespace}/cronjobs"), object.clone()),
        "Pod" => (format!("/api/v1{namespace}/pods"), object.clone()),
        other => panic!("{other}"),
    };
    if kind == "CronJob" {
        // Kubernetes 1.20 does not have batch/v1 of it. The members are the same.
        object["apiVersion"] = json!("batch/v1beta1");
    }
    assert_stored(&object, &server.create(&path, &object), kind);
}

fn assert_stored(given: &Value, stored: &Value, place: &str) {
    match given {
        Value::Object(members) => {
            for (name, value) in members {
                assert_stored(value, &stored[name], &format!("{place}.{name}"));
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                assert_stored(item, &stored[at], &format!("{place}[{at}]"));
            }
        }
        _ => assert_eq!(given, stored, "{place}"),
    }
}

/// The desk of a service account with this token.
fn desk_of_service_account(server: &KubeApiserver, token: &str) -> Desk {
    Desk::with(&Kubeconfig::default().cluster("c", server.cluster()).user("publisher", "c", json!({ "token": token })))
}

/// Removes the binding that lets every service account read the issuer.
fn remove_default_binding(server: &KubeApiserver) {
    let path = format!("{RBAC}/clusterrolebindings/system:service-account-issuer-discovery");
    assert_eq!(server.call("DELETE", &path, ADMIN, None).0, 200);
}

/// Runs a command until it ends with an exit code other than 3: the API server applies new rules after a moment.
fn becomes_permitted(desk: &Desk, words: &str) {
    for _ in 0..50 {
        if desk.run(words).status.code() != Some(3) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    desk.succeeds(words);
}

#[test]
fn each_manifest_of_the_docs_grants_what_its_command_needs() {
    let Some(server) = KubeApiserver::start_issuer(ISSUER) else { return };
    for namespace in ["org-acme", "shop"] {
        server.create_namespace(namespace);
    }
    let key = std::fs::read(server.folder().join("sa.pub")).unwrap();
    let key = String::from_utf8(key).unwrap();
    let secret = json!({ "metadata": { "name": "prod-1-sa" }, "stringData": { "tls.crt": key } });
    for name in ["prod-1-sa", "prod-2-sa"] {
        let mut secret = secret.clone();
        secret["metadata"]["name"] = json!(name);
        server.create("/api/v1/namespaces/org-acme/secrets", &secret);
    }
    for name in ["orders", "stock"] {
        server.create_service_account("shop", name);
    }
    let desk = Desk::with(&server.kubeconfig().user("jane", "c", json!({ "token": JANE })));
    desk.succeeds("publish --from-cluster --directory site");

    let mut roles: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for object in manifests("docs/clusters.md") {
        roles.entry(object["metadata"]["name"].as_str().unwrap().to_owned()).or_default().push(object);
    }
    // What a role permits, what it does not, and the permission that the refusal names.
    let published = "--published site/clusters/prod-1";
    let owner = format!("publish --from-cluster --owner-from-cluster --directory uid --issuer {ISSUER}");
    let verify = |name: &str| format!("verify --from-cluster --service-account shop/{name} {published}");
    let doctor = "doctor --from-cluster --namespace shop --no-network".to_owned();
    let cases = [
        ("issuer-discovery", vec!["publish --from-cluster --directory site".to_owned()], None),
        ("issuer-namespace", vec![owner], None),
        (
            "issuer-secret",
            vec!["jwks --secret org-acme/prod-1-sa".to_owned()],
            Some("jwks --secret org-acme/prod-2-sa".to_owned()),
        ),
        ("issuer-token", vec![verify("orders")], Some(verify("stock"))),
        ("issuer-doctor", vec![doctor, "doctor --from-cluster --all-namespaces --no-network".to_owned()], None),
    ];
    assert_eq!(roles.len(), cases.len());
    for (role, permitted, refused) in cases {
        for words in &permitted {
            let text = desk.fails(3, &format!("{words} --context jane"));
            assert!(text.contains("403 Forbidden"), "{role}: {text}");
            assert!(text.contains(role) || text.contains("system:service-account-issuer-discovery"), "{role}: {text}");
        }
        roles[role].iter().for_each(|object| apply(&server, object));
        permitted.iter().for_each(|words| becomes_permitted(&desk, &format!("{words} --context jane")));
        if let Some(words) = refused {
            assert!(desk.fails(3, &format!("{words} --context jane")).contains("403 Forbidden"), "{role}");
        }
    }
}

#[test]
fn doctor_skips_no_check_with_the_manifest_of_the_docs() {
    let Some(server) = KubeApiserver::start_issuer(ISSUER) else { return };
    server.create_namespace("shop");
    server.create_service_account("shop", "orders");
    let wanted = ["issuer-doctor", "issuer-discovery", "issuer-token"];
    let of_docs = manifests("docs/clusters.md");
    let of_docs = of_docs.iter().filter(|object| wanted.contains(&object["metadata"]["name"].as_str().unwrap()));
    of_docs.for_each(|object| apply(&server, object));
    let desk = Desk::with(&server.kubeconfig().user("jane", "c", json!({ "token": JANE })));
    let words = "doctor --from-cluster --context jane --service-account shop/orders --no-network";
    becomes_permitted(&desk, words);
    let answer = desk.json(0, words);
    let skipped = answer["checks"].as_array().unwrap().iter().filter(|check| check["outcome"] == "skipped");
    let by_permission = skipped.filter(|check| check.to_string().contains("403"));
    assert_eq!(by_permission.count(), 0, "{answer:#}");
}

#[test]
fn publisher_of_the_cron_job_has_just_enough_permissions() {
    let Some(server) = KubeApiserver::start_issuer(ISSUER) else { return };
    remove_default_binding(&server);
    let objects = manifests("docs/automation.md");
    let named = |kind: &str, name: &str| {
        let found = objects.iter().find(|object| object["kind"] == kind && object["metadata"]["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name}"))
    };
    apply(&server, named("Namespace", "issuer"));
    apply(&server, named("ServiceAccount", "publisher"));
    let token = server.token("issuer", "publisher", ISSUER);
    let desk = desk_of_service_account(&server, &token);

    // The command of the job, with a directory in place of the account.
    let cron_job = named("CronJob", "publisher");
    let container = &cron_job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["command"], json!(["issuer", "publish"]));
    let arguments: Vec<_> = container["args"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    let words = format!("publish {}", arguments.join(" "));
    assert!(words.contains(" --account=acct "), "{words}");
    let words = words.replace("--account=acct", "--directory site");
    let alone = words.replace(" --owner-from-cluster", "");

    let text = desk.fails(3, &words);
    assert!(text.contains("may not read the discovery document") || text.contains("may not read the JWKS"), "{text}");
    assert!(text.contains("--serviceaccount issuer:publisher"), "{text}");
    apply(&server, named("ClusterRoleBinding", "issuer-publisher-discovery"));
    becomes_permitted(&desk, &alone.replace("--directory site", "--directory alone"));
    let text = desk.fails(3, &words);
    assert!(text.contains("may not read the namespace kube-system at the API server"), "{text}");
    apply(&server, named("ClusterRole", "issuer-publisher-uid"));
    apply(&server, named("ClusterRoleBinding", "issuer-publisher-uid"));
    becomes_permitted(&desk, &words);
    let answer = desk.json(0, &words);
    let system: Value = serde_json::from_slice(&server.get("/api/v1/namespaces/kube-system")).unwrap();
    assert_eq!(answer["keys"][0]["owners"], json!([system["metadata"]["uid"]]), "{answer:#}");
    // Nothing else may be read.
    assert_eq!(server.call("GET", "/api/v1/namespaces", &token, None).0, 403);
    assert_eq!(server.call("GET", "/api/v1/namespaces/kube-system/secrets", &token, None).0, 403);
    assert_eq!(server.call("GET", "/api/v1/namespaces/issuer/pods", &token, None).0, 403);
}

#[test]
fn service_accounts_may_read_the_issuer_by_default() {
    let Some(server) = KubeApiserver::shared() else { return };
    server.create_namespace("by-default");
    server.create_service_account("by-default", "publisher");
    let token = server.token("by-default", "publisher", ISSUER);
    let desk = desk_of_service_account(server, &token);
    desk.succeeds("publish --from-cluster --directory site");
}

#[test]
fn cron_job_of_the_docs_is_accepted_and_uses_workload_identity() {
    let Some(server) = KubeApiserver::start_issuer(ISSUER) else { return };
    let objects = manifests("docs/automation.md");
    objects.iter().for_each(|object| apply(&server, object));
    let cron_job = objects.iter().find(|object| object["kind"] == "CronJob").unwrap();
    let mut pod = cron_job["spec"]["jobTemplate"]["spec"]["template"].clone();
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!("publisher-1");
    pod["metadata"]["namespace"] = json!("issuer");
    apply(&server, &pod);
    // The label, the annotation and the service account fit together.
    let desk = Desk::new(&server);
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    std::fs::write(desk.path().join("cronjob.json"), list.to_string()).unwrap();
    let answer = desk.json(0, "doctor --manifest cronjob.json --no-network");
    assert_eq!(answer["workloads"]["judged"], 1, "{answer:#}");
}
