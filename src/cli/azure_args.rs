//! The flags of the commands that read or change identities and clusters in Azure.

use std::time::Duration;

use clap::Args;
use issuer::{
    ClientId, Cloud, Environment, FederatedCredential, Hint, HttpFetcher, IdentityError, IssuerUrl, ResourceScope,
    UserAssignedIdentity,
    federate::{Application, AzureSession, FederatedIdentity, ManagedIdentity, Principal, aks_issuer},
    site::AzureOptions,
};

use super::{
    Exit, Failure, Output, runtime,
    site_args::{CloudArg, IdentityAuthArg},
    values::given,
};

const AZURE: &str = "Azure";

/// The flags that name an identity or a cluster in Azure.
#[derive(Debug, Args)]
pub(super) struct AzureArgs {
    /// Use this managed identity, by its name or resource ID
    ///
    /// A name is searched in all subscriptions of the credential, or in --subscription and --resource-group.
    #[arg(long, value_name = "NAME|ID", help_heading = AZURE, conflicts_with = "app")]
    identity: Option<String>,
    /// Use the app registration with this client ID
    #[arg(long, value_name = "ID", help_heading = AZURE)]
    app: Option<String>,
    /// Use the identity or cluster in this resource group
    #[arg(long, value_name = "NAME", help_heading = AZURE)]
    resource_group: Option<String>,
    /// Use the identity or cluster in this subscription
    #[arg(long, value_name = "ID", help_heading = AZURE)]
    subscription: Option<String>,
    /// Select the cloud of the identity or the cluster
    #[arg(long, value_name = "CLOUD", default_value = "public", help_heading = AZURE)]
    cloud: CloudArg,
    /// Select the credential for Azure, instead of the first that is found
    #[arg(long, value_name = "METHOD", help_heading = AZURE)]
    auth: Option<IdentityAuthArg>,
    /// Set the Azure Resource Manager endpoint of a private cloud
    #[arg(long, value_name = "URL", help_heading = AZURE)]
    resource_manager: Option<String>,
}

/// The flag that takes the issuer from an AKS cluster.
#[derive(Debug, Args)]
pub(super) struct AksArgs {
    /// Use the issuer of this AKS cluster, by its name or resource ID
    ///
    /// A name is searched in all subscriptions of the credential, or in --subscription and --resource-group.
    #[arg(long, value_name = "NAME|ID", help_heading = AZURE, conflicts_with = "issuer", group = "trusted")]
    aks: Option<String>,
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

/// An identity as flags name it.
pub(super) enum Named {
    /// The resource group is empty if it is not known.
    Identity(UserAssignedIdentity),
    Application(ClientId),
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

impl AksArgs {
    /// Whether a cluster is named.
    pub(super) fn is_given(&self) -> bool {
        self.aks.is_some()
    }

