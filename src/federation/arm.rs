use serde_json::{Value, json};

use super::{CredentialParent, Federation, FederationError};

/// The resource type of a credential of a managed identity (Microsoft Learn, "Microsoft.ManagedIdentity
/// userAssignedIdentities/federatedIdentityCredentials").
pub(super) const CREDENTIAL_TYPE: &str =
    "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials";
/// The resource type of a managed identity.
pub(super) const IDENTITY_TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
/// The first version of the API that is not a preview, which every cloud has.
pub(super) const API_VERSION: &str = "2023-01-31";

impl Federation {
    /// The deployment template of Azure Resource Manager that creates the credential, with literal values.
    ///
    /// It is deployed to the resource group of the identity.
    ///
    /// # Errors
    ///
    /// [`FederationError::NoTemplate`] for an app registration.
    pub fn arm_template(&self) -> Result<String, FederationError> {
        let CredentialParent::Identity(identity) = &self.parent else { return Err(FederationError::NoTemplate) };
        let audiences: Vec<_> = self.credential.audiences.iter().map(|audience| literal(audience)).collect();
        let template = json!({
            "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
            "contentVersion": "1.0.0.0",
            "resources": [{
                "type": CREDENTIAL_TYPE,
                "apiVersion": API_VERSION,
                "name": literal(&format!("{}/{}", identity.name, self.name_or_empty())),
                "properties": {
                    "issuer": literal(&self.credential.issuer),
                    "subject": literal(self.subject_or_empty()),
                    "audiences": audiences,
                },
            }],
        });
        Ok(pretty(&template))
    }
}

/// A string that is not an expression: the first of its brackets is doubled (Microsoft Learn, "Syntax and expressions in
/// ARM templates", escape characters).
fn literal(text: &str) -> String {
    if text.starts_with('[') && text.ends_with(']') { format!("[{text}") } else { text.to_owned() }
}

/// JSON with a line break at its end.
pub(super) fn pretty(value: &Value) -> String {
    format!("{value:#}\n")
}
