use std::{fmt, str::FromStr};

/// A method of authentication to Azure. The variants are in the order in which they are tried.
///
/// ```
/// use issuer::AuthMethod;
/// assert_eq!("workload-identity".parse(), Ok(AuthMethod::WorkloadIdentity));
/// assert_eq!(AuthMethod::AzureCli.name(), "az");
/// assert_eq!(AuthMethod::ALL[0], AuthMethod::ConnectionString);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthMethod {
    /// `AZURE_STORAGE_CONNECTION_STRING`.
    ConnectionString,
    /// `AZURE_STORAGE_SAS_TOKEN`: a shared access signature.
    Sas,
    /// `AZURE_STORAGE_KEY`: an account key, which signs an account SAS that is valid for ten minutes.
    AccountKey,
    /// `AZURE_CLIENT_SECRET`: a service principal with a secret.
    ClientSecret,
    /// `AZURE_CLIENT_CERTIFICATE_PATH`: a service principal with a certificate.
    ClientCertificate,
    /// `AZURE_FEDERATED_TOKEN_FILE`: a projected service account token, or any other federated token in a file.
    WorkloadIdentity,
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`: the OIDC token of a GitHub Actions job.
    GitHubActions,
    /// The managed identity of the machine or app.
    ManagedIdentity,
    /// The login of the Azure CLI.
    AzureCli,
    /// The login of the Azure Developer CLI.
    AzureDeveloperCli,
}

impl AuthMethod {
    /// All methods, in the order in which they are tried.
    pub const ALL: [Self; 10] = [
        Self::ConnectionString,
        Self::Sas,
        Self::AccountKey,
        Self::ClientSecret,
        Self::ClientCertificate,
        Self::WorkloadIdentity,
        Self::GitHubActions,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::AzureDeveloperCli,
    ];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectionString => "connection-string",
            Self::Sas => "sas",
            Self::AccountKey => "account-key",
            Self::ClientSecret => "client-secret",
            Self::ClientCertificate => "client-certificate",
            Self::WorkloadIdentity => "workload-identity",
            Self::GitHubActions => "github-actions",
            Self::ManagedIdentity => "managed-identity",
            Self::AzureCli => "az",
            Self::AzureDeveloperCli => "azd",
        }
    }

    /// The name in messages.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::ConnectionString => "connection string",
            Self::Sas => "SAS",
            Self::AccountKey => "account key",
            Self::ClientSecret => "service principal with a secret",
            Self::ClientCertificate => "service principal with a certificate",
            Self::WorkloadIdentity => "workload identity",
            Self::GitHubActions => "GitHub Actions",
            Self::ManagedIdentity => "managed identity",
            Self::AzureCli => "az",
            Self::AzureDeveloperCli => "azd",
        }
    }

    /// The variables or the setup that the method requires, for messages.
    pub(crate) const fn variables(self) -> &'static str {
        match self {
            Self::ConnectionString => "AZURE_STORAGE_CONNECTION_STRING",
            Self::Sas => "AZURE_STORAGE_SAS_TOKEN",
            Self::AccountKey => "AZURE_STORAGE_KEY",
            Self::ClientSecret => "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_SECRET",
            Self::ClientCertificate => "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_CLIENT_CERTIFICATE_PATH",
            Self::WorkloadIdentity => "AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE",
            Self::GitHubActions => {
                "AZURE_CLIENT_ID, AZURE_TENANT_ID, ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN (permissions: id-token: write)"
            }
            Self::ManagedIdentity => "a machine or app with a managed identity",
            Self::AzureCli => "`az login`",
            Self::AzureDeveloperCli => "`azd auth login`",
        }
    }

    /// Whether the method uses the login of a developer tool.
    pub(crate) const fn is_developer(self) -> bool {
        matches!(self, Self::AzureCli | Self::AzureDeveloperCli)
    }

    /// Whether the method gives access to the storage account only.
    pub(crate) const fn is_storage_only(self) -> bool {
        matches!(self, Self::ConnectionString | Self::Sas | Self::AccountKey)
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Parses the [`name`](AuthMethod::name).
impl FromStr for AuthMethod {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|method| method.name() == text).ok_or(())
    }
}
