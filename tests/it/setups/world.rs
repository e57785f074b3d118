//! Azure, a storage account, and the shells of an administrator and of a pod, for one setup.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tempfile::TempDir;

use super::{
    azure_cli::{self, permitted, publisher},
    data_plane,
    pod::Pod,
};
use crate::support::{
    azure_directory::AzureDirectory,
    azure_resources::AzureResources,
    azurite::Azurite,
    cli::{Tools, write_executable},
    cloud::SUBSCRIPTION,
    entra_login,
    front::Front,
    issued_tokens::{Principal, object_id},
    issuer::stdout,
    message,
    pgaadauth::{self, PrincipalType},
    postgresql_gate::Gate,
    python::Variables,
    stand_in::{Request, Response, StandIn},
    tls::Authority,
    tunnel::{Tunnel, plain_front_of},
};

/// The values in the guides.
pub(super) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(super) const CLIENT: &str = "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11";
const ACCOUNT: &str = "acct";
const WEB: &str = "acct.z6.web.core.windows.net";
const BLOB: &str = "acct.blob.core.windows.net";
const MANAGEMENT: &str = "management.azure.com";
const LOGIN: &str = "login.microsoftonline.com";
const VAULT: &str = "contoso.vault.azure.net";
const DATABASE: &str = "contoso.postgres.database.azure.com";
const ADMINISTRATOR: &str = "admin@contoso.com";
/// The folder of the token in a pod.
const MOUNT: &str = "/var/run/secrets/azure/wi/token";
/// The host of the directory `site/`, and that of the issuers of AKS.
pub(super) const OWN: &str = "issuer.example.com";
pub(super) const AKS: &str = "westeurope.oic.prod-aks.azure.com";

pub(super) struct World {
    pub(super) azure: AzureResources,
    /// The subscription with the identity of the guide, in the resource group `identities`. The group `clusters` is empty.
    pub(super) directory: AzureDirectory,
    /// The gate of PostgreSQL, if the setup has one.
    pub(super) gate: Option<Gate>,
    is_blocked: Arc<AtomicBool>,
    folder: TempDir,
    state: TempDir,
    tools: Tools,
    tunnel: Tunnel,
    _azurite: Azurite,
    _servers: [StandIn; 3],
}

impl World {
    /// A world with a managed identity of this name.
    pub(super) fn new(identity: &str) -> Self {
        let authority = Authority::for_hosts(&[WEB, BLOB, MANAGEMENT, LOGIN, VAULT, DATABASE, OWN, AKS]);
        let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let tools = Tools::new();
        azure_cli::install(&tools, state.path(), TENANT);
        fs::write(state.path().join("principal"), object_id(CLIENT)).unwrap();
        symlink(env!("CARGO_BIN_EXE_issuer"), tools.dir().join("issuer")).unwrap();
        // A symbolic link to the program of a virtual environment would find no packages.
        let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin/python");
        write_executable(&tools.dir().join("python3"), &format!("#!/bin/sh\nexec '{python}' \"$@\"\n"));

        let (certificate, key) = authority.server_files();
        let azurite = Azurite::start_with_hosts(&certificate, &key, &[ACCOUNT]);
        let account = azurite.account();
        // The stand-in for the web endpoint reads the account with a client that does not support TLS.
        let front = Front::start(&account.through(&plain_front_of(account.address(), &authority)));
        let root = folder.path().to_owned();
        let is_blocked = Arc::new(AtomicBool::new(false));
        let blocked = Arc::clone(&is_blocked);
        let web = StandIn::https(&authority, move |request| {
            if blocked.load(Ordering::Relaxed) { firewall() } else { serve(request, &front, &root) }
        });
        let directory = AzureDirectory::new(TENANT);
        directory.add_resource_group(SUBSCRIPTION, "clusters");
        directory.add_identity(SUBSCRIPTION, "identities", identity, CLIENT, &object_id(CLIENT));
        // A new account gets the endpoints of the emulator, and needs no time.
        directory.set_endpoints(|name| {
            assert_eq!(name, ACCOUNT, "the emulator has no such account");
            (format!("https://{WEB}/"), format!("https://{BLOB}/"))
        });
        directory.controls().polls(0);
        let management = StandIn::https(&authority, directory.arm());
        let publisher = publisher(state.path());
        let blobs = data_plane::start(&authority, &azurite.address, move || publisher.exists());

        let sites = [WEB, OWN, AKS].map(|host| (host, address(web.url())));
        let azure = AzureResources::start(authority, directory.directory(), &sites);
        let hosts = [
            (BLOB, address(blobs.url()).to_owned()),
            (MANAGEMENT, address(management.url()).to_owned()),
            (LOGIN, address(azure.entra.url()).to_owned()),
            (VAULT, address(&azure.vault_url()).to_owned()),
        ];
        let hosts = hosts.into_iter().chain(sites.map(|(host, address)| (host, address.to_owned())));
        let tunnel = Tunnel::start(hosts.collect());
        Self {
            azure,
            directory,
            gate: None,
            is_blocked,
            folder,
            state,
            tools,
            tunnel,
            _azurite: azurite,
            _servers: [web, management, blobs],
        }
    }

