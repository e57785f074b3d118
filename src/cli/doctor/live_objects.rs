//! The live objects of a cluster that the checks need.

use std::collections::BTreeSet;

use issuer::{
    ClusterKind, Manifest, ServiceAccount,
    json::Value,
    kubernetes::{Cluster, ClusterError, ObjectScope},
};

use super::super::{Exit, Failure};

/// Which pods to check.
pub(super) enum Scope {
    /// Those of the namespace of the context.
    Default,
    /// Those of every namespace.
    All,
    /// Those of a namespace.
    Namespace(String),
    /// One pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// Those of a service account.
    Account(ServiceAccount),
}

/// The objects that were read.
#[derive(Default)]
pub(super) struct LiveObjects {
    pub(super) manifest: Manifest,
    /// The kinds that were not read, each with the reason.
    pub(super) not_read: Vec<(ClusterKind, String)>,
    /// The namespace of the scope; `None` for every namespace.
    namespace: Option<String>,
}

impl LiveObjects {
    /// Reads the objects of a scope. Pods are required; other kinds that cannot be read are noted.
    pub(super) async fn read(cluster: &Cluster, scope: &Scope) -> Result<Self, Failure> {
        let mut objects = Self::default();
        objects.namespace = objects.read_pods(cluster, scope).await?;
        let webhooks = cluster.objects(ClusterKind::MutatingWebhookConfiguration, &ObjectScope::All).await;
        let webhooks = objects.add(ClusterKind::MutatingWebhookConfiguration, webhooks);
        objects.read_webhook(cluster, &webhooks).await;
        Ok(objects)
    }

    /// The place of the scope, for messages.
    pub(super) fn place(&self) -> String {
        self.namespace.as_ref().map_or_else(|| "the cluster".to_owned(), |name| format!("the namespace {name}"))
    }

    /// The first service account of workload identity.
    pub(super) fn account(&self) -> Option<ServiceAccount> {
        let account = self.manifest.service_accounts.iter().find(|account| account.client_id().is_some())?;
        format!("{}/{}", account.namespace.as_ref()?, account.name).parse().ok()
    }

    /// Reads the pods of a scope with their service accounts and namespaces, and returns the namespace of the scope.
    async fn read_pods(&mut self, cluster: &Cluster, scope: &Scope) -> Result<Option<String>, Failure> {
        let one = |namespace: Option<&str>, name: &str| ObjectScope::One {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        let namespace = match scope {
            Scope::All => None,
            Scope::Default => Some(cluster.namespace().to_owned()),
            Scope::Namespace(name) | Scope::Pod { namespace: name, .. } => Some(name.clone()),
            Scope::Account(account) => Some(account.namespace.clone()),
        };
        let all = namespace.clone().map_or(ObjectScope::All, ObjectScope::Namespace);
        let of_pods = match scope {
            Scope::Pod { namespace, name } => one(Some(namespace), name),
            _ => all.clone(),
        };
        let mut pods = cluster.objects(ClusterKind::Pod, &of_pods).await?;
        if let (Scope::Pod { namespace, name }, []) = (scope, &pods[..]) {
            let hint = format!("list the pods in the same context: kubectl get pods --namespace {namespace}");
            let message = format!("there is no pod {namespace}/{name} in the cluster");
            return Err(Failure::new(Exit::Incomplete, message, Some(hint)));
        }
        if let Scope::Account(account) = scope {
            pods.retain(|pod| account_of(pod) == account.name);
        }
        let of_accounts = match scope {
            Scope::Pod { namespace, .. } => one(Some(namespace), pods.first().map_or("default", account_of)),
            Scope::Account(account) => one(Some(&account.namespace), &account.name),
            _ => all,
        };
        pods.iter().for_each(|pod| self.manifest.add_value(pod));
        let accounts = cluster.objects(ClusterKind::ServiceAccount, &of_accounts).await;
        let is_missing = accounts.as_ref().is_ok_and(Vec::is_empty) && pods.is_empty();
        self.add(ClusterKind::ServiceAccount, accounts);
        if let Scope::Account(account) = scope
            && is_missing
        {
            let ServiceAccount { namespace, name, .. } = account;
            let hint = format!(
                "list the service accounts in the same context: kubectl get serviceaccounts --namespace {namespace}"
            );
            let message = format!("there is no service account {namespace}/{name} in the cluster");
            return Err(Failure::new(Exit::Incomplete, message, Some(hint)));
        }
        let of_namespaces = namespace.as_deref().map_or(ObjectScope::All, |name| one(None, name));
        let namespaces = cluster.objects(ClusterKind::Namespace, &of_namespaces).await;
        let is_read = namespaces.is_ok();
        let found = self.add(ClusterKind::Namespace, namespaces);
        if let Some(name) = namespace.as_ref().filter(|_| is_read && found.is_empty()) {
            let hint = "list the namespaces in the same context: kubectl get namespaces".to_owned();
            let message = format!("there is no namespace {name} in the cluster");
            return Err(Failure::new(Exit::Incomplete, message, Some(hint)));
        }
        Ok(namespace)
    }

    /// Reads the Deployment of the webhook, which has its version. It is not needed for any verdict.
    async fn read_webhook(&mut self, cluster: &Cluster, configurations: &[Value]) {
        let services = configurations
            .iter()
            .flat_map(|configuration| configuration.get("webhooks").and_then(Value::as_array).into_iter().flatten());
        let namespaces = services.filter_map(|webhook| {
            let service = webhook.pointer("/clientConfig/service")?;
            let name = service.get("name")?.as_str()?;
            // The Service of the chart and of AKS is azure-wi-webhook-webhook-service.
            name.starts_with("azure-wi-webhook").then(|| service.get("namespace")?.as_str().map(str::to_owned))?
        });
        for namespace in namespaces.collect::<BTreeSet<_>>() {
            if let Ok(deployments) = cluster.deployments(&namespace).await {
                deployments.iter().for_each(|deployment| self.manifest.add_value(deployment));
            }
        }
    }

    /// Adds the objects of a kind, or notes why they were not read.
    fn add(&mut self, kind: ClusterKind, read: Result<Vec<Value>, ClusterError>) -> Vec<Value> {
        match read {
            Ok(objects) => {
                objects.iter().for_each(|object| self.manifest.add_value(object));
                objects
            }
            Err(error) => {
                let reason = match error {
                    ClusterError::Forbidden { user, .. } => format!("{user} may not read them, 403 Forbidden"),
                    error => error.to_string(),
                };
                self.not_read.push((kind, reason));
                Vec::new()
            }
        }
    }
}

/// The service account of a pod.
fn account_of(pod: &Value) -> &str {
    pod.pointer("/spec/serviceAccountName").and_then(Value::as_str).unwrap_or("default")
}
