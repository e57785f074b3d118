use serde_json::Value;

/// A projected volume with a service account token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TokenVolume {
    pub(super) name: String,
    /// The audience; `None` for that of the API server.
    pub(super) audience: Option<String>,
    /// The requested lifetime in seconds, as YAML; `None` for the default of one hour.
    pub(super) expiration: Option<String>,
    pub(super) path: String,
}

impl TokenVolume {
    /// The projected tokens of a pod. A volume may have several.
    pub(super) fn all(spec: &Value) -> Vec<Self> {
        let mut tokens = Vec::new();
        for volume in spec.get("volumes").and_then(Value::as_array).into_iter().flatten() {
            let Some(name) = volume.get("name").and_then(Value::as_str) else { continue };
            let sources = volume.pointer("/projected/sources").and_then(Value::as_array).into_iter().flatten();
            for token in sources.filter_map(|source| source.get("serviceAccountToken")) {
                let text = |member: &str| token.get(member).and_then(Value::as_str).map(str::to_owned);
                let expiration = token.get("expirationSeconds").filter(|value| !value.is_null());
                tokens.push(Self {
                    name: name.to_owned(),
                    audience: text("audience").filter(|audience| !audience.is_empty()),
                    expiration: expiration.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
                    path: text("path").unwrap_or_default(),
                });
            }
        }
        tokens
    }

    /// Whether the webhook added the volume: a pod as the API server returns it (Azure/azure-workload-identity,
    /// `pkg/webhook/webhook.go`).
    pub(super) fn is_of_webhook(&self) -> bool {
        self.name == "azure-identity-token" || self.name.starts_with("azure-workload-identity-reserved-")
    }
}
