use std::{collections::HashSet, fmt};

use serde_json::{Map, Value};

use super::{Content, Headers, Stored};
use crate::{documents::Jwks, key::Jwk};

/// A change of a document: of a JWKS entry, a member, a header, or the retention record.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{DocumentChange, KeySet, SystemClock, DesiredState, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// let other = desired.cache_control("no-store".to_owned());
/// let plan = issuer::plan(&site, &other, &SystemClock).await?;
/// let [_, discovery] = plan.documents.as_slice() else { panic!() };
/// assert_eq!(discovery.changes.len(), 1);
/// assert_eq!(discovery.changes[0].to_string(), "cache-control public, max-age=300 → no-store");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DocumentChange {
    /// The whole body is replaced, because the published body cannot be parsed.
    Body,
    /// An added entry of `keys`, by its `kid`.
    KeyAdded(String),
    /// A removed entry of `keys`, by its `kid`.
    KeyRemoved(String),
    /// An entry of `keys` whose other members change, by its `kid`.
    KeyChanged(String),
    /// The order or number of the entries of `keys`.
    KeyOrder,
    /// A changed member of the document.
    Member {
        /// The name.
        name: String,
        /// The current value; `None` if the member does not exist.
        from: Option<Value>,
        /// The new value; `None` if the member is removed.
        to: Option<Value>,
    },
    /// The order of the members, or white space.
    Form,
    /// A changed header of the document.
    Header {
        /// The name, in lower case.
        name: &'static str,
        /// The current value; `None` if the header does not exist.
        from: Option<String>,
        /// The new value; `None` if the header is removed.
        to: Option<String>,
    },
    /// The retention record.
    Record,
}

impl DocumentChange {
    /// The changes from a stored document to the planned content.
    pub(super) fn between(current: &Stored, content: &Content) -> Vec<Self> {
        let mut changes = Vec::new();
        if current.bytes != content.bytes {
            changes.extend(of_bodies(&current.bytes, &content.bytes));
        }
        if let Some(headers) = &current.headers {
            changes.extend(of_headers(headers, &content.headers));
        }
        if !current.retention.is(&content.retention) {
            changes.push(Self::Record);
        }
        changes
    }
}

fn of_bodies(before: &[u8], after: &[u8]) -> Vec<DocumentChange> {
    let read = |bytes| serde_json::from_slice::<Map<String, Value>>(bytes).ok();
    let (Some(from), Some(to)) = (read(before), read(after)) else { return vec![DocumentChange::Body] };
    let mut changes = Vec::new();
    let is_keys =
        |name: &str, members: &Map<String, Value>| name == "keys" && members.get(name).is_some_and(Value::is_array);
    let names = to.keys().chain(from.keys().filter(|name| !to.contains_key(*name)));
    for name in names.filter(|name| from.get(*name) != to.get(*name)) {
        if is_keys(name, &from) && is_keys(name, &to) {
            changes.extend(of_keys(before, after));
        } else {
            let (from, to) = (from.get(name).cloned(), to.get(name).cloned());
            changes.push(DocumentChange::Member { name: name.clone(), from, to });
        }
    }
    if changes.is_empty() {
        changes.push(DocumentChange::Form);
    }
    changes
}

fn of_keys(before: &[u8], after: &[u8]) -> Vec<DocumentChange> {
    let read = |bytes| Jwks::parse(bytes).map(|jwks| jwks.keys).unwrap_or_default();
    let (before, after) = (read(before), read(after));
    let kid = |jwk: &Jwk| jwk.kid().unwrap_or_default().to_owned();
    let (from, to): (HashSet<_>, HashSet<_>) = (before.iter().map(kid).collect(), after.iter().map(kid).collect());
    let mut changes = Vec::new();
    for jwk in &after {
        let kid = kid(jwk);
        if !from.contains(&kid) {
            changes.push(DocumentChange::KeyAdded(kid));
        } else if !before.contains(jwk) {
            changes.push(DocumentChange::KeyChanged(kid));
        }
    }
    let gone = before.iter().map(kid).filter(|kid| !to.contains(kid));
    changes.extend(gone.map(DocumentChange::KeyRemoved));
    if changes.is_empty() {
        changes.push(DocumentChange::KeyOrder);
    }
    changes
}

fn of_headers(before: &Headers, after: &Headers) -> Vec<DocumentChange> {
    let given = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let headers = |headers: &Headers| {
        [
            ("content-type", given(&headers.content_type)),
            ("cache-control", given(&headers.cache_control)),
            ("content-encoding", headers.content_encoding.clone()),
        ]
    };
    let pairs = headers(before).into_iter().zip(headers(after));
    let changed = pairs.filter(|((_, from), (_, to))| from != to);
    changed.map(|((name, from), (_, to))| DocumentChange::Header { name, from, to }).collect()
}

/// For example `keys + KID`, `jwks_uri A → B`, `cache-control A → B`.
impl fmt::Display for DocumentChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kid = |kid: &str| if kid.is_empty() { "(no kid)".to_owned() } else { kid.to_owned() };
        let member = |value: &Option<Value>| match value {
            None => "(none)".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let header = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
        match self {
            Self::Body => f.write_str("the whole document, which cannot be parsed"),
            Self::KeyAdded(added) => write!(f, "keys + {}", kid(added)),
            Self::KeyRemoved(removed) => write!(f, "keys - {}", kid(removed)),
            Self::KeyChanged(changed) => write!(f, "keys ~ {}: other members", kid(changed)),
            Self::KeyOrder => f.write_str("keys in another order, or without duplicates"),
            Self::Member { name, from, to } => write!(f, "{name} {} → {}", member(from), member(to)),
            Self::Form => f.write_str("the order of members, or white space"),
            Self::Header { name, from, to } => write!(f, "{name} {} → {}", header(from), header(to)),
            Self::Record => f.write_str("the retention record"),
        }
    }
}
