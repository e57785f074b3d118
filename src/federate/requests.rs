//! The requests of the stores: errors become [`StoreError`], and lists become credentials.

use azure_core::{Error, error::ErrorKind};
use serde_json::Value;

use super::StoreError;
use crate::{
    azure::{Rest, Subject, retry_after},
    entra::FederatedCredential,
};

/// The error of an operation on an identity.
pub(super) fn failure(rest: &Rest, operation: &str, identity: &Subject, error: &Error) -> StoreError {
    let operation = format!("cannot {operation} {}", identity.name);
    StoreError { error: rest.explain(&operation, identity, error), retry_after: retry_after(error) }
}

/// The credentials of a list, in the form of Azure Resource Manager or Microsoft Graph.
pub(super) fn credentials(items: Vec<Value>) -> Result<Vec<FederatedCredential>, Error> {
    let unread = |error: String| Error::with_message(ErrorKind::DataConversion, error);
    let bytes = serde_json::to_vec(&Value::Array(items)).map_err(|error| unread(error.to_string()))?;
    FederatedCredential::read(&bytes).map_err(|error| unread(error.to_string()))
}
