//! Kubernetes Secret manifests in YAML or JSON: one, several documents, or a List.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde::Deserialize;

/// What a manifest is read as; every member a Secret may lack is optional.
#[derive(Deserialize)]
struct Manifest {
    kind: Option<String>,
    metadata: Option<Metadata>,
    data: Option<BTreeMap<String, Option<String>>>,
    #[serde(rename = "stringData")]
    string_data: Option<BTreeMap<String, Option<String>>>,
    items: Option<Vec<Self>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    name: Option<String>,
}

/// One Secret: its name, and its entries decoded.
pub(super) struct Secret {
    /// The kind of a manifest that is not a Secret, and has no entries here.
    pub(super) other_kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) entries: Vec<(String, Vec<u8>)>,
}

/// Whether text is a Kubernetes manifest in YAML rather than keys.
pub(super) fn looks_like_yaml(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("kind:") && has("apiVersion:")
}

/// The Secrets of a YAML stream.
#[cfg(feature = "yaml")]
pub(super) fn from_yaml(text: &str) -> Result<Vec<Secret>, String> {
    // The parser's own words may quote what stands there, and that may be a secret.
    let manifests: Vec<Manifest> = serde_saphyr::from_multiple(text).map_err(|error| match error.location() {
        Some(at) => format!("it is not a manifest in YAML, from line {} on", at.line()),
        None => "it is not a manifest in YAML".to_owned(),
    })?;
    secrets(manifests)
}

/// Without the feature `yaml` a manifest is recognised and refused.
#[cfg(not(feature = "yaml"))]
pub(super) fn from_yaml(_: &str) -> Result<Vec<Secret>, String> {
    Err("it is a YAML manifest, and this build reads manifests in JSON only".to_owned())
}

/// The Secrets of a JSON manifest.
pub(super) fn from_json(value: serde_json::Value) -> Result<Vec<Secret>, String> {
    let manifest =
        serde_json::from_value(value).map_err(|_| "it is not a Secret as Kubernetes writes it".to_owned())?;
    secrets(vec![manifest])
}

fn secrets(manifests: Vec<Manifest>) -> Result<Vec<Secret>, String> {
    let mut secrets = Vec::new();
    for manifest in manifests {
        match (manifest.kind.as_deref(), manifest.items) {
            (Some("List" | "SecretList"), Some(items)) => secrets.extend(self::secrets(items)?),
            // `kubectl get secrets -o json` leaves out the kind of what is inside a SecretList.
            (Some("Secret") | None, None) => secrets.push(Secret {
                other_kind: None,
                name: manifest.metadata.and_then(|metadata| metadata.name),
                entries: entries(manifest.data.unwrap_or_default(), manifest.string_data.unwrap_or_default())?,
            }),
            (kind, _) => secrets.push(Secret {
                other_kind: Some(kind.unwrap_or_default().to_owned()),
                name: None,
                entries: Vec::new(),
            }),
        }
    }
    Ok(secrets)
}

fn entries(
    data: BTreeMap<String, Option<String>>,
    string_data: BTreeMap<String, Option<String>>,
) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut entries = Vec::new();
    for (name, value) in data {
        let text: String = value.unwrap_or_default().split_ascii_whitespace().collect();
        let bytes = BASE64_STANDARD.decode(text).map_err(|_| format!("entry {name:?} of its data is not base64"))?;
        entries.push((name, bytes));
    }
    entries.extend(string_data.into_iter().map(|(name, value)| (name, value.unwrap_or_default().into_bytes())));
    Ok(entries)
}
