//! `issuer exchange --from-cluster`: a fresh token of the API server is the assertion of each exchange.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::json;

use super::{Desk, served};
use crate::{
    exchange_command::Watching,
    resources::{CLIENT, TENANT},
    support::{
        api_server_stand_in::{ADMIN, ApiServerStandIn, status},
        azure_resources::AzureResources,
        federated_credential::Federated,
        issuer::{command, stderr, stdout},
        kube_apiserver::{self, KubeApiserver},
        kubeconfig::Kubeconfig,
        signer::{ENTRA, ISSUER},
        stand_in::{Response, StandIn},
        tls::Authority,
        token_endpoint::Application,
    },
};

const ACCOUNT: &str = "shop/orders";

/// A desk whose published directory is the site of the issuer, and an application with a federated credential for it.
struct World {
    azure: AzureResources,
    desk: Desk,
    _site: StandIn,
}

impl World {
    fn new(kubeconfig: &Kubeconfig, issuer: &str, host: &str) -> Self {
        let desk = Desk::with(kubeconfig);
        let authority = Authority::for_hosts(&[host]);
        let site = served(&authority, &desk.path().join("site"));
        let subject = format!("system:serviceaccount:{}", ACCOUNT.replace('/', ":"));
        let credentials = Federated::find(&json!([{ "issuer": issuer, "subject": subject, "audiences": [ENTRA] }]));
        let application = Application { tenant: TENANT.to_owned(), client_id: CLIENT.to_owned(), credentials };
        let hosts = [(host, site.url().trim_start_matches("https://"))];
        let azure = AzureResources::start(authority, vec![application], &hosts);
        desk.succeeds("publish --from-cluster --directory site");
        Self { azure, desk, _site: site }
    }

    fn of(server: &ApiServerStandIn) -> Self {
        Self::new(&server.kubeconfig(), ISSUER, "issuer.example.com")
    }

    /// The command on this desk, which is no pod.
    fn exchange(&self, words: &str) -> Command {
        let mut variables = self.azure.pod(TENANT, CLIENT, Path::new("none"));
        variables.remove("AZURE_FEDERATED_TOKEN_FILE");
        let mut command = command();
        command.envs(variables).env("KUBECONFIG", &self.desk.kubeconfig).current_dir(self.desk.path());
        command.args(["exchange", "--from-cluster", "--service-account", ACCOUNT, "--resource", "aks"]);
        command.arg("--ca-file").arg(self.azure.authority().ca_file()).args(words.split_whitespace());
        command
    }

    fn run(&self, words: &str) -> Output {
        self.exchange(words).output().unwrap()
    }

    /// The assertions that Entra received.
    fn assertions(&self) -> Vec<String> {
        let field = |form: Vec<(String, String)>| form.into_iter().find(|(name, _)| name == "client_assertion");
        self.azure.entra.requests().iter().filter_map(|request| field(request.form())).map(|(_, token)| token).collect()
    }

    /// The file of `--out`.
    fn out(&self) -> PathBuf {
        self.desk.path().join("access")
    }
}

fn issued(world: &World, output: &Output) -> bool {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    world.azure.controls.tokens.find(stdout(output).trim_end()).is_some()
}

#[test]
fn each_exchange_sends_a_fresh_token_of_the_api_server() {
    let server = ApiServerStandIn::new(ISSUER);
    let world = World::of(&server);
    assert!(issued(&world, &world.run("")));
    assert!(issued(&world, &world.run("--check --published site -v")));
    assert_eq!((server.tokens().len(), world.assertions()), (2, server.tokens()));
    let request = server.requests().into_iter().rfind(|request| request.method == "POST").unwrap();
    let spec: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(spec["spec"], json!({ "audiences": [ENTRA], "expirationSeconds": 600 }));

    // Another audience fails the check before anything is sent to Entra.
    let output = world.run("--check --published site --audience another");
    let text = stderr(&output);
    assert_eq!((output.status.code(), world.assertions().len()), (Some(1), 2), "{text}");
    assert!(text.starts_with("error: the projected token fails the check audience: "), "{text}");

    let output = world.run("--token-file token");
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert!(stderr(&output).contains("--token-file is not used with --from-cluster"), "{}", stderr(&output));
    for token in server.tokens() {
        assert!(!text.contains(token.rsplit('.').next().unwrap()), "{text}");
    }
}

#[test]
fn refusal_of_the_api_server_is_shown_with_its_hint() {
    let server = ApiServerStandIn::new(ISSUER);
    let world = World::of(&server);
    let message =
        "serviceaccounts \"orders\" is forbidden: User \"jane\" cannot create resource \"serviceaccounts/token\"";
    for (response, expected, hint) in [
        (
            status(403, "Forbidden", message),
            "jane may not request tokens of the service account shop/orders at the API server https://",
            "kubectl create role issuer-token-orders --namespace shop",
        ),
        (
            status(404, "NotFound", "serviceaccounts \"orders\" not found"),
            "has no service account shop/orders",
            "create serviceaccount orders --namespace shop",
        ),
        (
            Response::json(201, json!({ "kind": "TokenRequest", "status": { "token": "s3cr3t" } })),
            "its token is not a JWT",
            "kubectl get --raw /version",
        ),
        (Response::json(201, json!({ "status": {} })), "it has no status.token", "kubectl get --raw /version"),
    ] {
        server.always(response);
        for words in ["", "--check --published site"] {
            let output = world.run(words);
            let text = stderr(&output);
            assert_eq!((output.status.code(), stdout(&output)), (Some(3), String::new()), "{text}");
            assert!(text.starts_with("error: ") && text.contains(expected), "{expected}: {text}");
            assert!(text.contains(hint) && !text.contains("s3cr3t") && !text.contains(ADMIN), "{hint}: {text}");
        }
    }
    assert_eq!(world.assertions(), [""; 0]);
}

#[test]
fn watch_outlives_an_api_server_that_is_down() {
    let server = ApiServerStandIn::new(ISSUER);
    let world = World::of(&server);
    world.azure.controls.refresh_in(Some(1));
    let mut command = world.exchange("--request-timeout 1s");
    command.env_remove("KUBERNETES_EXEC_INFO");
    let watching = Watching::spawn(command, &world.out());
    watching.line("wrote ");
    let first = watching.content();
    server.always(Response::lost());
    let line = watching.line("no new token");
    assert!(line.contains(&format!("no response from the API server {}", server.url())), "{line}");
    assert!(line.contains("the last token expires 20") && line.contains("; fix: "), "{line}");
    assert_eq!(watching.content(), first);
    server.recover();
    watching.line("wrote ");
    assert_ne!(watching.content(), first);
    let log = watching.log();
    assert!(server.tokens().iter().all(|token| !log.contains(token)) && !log.contains(ADMIN), "{log}");
}

#[test]
fn token_of_a_real_api_server_gets_an_access_token() {
    let Some(server) = KubeApiserver::shared() else { return };
    server.create_namespace("shop");
    server.create_service_account("shop", "orders");
    let world = World::new(&server.kubeconfig(), kube_apiserver::ISSUER, "issuers.example.com");
    assert!(issued(&world, &world.run("--check --published site/clusters/prod-1")));
    assert_eq!(world.assertions().len(), 1);
}
