//! Documents with named entries: Secrets, ConfigMaps, lists of them, kops Keysets, Talos files, and JSON or YAML with
//! PEM.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{OtherDocument, SkipReason};

/// A decoded entry.
pub(super) struct Entry {
    pub(super) name: String,
    /// The bytes, or the reason why they cannot be decoded.
    pub(super) bytes: Result<Vec<u8>, SkipReason>,
}

/// A document with entries.
pub(super) struct Manifest {
    /// The kind, such as `Secret`.
    pub(super) kind: &'static str,
    pub(super) name: Option<String>,
    /// Whether all entries are service account keys, whatever their names.
    pub(super) is_keyset: bool,
    pub(super) entries: Vec<Entry>,
}

/// A classified document.
pub(super) enum Document {
    Manifest(Manifest),
    Other(OtherDocument),
    /// A document that cannot be read, with the reason.
    Unreadable(String),
}

/// The documents of a JSON value: the value itself, or the items of a list.
pub(super) fn read(value: &Value) -> Vec<Document> {
    read_as(value, None)
}

fn read_as(value: &Value, item_kind: Option<&str>) -> Vec<Document> {
    let kind = value.get("kind").and_then(Value::as_str).or(item_kind);
    if let (Some(list), Some(items)) = (kind, value.get("items").and_then(Value::as_array)) {
        // `kubectl get secrets -o json` omits the kind of the items in a SecretList.
        let of_items = list.strip_suffix("List").filter(|kind| !kind.is_empty());
        return items.iter().flat_map(|item| read_as(item, of_items)).collect();
    }
    if let Some(other) = OtherDocument::of_object(value) {
        return vec![Document::Other(other)];
    }
    let name = value.get("metadata").and_then(|metadata| metadata.get("name")).and_then(Value::as_str);
    let name = name.map(str::to_owned);
    let manifest =
        |kind, entries| vec![Document::Manifest(Manifest { kind, name: name.clone(), is_keyset: false, entries })];
    match kind {
        Some("Secret") if value.get("type").and_then(Value::as_str) == Some("kubernetes.io/ssh-auth") => {
            vec![Document::Other(OtherDocument::Manifest("Secret (kubernetes.io/ssh-auth)".to_owned()))]
        }
        Some("Secret") => match entries(value, &[("data", Form::Base64), ("stringData", Form::Text)]) {
            Ok(entries) => manifest("Secret", entries),
            Err(member) => {
                vec![Document::Unreadable(format!("it is not a valid Secret: {member} is not an object"))]
            }
        },
        Some("ConfigMap") => match entries(value, &[("data", Form::Text), ("binaryData", Form::Base64)]) {
            Ok(entries) => manifest("ConfigMap", entries),
            Err(member) => {
                vec![Document::Unreadable(format!("it is not a valid ConfigMap: {member} is not an object"))]
            }
        },
        Some("Keyset") => match name {
            Some(name) if !name.contains("service-account") => vec![Document::Other(OtherDocument::Keyset(name))],
            // A Keyset without a name may be that of a CA; its certificates state their purpose.
            name => {
                let (is_keyset, entries) = (name.is_some(), keyset(value));
                vec![Document::Manifest(Manifest { kind: "Keyset", name, is_keyset, entries })]
            }
        },
        _ => {
            let talos = talos(value);
            let entries = if talos.is_empty() { texts_with_pem(value) } else { talos };
            if entries.is_empty() { Vec::new() } else { manifest("document", entries) }
        }
    }
}

#[derive(Clone, Copy)]
enum Form {
    Base64,
    Text,
}

/// The entries in these members of a Secret or ConfigMap; the error is the name of a member that is not an object.
fn entries<'a>(value: &Value, members: &[(&'a str, Form)]) -> Result<Vec<Entry>, &'a str> {
    let mut all = Vec::new();
    for (member, form) in members {
        let data = match value.get(*member) {
            None | Some(Value::Null) => continue,
            Some(Value::Object(data)) => data,
            Some(_) => return Err(member),
        };
        for (name, value) in data {
            let bytes = match (form, value) {
                (_, Value::Null) => Ok(Vec::new()),
                (Form::Text, Value::String(text)) => Ok(text.clone().into_bytes()),
                // The YAML tag !!binary was decoded already, or the value was never encoded.
                (Form::Base64, Value::String(text)) if text.contains("-----BEGIN ") => Ok(text.clone().into_bytes()),
                (Form::Base64, Value::String(text)) => decode(text).ok_or(SkipReason::Base64),
                _ => Err(SkipReason::NoKey),
            };
            all.push(Entry { name: name.clone(), bytes });
        }
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let compact: String = text.split_ascii_whitespace().collect();
    BASE64_STANDARD.decode(compact).ok()
}

