//! The formats of a federated identity credential.

use clap::ValueEnum;
use issuer::{ClientId, CredentialParent, Federation};

use super::super::Failure;

/// A value of `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum FederateFormat {
    /// The command of the Azure CLI
    Az,
    /// A deployment template of Azure Resource Manager
    Arm,
    /// A Bicep file
    Bicep,
    /// A Terraform configuration in JSON syntax, for a file NAME.tf.json
    Terraform,
    /// The ServiceAccount, and a patch for the pod template
    Kubernetes,
    /// The statements that create the PostgreSQL role of the identity
    Sql,
}

/// The values that only some formats need.
pub(super) struct Values {
    pub(super) client_id: Option<ClientId>,
    pub(super) object_id: Option<String>,
    pub(super) role: Option<String>,
    pub(super) database: Option<String>,
}

impl FederateFormat {
    /// The name on the command line.
    pub(super) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// The credential in this format.
    pub(super) fn render(self, federation: &Federation, values: &Values) -> Result<String, Failure> {
        Ok(match self {
            Self::Az => federation.az_command(),
            Self::Arm => federation.arm_template()?,
            Self::Bicep => federation.bicep(),
            Self::Terraform => federation.terraform(),
            Self::Kubernetes => {
                let Some(client_id) = &values.client_id else { return Err(no_client_id(federation)) };
                format!(
                    "# The service account\n{}---\n# A patch for the pod template of a Deployment, StatefulSet, DaemonSet or Job\n{}",
                    federation.service_account_manifest(client_id),
                    federation.pod_template_patch(),
                )
            }
            Self::Sql => {
                let Values { object_id, role, database, .. } = values;
                let Some(object_id) = object_id else { return Err(no_object_id(federation)) };
                federation.sql(object_id, role.as_deref(), database.as_deref())?
            }
        })
    }

    /// The failure if the ID that the format needs cannot be read from Azure.
    pub(super) fn without_id(self, federation: &Federation, of_azure: Failure) -> Failure {
        let missing = if self == Self::Sql { no_object_id(federation) } else { no_client_id(federation) };
        let message = format!("{}: {}", missing.message, of_azure.message);
        Failure { message, hint: missing.hint, ..of_azure }
    }

    /// How to use the output.
    pub(super) fn note(self, federation: &Federation) -> Option<String> {
        match (self, &federation.parent) {
            (Self::Arm | Self::Bicep, CredentialParent::Identity(identity)) => {
                let group = &identity.resource_group;
                Some(format!("deploy it: az deployment group create --resource-group {group} --template-file FILE"))
            }
            (Self::Bicep, CredentialParent::Application(client)) => Some(format!(
                "if the app registration has no uniqueName, set one: az rest --method patch --url \"https://graph.microsoft.com/v1.0/applications(appId='{client}')\" --body '{{\"uniqueName\": \"NAME\"}}'"
            )),
            _ => None,
        }
    }
}

fn no_client_id(federation: &Federation) -> Failure {
    let command = query(federation, "clientId");
    Failure::usage("--format kubernetes needs the client ID of the identity", format!("pass --client-id ID: {command}"))
}

fn no_object_id(federation: &Federation) -> Failure {
    let command = match &federation.parent {
        CredentialParent::Application(client) => format!("az ad sp show --id {client} --query id --output tsv"),
        CredentialParent::Identity(_) => query(federation, "principalId"),
    };
    Failure::usage("--format sql needs the object ID of the identity", format!("pass --object-id ID: {command}"))
}

/// The command that shows a property of the managed identity.
fn query(federation: &Federation, property: &str) -> String {
    let CredentialParent::Identity(identity) = &federation.parent else { return String::new() };
    let subscription = identity.subscription.as_ref().map(|id| format!(" --subscription {id}")).unwrap_or_default();
    let (name, group) = (&identity.name, &identity.resource_group);
    format!("az identity show --name {name} --resource-group {group}{subscription} --query {property} --output tsv")
}
