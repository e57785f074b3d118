use crate::hint::Hint;

/// Reason why an input cannot be read as federated identity credentials.
///
/// ```
/// use issuer::{CredentialError, FederatedCredential, Hint};
/// let error = FederatedCredential::read(br#"{"kind": "Secret"}"#).unwrap_err();
/// assert!(matches!(error, CredentialError::Shape));
/// assert!(error.hint().unwrap().contains("az identity federated-credential list"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// The input is not JSON.
    #[error("it is not JSON (line {line})")]
    NotJson {
        /// The line of the error.
        line: usize,
    },
    /// The JSON has no known shape.
    #[error("it has no federated identity credential in a known shape")]
    Shape,
    /// A Terraform state, a Terraform plan or a template has no resource of a federated identity credential.
    #[error("{0} has no federated identity credential")]
    NoResource(&'static str),
    /// The input is a state file of Terraform, whose format is internal.
    #[error("it is a state file of Terraform, not the output of terraform show")]
    TerraformState,
    /// A value is missing or has the wrong type.
    #[error("federated identity credential {credential} has no usable {member}")]
    Member {
        /// The name or the position of the credential.
        credential: String,
        /// The name of the value.
        member: &'static str,
    },
    /// A value is an expression of a template that needs a deployment.
    #[error("federated identity credential {credential} takes its {member} from an expression of the template")]
    TemplateExpression {
        /// The name or the position of the credential.
        credential: String,
        /// The name of the value.
        member: &'static str,
    },
    /// A text is not `issuer=…,subject=…,audience=…`.
    #[error("{0} is missing or empty")]
    Text(&'static str),
}

impl Hint for CredentialError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotJson { .. } => {
                "pass JSON: az identity federated-credential list --identity-name NAME --resource-group GROUP --output json"
            }
            Self::Shape => {
                "pass the output of az identity federated-credential list or show, az ad app federated-credential list or show, terraform show -json, a response of Azure Resource Manager or Microsoft Graph, or an ARM template"
            }
            Self::NoResource(_) => {
                "pass the file that declares the credential, or the output of az identity federated-credential list"
            }
            Self::TerraformState => "convert it: terraform show -json > state.json, then pass state.json",
            Self::Member { .. } => {
                "pass the output of az identity federated-credential list, which has issuer, subject and audiences"
            }
            Self::TemplateExpression { .. } => {
                "deploy the template, then pass the output of az identity federated-credential list"
            }
            Self::Text(_) => "pass issuer=URL,subject=SUBJECT,audience=AUDIENCE, or a file",
        };
        Some(hint.to_owned())
    }
}
