use std::time::Duration;

use async_trait::async_trait;
use azure_core::http::Method;
use futures_util::future::join_all;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::instrument;

use super::{
    CredentialStore, ManagedIdentityId, Principal, StoreError,
    requests::{credentials, failure, is_missing},
};
use crate::{
    azure::{AzureError, AzureSession, RESERVED, ResourceScope, Rest, SUBSCRIPTIONS_VERSION},
    entra::FederatedCredential,
};

/// The API version of managed identities and their federated credentials.
const VERSION: &str = "2023-01-31";
/// Azure allows one write of the credentials of an identity in four seconds (Microsoft Learn, "Important considerations and
/// restrictions for federated identity credentials").
const INTERVAL: Duration = Duration::from_secs(4);
/// The number of subscriptions that are read concurrently.
const AT_ONCE: usize = 8;

/// The federated identity credentials of a user-assigned managed identity, in Azure Resource Manager.
///
/// Azure REST API reference, "Federated Identity Credentials" and "User Assigned Identities".
///
/// ```no_run
/// use issuer::{federate::{AzureSession, ManagedIdentity}, site::AzureOptions};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
/// let found = ManagedIdentity::find(&session, "orders", &Default::default()).await?;
/// let identity = ManagedIdentity::new(&session, found[0].clone());
/// println!("{}", identity.principal().await?.client_id);
/// # Ok(())
/// # }
/// ```
pub struct ManagedIdentity {
    rest: Rest,
    id: ManagedIdentityId,
}

#[derive(Deserialize)]
struct Resource {
    id: String,
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "clientId")]
    client_id: String,
    #[serde(rename = "principalId")]
    principal_id: String,
    #[serde(rename = "tenantId")]
    tenant_id: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Subscription {
    #[serde(rename = "subscriptionId")]
    id: String,
}

impl ManagedIdentity {
    /// The credentials of an identity. Sends no request.
    pub fn new(session: &AzureSession, id: ManagedIdentityId) -> Self {
        Self { rest: session.rest().clone(), id }
    }

    /// The managed identities with this name in a scope, in the order of their IDs.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if a subscription cannot be read and no identity is found in another one.
    #[instrument(name = "find the managed identity", skip_all)]
    pub async fn find(
        session: &AzureSession,
        name: &str,
        scope: &ResourceScope,
    ) -> Result<Vec<ManagedIdentityId>, AzureError> {
        let rest = session.rest();
        let identity = format!("managed identity {name}");
        let explain = |error: azure_core::Error| rest.explain("cannot find the managed identity", &identity, &error);
        let encode = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        let subscriptions = match &scope.subscription {
            Some(subscription) => vec![subscription.clone()],
            None => {
                let url = format!("{}/subscriptions?api-version={SUBSCRIPTIONS_VERSION}", rest.url);
                let list = rest.list::<Subscription>(url).await.map_err(explain)?;
                list.into_iter().map(|subscription| subscription.id).collect()
            }
        };
        let (mut found, mut failed) = (Vec::new(), None);
        for some in subscriptions.chunks(AT_ONCE) {
            let lists = some.iter().map(|subscription| {
                let group = scope.resource_group.as_ref();
                let group = group.map(|group| format!("/resourceGroups/{}", encode(group))).unwrap_or_default();
                rest.list::<Named>(format!(
                    "{}/subscriptions/{}{group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities?api-version={VERSION}",
                    rest.url,
                    encode(subscription)
                ))
            });
            for list in join_all(lists).await {
                match list {
                    Ok(list) => found.extend(list.into_iter().filter(|item| item.name.eq_ignore_ascii_case(name))),
                    // Without a subscription, the resource group is searched in all of them.
                    Err(error) if is_missing(&error) && scope.subscription.is_none() => {}
                    Err(error) => failed = Some(error),
                }
            }
        }
        let mut ids: Vec<ManagedIdentityId> = found.into_iter().filter_map(|item| item.id.parse().ok()).collect();
        ids.sort();
        match failed {
            // The identity may be in the subscription that could not be read.
            Some(error) if ids.is_empty() => Err(explain(error)),
            _ => Ok(ids),
        }
    }

    /// The IDs of the identity in Entra.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the identity cannot be read.
    pub async fn principal(&self) -> Result<Principal, AzureError> {
        let read = self.rest.get::<Resource>(&self.url("")).await;
        let found = read.map_err(|error| failure(&self.rest, "read", &self.name(), &error).error)?;
        let Properties { client_id, principal_id, tenant_id } = found.properties;
        debug_assert!(!found.id.is_empty());
        Ok(Principal { name: found.name, client_id, object_id: Some(principal_id), tenant: tenant_id })
    }

    /// The URL of the identity, or of a resource below it.
    fn url(&self, below: &str) -> String {
        let ManagedIdentity { rest, id } = self;
        // The characters of an ID are those of a path.
        format!("{}{id}{below}?api-version={VERSION}", rest.url)
    }

    fn credential_url(&self, name: &str) -> String {
        self.url(&format!("/federatedIdentityCredentials/{}", utf8_percent_encode(name, RESERVED)))
    }

    async fn put(&self, credential: &FederatedCredential) -> azure_core::Result<u16> {
        let FederatedCredential { name, issuer, subject, audiences, .. } = credential;
        let body = json!({ "properties": { "issuer": issuer, "subject": subject, "audiences": audiences } });
        let url = self.credential_url(name.as_deref().unwrap_or_default());
        Ok(self.rest.send(Method::Put, &url, Some(&body)).await?.status)
    }
}

#[async_trait]
impl CredentialStore for ManagedIdentity {
    fn name(&self) -> String {
        format!("managed identity {}", self.id.name())
    }

    fn interval(&self) -> Duration {
        INTERVAL
    }

    #[instrument(name = "list the federated credentials", skip_all)]
    async fn list(&self) -> Result<Vec<FederatedCredential>, StoreError> {
        let items = self.rest.once().list::<Value>(self.url("/federatedIdentityCredentials")).await;
        items
            .and_then(credentials)
            .map_err(|error| failure(&self.rest, "read the federated credentials of", &self.name(), &error))
    }

    #[instrument(name = "create the federated credential", skip_all)]
    async fn create(&self, credential: &FederatedCredential) -> Result<bool, StoreError> {
        let created = self.put(credential).await.map(|status| status == 201);
        created.map_err(|error| failure(&self.rest, "create a federated credential of", &self.name(), &error))
    }

    #[instrument(name = "replace the federated credential", skip_all)]
    async fn replace(&self, credential: &FederatedCredential) -> Result<(), StoreError> {
        let replaced = self.put(credential).await.map(|_| ());
        replaced.map_err(|error| failure(&self.rest, "replace a federated credential of", &self.name(), &error))
    }

    #[instrument(name = "delete the federated credential", skip_all)]
    async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        match self.rest.send(Method::Delete, &self.credential_url(name), None).await {
            // Without content, there was nothing to delete.
            Ok(answer) => Ok(answer.status != 204),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failure(&self.rest, "delete a federated credential of", &self.name(), &error)),
        }
    }
}
