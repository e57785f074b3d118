use serde_json::{Value, json};

use super::{
    Cluster,
    cluster::{Call, segment},
    cluster_error::ClusterError,
    grant::Grant,
};
use crate::manifest::ClusterKind;

/// The number of objects of a page (Kubernetes API concepts, "Retrieving large results sets in chunks").
const PAGE: usize = 500;
/// The longest page that is read, in bytes.
const PAGE_MAX: usize = 64 << 20;
/// The maximum number of pages, which is a hundred thousand objects.
const PAGES_MAX: usize = 200;

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

impl Cluster {
    /// Reads the objects of a kind, page by page, for a [`Manifest`](crate::manifest::Manifest). An object that does not
    /// exist is no error. The user needs the permission to list or get them.
    ///
    /// ```no_run
    /// use issuer::{ClusterKind, kubernetes::{Cluster, ClusterOptions, ObjectScope}};
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    /// # runtime.block_on(async {
    /// let cluster = Cluster::connect(&ClusterOptions::default()).await?;
    /// let pods = cluster.objects(ClusterKind::Pod, &ObjectScope::Namespace("shop".to_owned())).await?;
    /// println!("{} pods", pods.len());
    /// # Ok::<(), issuer::kubernetes::ClusterError>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if the user may not read them.
    pub async fn objects(&self, kind: ClusterKind, scope: &ObjectScope) -> Result<Vec<Value>, ClusterError> {
        let api = match kind {
            ClusterKind::MutatingWebhookConfiguration => "/apis/admissionregistration.k8s.io/v1",
            ClusterKind::Namespace | ClusterKind::Pod | ClusterKind::ServiceAccount => "/api/v1",
        };
        self.read_kind(api, kind.resource(), &kind.to_string(), scope).await
    }

    /// Reads the Deployments of a namespace: that of the webhook has its version.
    ///
    /// # Errors
    ///
    /// As [`Cluster::objects`].
    pub async fn deployments(&self, namespace: &str) -> Result<Vec<Value>, ClusterError> {
        let scope = ObjectScope::Namespace(namespace.to_owned());
        self.read_kind("/apis/apps/v1", "deployments", "Deployment", &scope).await
    }

    async fn read_kind(
        &self,
        api: &str,
        resource: &str,
        kind: &str,
        scope: &ObjectScope,
    ) -> Result<Vec<Value>, ClusterError> {
        let below = |namespace: &str| format!("/namespaces/{}", segment(namespace));
        let place = match scope {
            ObjectScope::All => String::new(),
            ObjectScope::Namespace(namespace) => below(namespace),
            ObjectScope::One { namespace, .. } => namespace.as_deref().map(below).unwrap_or_default(),
        };
        let path = format!("{api}{place}/{resource}");
        let what = format!("read {resource}");
        let mut items = match scope {
            ObjectScope::One { name, .. } => {
                let missing = Some((format!("{kind} {name}"), String::new()));
                match self.read(&format!("{path}/{}", segment(name)), &what, missing).await {
                    Ok(item) => vec![item],
                    Err(ClusterError::NotFound { .. }) => Vec::new(),
                    Err(error) => return Err(error),
                }
            }
            ObjectScope::All | ObjectScope::Namespace(_) => self.read_pages(&path, &what).await?,
        };
        // The items of a list omit their kind.
        for item in items.iter_mut().filter_map(Value::as_object_mut) {
            item.insert("kind".to_owned(), json!(kind));
        }
        Ok(items)
    }

    async fn read_pages(&self, path: &str, what: &str) -> Result<Vec<Value>, ClusterError> {
        let (mut items, mut next) = (Vec::new(), String::new());
        for _ in 0..PAGES_MAX {
            let mut page = self.read(&format!("{path}?limit={PAGE}{next}"), what, None).await?;
            match page.get_mut("items") {
                Some(Value::Array(found)) => items.append(found),
                // Go encodes an empty list as null.
                Some(Value::Null) => {}
                _ => return Err(self.unusable(&list_call(path, what, None), "it is not a list of objects")),
            }
            match page.pointer("/metadata/continue").and_then(Value::as_str).filter(|token| !token.is_empty()) {
                Some(token) => next = format!("&continue={}", segment(token)),
                None => return Ok(items),
            }
        }
        let because = format!("the list has more than {PAGES_MAX} pages");
        Err(self.unusable(&list_call(path, what, None), &because))
    }

    async fn read(&self, path: &str, what: &str, missing: Option<(String, String)>) -> Result<Value, ClusterError> {
        let call = list_call(path, what, missing);
        let bytes = self.get(&call).await?;
        serde_json::from_slice(&bytes).map_err(|error| self.unusable(&call, &error.to_string()))
    }
}

fn list_call<'a>(path: &'a str, what: &'a str, missing: Option<(String, String)>) -> Call<'a> {
    Call { path, what, grant: &Grant::Doctor, missing, limit: PAGE_MAX }
}
