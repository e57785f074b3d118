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
    azure::{AzureError, AzureSession, RESERVED, Rest, Subject, SubjectKind, is_missing},
    entra::{ClientId, FederatedCredential},
};

/// The federated identity credentials of an application, in Microsoft Graph.
///
/// Microsoft Graph REST API v1.0, "federatedIdentityCredential".
///
/// ```no_run
/// use issuer::{federate::{Application, AzureSession}, site::AzureOptions};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = AzureSession::graph(AzureOptions::new(None)).await?;
/// let application = Application::new(&session, "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11".parse()?);
/// println!("{}", application.principal().await?.name);
/// # Ok(())
/// # }
/// ```
pub struct Application {
    rest: Rest,
    client_id: ClientId,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Object {
    #[serde(rename = "displayName", default)]
    display_name: Option<String>,
}

#[derive(Deserialize)]
struct ServicePrincipal {
    id: String,
    #[serde(rename = "appOwnerOrganizationId")]
    tenant: Option<String>,
}

impl Application {
    /// The credentials of the application with this client ID. Sends no request.
    pub fn new(session: &AzureSession, client_id: ClientId) -> Self {
        Self { rest: session.rest().clone(), client_id, description: None }
    }

    /// Sets the description of the credentials that are created or replaced.
    #[must_use]
    pub fn description(self, description: Option<String>) -> Self {
        Self { description, ..self }
    }

    /// The IDs of the application in Entra.
    ///
    /// # Errors
    ///
    /// [`AzureError`] if the application cannot be read.
    pub async fn principal(&self) -> Result<Principal, AzureError> {
        let explain = |error| *failure(&self.rest, "read", &self.subject(), &error).error;
        let object = self.rest.get::<Object>(&self.url("")).await.map_err(explain)?;
        let url = format!("{}/v1.0/servicePrincipals(appId='{}')", self.rest.url, self.client_id);
        let (object_id, tenant) = match self.rest.get::<ServicePrincipal>(&url).await {
            Ok(found) => (Some(found.id), found.tenant),
            Err(error) if is_missing(&error) => (None, None),
            Err(error) => return Err(explain(error)),
        };
        let name = object.display_name.unwrap_or_default();
        Ok(Principal { name, client_id: self.client_id.to_string(), object_id, tenant })
    }

    /// The URL of the application, or of a resource below it.
    fn url(&self, below: &str) -> String {
        format!("{}/v1.0/applications(appId='{}'){below}", self.rest.url, self.client_id)
    }

    fn subject(&self) -> Subject {
        Subject::new(SubjectKind::Application, self.name())
    }

    fn body(&self, credential: &FederatedCredential) -> Value {
        let FederatedCredential { issuer, subject, audiences, .. } = credential;
        let mut body = json!({ "issuer": issuer, "subject": subject, "audiences": audiences });
        if let Some(description) = &self.description {
            body["description"] = json!(description);
        }
        body
    }

    fn credential_url(&self, name: &str) -> String {
        self.url(&format!("/federatedIdentityCredentials/{}", utf8_percent_encode(name, RESERVED)))
    }
}

#[async_trait]
impl CredentialStore for Application {
    fn name(&self) -> String {
        format!("application {}", self.client_id)
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
        let mut body = self.body(credential);
        body["name"] = json!(credential.name);
        let created = self.rest.send(Method::Post, &self.url("/federatedIdentityCredentials"), Some(&body)).await;
        // Microsoft Graph does not replace a credential by a POST.
        created
            .map(|_| true)
            .map_err(|error| failure(&self.rest, "create a federated credential of", &self.subject(), &error))
    }

    #[instrument(name = "replace the federated credential", skip_all)]
    async fn replace(&self, credential: &FederatedCredential) -> Result<(), StoreError> {
        let body = self.body(credential);
        let url = self.credential_url(credential.name.as_deref().unwrap_or_default());
        let replaced = self.rest.send(Method::Patch, &url, Some(&body)).await;
        replaced
            .map(|_| ())
            .map_err(|error| failure(&self.rest, "replace a federated credential of", &self.subject(), &error))
    }

    #[instrument(name = "delete the federated credential", skip_all)]
    async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        match self.rest.send(Method::Delete, &self.credential_url(name), None).await {
            Ok(_) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failure(&self.rest, "delete a federated credential of", &self.subject(), &error)),
        }
    }
}
