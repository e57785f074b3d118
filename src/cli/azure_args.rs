//! The flags of the commands that read or change identities and clusters in Azure.

use std::time::Duration;

use clap::Args;
use issuer::{
    ClientId, Environment, FederatedCredential, HttpFetcher, IdentityError, IssuerUrl, ResourceScope,
    federate::{
        Application, AzureSession, FederatedIdentity, ManagedIdentity, ManagedIdentityId, Principal, aks_issuer,
    },
    site::AzureOptions,
};

use super::{
    Exit, Failure, Output, runtime,
    site_args::{AuthArg, CloudArg},
    values::given,
};

const AZURE: &str = "Azure";

/// The flags that name an identity or a cluster in Azure.
#[derive(Debug, Default, Args)]
pub(super) struct AzureArgs {
    /// Use this managed identity, by its name or resource ID
    ///
    /// A name is searched in all subscriptions of the credential, or in --subscription and --resource-group.
    #[arg(long, value_name = "NAME|ID", help_heading = AZURE, conflicts_with = "app")]
    pub(super) identity: Option<String>,
    /// Use the app registration with this client ID
    #[arg(long, value_name = "CLIENT_ID", help_heading = AZURE)]
    pub(super) app: Option<String>,
    /// Use the issuer of this AKS cluster
    #[arg(long, value_name = "NAME", help_heading = AZURE, conflicts_with = "issuer", group = "trusted")]
    pub(super) aks: Option<String>,
    /// Search only this resource group
    #[arg(long, value_name = "NAME", help_heading = AZURE)]
    pub(super) resource_group: Option<String>,
    /// Search only this subscription
    #[arg(long, value_name = "ID", help_heading = AZURE)]
    pub(super) subscription: Option<String>,
    /// Select the cloud of the identity or the cluster
    #[arg(long, value_name = "CLOUD", default_value = "public", help_heading = AZURE)]
    pub(super) cloud: Option<CloudArg>,
    /// Select the credential for Azure, instead of the first that is found
    #[arg(long, value_name = "METHOD", help_heading = AZURE)]
    auth: Option<AuthArg>,
    /// Set the Azure Resource Manager endpoint of a private cloud
    #[arg(long, value_name = "URL", help_heading = AZURE)]
    resource_manager: Option<String>,
}

/// How requests to Azure are sent.
pub(super) struct Requests {
    pub(super) fetcher: HttpFetcher,
    pub(super) timeout: Duration,
}

/// An identity in Azure with its credentials.
pub(super) struct StoredIdentity {
    pub(super) credentials: FederatedIdentity,
    parent: Parent,
}

enum Parent {
    ManagedIdentity(ManagedIdentity),
    Application(Application),
}

impl StoredIdentity {
    /// The IDs of the identity.
    pub(super) async fn principal(&self) -> Result<Principal, Failure> {
        Ok(match &self.parent {
            Parent::ManagedIdentity(identity) => identity.principal().await?,
            Parent::Application(application) => application.principal().await?,
        })
    }
}

impl AzureArgs {
    /// Whether an identity is named.
    pub(super) fn has_identity(&self) -> bool {
        self.identity.is_some() || self.app.is_some()
    }

    /// The credentials of the identity that the flags name, read from Azure; `None` if they name none.
    pub(super) fn read_credentials(
        &self,
        requests: &Requests,
        output: &mut Output,
    ) -> Result<Option<(Vec<FederatedCredential>, String)>, Failure> {
        if !self.has_identity() {
            return Ok(None);
        }
        runtime::block_on(output.steps().without_warnings(async {
            let Some(identity) = self.identity(requests).await? else { return Ok(None) };
            let list = identity.credentials.list().await?;
            Ok(Some((list, format!("{} in Azure", identity.credentials.name()))))
        }))?
    }

