use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use serde_json::Value;

use super::{
    container::{Container, OTHER_CREDENTIALS, VARIABLES, Variable},
    workload::namespace_and_name,
};

/// The longest value of a ConfigMap that is kept. No variable of workload identity is longer.
const VALUE_MAX: usize = 1024;
/// The variable of the proxy of an identity binding.
const PROXY: &str = "AZURE_KUBERNETES_TOKEN_PROXY";

/// The kind of an object whose entries are variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum EnvKind {
    ConfigMap,
    Secret,
}

impl fmt::Display for EnvKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
        })
    }
}

/// A ConfigMap or Secret in a manifest.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct EnvSource {
    kind: EnvKind,
    namespace: Option<String>,
    name: String,
    /// The entries. Only a ConfigMap has values; those of a Secret are never kept.
    entries: BTreeMap<String, Option<String>>,
}

impl EnvSource {
    pub(super) fn of(object: &Value, kind: EnvKind) -> Self {
        let (namespace, name) = namespace_and_name(object);
        let mut entries = BTreeMap::new();
        for member in ["data", "stringData"] {
            for (key, value) in object.get(member).and_then(Value::as_object).into_iter().flatten() {
                let value = value.as_str().filter(|text| kind == EnvKind::ConfigMap && text.len() <= VALUE_MAX);
                entries.insert(key.clone(), value.map(str::to_owned));
            }
        }
        Self { kind, namespace, name, entries }
    }
}

/// The names of the entries, without their values.
impl fmt::Debug for EnvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}/{} {:?}", self.kind, self.namespace, self.name, self.entries.keys())
    }
}

/// An entry of `envFrom`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EnvFrom {
    kind: EnvKind,
    name: String,
    prefix: String,
}

impl EnvFrom {
    pub(super) fn of(value: &Value) -> Option<Self> {
        let kinds = [("configMapRef", EnvKind::ConfigMap), ("secretRef", EnvKind::Secret)];
        let (source, kind) = kinds.into_iter().find_map(|(member, kind)| Some((value.get(member)?, kind)))?;
        let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        Some(Self { kind, name: text(source, "name")?, prefix: text(value, "prefix").unwrap_or_default() })
    }
}

/// The entry of a ConfigMap or Secret that `valueFrom` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRef {
    kind: EnvKind,
    name: String,
    key: String,
    /// Whether the variable is not set if the entry does not exist.
    is_optional: bool,
}

impl KeyRef {
    pub(super) fn of(value: &Value) -> Option<Self> {
        let kinds = [("configMapKeyRef", EnvKind::ConfigMap), ("secretKeyRef", EnvKind::Secret)];
        let (source, kind) = kinds.into_iter().find_map(|(member, kind)| Some((value.get(member)?, kind)))?;
        let text = |member: &str| source.get(member).and_then(Value::as_str).map(str::to_owned);
        let is_optional = source.get("optional").and_then(Value::as_bool).unwrap_or_default();
        Some(Self { kind, name: text("name")?, key: text("key")?, is_optional })
    }
}

/// The ConfigMaps and Secrets in the input, by kind, namespace and name.
#[derive(Default)]
pub(super) struct EnvSources<'a>(HashMap<(EnvKind, &'a str, &'a str), &'a EnvSource>);

impl<'a> EnvSources<'a> {
    pub(super) fn new(sources: &'a [EnvSource], default_namespace: &'a str) -> Self {
        let key = |source: &'a EnvSource| {
            (source.kind, source.namespace.as_deref().unwrap_or(default_namespace), source.name.as_str())
        };
        Self(sources.iter().map(|source| (key(source), source)).collect())
    }

    /// The container with the variables of ConfigMaps and Secrets; `None` if it has none. `is_replaced` says whether the
    /// webhook sets a variable that `env` does not have: its value wins over `envFrom`.
    pub(super) fn resolve(
        &self,
        container: &Container,
        namespace: &str,
        is_replaced: impl Fn(&str) -> bool,
    ) -> Option<Container> {
        let has_reference = container.variables.iter().any(|variable| variable.reference.is_some());
        if container.env_from.is_empty() && !has_reference {
            return None;
        }
        let mut unread = Unread::default();
        let (mut variables, mut replaced) = (Vec::new(), Vec::new());
        for EnvFrom { kind, name, prefix } in &container.env_from {
            let shown = format!("{kind} {namespace}/{name}");
            let Some(source) = self.0.get(&(*kind, namespace, name.as_str())) else {
                unread.add(shown);
                continue;
            };
            // A later entry wins over an earlier one, and `env` over both (Kubernetes, "EnvFromSource").
            for name in VARIABLES.into_iter().chain(OTHER_CREDENTIALS).chain([PROXY]) {
                let Some(value) = name.strip_prefix(prefix.as_str()).and_then(|key| source.entries.get(key)) else {
                    continue;
                };
                let (name, source) = (name.to_owned(), Some(shown.clone()));
                let list = if is_replaced(&name) { &mut replaced } else { &mut variables };
                list.push(Variable { name, value: value.clone(), reference: None, source });
            }
        }
        for variable in &container.variables {
            let mut variable = variable.clone();
            if let Some(KeyRef { kind, name, key, is_optional }) = &variable.reference {
                let shown = format!("{kind} {namespace}/{name}");
                match self.0.get(&(*kind, namespace, name.as_str())).map(|source| source.entries.get(key)) {
                    None => unread.add(shown.clone()),
                    Some(None) if *is_optional => continue,
                    Some(value) => variable.value = value.cloned().flatten(),
                }
                variable.source = Some(shown);
            }
            variables.push(variable);
        }
        replaced.retain(|variable| container.variable(&variable.name).is_none());
        Some(Container { variables, replaced, unread: unread.names, ..container.clone() })
    }
}

/// Names in their order, each once.
#[derive(Default)]
struct Unread {
    names: Vec<String>,
    known: HashSet<String>,
}

impl Unread {
    fn add(&mut self, name: String) {
        if self.known.insert(name.clone()) {
            self.names.push(name);
        }
    }
}
