//! Reads federated identity credentials from `terraform show -json`.

use serde_json::Value;

use super::{CredentialError, FederatedCredential};

/// The resources of the providers `azurerm` and `azuread`.
const RESOURCES: [&str; 3] = [
    "azurerm_federated_identity_credential",
    "azuread_application_federated_identity_credential",
    "azuread_application_flexible_federated_identity_credential",
];

/// Whether JSON is a state or a plan (Terraform, "JSON output format").
pub(super) fn is_terraform(value: &Value) -> bool {
    root_module(value).is_some() || value.get("terraform_version").is_some()
}

fn root_module(value: &Value) -> Option<&Value> {
    // A plan has the values after it is applied in `planned_values`.
    ["planned_values", "values"].iter().find_map(|name| value.get(name)?.get("root_module"))
}

pub(super) fn read(value: &Value) -> Result<Vec<FederatedCredential>, CredentialError> {
    if value.get("lineage").is_some() {
        return Err(CredentialError::TerraformState);
    }
    let mut modules: Vec<&Value> = root_module(value).into_iter().collect();
    let mut credentials = Vec::new();
    while let Some(module) = modules.pop() {
        let array = |name: &str| module.get(name).and_then(Value::as_array).into_iter().flatten();
        modules.extend(array("child_modules"));
        for resource in array("resources") {
            let text = |name: &str| resource.get(name).and_then(Value::as_str);
            if text("mode") == Some("data") || !text("type").is_some_and(|kind| RESOURCES.contains(&kind)) {
                continue;
            }
            let address = text("address").unwrap_or_default();
            let values = resource.get("values").and_then(Value::as_object);
            let values =
                values.ok_or_else(|| CredentialError::Member { credential: address.to_owned(), member: "issuer" })?;
            let name = ["name", "display_name"].iter().find_map(|name| values.get(*name)?.as_str());
            credentials.push(FederatedCredential::from_members(name.or(Some(address)), values, credentials.len() + 1)?);
        }
    }
    if credentials.is_empty() {
        Err(CredentialError::NoResource("the output of terraform show"))
    } else {
        Ok(credentials)
    }
}
