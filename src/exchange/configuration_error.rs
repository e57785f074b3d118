use crate::{entra::IdentityError, hint::Hint};

pub(super) const CLIENT_ID: &str = "AZURE_CLIENT_ID";
pub(super) const TENANT_ID: &str = "AZURE_TENANT_ID";
pub(super) const TOKEN_FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
pub(super) const AUTHORITY_HOST: &str = "AZURE_AUTHORITY_HOST";

/// The settings of a [`WorkloadIdentity`](super::WorkloadIdentity) are incomplete or wrong.
///
/// ```
/// use issuer::{ConfigurationError, Hint, WorkloadIdentity};
/// let error = WorkloadIdentity::builder().variables(|_| None).build().unwrap_err();
/// assert_eq!(error.to_string(), "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE are not set");
/// assert!(error.hint().unwrap().contains("azure.workload.identity/use"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigurationError {
    /// Settings are missing, named by the variables that the webhook of workload identity injects.
    #[error("{} not set", listed(.0))]
    Missing(Vec<&'static str>),
    /// A variable has an invalid value.
    #[error("the value of {variable} is invalid: {source}")]
    Variable {
        /// The variable.
        variable: &'static str,
        /// The cause.
        source: IdentityError,
    },
}

/// `A is`, `A and B are`, `A, B and C are`.
fn listed(names: &[&str]) -> String {
    match names {
        [] => "a setting is".to_owned(),
        [name] => format!("{name} is"),
        [names @ .., last] => format!("{} and {last} are", names.join(", ")),
    }
}

impl Hint for ConfigurationError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Missing(names) if names == &[CLIENT_ID] => {
                "annotate the service account and create the pod again: kubectl annotate serviceaccount NAME --overwrite azure.workload.identity/client-id=CLIENT-ID"
            }
            Self::Missing(names) if names == &[TENANT_ID] => {
                "annotate the service account with azure.workload.identity/tenant-id, or set the tenant of the webhook, and create the pod again"
            }
            Self::Missing(_) => {
                "set the label azure.workload.identity/use: \"true\" on the pod template and create the pod again"
            }
            Self::Variable { variable: CLIENT_ID, .. } => {
                "annotate the service account with the client ID, not the name of the identity, and create the pod again: kubectl annotate serviceaccount NAME --overwrite azure.workload.identity/client-id=\"$(az identity show --name IDENTITY --resource-group GROUP --query clientId --output tsv)\""
            }
            Self::Variable { source, .. } => return source.hint(),
        };
        Some(hint.to_owned())
    }
}