    /// The issuer of the cluster; `None` without the flag.
    pub(super) fn read_issuer(
        &self,
        azure: &AzureArgs,
        requests: &Requests,
        output: &mut Output,
    ) -> Result<Option<IssuerUrl>, Failure> {
        let Some(text) = &self.aks else { return Ok(None) };
        let (name, scope) = cluster(text, azure)?;
        let issuer = runtime::block_on(output.steps().without_warnings(async {
            let session = AzureSession::resource_manager(azure.options(requests)).await?;
            Ok::<_, Failure>(aks_issuer(&session, name, &scope).await?)
        }))??;
        output.note(format!("the issuer of the AKS cluster {name} is {issuer}"));
        Ok(Some(issuer))
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

    /// The identity that the flags name; `None` if they name none.
    pub(super) async fn identity(&self, requests: &Requests) -> Result<Option<StoredIdentity>, Failure> {
        self.identity_with(requests, None).await
    }

    /// The same with the description of the credentials of an application that are created.
    pub(super) async fn identity_with(
        &self,
        requests: &Requests,
        description: Option<&str>,
    ) -> Result<Option<StoredIdentity>, Failure> {
        let Some(parent) = self.parent()? else { return Ok(None) };
        let identity = match parent {
            Named::Application(client_id) => {
                let session = AzureSession::graph(self.options(requests)).await?;
                let description = description.map(str::to_owned);
                let application = || Application::new(&session, client_id.clone()).description(description.clone());
                let credentials = FederatedIdentity::new(application()).timeout(requests.timeout);
                return Ok(Some(StoredIdentity { credentials, parent: Parent::Application(application()) }));
            }
            Named::Identity(identity) => identity,
        };
        let session = AzureSession::resource_manager(self.options(requests)).await?;
        let identity = match identity.subscription {
            Some(_) => identity,
            None => self.find(&session, &identity.name).await?,
        };
        let managed = || {
            let unknown = || Failure::usage("the subscription of the identity is not known", "pass --subscription");
            ManagedIdentity::new(&session, identity.clone()).ok_or_else(unknown)
        };
        let credentials = FederatedIdentity::new(managed()?).timeout(requests.timeout);
        Ok(Some(StoredIdentity { credentials, parent: Parent::ManagedIdentity(managed()?) }))
    }

    /// The identity as the flags name it, without a request; `None` if they name none.
    pub(super) fn parent(&self) -> Result<Option<Named>, Failure> {
        if let Some(text) = &self.app {
            let places = [("--resource-group", &self.resource_group), ("--subscription", &self.subscription)];
            if let Some((flag, _)) = places.into_iter().find(|(_, value)| value.is_some()) {
                return Err(Failure::usage(format!("{flag} is not used with --app"), format!("leave out {flag}")));
            }
            return client_id("--app", text).map(|client| Some(Named::Application(client)));
        }
        let Some(text) = &self.identity else { return Ok(None) };
        if text.contains('/') {
            let places = [("--resource-group", &self.resource_group), ("--subscription", &self.subscription)];
            if let Some((flag, _)) = places.into_iter().find(|(_, value)| value.is_some()) {
                let message = format!("the resource ID of --identity has a value for {flag}");
                return Err(Failure::usage(message, format!("leave out {flag}")));
            }
            return Ok(Some(Named::Identity(text.parse()?)));
        }
        let group = self.resource_group.clone().unwrap_or_default();
        // Without its group, the identity is found by its name.
        let subscription = self.subscription.clone().filter(|_| !group.is_empty());
        let identity = UserAssignedIdentity { subscription, ..UserAssignedIdentity::new(group, text) };
        Ok(Some(Named::Identity(identity)))
    }

    async fn find(&self, session: &AzureSession, name: &str) -> Result<UserAssignedIdentity, Failure> {
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
                let ids: Vec<_> = several.iter().filter_map(UserAssignedIdentity::resource_id).collect();
                let message =
                    format!("{} managed identities have the name {}: {}", ids.len(), given(name), ids.join(", "));
                let hint = "pass --resource-group, --subscription, or the resource ID to --identity".to_owned();
                Err(Failure::new(Exit::Usage, message, Some(hint)))
            }
        }
    }

    pub(super) fn cloud(&self) -> Cloud {
        self.cloud.0
    }

    fn scope(&self) -> ResourceScope {
        ResourceScope { subscription: self.subscription.clone(), resource_group: self.resource_group.clone() }
    }

    fn options(&self, requests: &Requests) -> AzureOptions {
        AzureOptions {
            cloud: self.cloud.0,
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

/// The name of the cluster in `--aks`, and where it is searched. The resource group of a resource ID need not be that of the
/// identity.
fn cluster<'a>(text: &'a str, azure: &AzureArgs) -> Result<(&'a str, ResourceScope), Failure> {
    if !text.contains('/') {
        return Ok((text, azure.scope()));
    }
    let segments: Vec<&str> = text.split('/').collect();
    let is = |at: usize, expected: &str| segments[at].eq_ignore_ascii_case(expected);
    if let ["", _, subscription, _, group, _, _, _, name] = segments[..]
        && is(1, "subscriptions")
        && is(3, "resourceGroups")
        && is(6, "Microsoft.ContainerService")
        && is(7, "managedClusters")
    {
        let [subscription, group] = [subscription, group].map(|value| Some(value.to_owned()));
        return Ok((name, ResourceScope { subscription, resource_group: group }));
    }
    let message = format!("{} is not the resource ID of an AKS cluster", given(text));
    Err(Failure::usage(message, "pass a name or an ID to --aks: az aks list --query '[].id' --output tsv"))
}

/// A client ID of a flag, which the error names.
pub(super) fn client_id(flag: &str, text: &str) -> Result<ClientId, Failure> {
    text.parse().map_err(|error: IdentityError| {
        let hint = match flag {
            "--app" => Some(
                "pass the client ID: az ad app list --display-name NAME --query '[].appId' --output tsv".to_owned(),
            ),
            _ => error.hint(),
        };
        Failure::new(Exit::Usage, format!("{flag}: {error}"), hint)
    })
}