    /// The same with a new PostgreSQL whose administrator is a user of Entra. `None`: PostgreSQL is missing, and the
    /// test is skipped.
    pub(super) fn with_postgresql(identity: &str) -> Option<Self> {
        crate::support::clients::postgresql()?;
        let mut world = Self::new(identity);
        let gate = world.azure.own_postgresql()?;
        pgaadauth::create_principal(gate.server(), ADMINISTRATOR, &object_id(ADMINISTRATOR), PrincipalType::User, true);
        let administrator = Principal::user(TENANT, ADMINISTRATOR);
        let token = world.azure.controls.tokens.issue(&administrator, entra_login::AUDIENCE, 3599, 0);
        world.set("administrator", &token);
        world.gate = Some(gate);
        Some(world)
    }

    /// The folder in which the commands run.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the folder in which the commands run.
    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.folder().join(name), content).unwrap();
    }

    /// Sets what `az` or `kubectl` prints.
    pub(super) fn set(&self, name: &str, content: &str) {
        fs::write(self.state.path().join(name), content).unwrap();
    }

    /// Gives the administrator the data role on the storage account, as an assignment on its resource group does.
    pub(super) fn permit_publisher(&self) {
        self.set("publisher", "");
    }

    /// Lets the firewall of the storage account refuse all readers of the issuer, or none.
    pub(super) fn block_site(&self, is_blocked: bool) {
        self.is_blocked.store(is_blocked, Ordering::Relaxed);
    }

    /// The certificate authority of all hosts.
    pub(super) fn ca_file(&self) -> PathBuf {
        self.azure.authority().ca_file()
    }

    /// Runs shell commands of the administrator.
    pub(super) fn run(&self, script: &str) -> Output {
        self.shell(&Variables::new(), script).output().unwrap()
    }

    /// Runs shell commands in a pod, whose token has the path that the webhook gives it.
    pub(super) fn run_in(&self, pod: &Pod, script: &str) -> Output {
        let mut output = self.shell(&pod.variables, script).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.replace(pod.folder().to_str().unwrap(), MOUNT);
        output.stdout = match self.reachable_database() {
            Some(reachable) => text.replace(&reachable, DATABASE).replace("localhost", DATABASE).into_bytes(),
            None => text.into_bytes(),
        };
        output
    }

    /// Standard output and standard error of a command in a pod.
    pub(super) fn printed_in(&self, pod: &Pod, script: &str) -> String {
        stdout(&self.run_in(pod, script))
    }

    /// A shell with these variables and the tools, whose standard error is redirected to standard output.
    pub(super) fn shell(&self, variables: &Variables, script: &str) -> Command {
        for object_id in permitted(self.state.path()) {
            self.azure.vault.permit(&object_id);
        }
        let mut script = format!("exec 2>&1\n{script}\n");
        // A probe connects to the server itself, so the host is replaced by one that resolves.
        if let Some(reachable) = self.reachable_database().filter(|_| script.contains("--probe ")) {
            script = script.replace(DATABASE, &reachable).replace("--probe ", "--probe-any-host --probe ");
        }
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-euo", "pipefail", "-c", &script]);
        self.prepare(&mut command);
        command.envs(variables);
        command
    }

    /// The host and port of PostgreSQL on this machine. libpq gets the address in variables.
    fn reachable_database(&self) -> Option<String> {
        self.gate.as_ref().map(|gate| format!("localhost:{}", gate.port()))
    }

    /// The variables and the folder of a program.
    pub(super) fn prepare(&self, command: &mut Command) {
        let ca_file = self.ca_file();
        command.env_clear().current_dir(self.folder());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.tools.dir().display()));
        command.env("HOME", self.folder()).env("NO_COLOR", "1").env("LC_ALL", "C.UTF-8");
        command.env("HTTPS_PROXY", format!("http://{}", self.tunnel.address));
        command.env("SSL_CERT_FILE", &ca_file).env("CURL_CA_BUNDLE", &ca_file).env("PGSSLROOTCERT", &ca_file);
        // This machine has no managed identity.
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
        if let Some(gate) = &self.gate {
            command.env("PGHOSTADDR", "127.0.0.1").env("PGPORT", gate.port().to_string());
        }
    }
}

/// The web endpoint of the account, the server of the directory `site/`, and the issuers of AKS in the directory `aks/`.
fn serve(request: &Request, front: &Front, folder: &Path) -> Response {
    if request.origin != format!("https://{WEB}") {
        let site = if request.origin == format!("https://{OWN}") { "site" } else { "aks" };
        return match fs::read(folder.join(site).join(request.path.trim_start_matches('/'))) {
            Ok(body) => Response::new(200, &[("Content-Type", "application/json")], body),
            Err(_) => Response::new(404, &[("Content-Type", "text/plain")], "not found\n"),
        };
    }
    let answer = message::send(&front.address, &request.method, &request.path, &[], b"");
    let skipped = ["content-length", "connection"];
    let headers = answer.headers.iter().filter(|(name, _)| !skipped.contains(&name.to_ascii_lowercase().as_str()));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Response::new(answer.status(), &headers, answer.body.clone())
}

/// Azure/azure-workload-identity#1130 has this answer of a storage account.
fn firewall() -> Response {
    let headers = [("x-ms-error-code", "AuthorizationFailure"), ("Content-Type", "application/xml")];
    Response::new(403, &headers, "<Error><Code>AuthorizationFailure</Code></Error>")
}

fn address(url: &str) -> &str {
    url.strip_prefix("https://").unwrap()
}
