use std::collections::HashSet;

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
