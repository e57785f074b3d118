//! One Azure for the stand-ins of Azure Resource Manager, Microsoft Graph and Entra's token endpoint: subscriptions with
//! managed identities, storage accounts and clusters, and application registrations.
//!
//! ```text
//! let azure = AzureDirectory::new(TENANT);
//! azure.add_identity(SUBSCRIPTION, "identities", "orders", CLIENT, PRINCIPAL);
//! let arm = StandIn::https(&authority, azure.arm());
//! let graph = StandIn::https(&authority, azure.graph());
//! let entra = StandIn::https(&authority, controlled_token_endpoint(azure.directory(), internet, controls));
//! azure.controls().fail_write(Fault::LostAnswer);
//! ```

use std::sync::{Arc, Mutex, MutexGuard};

use super::{
    arm,
    arm_storage::{self, StorageAccount},
    azure_controls::AzureControls,
    azure_credential::{Credential, CredentialList},
    graph,
    stand_in::{Request, Response},
    token_endpoint::{Application, Directory},
};

/// The directory of a tenant and its subscriptions. Clones share it.
#[derive(Clone)]
pub(crate) struct AzureDirectory {
    state: Arc<Mutex<State>>,
    controls: AzureControls,
}

pub(super) struct State {
    pub(super) subscriptions: Vec<SubscriptionRecord>,
    pub(super) identities: Vec<Identity>,
    pub(super) applications: Vec<Registration>,
    pub(super) clusters: Vec<Cluster>,
    /// Names of storage accounts in other tenants.
    pub(super) taken_names: Vec<String>,
    pub(super) creations: Vec<arm_storage::Creation>,
    pub(super) endpoints: Endpoints,
    pub(super) tenant: String,
    token_requests: usize,
}

/// Gives the web endpoint and the blob endpoint of a new account, each with a slash at its end.
type Endpoints = Box<dyn Fn(&str) -> (String, String) + Send>;

pub(super) struct SubscriptionRecord {
    pub(super) id: String,
    /// `None`: tokens of all tenants are accepted.
    pub(super) tenant: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) accounts: Vec<StorageAccount>,
}

/// A user-assigned managed identity.
pub(super) struct Identity {
    pub(super) subscription: String,
    pub(super) group: String,
    pub(super) name: String,
    pub(super) location: String,
    pub(super) client_id: String,
    pub(super) principal_id: String,
    pub(super) tenant: String,
    pub(super) credentials: CredentialList,
}

/// An application registration.
pub(super) struct Registration {
    pub(super) app_id: String,
    pub(super) object_id: String,
    pub(super) name: String,
    pub(super) credentials: CredentialList,
}

/// A cluster of Azure Kubernetes Service.
pub(super) struct Cluster {
    pub(super) subscription: String,
    pub(super) group: String,
    pub(super) name: String,
    pub(super) issuer: Option<String>,
    pub(super) has_workload_identity: bool,
}

impl AzureDirectory {
    /// An empty tenant.
    pub(crate) fn new(tenant: &str) -> Self {
        let endpoints = |name: &str| {
            let of = |service: &str| format!("https://{name}.{service}.core.windows.net/");
            (of("z6.web"), of("blob"))
        };
        let state = State {
            subscriptions: Vec::new(),
            identities: Vec::new(),
            applications: Vec::new(),
            clusters: Vec::new(),
            taken_names: Vec::new(),
            creations: Vec::new(),
            endpoints: Box::new(endpoints),
            tenant: tenant.to_owned(),
            token_requests: 0,
        };
        Self { state: Arc::new(Mutex::new(state)), controls: AzureControls::default() }
    }

    /// The controls of Azure Resource Manager and Microsoft Graph.
    pub(crate) fn controls(&self) -> AzureControls {
        self.controls.clone()
    }

