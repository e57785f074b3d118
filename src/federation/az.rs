use std::fmt::Write;

use serde_json::json;

use super::{CredentialParent, Federation};
use crate::shell_word::quoted;

impl Federation {
    /// The command of the Azure CLI that creates the credential, for a POSIX shell.
    pub fn az_command(&self) -> String {
        let mut command = String::new();
        let arguments: Vec<(&str, String)> = match &self.parent {
            CredentialParent::Identity(identity) => {
                command.push_str("az identity federated-credential create");
                let mut arguments = vec![
                    ("--name", self.name_or_empty().to_owned()),
                    ("--identity-name", identity.name.clone()),
                    ("--resource-group", identity.resource_group.clone()),
                ];
                arguments.extend(identity.subscription.clone().map(|id| ("--subscription", id)));
                arguments.extend([
                    ("--issuer", self.credential.issuer.clone()),
                    ("--subject", self.subject_or_empty().to_owned()),
                ]);
                arguments.extend(self.credential.audiences.iter().cloned().map(|audience| ("--audiences", audience)));
                arguments
            }
            CredentialParent::Application(client) => {
                command.push_str("az ad app federated-credential create");
                let mut parameters = json!({
                    "name": self.name_or_empty(),
                    "issuer": self.credential.issuer,
                    "subject": self.subject_or_empty(),
                });
                if let Some(description) = &self.description {
                    parameters["description"] = json!(description);
                }
                parameters["audiences"] = json!(self.credential.audiences);
                vec![("--id", client.to_string()), ("--parameters", parameters.to_string())]
            }
        };
        for (flag, value) in arguments {
            // Writing to a string cannot fail.
            let _ = write!(command, " \\\n  {flag} {}", quoted(&value));
        }
        command.push('\n');
        command
    }
}
