//! An environment in which the documents' commands work unchanged: the hosts in them are stand-ins.
//!
//! A proxy connects `acct.blob.core.windows.net` to Azurite, `management.azure.com` to the stand-in for Azure Resource
//! Manager, which has two managed identities and an AKS cluster, and the web endpoint and `issuer.example.com` to the published documents. `az`, `kubectl` and `scp` are
//! scripts. Blocks of the setting `cluster` have a real API server.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Arc, Mutex, OnceLock},
};

use issuer::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;
use tempfile::TempDir;

use super::{
    blocks::{Run, Setting},
    cluster::Cluster,
};
use crate::support::{
    arm::StorageAccount,
    azure_directory::AzureDirectory,
    azurite::{Account, Azurite},
    cli::{Tools, write_executable},
    cloud::{STORAGE, SUBSCRIPTION, TENANT},
    fixtures,
    front::Front,
    message,
    stand_in::{Request, Response, StandIn},
    tls::Authority,
    tunnel::{Tunnel, plain_front_of},
};

const ACCOUNT: &str = "acct";
const WEB: &str = "acct.z6.web.core.windows.net";
/// The CDN in front of the account, and the host of the directory `site/`.
const CDN: &str = "issuers.example.com";
const OWN: &str = "issuer.example.com";
const BLOB: &str = "acct.blob.core.windows.net";
const MANAGEMENT: &str = "management.azure.com";
/// The managed identities: resource group, name, client ID and object ID.
const IDENTITIES: [[&str; 4]; 2] = [
    ["shop", "orders", "11111111-aaaa-4bbb-8ccc-000000000001", "22222222-aaaa-4bbb-8ccc-000000000001"],
    ["clusters", "workload", "11111111-aaaa-4bbb-8ccc-000000000002", "22222222-aaaa-4bbb-8ccc-000000000002"],
];
/// The issuer of a cluster before it is published: that of k3s and kubeadm.
const OLD_ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
/// The issuer of the AKS cluster.
const AKS: &str = "https://westeurope.oic.prod-aks.azure.com/72f988bf-86f1-41af-91ab-2d7cd011db47/9d0b1c5e-3f3a-4f0e-8b77-2c1f6b0a9d21/";

/// The services that all blocks use.
pub(super) struct World {
    authority: Authority,
    azurite: Azurite,
    account: Account,
    directory: AzureDirectory,
    tunnel: Tunnel,
    tools: Tools,
    /// The folder of the block that runs.
    current: Arc<Mutex<PathBuf>>,
    /// The API servers with the published issuer and with an old one, if a block needs them.
    clusters: [OnceLock<Option<Cluster>>; 2],
    _services: [StandIn; 2],
}