    /// The handler for Azure Resource Manager.
    pub(crate) fn arm(&self) -> impl Fn(&Request) -> Response + Send + Sync + use<> {
        let azure = self.clone();
        move |request| {
            let response = azure.controls.serve(request, || arm::answer(&azure, request));
            response.with("x-ms-request-id", "9e1d7d2c-0b54-4f1e-8f5c-2f1f6f6a9b10")
        }
    }

    /// The handler for Microsoft Graph.
    pub(crate) fn graph(&self) -> impl Fn(&Request) -> Response + Send + Sync + use<> {
        let azure = self.clone();
        move |request| azure.controls.serve(request, || graph::answer(&azure, request))
    }

    /// The applications and managed identities for the token endpoint. Each call is a token request, and sees a change
    /// only after the number of requests that [`AzureControls::propagate_after`] sets.
    pub(crate) fn directory(&self) -> Directory {
        let azure = self.clone();
        Directory::new(move || azure.state().token_request())
    }

    /// Adds a subscription of the tenant. The other methods do it, too.
    pub(crate) fn add_subscription(&self, id: &str) {
        self.state().subscription(id);
    }

    /// Adds a subscription of another tenant.
    pub(crate) fn add_foreign_subscription(&self, id: &str, tenant: &str) {
        self.state().subscription(id).tenant = Some(tenant.to_owned());
    }

    /// Accepts tokens of all tenants for a subscription.
    pub(super) fn accept_all_tenants(&self, id: &str) {
        self.state().subscription(id).tenant = None;
    }

    /// Adds a resource group. The other methods do it, too.
    pub(crate) fn add_resource_group(&self, subscription: &str, group: &str) {
        self.state().group(subscription, group);
    }

    /// Adds a user-assigned managed identity in westeurope, without credentials.
    pub(crate) fn add_identity(
        &self,
        subscription: &str,
        group: &str,
        name: &str,
        client_id: &str,
        principal_id: &str,
    ) {
        let mut state = self.state();
        state.group(subscription, group);
        let tenant = state.subscription(subscription).tenant.clone();
        let identity = Identity {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            location: "westeurope".to_owned(),
            client_id: client_id.to_owned(),
            principal_id: principal_id.to_owned(),
            tenant: tenant.unwrap_or_else(|| state.tenant.clone()),
            credentials: CredentialList::default(),
        };
        state.identities.push(identity);
    }

    /// Moves a managed identity to another region.
    pub(crate) fn locate_identity(&self, client_id: &str, location: &str) {
        let mut state = self.state();
        let identity = state.identities.iter_mut().find(|identity| identity.client_id == client_id);
        location.clone_into(&mut identity.expect("no such identity").location);
    }

    /// Removes a managed identity with its credentials.
    pub(crate) fn remove_identity(&self, client_id: &str) {
        self.state().identities.retain(|identity| identity.client_id != client_id);
    }

    /// Adds an application registration without credentials.
    pub(crate) fn add_application(&self, app_id: &str, object_id: &str, name: &str) {
        self.state().applications.push(Registration {
            app_id: app_id.to_owned(),
            object_id: object_id.to_owned(),
            name: name.to_owned(),
            credentials: CredentialList::default(),
        });
    }

    /// Adds a credential to the identity or application with this client ID, or replaces the one with its name. The
    /// token endpoint sees it at once, and the log of changes does not have it.
    pub(crate) fn add_credential(&self, client_id: &str, credential: Credential) {
        self.state().credentials(client_id).put(credential, 0);
    }

    /// Removes a credential in the same way.
    pub(crate) fn remove_credential(&self, client_id: &str, name: &str) {
        self.state().credentials(client_id).remove(name, 0);
    }

    /// The credentials of the identity or application with this client ID.
    pub(crate) fn credentials(&self, client_id: &str) -> Vec<Credential> {
        self.state().credentials(client_id).current().to_vec()
    }

