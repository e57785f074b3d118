use crate::{
    azure::AzureError,
    entra::{CREDENTIALS_MAX, CredentialProblem, FederatedCredential},
    hint::Hint,
};

/// Reason why a federated identity credential was not created, replaced or deleted.
///
/// ```
/// use issuer::{Hint, federate::FederateError};
/// let full = FederateError::Full("managed identity orders".to_owned());
/// assert_eq!(full.to_string(), "managed identity orders has 20 federated credentials, the maximum");
/// assert!(full.hint().unwrap().contains("issuer federate list"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FederateError {
    /// The credential breaks a rule of Entra. No request was sent.
    #[error("the federated credential is not valid: {0}")]
    Invalid(CredentialProblem),
    /// A request failed.
    #[error(transparent)]
    Azure(Box<AzureError>),
    /// The identity has the maximum number of credentials.
    #[error("{0} has {CREDENTIALS_MAX} federated credentials, the maximum")]
    Full(String),
    /// A credential has the name, or the issuer and subject, and other values. It is not changed.
    #[error("{identity} has the federated credential {} with other values", .current.name.as_deref().unwrap_or_default())]
    Different {
        /// The name of the identity.
        identity: String,
        /// The credential as it is.
        current: Box<FederatedCredential>,
    },
}

impl Hint for FederateError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Invalid(_) => None,
            Self::Azure(error) => error.hint(),
            Self::Full(_) => Some(
                "delete a credential that is not used (issuer federate list shows them), share one issuer between clusters, or use another identity"
                    .to_owned(),
            ),
            Self::Different { .. } => Some("pass --replace to replace its values, or --name for another name".to_owned()),
        }
    }
}
