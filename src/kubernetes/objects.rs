use serde_json::{Value, json};

use super::{
    Cluster,
    cluster::{Call, segment},
    cluster_error::ClusterError,
    grant::Grant,
};

/// The number of objects of a page (Kubernetes API concepts, "Retrieving large results sets in chunks").
const PAGE: usize = 500;
/// The longest page that is read, in bytes.
const PAGE_MAX: usize = 64 << 20;
/// The maximum number of pages, which is a hundred thousand objects.
const PAGES_MAX: usize = 200;

/// A kind of objects that `issuer doctor` reads.
///
/// ```
/// use issuer::kubernetes::ObjectKind;
/// assert_eq!(ObjectKind::Pod.to_string(), "Pod");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ObjectKind {
    /// Pods.
    Pod,
    /// Service accounts.
    ServiceAccount,
    /// Namespaces, for the namespace selector of the webhook.
    Namespace,
    /// Deployments: that of the webhook, for its version.
    Deployment,
    /// Mutating webhooks.
    MutatingWebhookConfiguration,
}

impl ObjectKind {
    /// The path of the API before and after the namespace.
    const fn path(self) -> (&'static str, &'static str) {
        match self {
            Self::Pod => ("/api/v1", "pods"),
            Self::ServiceAccount => ("/api/v1", "serviceaccounts"),
            Self::Namespace => ("/api/v1", "namespaces"),
            Self::Deployment => ("/apis/apps/v1", "deployments"),
            Self::MutatingWebhookConfiguration => {
                ("/apis/admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations")
            }
        }
    }
}

/// The name of the kind.
impl std::fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Which objects of a kind to read.
///
/// ```
/// use issuer::kubernetes::ObjectScope;
/// let pod = ObjectScope::One { namespace: Some("shop".to_owned()), name: "orders-0".to_owned() };
/// assert_ne!(pod, ObjectScope::All);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ObjectScope {
    /// All objects of the cluster.
    All,
    /// The objects of a namespace.
    Namespace(String),
    /// One object.
    One {
        /// The namespace; `None` for an object of the cluster.
        namespace: Option<String>,
        /// The name.
        name: String,
    },
}

/// The objects of one kind, as a `List` in the JSON of `kubectl get -o json`.
///
/// ```
/// # use issuer::kubernetes::Objects;
/// fn count(objects: &Objects) -> usize {
///     objects.list["items"].as_array().map_or(0, Vec::len)
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Objects {
    /// The kind of the objects.
    pub kind: ObjectKind,
    /// The list; its items name their kind.
    pub list: Value,
}

impl Cluster {
    /// Reads the objects of a kind, page by page. An object that does not exist makes an empty list.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if the user may not read them.
    pub async fn objects(&self, kind: ObjectKind, scope: &ObjectScope) -> Result<Objects, ClusterError> {
        let (api, plural) = kind.path();
        let place = match scope {
            ObjectScope::All => String::new(),
            ObjectScope::Namespace(namespace) => format!("/namespaces/{}", segment(namespace)),
            ObjectScope::One { namespace, .. } => {
                namespace.as_ref().map(|namespace| format!("/namespaces/{}", segment(namespace))).unwrap_or_default()
            }
        };
        let path = format!("{api}{place}/{plural}");
        let what = format!("read {plural}");
        let mut items = Vec::new();
        if let ObjectScope::One { name, .. } = scope {
            let path = format!("{path}/{}", segment(name));
            let missing = Some((format!("{kind} {name}"), String::new()));
            match self.read(&path, &what, missing).await {
                Ok(item) => items.push(item),
                Err(ClusterError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        } else {
            self.read_pages(&path, &what, &mut items).await?;
        }
        for item in &mut items {
            if let Some(members) = item.as_object_mut() {
                // The items of a list omit their kind.
                members.insert("kind".to_owned(), json!(kind.to_string()));
            }
        }
        Ok(Objects { kind, list: json!({ "kind": "List", "items": items }) })
    }

    async fn read_pages(&self, path: &str, what: &str, items: &mut Vec<Value>) -> Result<(), ClusterError> {
        let mut next = String::new();
        for _ in 0..PAGES_MAX {
            let page = self.read(&format!("{path}?limit={PAGE}{next}"), what, None).await?;
            if let Some(found) = page.get("items").and_then(Value::as_array) {
                items.extend(found.iter().cloned());
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", segment(token)),
                None => break,
            }
        }
        Ok(())
    }

    async fn read(&self, path: &str, what: &str, missing: Option<(String, String)>) -> Result<Value, ClusterError> {
        let call = Call { path, what, grant: &Grant::Doctor, missing, limit: PAGE_MAX };
        let bytes = self.get(&call).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unusable(&call, &error.to_string()))
    }
}
