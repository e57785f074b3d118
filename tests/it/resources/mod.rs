//! The last link of the chain: real clients prove the stand-ins for Entra's tokens, for Key Vault, and for PostgreSQL's
//! logins with Entra.

mod examples;
mod exec;
mod key_vault;
mod postgresql;
mod probe;
mod token_endpoint;

use std::{
    path::PathBuf,
    process::Command,
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::support::{
    azure_resources::AzureResources,
    federated_credential::Federated,
    issued_tokens::{Principal, object_id},
    issuer::command,
    postgresql_gate::Gate,
    python::Variables,
    signer::{ENTRA, ISSUER, signer},
    stand_in::{Response, StandIn},
    tls::Authority,
    token_endpoint::Application,
};
use issuer::{Documents, Timestamp};
use serde_json::json;
use tempfile::TempDir;

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const OTHER: &str = "99998888-aaaa-7777-bbbb-6666cccc5555";
const SUBJECT: &str = "system:serviceaccount:shop:orders";

/// Two applications with the same federated credential, the site of its issuer, and the resources.
pub(crate) struct World {
    pub(crate) azure: AzureResources,
    site: StandIn,
    pub(crate) folder: TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let authority = Authority::for_hosts(&["issuer.example.com"]);
        let documents = Documents::new(ISSUER.parse().unwrap(), &signer().keys);
        let site = StandIn::https(&authority, move |request| match request.path.as_str() {
            "/.well-known/openid-configuration" => Response::new(200, &[], documents.discovery.to_bytes()),
            "/openid/v1/jwks" => Response::new(200, &[], documents.jwks.to_bytes()),
            _ => Response::new(404, &[], ""),
        });
        let credentials = Federated::find(&json!([{ "issuer": ISSUER, "subject": SUBJECT, "audiences": [ENTRA] }]));
        let application = |client_id: &str| Application {
            tenant: TENANT.to_owned(),
            client_id: client_id.to_owned(),
            credentials: credentials.clone(),
        };
        let hosts = [("issuer.example.com", site.url().trim_start_matches("https://"))];
        let azure = AzureResources::start(authority, vec![application(CLIENT), application(OTHER)], &hosts);
        let folder = TempDir::new().unwrap();
        let world = Self { azure, site, folder };
        world.write_assertion("token", "", 0);
        world
    }

    /// Writes a token file: the token with white space around it, issued some seconds ago for an hour.
    pub(crate) fn write_assertion(&self, file: &str, around: &str, age: i64) -> PathBuf {
        let issued = Timestamp::now().as_second() - age;
        let claims = json!({ "iss": ISSUER, "sub": SUBJECT, "aud": [ENTRA], "iat": issued, "nbf": issued, "exp": issued + 3600 });
        let path = self.folder.path().join(file);
        std::fs::write(&path, format!("{around}{}{around}", signer().sign(&signer().header(), &claims))).unwrap();
        path
    }

    /// The URL of the documents of the issuer.
    pub(crate) fn site_url(&self) -> &str {
        self.site.url()
    }

    pub(crate) fn pod(&self, client_id: &str) -> Variables {
        self.azure.pod(TENANT, client_id, &self.folder.path().join("token"))
    }

    /// The binary with the variables of the pod.
    fn issuer(&self, client_id: &str) -> Command {
        let mut issuer = command();
        issuer.envs(self.pod(client_id));
        issuer
    }

    pub(crate) fn ca_file(&self) -> PathBuf {
        self.azure.authority().ca_file()
    }

    /// A token for an application and a resource.
    fn token(&self, client_id: &str, audience: &str) -> String {
        self.azure.controls.tokens.issue(&Principal::app(TENANT, client_id), audience, 3599, 0)
    }
}

/// A name that no other test uses for a role or a database.
fn unique(name: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A gate with a role of the application `CLIENT`, which owns the database of the same name.
fn gate(world: &World) -> Option<(Gate, String)> {
    let gate = world.azure.postgresql()?;
    let role = unique("orders");
    gate.create_service(&role, &object_id(CLIENT), &role);
    Some((gate, role))
}