impl World {
    pub(super) fn new() -> Self {
        let authority = Authority::for_hosts(&[WEB, CDN, OWN, BLOB, MANAGEMENT]);
        let (certificate, key) = authority.server_files();
        let azurite = Azurite::start_with_hosts(&certificate, &key, &[ACCOUNT]);
        let account = azurite.account();
        // The stand-in for the web endpoint reads the account with a client that does not support TLS.
        let account = account.through(&plain_front_of(account.address(), &authority));
        let current: Arc<Mutex<PathBuf>> = Arc::default();

        let directory = AzureDirectory::new(TENANT);
        directory.add_cluster(SUBSCRIPTION, "clusters", "prod", Some(AKS), true);
        // A new account needs no time.
        directory.controls().polls(0);
        let management = StandIn::https(&authority, directory.arm());
        let (front, folder) = (Front::start(&account), Arc::clone(&current));
        let web = StandIn::https(&authority, move |request| serve(request, &front, &folder.lock().unwrap()));
        let address = |server: &StandIn| server.url().strip_prefix("https://").unwrap().to_owned();
        let tunnel = Tunnel::start(vec![
            (BLOB, azurite.address.clone()),
            (MANAGEMENT, address(&management)),
            (WEB, address(&web)),
            (CDN, address(&web)),
            (OWN, address(&web)),
        ]);

        let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, "https://management.azure.com/.default"]);
        symlink(env!("CARGO_BIN_EXE_issuer"), tools.dir().join("issuer")).unwrap();
        write_executable(&tools.dir().join("kubectl"), KUBECTL);
        write_executable(&tools.dir().join("scp"), SCP);
        let clusters = Default::default();
        Self { authority, azurite, account, directory, tunnel, tools, current, clusters, _services: [management, web] }
    }

    /// A new folder with keys and tokens, and an account that is empty unless the setting says otherwise.
    pub(super) fn sandbox(&self, run: &Run) -> Sandbox<'_> {
        self.directory.remove_account(ACCOUNT);
        if !run.has_no_account {
            let account = StorageAccount::new(ACCOUNT, "clusters", &format!("https://{WEB}/"));
            self.directory.add_account(SUBSCRIPTION, account);
        }
        for [group, name, client_id, principal_id] in IDENTITIES {
            self.directory.remove_identity(client_id);
            self.directory.add_identity(SUBSCRIPTION, group, name, client_id, principal_id);
        }
        for blob in self.account.list_blobs("$web") {
            self.account.delete_blob("$web", &blob);
        }
        self.account.set_properties(concat!(
            r#"<?xml version="1.0" encoding="utf-8"?><StorageServiceProperties><StaticWebsite><Enabled>false</Enabled>"#,
            "</StaticWebsite></StorageServiceProperties>"
        ));
        let folder = TempDir::new().unwrap();
        folder.path().clone_into(&mut self.current.lock().unwrap());
        let cluster = if run.setting == Setting::Cluster { self.cluster(run.is_moved) } else { None };
        if let Some(cluster) = cluster {
            cluster.write_kubeconfig(folder.path());
        }
        let sandbox = Sandbox { world: self, folder, cluster };
        sandbox.fill(run.is_moved);
        if run.setting == Setting::Published {
            let to = |site: &str| format!("issuer --quiet publish sa.pub {site} >/dev/null");
            for site in [
                "--account acct",
                "--issuer https://acct.z6.web.core.windows.net --directory copy/",
                "--issuer https://issuer.example.com --directory site/",
            ] {
                let output = sandbox.run(&to(site));
                assert!(output.status.success(), "{output:?}");
            }
        }
        sandbox
    }

    /// A cluster with the published issuer, or with an old one. `None`: its programs are missing.
    pub(super) fn cluster(&self, is_moved: bool) -> Option<&Cluster> {
        let issuer = if is_moved { OLD_ISSUER.to_owned() } else { format!("https://{WEB}") };
        self.clusters[usize::from(is_moved)].get_or_init(|| Cluster::start(&issuer)).as_ref()
    }

    /// The process of the emulator, for messages.
    pub(super) fn azurite(&self) -> u32 {
        self.azurite.id()
    }
}

/// The folder in which a block runs.
pub(super) struct Sandbox<'a> {
    world: &'a World,
    folder: TempDir,
    cluster: Option<&'a Cluster>,
}

