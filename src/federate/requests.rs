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
    StoreError { error: Box::new(rest.explain(&operation, identity, error)), retry_after: retry_after(error) }
}

/// The credentials of a list, in the form of Azure Resource Manager or Microsoft Graph.
///
/// A flexible credential has an expression, or neither an expression nor a subject in an older version of the API.
pub(super) fn credentials(items: &[Value]) -> Result<Vec<FederatedCredential>, Error> {
    items.iter().map(credential).collect()
}

fn credential(item: &Value) -> Result<FederatedCredential, Error> {
    let values = item.get("properties").unwrap_or(item);
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let audiences = values["audiences"].as_array().map(|all| all.iter().filter_map(text).collect());
    let (Some(issuer), Some(audiences)) = (text(&values["issuer"]), audiences) else {
        let because = "a federated credential has no issuer or no audiences";
        return Err(Error::with_message(ErrorKind::DataConversion, because));
    };
    Ok(FederatedCredential {
        name: text(&item["name"]),
        issuer,
        subject: text(&values["subject"]),
        expression: text(&values["claimsMatchingExpression"]["value"]),
        audiences,
    })
}
