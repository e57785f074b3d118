use serde_json::json;

use super::Federation;
use crate::entra::ClientId;

/// The annotation of a service account with the client ID of its identity, and the label of pods that use it (Microsoft
/// Entra Workload ID, "Labels and annotations").
const CLIENT_ID: &str = "azure.workload.identity/client-id";
const USE: &str = "azure.workload.identity/use";

impl Federation {
    /// The manifest of the service account, with the client ID for the mutating webhook, as YAML.
    pub fn service_account_manifest(&self, client_id: &ClientId) -> String {
        let (name, namespace) = (scalar(&self.service_account.name), scalar(&self.service_account.namespace));
        format!(
            "apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  namespace: {namespace}
  annotations:
    {CLIENT_ID}: {}
",
            quoted(client_id.as_str()),
        )
    }

    /// The strategic merge patch of a `Deployment`, `StatefulSet`, `DaemonSet` or `Job` that lets its pods use the service account,
    /// as YAML.
    pub fn pod_template_patch(&self) -> String {
        format!(
            "spec:
  template:
    metadata:
      labels:
        {USE}: \"true\"
    spec:
      serviceAccountName: {}
",
            scalar(&self.service_account.name),
        )
    }
}

/// A string of YAML, quoted unless it starts with two letters and is no word of the core or YAML 1.1 schema.
fn scalar(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
    let is_word = ["true", "false", "null", "yes", "no", "on", "off"].contains(&text);
    let starts_well = text.len() > 1 && text.bytes().take(2).all(|byte| byte.is_ascii_lowercase());
    if starts_well && !is_word && text.bytes().all(is_plain) { text.to_owned() } else { quoted(text) }
}

/// A double-quoted string: a JSON string is one (YAML 1.2 section 1.3).
fn quoted(text: &str) -> String {
    json!(text).to_string()
}
