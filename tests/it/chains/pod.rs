//! What Kubernetes, the webhook of workload identity and an SDK make of a manifest: the request that a pod sends to
//! Entra.
//!
//! The webhook is that of Azure/azure-workload-identity: "Labels and annotations" and "Known issues" in its book, and
//! `pkg/webhook`. The limits of tokens are those of Kubernetes, `pkg/apis/authentication/validation`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::values::TENANT;

const ENTRA: &str = "api://AzureADTokenExchange";
const PREFIX: &str = "azure.workload.identity/";
const WEBHOOK_FILE: &str = "/var/run/secrets/azure/wi/token/azure-identity-token";

/// The values that a pod sends to Entra. Its other claims are the default ones.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) client_id: String,
    pub(crate) tenant: String,
    /// How the claims of the token differ from the default ones; `null` if the chain has a token of its own.
    pub(crate) claims: Value,
}

/// A token that a pod can read: its audience, or `None` for that of the API server, and its lifetime in seconds.
struct TokenFile {
    audience: Option<String>,
    seconds: i64,
}

impl Sent {
    /// The request of a pod with these variables. `None` if one is missing, or if there is no such token file.
    pub(crate) fn with(variables: &Value) -> Option<Self> {
        let variable = |name: &str| variables[name].as_str().filter(|value| !value.is_empty()).map(str::to_owned);
        if variables.get("AZURE_FEDERATED_TOKEN_FILE").is_some() {
            return None;
        }
        let (client_id, tenant) = (variable("AZURE_CLIENT_ID")?, variable("AZURE_TENANT_ID")?);
        Some(Self { client_id, tenant, claims: Value::Null })
    }

    /// The request of the first container of the first workload. `None` if no pod starts, or if the SDK has no
    /// variables or no token.
    pub(crate) fn from(manifest: &str) -> Option<Self> {
        let documents: Vec<Value> =
            manifest.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect();
        let (owner, template) = documents.iter().find_map(|document| Some((document, template(document)?)))?;
        let pod = &template["spec"];
        let namespace = owner["metadata"]["namespace"].as_str().unwrap_or("default");
        let name = pod["serviceAccountName"].as_str().unwrap_or("default");
        let is_account = |document: &&Value| {
            document["kind"] == "ServiceAccount"
                && document["metadata"]["name"] == name
                && document["metadata"]["namespace"].as_str().unwrap_or("default") == namespace
        };
        let account = documents.iter().find(is_account).map_or(&Value::Null, |account| &account["metadata"]);
        let container = &pod["containers"][0];
        let mut variables = variables(container, &documents, namespace);
        let mut files = own_tokens(pod, container)?;
        if is_changed(namespace, &template["metadata"])? {
            mutate(&template["metadata"], account, pod, container, &mut variables, &mut files)?;
        }
        // The kubelet adds these first, so that `env` and the webhook win.
        for (name, value) in variables_from(container, &documents, namespace) {
            variables.entry(name).or_insert(value);
        }
        let path = variables.get("AZURE_FEDERATED_TOKEN_FILE")?;
        let file = &files.iter().find(|(mount, _)| path.starts_with(mount.as_str()))?.1;
        let audience = file.audience.clone().unwrap_or_else(|| "{issuer}".to_owned());
        let claims = json!({
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
            "aud": [audience],
            "exp": format!("{{now+{}}}", file.seconds - 60),
        });
        let variable = |name: &str| variables.get(name).filter(|value| !value.is_empty()).cloned();
        Some(Self { client_id: variable("AZURE_CLIENT_ID")?, tenant: variable("AZURE_TENANT_ID")?, claims })
    }
}

/// The pod template of a workload, or the pod itself. A Workflow runs its first template, and an application of Spark
/// sends the request from its driver.
fn template(document: &Value) -> Option<Value> {
    let spec = &document["spec"];
    match document["kind"].as_str()? {
        "Pod" => Some(document.clone()),
        "CronJob" => Some(spec["jobTemplate"]["spec"]["template"].clone()),
        "ScaledJob" => Some(spec["jobTargetRef"]["template"].clone()),
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => Some(spec["template"].clone()),
        "SparkApplication" => {
            let driver = &spec["driver"];
            let pod =
                json!({ "serviceAccountName": driver["serviceAccount"], "containers": [{ "env": driver["env"] }] });
            let own = json!({ "metadata": { "labels": driver["labels"] }, "spec": pod });
            Some(driver.get("template").cloned().unwrap_or(own))
        }
        "Workflow" => {
            let container = &spec["templates"][0]["container"];
            let pod = json!({ "serviceAccountName": spec["serviceAccountName"], "containers": [container] });
            Some(json!({ "metadata": spec["podMetadata"], "spec": pod }))
        }
        _ => None,
    }
}