    /// Adds a storage account.
    pub(crate) fn add_account(&self, subscription: &str, account: StorageAccount) {
        let mut state = self.state();
        state.group(subscription, &account.resource_group);
        state.subscription(subscription).accounts.push(account);
    }

    /// Removes the storage account with this name.
    pub(crate) fn remove_account(&self, name: &str) {
        let mut state = self.state();
        state.creations.retain(|creation| creation.account != name);
        for subscription in &mut state.subscriptions {
            subscription.accounts.retain(|account| account.name != name);
        }
    }

    /// The storage accounts of a subscription.
    pub(crate) fn accounts(&self, subscription: &str) -> Vec<StorageAccount> {
        self.state().subscription(subscription).accounts.clone()
    }

    /// Makes a name of a storage account one that is used in another tenant.
    pub(crate) fn take_account_name(&self, name: &str) {
        self.state().taken_names.push(name.to_owned());
    }

    /// Sets the function that gives the web endpoint and the blob endpoint of a created account, each with a slash at
    /// its end.
    pub(crate) fn set_endpoints(&self, endpoints: impl Fn(&str) -> (String, String) + Send + 'static) {
        self.state().endpoints = Box::new(endpoints);
    }

    /// Adds a cluster of Azure Kubernetes Service. Without an issuer, its OIDC issuer is disabled.
    pub(crate) fn add_cluster(
        &self,
        subscription: &str,
        group: &str,
        name: &str,
        issuer: Option<&str>,
        has_workload_identity: bool,
    ) {
        let mut state = self.state();
        state.group(subscription, group);
        state.clusters.push(Cluster {
            subscription: subscription.to_owned(),
            group: group.to_owned(),
            name: name.to_owned(),
            issuer: issuer.map(str::to_owned),
            has_workload_identity,
        });
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn controls_ref(&self) -> &AzureControls {
        &self.controls
    }
}

impl State {
    /// The subscription with this ID, which is added if it is missing.
    fn subscription(&mut self, id: &str) -> &mut SubscriptionRecord {
        let position = self.subscriptions.iter().position(|found| found.id.eq_ignore_ascii_case(id));
        let position = position.unwrap_or_else(|| {
            self.subscriptions.push(SubscriptionRecord {
                id: id.to_owned(),
                tenant: Some(self.tenant.clone()),
                groups: Vec::new(),
                accounts: Vec::new(),
            });
            self.subscriptions.len() - 1
        });
        &mut self.subscriptions[position]
    }

    /// Adds a resource group if it is missing.
    fn group(&mut self, subscription: &str, group: &str) {
        let groups = &mut self.subscription(subscription).groups;
        if !groups.iter().any(|found| found.eq_ignore_ascii_case(group)) {
            groups.push(group.to_owned());
        }
    }

    fn credentials(&mut self, client_id: &str) -> &mut CredentialList {
        let identities = self.identities.iter_mut().map(|found| (&found.client_id, &mut found.credentials));
        let applications = self.applications.iter_mut().map(|found| (&found.app_id, &mut found.credentials));
        let found = identities.chain(applications).find(|(id, _)| *id == client_id);
        found.unwrap_or_else(|| panic!("no identity or application with the client ID {client_id}")).1
    }

    /// The number of the first token request that sees a change which is made now.
    pub(super) fn seen_by(&self, propagation: usize) -> usize {
        self.token_requests + propagation
    }

    /// The applications as the next token request sees them.
    fn token_request(&mut self) -> Vec<Application> {
        let request = self.token_requests;
        self.token_requests += 1;
        let application = |tenant: &str, client_id: &str, list: &CredentialList| Application {
            tenant: tenant.to_owned(),
            client_id: client_id.to_owned(),
            credentials: list.federated(request),
        };
        let identities = self.identities.iter().map(|it| application(&it.tenant, &it.client_id, &it.credentials));
        let registrations = self.applications.iter().map(|it| application(&self.tenant, &it.app_id, &it.credentials));
        identities.chain(registrations).collect()
    }
}
