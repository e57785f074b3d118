use serde_json::json;

use super::{CredentialParent, Federation, arm::pretty};

impl Federation {
    /// The Terraform configuration that creates the credential, in JSON syntax: the content of a file `NAME.tf.json`.
    ///
    /// The argument `user_assigned_identity_id` exists since version 4.66 of the provider `azurerm`, and the former
    /// `parent_id` no longer in version 5 (hashicorp/terraform-provider-azurerm#31921).
    pub fn terraform(&self) -> String {
        let audiences: Vec<_> = self.credential.audiences.iter().map(|audience| literal(audience)).collect();
        let (name, issuer) = (literal(self.name_or_empty()), literal(&self.credential.issuer));
        let subject = literal(self.subject_or_empty());
        let configuration = match &self.parent {
            CredentialParent::Identity(identity) => {
                let resource = |id: String| {
                    json!({ "azurerm_federated_identity_credential": { "credential": {
                        "name": name,
                        "user_assigned_identity_id": id,
                        "issuer": issuer,
                        "subject": subject,
                        "audience": audiences,
                    }}})
                };
                let comment = "The provider azurerm must have version 4.66 or later.";
                match identity.resource_id() {
                    Some(id) => json!({ "//": comment, "resource": resource(literal(&id)) }),
                    None => json!({
                        "//": comment,
                        "data": { "azurerm_user_assigned_identity": { "identity": {
                            "name": literal(&identity.name),
                            "resource_group_name": literal(&identity.resource_group),
                        }}},
                        "resource": resource("${data.azurerm_user_assigned_identity.identity.id}".to_owned()),
                    }),
                }
            }
            CredentialParent::Application(client) => {
                let mut resource = json!({
                    "application_id": "${data.azuread_application.application.id}",
                    "display_name": name,
                });
                if let Some(description) = &self.description {
                    resource["description"] = json!(literal(description));
                }
                resource["issuer"] = json!(issuer);
                resource["subject"] = json!(subject);
                resource["audiences"] = json!(audiences);
                json!({
                    "//": "The provider azuread must have version 3.0 or later.",
                    "data": { "azuread_application": { "application": { "client_id": client.as_str() } } },
                    "resource": { "azuread_application_federated_identity_credential": { "credential": resource } },
                })
            }
        };
        pretty(&configuration)
    }
}

/// A string without template sequences (Terraform, "Strings and Templates", escape sequences).
fn literal(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}
