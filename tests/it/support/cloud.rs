//! A cloud of stand-ins: Entra, Azure Resource Manager, the metadata service, GitHub, and Azurite.

use std::{cell::Cell, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    arm::{Arm, StorageAccount, Subscription},
    azurite::{Account, Azurite},
    entra::{Client, Proof, entra, federated_token},
    github::{self, github},
    imds::imds,
    issuer::command,
    recording,
    stand_in::StandIn,
    tls::Authority,
};

pub(crate) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(crate) const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
pub(crate) const SECRET: &str = "s3cr3t~of.the-principal";
pub(crate) const SUBJECT: &str = "system:serviceaccount:issuer:publisher";
pub(crate) const GITHUB_SUBJECT: &str = "repo:octo-org/octo-repo:ref:refs/heads/main";
pub(crate) const GITHUB_TOKEN: &str = "request-token-of-the-job";
pub(crate) const STORAGE: &str = "https://storage.azure.com/.default";
pub(crate) const ARM: &str = "https://management.core.windows.net/.default";
pub(crate) const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";

/// A cloud with some empty accounts, one of which is selected.
pub(crate) struct Cloud {
    pub(crate) authority: Authority,
    _azurite: Azurite,
    pub(crate) accounts: Vec<Account>,
    pub(crate) current: Cell<usize>,
    pub(crate) entra: StandIn,
    pub(crate) arm: StandIn,
    pub(crate) imds: StandIn,
    pub(crate) github: StandIn,
    pub(crate) folder: TempDir,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        Self::with(|accounts| Arm {
            subscriptions: vec![
                Subscription { id: "00000000-0000-0000-0000-000000000000".to_owned(), accounts: others() },
                Subscription { id: SUBSCRIPTION.to_owned(), accounts: [others(), accounts].concat() },
            ],
            page: 1,
            forbidden: false,
        })
    }

    pub(crate) fn with(arm: impl FnOnce(Vec<StorageAccount>) -> Arm) -> Self {
        let authority = Authority::new();
        let (certificate, key) = authority.server_files();
        let azurite = Azurite::start_with_oauth(&certificate, &key);
        let accounts: Vec<_> = (0..16).map(|_| azurite.account()).collect();
        let folder = TempDir::new().unwrap();
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let pem = format!("{}{}", key.serialize_pem(), certificate.pem());
        std::fs::write(folder.path().join("principal.pem"), pem).unwrap();
        let federated = |issuer: &str, subject: &str| Proof::Federated {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audience: "api://AzureADTokenExchange".to_owned(),
        };
        let proofs = [
            Proof::Secret(SECRET.to_owned()),
            Proof::Certificate(certificate.der().to_vec()),
            federated("https://cluster.example.com", SUBJECT),
            federated(github::ISSUER, GITHUB_SUBJECT),
        ];
        let client = |proof| Client { tenant: TENANT.to_owned(), client_id: CLIENT.to_owned(), proof };
        let entra = StandIn::https(&authority, entra(proofs.into_iter().map(client).collect()));
        let token = federated_token("https://cluster.example.com", SUBJECT, "api://AzureADTokenExchange");
        std::fs::write(folder.path().join("token.jwt"), token).unwrap();
        let web = |name: &str| format!("https://{name}.z6.web.core.windows.net/");
        let in_arm = accounts.iter().map(|Account { name, .. }| StorageAccount::new(name, "clusters", &web(name)));
        let arm = arm(in_arm.collect());
        let arm = StandIn::https(&authority, arm.handler());
        let imds = StandIn::http(imds(TENANT, &["system", CLIENT]));
        let github = StandIn::https(&authority, github(GITHUB_TOKEN, GITHUB_SUBJECT));
        Self { authority, _azurite: azurite, accounts, current: Cell::new(0), entra, arm, imds, github, folder }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.accounts[self.current.get()]
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// `issuer publish --account` with only this cloud in reach.
    pub(crate) fn publish(&self) -> Command {
        self.publish_at(&self.account().endpoint)
    }

    pub(crate) fn publish_at(&self, endpoint: &str) -> Command {
        let mut command = command();
        command.env("AZURE_AUTHORITY_HOST", format!("{}/", self.entra.url()));
        // The machine has no managed identity, unless a test sets this variable.
        command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9");
        command.env("PATH", "/usr/bin:/bin");
        command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap()]);
        command.args(["--account", &self.account().name, "--endpoint", endpoint]);
        command.args(["--ca-file", self.authority.ca_file().to_str().unwrap()]);
        command.args(["--resource-manager", self.arm.url(), "--no-fetch-back", "--timeout", "20s"]);
        command
    }

    pub(crate) fn principal(&self) -> Command {
        let mut command = self.publish();
        command.env("AZURE_TENANT_ID", TENANT).env("AZURE_CLIENT_ID", CLIENT);
        command
    }

    pub(crate) fn with_secret(&self) -> Command {
        let mut command = self.principal();
        command.env("AZURE_CLIENT_SECRET", SECRET);
        command
    }

    /// The name of the site in messages.
    pub(crate) fn site(&self) -> String {
        format!("$web of {} at {}", self.account().name, self.account().address())
    }

    /// The issuer URL of the web endpoint.
    pub(crate) fn issuer(&self) -> String {
        format!("https://{}.z6.web.core.windows.net", self.account().name)
    }

    /// Whether anything is published. The request has a bearer token, as the emulator accepts only https.
    pub(crate) fn account_has_documents(&self) -> bool {
        let mut command = self.with_secret();
        command.args(["--issuer", "https://issuer.example.com", "--dry-run", "-o", "json"]);
        serde_json::from_slice::<Value>(&command.output().unwrap().stdout).unwrap()["documents"][0]["change"]
            != "created"
    }
}

/// Accounts that no test uses.
pub(crate) fn others() -> Vec<StorageAccount> {
    ["another", "andanother"]
        .map(|name| StorageAccount::new(name, "else", "https://other.z6.web.core.windows.net/"))
        .into()
}
