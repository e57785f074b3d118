//! Identities, accounts and clusters in Azure, with the commands that read and change them, against the stand-ins for Azure Resource Manager, Microsoft Graph and Entra.

mod apply;
mod delete;
mod faults;
mod list;
mod new_account;
mod read;
mod refusals;

use std::{path::PathBuf, process::Command, time::Duration};

use issuer::{Documents, Environment, HttpFetcher, Timestamp, site::AzureOptions};
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    azure_credential::Credential,
    azure_directory::AzureDirectory,
    azure_resources::AzureResources,
    cli::Tools,
    entra::{Client, Proof, entra},
    issuer::command,
    signer::{ENTRA, ISSUER, signer},
    stand_in::{Response, StandIn},
    tls::Authority,
    tunnel::Tunnel,
};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const PRINCIPAL: &str = "99990000-aaaa-2222-bbbb-3333cccc4444";
const APPLICATION: &str = "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11";
const OBJECT: &str = "88880000-aaaa-2222-bbbb-3333cccc4444";
const SUBJECT: &str = "system:serviceaccount:shop:orders";
/// The name that `issuer` gives to the credential of the service account at [`ISSUER`].
const NAME: &str = "shop-orders-3c09ede0";
const HOSTS: [&str; 4] =
    ["management.azure.com", "graph.microsoft.com", "login.microsoftonline.com", "issuer.example.com"];

/// An Azure with the identity `orders`, an application, and the site of an issuer.
struct World {
    directory: AzureDirectory,
    arm: StandIn,
    azure: AzureResources,
    folder: TempDir,
    tools: Tools,
    tunnel: Tunnel,
    _servers: [StandIn; 2],
}

impl World {
    fn new() -> Self {
        let authority = Authority::for_hosts(&HOSTS);
        let directory = AzureDirectory::new(TENANT);
        directory.add_identity(SUBSCRIPTION, "identities", "orders", CLIENT, PRINCIPAL);
        directory.add_application(APPLICATION, OBJECT, "Shop");
        let arm = StandIn::https(&authority, directory.arm());
        let graph = StandIn::https(&authority, directory.graph());
        let documents = Documents::new(ISSUER.parse().unwrap(), &signer().keys);
        let site = StandIn::https(&authority, move |request| match request.path.as_str() {
            "/.well-known/openid-configuration" => Response::new(200, &[], documents.discovery.to_bytes()),
            "/openid/v1/jwks" => Response::new(200, &[], documents.jwks.to_bytes()),
            _ => Response::new(404, &[], ""),
        });
        let address = |url: &str| url.trim_start_matches("https://").to_owned();
        let site_address = address(site.url());
        let azure = AzureResources::start(authority, directory.directory(), &[("issuer.example.com", &site_address)]);
        let addresses = [address(arm.url()), address(graph.url()), address(azure.entra.url()), site_address];
        let tunnel = Tunnel::start(HOSTS.into_iter().zip(addresses).collect());
        let scopes = ["https://management.azure.com/.default", "https://graph.microsoft.com/.default"];
        let tools = Tools::new().with_az_signed_in(TENANT, &scopes);
        let world =
            Self { directory, arm, azure, folder: TempDir::new().unwrap(), tools, tunnel, _servers: [graph, site] };
        world.write_token("token", SUBJECT, ISSUER);
        world
    }

    /// Writes a token that is valid for an hour, and returns its path.
    fn write_token(&self, file: &str, subject: &str, issuer: &str) -> PathBuf {
        let now = Timestamp::now().as_second();
        let claims =
            json!({ "iss": issuer, "sub": subject, "aud": [ENTRA], "iat": now, "nbf": now, "exp": now + 3600 });
        let path = self.folder.path().join(file);
        std::fs::write(&path, signer().sign(&signer().header(), &claims)).unwrap();
        path
    }

    fn token(&self) -> String {
        self.folder.path().join("token").to_str().unwrap().to_owned()
    }

    /// A command of `issuer` at the desk of an administrator who is signed in with `az`.
    fn issuer(&self, words: &[&str]) -> Command {
        let mut command = command();
        command.env("PATH", self.tools.path_env()).env("HTTPS_PROXY", format!("http://{}", self.tunnel.address));
        // The machine has no managed identity.
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9").current_dir(self.folder.path());
        command.args(words).arg("--ca-file").arg(self.azure.authority().ca_file());
        command
    }

    /// `issuer federate` for the service account, and more arguments.
    fn federate(&self, words: &[&str]) -> Command {
        let all = ["federate", "--auth", "az", "--service-account", "shop/orders", "--issuer", ISSUER];
        self.issuer(&[&all, words].concat())
    }

    fn add(&self, name: &str, issuer: &str, subject: &str) {
        self.directory.add_credential(CLIENT, Credential::new(name, issuer, subject));
    }

    /// Name, issuer, subject and audience of the credentials of the identity.
    fn credentials(&self) -> Vec<[String; 4]> {
        self.of(CLIENT)
    }

    fn of(&self, client_id: &str) -> Vec<[String; 4]> {
        let values = |it: Credential| [it.name, it.issuer, it.subject.unwrap_or_default(), it.audiences.join(",")];
        self.directory.credentials(client_id).into_iter().map(values).collect()
    }
}

/// The services of a world for the library, which signs in with a client secret, and waits a millisecond after failures.
struct SignedIn {
    options: Box<dyn Fn() -> AzureOptions>,
    servers: Vec<StandIn>,
}

impl SignedIn {
    fn new(world: &World) -> Self {
        let authority = world.azure.authority();
        let (tenant, client_id) = (TENANT.to_owned(), "11110000-aaaa-2222-bbbb-3333cccc4444".to_owned());
        let proof = Proof::Secret("s3cr3t".to_owned());
        let client = Client { tenant: tenant.clone(), client_id: client_id.clone(), proof };
        let entra = StandIn::https(authority, entra(vec![client]));
        let arm = StandIn::https(authority, world.directory.arm());
        let graph = StandIn::https(authority, world.directory.graph());
        let variables = [
            ("AZURE_AUTHORITY_HOST", entra.url().to_owned()),
            ("AZURE_TENANT_ID", tenant),
            ("AZURE_CLIENT_ID", client_id),
            ("AZURE_CLIENT_SECRET", "s3cr3t".to_owned()),
        ];
        let environment: Environment = variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let fetcher = HttpFetcher::new(&[authority.ca_file()]).unwrap();
        let (arm_url, graph_url) = (arm.url().to_owned(), graph.url().to_owned());
        let options = move || AzureOptions {
            environment: environment.clone(),
            fetcher: fetcher.clone(),
            resource_manager: Some(arm_url.clone()),
            graph: Some(graph_url.clone()),
            first_pause: Duration::from_millis(1),
            ..AzureOptions::new(None)
        };
        Self { options: Box::new(options), servers: vec![entra, arm, graph] }
    }
}

/// The flags of the identity.
const IDENTITY: [&str; 4] = ["--identity", "orders", "--resource-group", "identities"];

fn wanted() -> [String; 4] {
    [NAME, ISSUER, SUBJECT, ENTRA].map(str::to_owned)
}
