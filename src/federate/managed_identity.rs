use async_trait::async_trait;
use azure_core::http::Method;
use percent_encoding::utf8_percent_encode;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::instrument;

use super::{
    CredentialStore, Principal, StoreError,
    requests::{credentials, failure},
};
use crate::{
    azure::{AzureError, AzureSession, RESERVED, ResourceScope, ResourceType, Rest, Subject, SubjectKind, is_missing},
    entra::FederatedCredential,
    federation::UserAssignedIdentity,
};

/// The API version of managed identities and their federated credentials.
const VERSION: &str = "2023-01-31";
const IDENTITIES: ResourceType =
    ResourceType { path: "Microsoft.ManagedIdentity/userAssignedIdentities", version: VERSION };

/// The federated identity credentials of a user-assigned managed identity, in Azure Resource Manager.
///
/// Azure REST API reference, "Federated Identity Credentials" and "User Assigned Identities".
///
/// ```no_run
/// use issuer::{federate::{AzureSession, ManagedIdentity}, site::AzureOptions};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
/// let found = ManagedIdentity::find(&session, "orders", &Default::default()).await?;
/// let identity = ManagedIdentity::new(&session, found[0].clone()).expect("a found identity has a subscription");
/// println!("{}", identity.principal().await?.client_id);
/// # Ok(())
/// # }
/// ```
pub struct ManagedIdentity {
    rest: Rest,
    identity: UserAssignedIdentity,
    /// The resource ID as the path of a URL.
    id: String,
}

#[derive(Deserialize)]
struct Resource {
    name: String,
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(rename = "clientId")]
    client: String,
    #[serde(rename = "principalId")]
    principal: String,
    #[serde(rename = "tenantId")]
    tenant: Option<String>,
}

impl ManagedIdentity {
    /// The credentials of an identity; `None` if its subscription is not known. Sends no request.
    pub fn new(session: &AzureSession, identity: UserAssignedIdentity) -> Option<Self> {
        // A name that Azure does not allow must not change the path of a request.
        let encode = |segment: &str| utf8_percent_encode(segment, RESERVED).to_string();
        let id = identity.resource_id()?.split('/').map(encode).collect::<Vec<_>>().join("/");
        Some(Self { rest: session.rest().clone(), identity, id })
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
    ) -> Result<Vec<UserAssignedIdentity>, AzureError> {
        let rest = session.rest();
        let found = rest.find(&IDENTITIES, name, scope).await.map_err(|error| {
            rest.explain(
                "cannot find the managed identity",
                &Subject::new(SubjectKind::Identity, format!("managed identity {name}")),
                &error,
            )
        })?;
        let identity = |item: Value| item["id"].as_str()?.parse().ok();
        let mut identities: Vec<UserAssignedIdentity> = found.into_iter().filter_map(identity).collect();
        identities.sort_by_key(UserAssignedIdentity::resource_id);
        Ok(identities)
    }

    /// The IDs of the identity in Entra.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the identity cannot be read.
    pub async fn principal(&self) -> Result<Principal, AzureError> {
        let read = self.rest.get::<Resource>(&self.url("")).await;
        let found = read.map_err(|error| *failure(&self.rest, "read", &self.subject(), &error).error)?;
        let Properties { client, principal, tenant } = found.properties;
        Ok(Principal { name: found.name, client_id: client, object_id: Some(principal), tenant })
    }

    /// The URL of the identity, or of a resource below it.
    fn url(&self, below: &str) -> String {
        let Self { rest, id, .. } = self;
        format!("{}{id}{below}?api-version={VERSION}", rest.url)
    }

    fn subject(&self) -> Subject {
        Subject::new(SubjectKind::Identity, self.name())
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
        format!("managed identity {}", self.identity.name)
    }

    #[instrument(name = "list the federated credentials", skip_all)]
    async fn list(&self) -> Result<Vec<FederatedCredential>, StoreError> {
        let items = self.rest.once().list::<Value>(self.url("/federatedIdentityCredentials")).await;
        items
            .and_then(|items| credentials(&items))
            .map_err(|error| failure(&self.rest, "read the federated credentials of", &self.subject(), &error))
    }

    #[instrument(name = "create the federated credential", skip_all)]
    async fn create(&self, credential: &FederatedCredential) -> Result<bool, StoreError> {
        let created = self.put(credential).await.map(|status| status == 201);
        created.map_err(|error| failure(&self.rest, "create a federated credential of", &self.subject(), &error))
    }

    #[instrument(name = "replace the federated credential", skip_all)]
    async fn replace(&self, credential: &FederatedCredential) -> Result<(), StoreError> {
        let replaced = self.put(credential).await.map(|_| ());
        replaced.map_err(|error| failure(&self.rest, "replace a federated credential of", &self.subject(), &error))
    }

    #[instrument(name = "delete the federated credential", skip_all)]
    async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        match self.rest.send(Method::Delete, &self.credential_url(name), None).await {
            // Without content, there was nothing to delete.
            Ok(answer) => Ok(answer.status != 204),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failure(&self.rest, "delete a federated credential of", &self.subject(), &error)),
        }
    }
}
