use std::collections::HashSet;

use super::cluster_kind::{ClusterKind, NotRead};
use crate::entra::{Cloud, FederatedCredential, TOKEN_EXCHANGE_AUDIENCE};

/// The facts about a setup that its manifests do not contain.
///
/// ```
/// use issuer::{FederatedCredential, ManifestContext};
/// let context = ManifestContext::default()
///     .credentials([FederatedCredential::new("https://issuer.example.com", "system:serviceaccount:shop:orders")])
///     .namespace("shop")
///     .object_id("11111111-1111-1111-1111-111111111111")
///     .tenant("22222222-2222-2222-2222-222222222222");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestContext {
    pub(super) namespace: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) container: Option<String>,
    pub(super) object_id: Option<String>,
    pub(super) tenant: Option<String>,
    pub(super) credentials: Option<Vec<FederatedCredential>>,
    /// The subjects of the credentials.
    pub(super) subjects: HashSet<String>,
    audiences: HashSet<String>,
    /// The kinds that were not read from the cluster; `None` for manifests.
    pub(super) not_read: Option<NotRead>,
}

impl ManifestContext {
    /// The namespace of objects that name none; `default` without it. `helm template` omits the namespace of most charts.
    #[must_use]
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// The federated identity credentials of the identity. Without any, subjects are not compared.
    #[must_use]
    pub fn credentials(mut self, credentials: impl IntoIterator<Item = FederatedCredential>) -> Self {
        let credentials: Vec<_> = credentials.into_iter().collect();
        self.subjects = credentials.iter().filter_map(|credential| credential.subject.clone()).collect();
        self.audiences = credentials.iter().flat_map(|credential| credential.audiences.iter().cloned()).collect();
        self.credentials = Some(credentials);
        self
    }

    /// The issuer of the cluster.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// The container that needs a token; without it, each container of a pod.
    #[must_use]
    pub fn container(mut self, container: impl Into<String>) -> Self {
        self.container = Some(container.into());
        self
    }

    /// The object ID (principal ID) of the identity, which is often mistaken for its client ID.
    #[must_use]
    pub fn object_id(mut self, object_id: impl Into<String>) -> Self {
        self.object_id = Some(object_id.into());
        self
    }

    /// The tenant ID of the identity.
    #[must_use]
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The input is the state of a cluster: every object of these kinds that the pods refer to. A missing object is a fault,
    /// and the state of the pods is compared with the webhook and the service accounts.
    ///
    /// Checks that need a kind that was not read are skipped.
    ///
    /// ```
    /// use issuer::{ClusterKind, Manifest, ManifestCheck, ManifestContext, ManifestOutcome};
    /// let pod = br#"{ "kind": "Pod",
    ///   "metadata": { "name": "a", "namespace": "shop", "uid": "1", "labels": { "azure.workload.identity/use": "true" } },
    ///   "spec": { "serviceAccountName": "orders", "containers": [{ "name": "app" }] } }"#;
    /// let mut manifest = Manifest::default();
    /// manifest.add("pods", pod);
    /// let outcome = |context: ManifestContext| {
    ///     let findings = manifest.examine(&context).findings;
    ///     findings.iter().find(|finding| finding.check == ManifestCheck::ServiceAccount).unwrap().outcome
    /// };
    /// assert_eq!(outcome(ManifestContext::default()), ManifestOutcome::Skipped);
    /// assert_eq!(outcome(ManifestContext::default().live(ClusterKind::ALL)), ManifestOutcome::Failed);
    /// let pods_only = ManifestContext::default().live([ClusterKind::Pod]);
    /// assert_eq!(outcome(pods_only.not_read(ClusterKind::ServiceAccount, "403 Forbidden")), ManifestOutcome::Skipped);
    /// ```
    #[must_use]
    pub fn live(mut self, kinds: impl IntoIterator<Item = ClusterKind>) -> Self {
        let kinds: HashSet<_> = kinds.into_iter().collect();
        let not_read = ClusterKind::ALL.into_iter().filter(|kind| !kinds.contains(kind));
        self.not_read = Some(NotRead(not_read.map(|kind| (kind, None)).collect()));
        self
    }

    /// A kind that could not be read from the cluster, with the reason in a few words. It has an effect only after
    /// [`Self::live`].
    #[must_use]
    pub fn not_read(mut self, kind: ClusterKind, reason: impl Into<String>) -> Self {
        if let Some(not_read) = &mut self.not_read {
            not_read.0.insert(kind, Some(reason.into()));
        }
        self
    }

    /// Whether a client ID is the object ID of the identity.
    pub(super) fn is_object_id(&self, client_id: &str) -> bool {
        self.object_id.as_ref().is_some_and(|object_id| object_id.eq_ignore_ascii_case(client_id))
    }

    /// Whether a federated identity credential has this audience. Without credentials, those of all clouds count.
    pub(super) fn accepts(&self, audience: &str) -> bool {
        if self.audiences.is_empty() {
            return Cloud::ALL.iter().any(|cloud| cloud.token_exchange_audience() == audience);
        }
        self.audiences.contains(audience)
    }

    /// The audience of a projected token.
    pub(super) fn audience(&self) -> &str {
        let own = self.credentials.iter().flatten().find_map(|credential| credential.audiences.first());
        own.map_or(TOKEN_EXCHANGE_AUDIENCE, String::as_str)
    }
}
