//! The JSON answer of `issuer federate`.

use issuer::{CredentialParent, Federation};
use serde::Serialize;

#[cfg(test)]
use super::apply::Applied;

/// The output of `issuer federate`.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "describes two answers")]
pub(crate) enum Answer {
    /// Without --apply: the credential in a format.
    Printed(Printed),
    /// With --apply: the credential in Azure, and what was changed.
    Applied(Applied),
}

/// A federated identity credential.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Printed {
    /// The identity that gets the credential.
    parent: Parent,
    /// The credential.
    credential: Credential,
    /// The format of the output.
    format: String,
    /// The credential in this format.
    output: String,
}

/// The identity that gets a credential.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Parent {
    /// A user-assigned managed identity.
    ManagedIdentity {
        /// The subscription ID. Absent if it is not known.
        #[serde(skip_serializing_if = "Option::is_none")]
        subscription: Option<String>,
        /// The resource group.
        resource_group: String,
        /// The name.
        name: String,
    },
    /// An app registration.
    Application {
        /// The client ID.
        client_id: String,
    },
}

/// The values of a credential, as Azure Resource Manager and Microsoft Graph name them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
struct Credential {
    /// The name.
    name: String,
    /// The issuer of the tokens.
    issuer: String,
    /// The subject of the tokens.
    subject: String,
    /// The audience of the tokens, one item.
    audiences: Vec<String>,
    /// The description. Absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
}

impl Parent {
    fn of(parent: &CredentialParent) -> Self {
        match parent {
            CredentialParent::Identity(identity) => Self::ManagedIdentity {
                subscription: identity.subscription.clone(),
                resource_group: identity.resource_group.clone(),
                name: identity.name.clone(),
            },
            CredentialParent::Application(client) => Self::Application { client_id: client.to_string() },
        }
    }
}

impl Printed {
    pub(super) fn new(federation: &Federation, format: String, output: String) -> Self {
        let credential = federation.credential.clone();
        Self {
            parent: Parent::of(&federation.parent),
            credential: Credential {
                name: credential.name.unwrap_or_default(),
                issuer: credential.issuer,
                subject: credential.subject.unwrap_or_default(),
                audiences: credential.audiences,
                description: federation.description.clone(),
            },
            format,
            output,
        }
    }
}
