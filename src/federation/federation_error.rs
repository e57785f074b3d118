use crate::{entra::CredentialProblem, hint::Hint, public_host::NotPublic};

/// Reason why a federated identity credential cannot be created.
///
/// ```
/// use issuer::{CredentialParent, Federation, FederationError, Hint};
/// let parent = CredentialParent::Application("11111111-aaaa-4bbb-8ccc-000000000001".parse()?);
/// let federation = Federation::new(parent, "shop/orders".parse()?, &"https://issuer.example.com".parse()?);
/// let error = federation.arm_template().unwrap_err();
/// assert_eq!(error.to_string(), "an ARM template cannot create a credential of an app registration");
/// assert!(error.hint().unwrap().contains("Bicep"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FederationError {
    /// Entra rejects the credential, or the credential matches no token.
    #[error("the federated identity credential is not valid: {0}")]
    Credential(CredentialProblem),
    /// Entra cannot reach the issuer, so it cannot fetch the documents.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// The audience starts with a character that has a meaning for the Azure CLI or for a template.
    #[error("the audience {0:?} does not start with a letter or digit")]
    Audience(String),
    /// A value has a control character.
    #[error("the {0} contains a control character")]
    ControlCharacter(&'static str),
    /// The description is too long.
    #[error("the description has {0} characters; Entra accepts at most 600")]
    Description(usize),
    /// The credential of a managed identity cannot have a description.
    #[error("the federated identity credential of a managed identity has no description")]
    DescriptionOfIdentity,
    /// A text is not the resource ID of a user-assigned managed identity.
    #[error("{0:?} is not the resource ID of a user-assigned managed identity")]
    ResourceId(String),
    /// A text cannot be the name of a managed identity.
    #[error("the identity name {0:?} is not 3 to 128 letters, digits, - and _ with a letter or digit first")]
    IdentityName(String),
    /// A text cannot be the name of a resource group.
    #[error("the resource group {0:?} is not 1 to 90 letters, digits, -, _, (, ) and . without a . at its end")]
    ResourceGroup(String),
    /// A text is not a subscription ID.
    #[error("the subscription {0:?} is not a GUID")]
    Subscription(String),
    /// A text is not the object ID of an identity.
    #[error("the object ID is not a GUID")]
    ObjectId,
    /// No role is named, and an app registration has no name here.
    #[error("the name of the PostgreSQL role is missing")]
    NoRole,
    /// PostgreSQL truncates the name of a role or database, or it is empty.
    #[error("the {kind} {given:?} is not 1 to 63 bytes long")]
    DatabaseName {
        /// The kind of object: a role or a database.
        kind: &'static str,
        /// The name.
        given: String,
    },
    /// Azure Resource Manager has no resource for the credential of an app registration.
    #[error("an ARM template cannot create a credential of an app registration")]
    NoTemplate,
}

impl Hint for FederationError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Credential(_) | Self::ControlCharacter(_) => return None,
            Self::IssuerNotPublic { .. } => {
                "pass the public https URL of --service-account-issuer of the API server; issuer publish makes a cluster reachable"
            }
            Self::Audience(_) => "pass the audience of the tokens, such as api://AzureADTokenExchange",
            Self::Description(_) => "shorten the description",
            Self::DescriptionOfIdentity => "leave out the description",
            Self::ResourceId(_) => {
                "pass the ID: az identity show --name NAME --resource-group GROUP --query id --output tsv"
            }
            Self::IdentityName(_) => "list the identities: az identity list --query '[].name' --output tsv",
            Self::ResourceGroup(_) => "list the groups: az group list --query '[].name' --output tsv",
            Self::Subscription(_) => "pass the ID: az account show --query id --output tsv",
            Self::ObjectId => "pass the object ID of the managed identity or service principal, not its client ID",
            Self::NoRole => "name the role; it is the user of connections",
            Self::DatabaseName { .. } => "choose a shorter name; PostgreSQL truncates names after 63 bytes",
            Self::NoTemplate => "use Bicep, Terraform or the Azure CLI",
        };
        Some(hint.to_owned())
    }
}
