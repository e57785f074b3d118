//! Federated identity credentials in Azure: reads, creates, replaces and deletes them, and finds managed identities.

mod aks_issuer;
mod application;
mod credential_store;
#[cfg(test)]
mod fault_tests;
mod federate_error;
mod federated_identity;
mod managed_identity;
mod principal;
mod requests;

pub use aks_issuer::aks_issuer;
pub use application::Application;
pub use credential_store::{CredentialStore, StoreError};
pub use federate_error::FederateError;
pub use federated_identity::{Applied, CredentialChange, FederatedIdentity};
pub use managed_identity::ManagedIdentity;
pub use principal::Principal;

pub use crate::azure::AzureSession;
