//! Everything between a pod's token and a resource: Entra's token endpoint, a Key Vault, and PostgreSQL behind its
//! gate, which share the register of issued tokens.
//!
//! ```text
//! let azure = AzureResources::start(authority, directory, &[("issuer.example.com", site_address)]);
//! let Some(gate) = azure.postgresql() else { return };
//! gate.create_service(&role, &object_id(CLIENT), &database);
//! ```
//!
//! A client logs in at `localhost` and [`Gate::port`] with `sslmode=verify-full` and the `ca_file` of the authority. A
//! pod has the variables of [`AzureResources::pod`], and reads secrets at [`AzureResources::vault_url`].

use std::{collections::BTreeMap, path::Path};

use super::{
    entra_controls::EntraControls,
    internet::Internet,
    key_vault::KeyVault,
    postgresql::Postgresql,
    postgresql_gate::Gate,
    stand_in::StandIn,
    tls::Authority,
    token_endpoint::{Directory, controlled_token_endpoint},
};

/// The name of the vault.
pub(crate) const VAULT: &str = "contoso";

/// The stand-ins, each on a free port of this machine.
pub(crate) struct AzureResources {
    pub(crate) entra: StandIn,
    pub(crate) controls: EntraControls,
    pub(crate) vault: KeyVault,
    vault_server: StandIn,
    authority: Authority,
}

impl AzureResources {
    /// `hosts` are the servers that Entra reaches, each with its address: the sites of the issuers.
    pub(crate) fn start(authority: Authority, directory: impl Into<Directory>, hosts: &[(&str, &str)]) -> Self {
        let directory = directory.into();
        let tenant = directory.applications().first().map_or(String::new(), |application| application.tenant.clone());
        let controls = EntraControls::default();
        let endpoint = controlled_token_endpoint(directory, Internet::new(&authority, hosts), controls.clone());
        let entra = StandIn::https(&authority, endpoint);
        let vault = KeyVault::new(VAULT, &tenant, &controls.tokens);
        let vault_server = StandIn::https(&authority, vault.handler());
        Self { entra, controls, vault, vault_server, authority }
    }

    /// The gate of the PostgreSQL server that all tests share, so that each test chooses unique names for its roles and
    /// databases. `None`: PostgreSQL is missing, and the test is skipped.
    pub(crate) fn postgresql(&self) -> Option<Gate> {
        Some(Gate::start(Postgresql::shared()?, &self.authority, &self.controls.tokens))
    }

    /// The gate of a new PostgreSQL server, for a test whose names are given.
    pub(crate) fn own_postgresql(&self) -> Option<Gate> {
        Some(Gate::start(Postgresql::start()?.into(), &self.authority, &self.controls.tokens))
    }

    /// The certificate that clients trust.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// The URL of the vault, without a slash at its end.
    pub(crate) fn vault_url(&self) -> String {
        self.vault_server.url().replace("127.0.0.1", "localhost")
    }

    /// The requests that the vault received.
    pub(crate) fn vault_requests(&self) -> Vec<super::stand_in::Request> {
        self.vault_server.requests()
    }

    /// The variables that the webhook injects into a pod (azure-workload-identity, "Mutating Admission Webhook").
    pub(crate) fn pod(&self, tenant: &str, client_id: &str, token_file: &Path) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("AZURE_AUTHORITY_HOST", format!("{}/", self.entra.url().replace("127.0.0.1", "localhost"))),
            ("AZURE_TENANT_ID", tenant.to_owned()),
            ("AZURE_CLIENT_ID", client_id.to_owned()),
            ("AZURE_FEDERATED_TOKEN_FILE", token_file.to_str().unwrap().to_owned()),
        ])
    }
}