/// A base64 value as an entry.
fn encoded(name: String, value: &Value) -> Option<Entry> {
    let text = value.as_str()?;
    Some(Entry { name, bytes: decode(text).ok_or(SkipReason::Base64) })
}

/// The keys of a kops Keyset (`upup/pkg/fi`, `keyset.yaml`); distrusted keys are not read.
fn keyset(value: &Value) -> Vec<Entry> {
    let keys = value.pointer("/spec/keys").and_then(Value::as_array);
    let mut entries = Vec::new();
    for (index, key) in keys.into_iter().flatten().enumerate() {
        let id = key.get("id").and_then(Value::as_str).map_or_else(|| (index + 1).to_string(), str::to_owned);
        let is_distrusted = key.get("distrustTimestamp").is_some_and(|time| !time.is_null());
        for member in ["publicMaterial", "privateMaterial"] {
            let name = format!("{id}/{member}");
            if is_distrusted && key.get(member).is_some() {
                entries.push(Entry { name, bytes: Err(SkipReason::Distrusted) });
            } else {
                entries.extend(key.get(member).and_then(|value| encoded(name, value)));
            }
        }
    }
    entries
}

/// The keys in a Talos secrets bundle or machine configuration, in base64.
fn talos(value: &Value) -> Vec<Entry> {
    let mut entries = Vec::new();
    for (pointer, name) in [
        ("/certs/k8sserviceaccount/key", "certs.k8sserviceaccount.key"),
        ("/cluster/serviceAccount/key", "cluster.serviceAccount.key"),
    ] {
        entries.extend(value.pointer(pointer).and_then(|value| encoded(name.to_owned(), value)));
    }
    if entries.is_empty() {
        return entries;
    }
    for section in ["certs", "cluster", "machine"] {
        let members = value.get(section).and_then(Value::as_object);
        for (name, member) in members.into_iter().flatten().filter(|(name, _)| !is_service_account(name)) {
            for part in ["crt", "key"] {
                let name = format!("{section}.{name}.{part}");
                entries.extend(member.get(part).and_then(|value| encoded(name, value)));
            }
        }
    }
    entries
}

fn is_service_account(name: &str) -> bool {
    matches!(name, "k8sserviceaccount" | "serviceAccount")
}

/// Every string that holds a PEM block, named by its path.
fn texts_with_pem(value: &Value) -> Vec<Entry> {
    let mut entries = Vec::new();
    collect(value, String::new(), &mut entries);
    entries
}

fn collect(value: &Value, path: String, entries: &mut Vec<Entry>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::String(text) if text.contains("-----BEGIN ") => {
            entries.push(Entry { name: path, bytes: Ok(text.clone().into_bytes()) });
        }
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                collect(value, below(&index.to_string()), entries);
            }
        }
        Value::Object(members) => {
            // The path of a file that cloud-init writes is a better name than its index in the list.
            if let Some(file) = written_file(members) {
                entries.push(file);
                return;
            }
            members.iter().for_each(|(name, value)| collect(value, below(name), entries));
        }
        _ => {}
    }
}

/// A file of `write_files` (cloud-init, Cluster API's `KubeadmConfig`) that holds PEM.
fn written_file(members: &serde_json::Map<String, Value>) -> Option<Entry> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    let (path, content) = (text("path")?, text("content")?);
    let bytes = match text("encoding") {
        Some("b64" | "base64") => decode(content)?,
        _ => content.as_bytes().to_vec(),
    };
    let holds_pem = memchr::memmem::find(&bytes, b"-----BEGIN ").is_some();
    holds_pem.then(|| Entry { name: path.to_owned(), bytes: Ok(bytes) })
}
