/// The resource that a request to Azure Resource Manager or Microsoft Graph is about, for messages.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) kind: SubjectKind,
    /// The name of the resource, such as `managed identity orders`.
    pub(crate) name: String,
}

/// The kind of a [`Subject`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    Identity,
    Application,
    Account,
    Cluster,
}

impl Subject {
    pub(crate) fn new(kind: SubjectKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }

    /// A text with the values of the subject in place of its placeholders.
    pub(super) fn fill(&self, text: &str) -> String {
        let Self { kind, name } = self;
        text.replace("{subject}", name)
            .replace("{role}", kind.role())
            .replace("{flags}", kind.flags())
            .replace("{provider}", kind.provider())
    }
}

impl SubjectKind {
    /// The step that gives the credential the permission.
    const fn role(self) -> &'static str {
        match self {
            Self::Identity => {
                "assign the role, which takes effect within minutes: az role assignment create --role \"Managed Identity Contributor\" --assignee PRINCIPAL --scope IDENTITY_ID"
            }
            Self::Application => {
                "make the credential an owner of the application, with the permission Application.ReadWrite.OwnedBy, or assign the role Cloud Application Administrator"
            }
            Self::Account => {
                "assign the role, which takes effect within minutes: az role assignment create --role \"Storage Account Contributor\" --assignee PRINCIPAL --resource-group GROUP"
            }
            Self::Cluster => "assign the role Reader on the cluster to the credential",
        }
    }

    const fn flags(self) -> &'static str {
        match self {
            Self::Identity => "--identity, --resource-group and --subscription",
            Self::Application => "--app",
            Self::Account => "--account, --resource-group and --subscription",
            Self::Cluster => "--aks, --resource-group and --subscription",
        }
    }

    const fn provider(self) -> &'static str {
        match self {
            Self::Identity | Self::Application => "Microsoft.ManagedIdentity",
            Self::Account => "Microsoft.Storage",
            Self::Cluster => "Microsoft.ContainerService",
        }
    }
}
