use std::fmt::Write;

use super::{
    CredentialParent, Federation, UserAssignedIdentity,
    arm::{API_VERSION, CREDENTIAL_TYPE, IDENTITY_TYPE},
};
use crate::entra::ClientId;

/// The Bicep extension for Microsoft Graph (Microsoft Learn, "Microsoft Graph Bicep extension").
const GRAPH: &str = "br:mcr.microsoft.com/bicep/extensions/microsoftgraph/v1.0:1.0.0";

impl Federation {
    /// The Bicep file that creates the credential.
    ///
    /// For an app registration it uses the extension for Microsoft Graph, which finds an application by its property
    /// `uniqueName`: a parameter of the file.
    pub fn bicep(&self) -> String {
        match &self.parent {
            CredentialParent::Identity(identity) => self.bicep_of_identity(identity),
            CredentialParent::Application(client) => self.bicep_of_application(client),
        }
    }

    fn bicep_of_identity(&self, identity: &UserAssignedIdentity) -> String {
        format!(
            "resource identity {} existing = {{
  name: {}
}}

resource credential {} = {{
  parent: identity
  name: {}
  properties: {{
{}  }}
}}
",
            quoted(&format!("{IDENTITY_TYPE}@{API_VERSION}")),
            quoted(&identity.name),
            quoted(&format!("{CREDENTIAL_TYPE}@{API_VERSION}")),
            quoted(self.name_or_empty()),
            self.values("    "),
        )
    }

    fn bicep_of_application(&self, client: &ClientId) -> String {
        let description = self.description.as_deref().map(|text| format!("  description: {}\n", quoted(text)));
        format!(
            "extension {}

@description({})
param uniqueName string

resource credential 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {{
  name: '${{uniqueName}}/{}'
{}{}}}
",
            quoted(GRAPH),
            quoted(&format!("The uniqueName of the app registration with the client ID {client}")),
            escaped(self.name_or_empty()),
            description.unwrap_or_default(),
            self.values("  "),
        )
    }

    /// The members that both types of resources have, in lines with this indentation.
    fn values(&self, indent: &str) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{indent}issuer: {}", quoted(&self.credential.issuer));
        let _ = writeln!(text, "{indent}subject: {}", quoted(self.subject_or_empty()));
        let _ = writeln!(text, "{indent}audiences: [");
        for audience in &self.credential.audiences {
            let _ = writeln!(text, "{indent}  {}", quoted(audience));
        }
        let _ = writeln!(text, "{indent}]");
        text
    }
}

/// A string of Bicep (Microsoft Learn, "Data types in Bicep", strings).
fn quoted(text: &str) -> String {
    format!("'{}'", escaped(text))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        // Writing to a string cannot fail.
        let _ = match letter {
            '\'' | '\\' => write!(escaped, "\\{letter}"),
            '$' if letters.peek() == Some(&'{') => write!(escaped, "\\$"),
            _ if letter.is_control() => write!(escaped, "\\u{{{:x}}}", u32::from(letter)),
            _ => write!(escaped, "{letter}"),
        };
    }
    escaped
}