    /// The issuer of the AKS cluster that the flags name.
    pub(super) fn read_issuer(&self, requests: &Requests, output: &mut Output) -> Result<Option<IssuerUrl>, Failure> {
        let Some(name) = &self.aks else { return Ok(None) };
        let issuer = runtime::block_on(output.steps().without_warnings(async {
            let session = AzureSession::resource_manager(self.options(requests)).await?;
            Ok::<_, Failure>(aks_issuer(&session, name, &self.scope()).await?)
        }))??;
        output.note(format!("the issuer of the AKS cluster {name} is {issuer}"));
        Ok(Some(issuer))
    }

    /// The identity that the flags name; `None` if they name none.
    pub(super) async fn identity(&self, requests: &Requests) -> Result<Option<StoredIdentity>, Failure> {
        if let Some(text) = &self.app {
            let client_id: ClientId = text.parse().map_err(|error: IdentityError| {
                Failure::usage(
                    format!("--app: {error}"),
                    "pass the application (client) ID: az ad app list --output table",
                )
            })?;
            let session = AzureSession::graph(self.options(requests)).await?;
            let application = || Application::new(&session, client_id.clone());
            let credentials = FederatedIdentity::new(application()).timeout(requests.timeout);
            return Ok(Some(StoredIdentity { credentials, parent: Parent::Application(application()) }));
        }
        let Some(text) = &self.identity else { return Ok(None) };
        let id = self.identity_id(text)?;
        let session = AzureSession::resource_manager(self.options(requests)).await?;
        let id = match id {
            Some(id) => id,
            None => self.find(&session, text).await?,
        };
        let identity = || ManagedIdentity::new(&session, id.clone());
        let credentials = FederatedIdentity::new(identity()).timeout(requests.timeout);
        Ok(Some(StoredIdentity { credentials, parent: Parent::ManagedIdentity(identity()) }))
    }

    /// The resource ID of the identity, if the flags contain it.
    fn identity_id(&self, text: &str) -> Result<Option<ManagedIdentityId>, Failure> {
        if text.starts_with('/') {
            let id = text.parse().map_err(|error: issuer::federate::ManagedIdentityIdError| {
                let hint = issuer::Hint::hint(&error);
                Failure::new(Exit::Usage, format!("--identity: {error}"), hint)
            })?;
            return Ok(Some(id));
        }
        let (Some(subscription), Some(group)) = (&self.subscription, &self.resource_group) else { return Ok(None) };
        let invalid = |_| {
            let message = format!("--identity {} is no name of a managed identity", given(text));
            Failure::usage(message, "list the names: az identity list --query '[].name' --output tsv")
        };
        ManagedIdentityId::new(subscription, group, text).map(Some).map_err(invalid)
    }

    async fn find(&self, session: &AzureSession, name: &str) -> Result<ManagedIdentityId, Failure> {
        let found = ManagedIdentity::find(session, name, &self.scope()).await?;
        match &found[..] {
            [only] => Ok(only.clone()),
            [] => {
                let place = self.resource_group.as_ref().map(|group| format!(" in {group}")).unwrap_or_default();
                let message = format!("there is no managed identity {}{place}", given(name));
                let hint = "check --identity, --resource-group and --subscription: az identity list --output table";
                Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())))
            }
            several => {
                let ids: Vec<_> = several.iter().map(ToString::to_string).collect();
                let message =
                    format!("{} managed identities have the name {}: {}", ids.len(), given(name), ids.join(", "));
                let hint = "pass --resource-group, --subscription, or the resource ID to --identity".to_owned();
                Err(Failure::new(Exit::Usage, message, Some(hint)))
            }
        }
    }

    pub(super) fn scope(&self) -> ResourceScope {
        ResourceScope { subscription: self.subscription.clone(), resource_group: self.resource_group.clone() }
    }

    pub(super) fn options(&self, requests: &Requests) -> AzureOptions {
        AzureOptions {
            cloud: self.cloud.map(|cloud| cloud.0).unwrap_or_default(),
            auth: self.auth.map(|auth| auth.0),
            subscription: self.subscription.clone(),
            environment: Environment::of_process(),
            timeout: requests.timeout,
            fetcher: requests.fetcher.clone(),
            resource_manager: self.resource_manager.clone(),
            ..AzureOptions::new(None)
        }
    }
}