/// The object of a kind and name in a namespace.
fn object<'a>(documents: &'a [Value], kind: &str, name: &Value, namespace: &str) -> Option<&'a Value> {
    documents.iter().find(|document| {
        let metadata = &document["metadata"];
        document["kind"] == kind && metadata["name"] == *name && metadata["namespace"] == namespace
    })
}

/// The variables of `env` with a literal value, or the value of a ConfigMap.
fn variables(container: &Value, documents: &[Value], namespace: &str) -> BTreeMap<String, String> {
    let value = |variable: &Value| {
        let source = &variable["valueFrom"]["configMapKeyRef"];
        let map = object(documents, "ConfigMap", &source["name"], namespace);
        let of_map = map.and_then(|map| map["data"][source["key"].as_str()?].as_str());
        Some((variable["name"].as_str()?.to_owned(), variable["value"].as_str().or(of_map)?.to_owned()))
    };
    container["env"].as_array().into_iter().flatten().filter_map(value).collect()
}

/// The variables of `envFrom`; a later source wins.
fn variables_from(container: &Value, documents: &[Value], namespace: &str) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::new();
    for source in container["envFrom"].as_array().into_iter().flatten() {
        let map = object(documents, "ConfigMap", &source["configMapRef"]["name"], namespace);
        let prefix = source["prefix"].as_str().unwrap_or_default();
        for (key, value) in map.and_then(|map| map["data"].as_object()).into_iter().flatten() {
            variables.insert(format!("{prefix}{key}"), value.as_str().unwrap_or_default().to_owned());
        }
    }
    variables
}

/// The tokens that the pod projects itself, by the path of their mount. `None` if the API server rejects the pod.
fn own_tokens(pod: &Value, container: &Value) -> Option<Vec<(String, TokenFile)>> {
    let mut files = Vec::new();
    for volume in pod["volumes"].as_array().into_iter().flatten() {
        let sources = volume["projected"]["sources"].as_array().into_iter().flatten();
        for token in sources.map(|source| &source["serviceAccountToken"]).filter(|token| token.is_object()) {
            let seconds = token["expirationSeconds"].as_i64().unwrap_or(3600);
            if seconds < 600 {
                return None;
            }
            let audience = token["audience"].as_str();
            let mounts = container["volumeMounts"].as_array().into_iter().flatten();
            for mount in mounts.filter(|mount| mount["name"] == volume["name"]) {
                let file = TokenFile { audience: audience.map(str::to_owned), seconds };
                files.push((mount["mountPath"].as_str()?.to_owned(), file));
            }
        }
    }
    Some(files)
}

/// Whether the webhook changes the pod. `None` if the API server rejects it, because a label is not a string.
fn is_changed(namespace: &str, metadata: &Value) -> Option<bool> {
    match metadata["labels"].get(format!("{PREFIX}use")) {
        None => Some(false),
        // On AKS, webhooks do not see the namespace kube-system.
        Some(label) => Some(label.as_str()? == "true" && namespace != "kube-system"),
    }
}

/// Adds the variables and the token. `None` if the webhook rejects the pod.
fn mutate(
    metadata: &Value,
    account: &Value,
    pod: &Value,
    container: &Value,
    variables: &mut BTreeMap<String, String>,
    files: &mut Vec<(String, TokenFile)>,
) -> Option<()> {
    let of_pod = |name: &str| metadata["annotations"][format!("{PREFIX}{name}")].as_str();
    let of_account = |name: &str| account["annotations"][format!("{PREFIX}{name}")].as_str();
    let expiration = "service-account-token-expiration";
    let seconds: i64 = of_pod(expiration).or(of_account(expiration)).unwrap_or("3600").parse().ok()?;
    let has_proxy = of_pod("inject-proxy-sidecar") == Some("true");
    if !(3600..=86400).contains(&seconds) || (has_proxy && pod["hostNetwork"] == true) {
        return None;
    }
    let skipped = of_pod("skip-containers").unwrap_or_default();
    if skipped.split(';').any(|name| container["name"] == name.trim()) {
        return Some(());
    }
    // A variable that is already set keeps its value. Without the annotation the webhook sets no client ID.
    let mut set = |name: &str, value: &str| {
        variables.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    };
    if let Some(client_id) = of_account("client-id") {
        set("AZURE_CLIENT_ID", client_id);
    }
    set("AZURE_TENANT_ID", of_account("tenant-id").unwrap_or(TENANT));
    set("AZURE_FEDERATED_TOKEN_FILE", WEBHOOK_FILE);
    files.push((WEBHOOK_FILE.to_owned(), TokenFile { audience: Some(ENTRA.to_owned()), seconds }));
    Some(())
}