impl Sandbox<'_> {
    fn fill(&self, is_moved: bool) {
        let public = fs::read(fixtures().join("keys/rsa-private.pub")).unwrap();
        for file in ["sa.pub", "new.pub", "prod-1.pub", "keys/prod-1.pub", ".cluster/sa.pub"] {
            let path = self.folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &public).unwrap();
        }
        for file in ["old.pub", "prod-2.pub"] {
            fs::copy(fixtures().join("kubernetes/rotation/rsa2048.pub"), self.folder.path().join(file)).unwrap();
        }
        let jwks = issuer::Jwks::from_keys(issuer::KeySet::from_bytes(&public).unwrap().iter());
        self.write(".cluster/jwks.json", &jwks.to_bytes());

        let web = format!("https://{WEB}");
        let kid = jwks_kid(&jwks.to_bytes());
        let pod = token(&kid, &web, "workload-identity-sa", "api://AzureADTokenExchange");
        let internal = token(&kid, &web, "workload-identity-sa", "https://kubernetes.default.svc.cluster.local");
        let issuer = if is_moved { format!("https://{OWN}") } else { web };
        let fresh = token(&kid, &issuer, "default", "api://AzureADTokenExchange");
        self.write("token.jwt", pod.as_bytes());
        self.write("apiserver.jwt", internal.as_bytes());
        self.write("tokens.txt", format!("{pod}\n{internal}\n").as_bytes());
        self.write(".cluster/pod.jwt", pod.as_bytes());
        self.write(".cluster/default.jwt", fresh.as_bytes());
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    /// Runs shell commands with standard error redirected to standard output.
    pub(super) fn run(&self, script: &str) -> Output {
        let world = self.world;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = script.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
        let ca_file = world.authority.ca_file();
        let script = format!("exec 2>&1\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n{script}\n");
        let mut command = Command::new("timeout");
        command.args(["60", "bash", "-euo", "pipefail", "-c", &script]).env_clear().current_dir(self.folder.path());
        command.env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", world.tools.dir().display()));
        command.env("HOME", self.folder.path()).env("NO_COLOR", "1");
        command.env("HTTPS_PROXY", format!("http://{}", world.tunnel.address));
        command.env("SSL_CERT_FILE", &ca_file).env("CURL_CA_BUNDLE", &ca_file);
        // This machine has no managed identity.
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
        let mut output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let text = text.replace(&format!("127.0.0.1:{port}"), "127.0.0.1:8080");
        output.stdout =
            self.cluster.map_or(text.clone(), |cluster| cluster.shown(&text, self.folder.path())).into_bytes();
        output
    }
}

/// The web endpoint of the account, the CDN before it, and the server of the directory `site/`.
fn serve(request: &Request, front: &Front, folder: &Path) -> Response {
    if request.origin == format!("https://{OWN}")
        && let Ok(body) = fs::read(folder.join("site").join(request.path.trim_start_matches('/')))
    {
        return Response::new(200, &[("Content-Type", "application/json")], body);
    }
    let answer = message::send(&front.address, &request.method, &request.path, &[], b"");
    let skipped = ["content-length", "connection"];
    let headers = answer.headers.iter().filter(|(name, _)| !skipped.contains(&name.to_ascii_lowercase().as_str()));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Response::new(answer.status(), &headers, answer.body.clone())
}

fn jwks_kid(jwks: &[u8]) -> String {
    let jwks: serde_json::Value = serde_json::from_slice(jwks).unwrap();
    jwks["keys"][0]["kid"].as_str().unwrap().to_owned()
}

/// A token of the cluster, as the API server signs it: an hour from now.
fn token(kid: &str, issuer: &str, account: &str, audience: &str) -> String {
    let private = pem::parse(fs::read(fixtures().join("keys/rsa-private.key")).unwrap()).unwrap();
    let key = EncodingKey::from_rsa_der(private.contents());
    let now = Timestamp::now().as_second();
    let mut header = Header::new(Algorithm::RS256);
    header.typ = None;
    header.kid = Some(kid.to_owned());
    let claims = json!({
        "aud": [audience], "exp": now + 3600, "iat": now, "iss": issuer,
        "kubernetes.io": {
            "namespace": "default",
            "serviceaccount": { "name": account, "uid": "34acf9f0-d29a-4260-bceb-4e36916b4ae4" },
        },
        "nbf": now, "sub": format!("system:serviceaccount:default:{account}"),
    });
    jsonwebtoken::encode(&header, &claims, &key).unwrap()
}

/// Prints the objects of the cluster. Like kubectl, it ends a token with a newline.
const KUBECTL: &str = r#"#!/bin/sh
case "$*" in
"create serviceaccount workload-identity-sa") echo "serviceaccount/workload-identity-sa created" ;;
"create token workload-identity-sa --audience api://AzureADTokenExchange") cat .cluster/pod.jwt; echo ;;
"create token default --audience api://AzureADTokenExchange") cat .cluster/default.jwt; echo ;;
"get --raw /openid/v1/jwks") cat .cluster/jwks.json ;;
*) echo "the stand-in for kubectl does not support: $*" >&2; exit 1 ;;
esac
"#;

/// Copies the key from the control plane node.
const SCP: &str = r#"#!/bin/sh
[ "$*" = "control-plane:/etc/kubernetes/pki/sa.pub ." ] || { echo "the stand-in for scp does not support: $*" >&2; exit 1; }
cp .cluster/sa.pub .
"#;
