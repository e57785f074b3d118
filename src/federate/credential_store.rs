use std::time::Duration;

use async_trait::async_trait;

use crate::{azure::AzureError, entra::FederatedCredential};

/// The federated identity credentials of one application or managed identity.
///
/// [`ManagedIdentity`](super::ManagedIdentity) and [`Application`](super::Application) implement it over the network. Each
/// method sends one request, or one for each page of a list, and does not retry: [`FederatedIdentity`](super::FederatedIdentity)
/// decides when to repeat one.
///
/// ```
/// use async_trait::async_trait;
/// use issuer::{FederatedCredential, federate::{CredentialStore, StoreError}};
/// /// An identity without credentials.
/// struct Empty;
/// #[async_trait]
/// impl CredentialStore for Empty {
///     fn name(&self) -> String {
///         "an empty identity".to_owned()
///     }
///     async fn list(&self) -> Result<Vec<FederatedCredential>, StoreError> {
///         Ok(Vec::new())
///     }
///     async fn create(&self, _: &FederatedCredential) -> Result<bool, StoreError> {
///         Ok(true)
///     }
///     async fn replace(&self, _: &FederatedCredential) -> Result<(), StoreError> {
///         Ok(())
///     }
///     async fn delete(&self, _: &str) -> Result<bool, StoreError> {
///         Ok(false)
///     }
/// }
/// assert_eq!(Empty.name(), "an empty identity");
/// ```
#[async_trait]
pub trait CredentialStore: Send + Sync {
    /// The name of the identity, for messages.
    fn name(&self) -> String;

    /// All credentials.
    async fn list(&self) -> Result<Vec<FederatedCredential>, StoreError>;

    /// Creates a credential that has a name. Returns whether it is new; `false` if the service replaced one of this name.
    async fn create(&self, credential: &FederatedCredential) -> Result<bool, StoreError>;

    /// Replaces the values of the credential with this name.
    async fn replace(&self, credential: &FederatedCredential) -> Result<(), StoreError>;

    /// Deletes the credential with this name. Returns whether there was one.
    async fn delete(&self, name: &str) -> Result<bool, StoreError>;
}

/// A request for credentials that failed.
///
/// ```
/// use issuer::federate::StoreError;
/// fn is_final(error: &StoreError) -> bool {
///     error.retry_after.is_none()
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct StoreError {
    /// The failure.
    pub error: Box<AzureError>,
    /// The pause that the service requests before the next request, or zero, if a later request may succeed; `None` if
    /// the failure is final. A write may have been made although its answer was lost.
    pub retry_after: Option<Duration>,
}
