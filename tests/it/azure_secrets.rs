//! No secret leaves the process: neither in its output, nor in its logs, nor in the `Debug` output of its types.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    process::{Command, Output},
    sync::{Arc, Mutex},
    time::Duration,
};

use crate::support::{
    azurite::{Account, Azurite, account},
    cli::{Tools, az_document},
    cloud::{ARM, Cloud},
    entra::{Client, Proof, access_token, entra, federated_token},
    http::response,
    issuer::command,
    proxy::{Fault, Proxy},
    recording,
    stand_in::{Response, StandIn},
    tls::Authority,
};
use issuer::{
    DesiredState, Environment, HttpFetcher, KeySet, SystemClock,
    site::{Azure, AzureOptions},
};
use serde_json::json;
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";
const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const SECRET: &str = "planted~client.secret";
const STORAGE: &str = "https://storage.azure.com/.default";

/// Secrets that no output may contain.
#[derive(Default)]
struct Planted(Vec<String>);

impl Planted {
    fn of(secrets: &[&str]) -> Self {
        Self(secrets.iter().map(|secret| (*secret).to_owned()).collect())
    }

    fn of_account(account: &Account) -> Self {
        Self::of(&[&account.key])
    }

    /// The signature of a SAS, raw and percent-encoded.
    fn and_sas(mut self, sas: &str) -> Self {
        let encoded = sas.split('&').find_map(|pair| pair.strip_prefix("sig=")).unwrap().to_owned();
        self.0.push(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap().into_owned());
        self.0.push(encoded);
        self
    }

    /// The signature segment of a token, if it is not empty.
    fn and_token(mut self, token: &str) -> Self {
        self.0.push(token.rsplit('.').next().unwrap().to_owned());
        self
    }

    fn are_not_in(&self, text: &str, what: &str) {
        // The signature of a request URL is a secret, too, while it is valid.
        assert!(!text.replace("sig=…", "").contains("sig="), "{what}: a signature in {text}");
        for secret in &self.0 {
            assert!(secret.len() > 5, "{what}: {secret:?} is no secret");
            assert!(!text.contains(secret.as_str()), "{what}: {secret:?} in {text}");
        }
    }

    fn are_not_printed_by(&self, command: &mut Command, what: &str) -> Output {
        let output = command.output().unwrap();
        let printed = [&output.stdout[..], &output.stderr[..]].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        self.are_not_in(&printed.concat(), what);
        output
    }
}

fn publish(more: &[&str]) -> Command {
    let mut command = command();
    command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--issuer", ISSUER]);
    command.args(["--no-fetch-back", "-v"]).args(more);
    command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    command
}

/// Error responses with long messages, and failures to respond.
fn troubles(account: &Account) -> Vec<(&'static str, Proxy)> {
    let answer = |status: &'static str, code: &str| {
        let body = format!(
            "<Error><Code>{code}</Code><Message>Request was ?sig={sas} with {key}</Message><AuthenticationErrorDetail>{key}</AuthenticationErrorDetail></Error>",
            sas = account.account_sas("rwdc", "sco", 10),
            key = account.key,
        );
        response(status, &[&format!("x-ms-error-code: {code}")], body.as_bytes())
    };
    let refused = answer("403 Forbidden", "AuthenticationFailed");
    let odd = answer("418 I'm a teapot", "Odd");
    let redirect = response("307 Temporary Redirect", &["Location: http://127.0.0.1:9/elsewhere?sig=abc"], b"");
    vec![
        ("all is well", Proxy::start(account.address(), |_| Fault::Pass)),
        ("refused", Proxy::start(account.address(), move |_| Fault::Answer(refused.clone()))),
        ("odd", Proxy::start(account.address(), move |_| Fault::Answer(odd.clone()))),
        ("redirected", Proxy::start(account.address(), move |_| Fault::Answer(redirect.clone()))),
        ("not HTTP", Proxy::start(account.address(), |_| Fault::Answer(b"nonsense\r\n\r\n".to_vec()))),
        ("reset", Proxy::start(account.address(), |_| Fault::Reset)),
        ("cut", Proxy::start(account.address(), |_| Fault::Cut(3))),
        ("silent", Proxy::start(account.address(), |_| Fault::Delay(Duration::from_hours(1)))),
    ]
}

#[test]
fn account_key_and_sas_signature_are_never_printed() {
    let account = account();
    let sas = account.account_sas("rwdc", "sco", 10);
    let planted = || Planted::of_account(&account).and_sas(&sas);
    for (trouble, proxy) in troubles(&account) {
        let through = account.through(&proxy.address);
        let sets: [Vec<(&str, String)>; 4] = [
            vec![("AZURE_STORAGE_CONNECTION_STRING", through.connection_string())],
            vec![(
                "AZURE_STORAGE_CONNECTION_STRING",
                format!("BlobEndpoint={};AccountName={};SharedAccessSignature={sas}", through.endpoint, through.name),
            )],
            vec![
                ("AZURE_STORAGE_KEY", account.key.clone()),
                ("AZURE_STORAGE_SERVICE_ENDPOINT", through.endpoint.clone()),
            ],
            vec![
                ("AZURE_STORAGE_SAS_TOKEN", sas.clone()),
                ("AZURE_STORAGE_SERVICE_ENDPOINT", through.endpoint.clone()),
            ],
        ];
        for variables in sets {
            for format in ["text", "json"] {
                let timeout = if trouble == "all is well" { "60s" } else { "200ms" };
                let mut command = publish(&["--account", &account.name, "-o", format, "--timeout", timeout]);
                let output = planted().are_not_printed_by(command.envs(variables.clone()), trouble);
                assert_eq!(output.status.success(), trouble == "all is well", "{trouble}: {output:?}");
            }
        }
    }
}

#[test]
fn malformed_secrets_are_never_printed() {
    let planted = Planted::of(&["planted-and-broken"]);
    let broken = "planted-and-broken";
    let cases: [(&str, String); 6] = [
        ("AZURE_STORAGE_CONNECTION_STRING", broken.to_owned()),
        ("AZURE_STORAGE_CONNECTION_STRING", format!("AccountName=acct;AccountKey={broken}")),
        ("AZURE_STORAGE_CONNECTION_STRING", format!("AccountName=acct;AccountKey {broken}")),
        ("AZURE_STORAGE_KEY", broken.to_owned()),
        ("AZURE_STORAGE_SERVICE_ENDPOINT", format!("https://user:{broken}@acct.blob.core.windows.net")),
        ("AZURE_STORAGE_SERVICE_ENDPOINT", format!("https://acct.blob.core.windows.net/?sv=1&sig={broken}")),
    ];
    for (name, value) in cases {
        for format in ["text", "json"] {
            let mut command = publish(&["--account", "acct", "-o", format]);
            if name == "AZURE_STORAGE_SERVICE_ENDPOINT" {
                command.env("AZURE_STORAGE_KEY", "c2VjcmV0");
            }
            let output = planted.are_not_printed_by(command.env(name, &value), &value);
            assert!(!output.status.success(), "{value}: {output:?}");
        }
    }
}

#[test]
fn client_secrets_and_tokens_are_never_printed() {
    let authority = Authority::new();
    let (certificate, key) = authority.server_files();
    let azurite = Azurite::start_with_oauth(&certificate, &key);
    let account = azurite.account();
    let client = |proof| Client { tenant: TENANT.to_owned(), client_id: CLIENT.to_owned(), proof };
    let federated = Proof::Federated {
        issuer: "https://cluster.example.com".to_owned(),
        subject: "system:serviceaccount:a:b".to_owned(),
        audience: "api://AzureADTokenExchange".to_owned(),
    };
    let entra = StandIn::https(&authority, entra(vec![client(Proof::Secret(SECRET.to_owned())), client(federated)]));
    let folder = TempDir::new().unwrap();
    let token_file = folder.path().join("token.jwt");
    let token =
        federated_token("https://cluster.example.com", "system:serviceaccount:a:b", "api://AzureADTokenExchange");
    std::fs::write(&token_file, &token).unwrap();
    let az = az_document(TENANT, STORAGE);
    let bearer = az["accessToken"].as_str().unwrap().to_owned();
    let tools = Tools::new().with_az(Some(&az), 0, "");
    let endpoints = [account.endpoint.clone(), "https://127.0.0.1:9".to_owned()];
    let refuses =
        StandIn::https(&authority, |_| Response::new(403, &[("x-ms-error-code", "AuthenticationFailed")], ""));
    let endpoints = [&endpoints[..], &[format!("{}/acct", refuses.url())]].concat();
    for endpoint in endpoints {
        let base = |variables: &[(&str, &str)]| {
            let mut command = publish(&["--account", &account.name, "--endpoint", &endpoint]);
            command.args(["--ca-file", authority.ca_file().to_str().unwrap()]);
            command
                .env("AZURE_AUTHORITY_HOST", entra.url())
                .env("AZURE_TENANT_ID", TENANT)
                .env("AZURE_CLIENT_ID", CLIENT);
            command.envs(variables.iter().copied());
            command
        };
        let planted = Planted::of(&[SECRET, &bearer, "and-a-wrong-one"]).and_token(&token).and_token(&bearer);
        let path = tools.path_env().into_string().unwrap();
        let sets: [&[(&str, &str)]; 4] = [
            &[("AZURE_CLIENT_SECRET", SECRET)],
            &[("AZURE_CLIENT_SECRET", "and-a-wrong-one")],
            &[("AZURE_FEDERATED_TOKEN_FILE", token_file.to_str().unwrap())],
            &[("PATH", &path), ("AZURE_TOKEN_CREDENTIALS", "AzureCliCredential")],
        ];
        for variables in sets {
            let output = planted.are_not_printed_by(&mut base(variables), &endpoint);
            let works = endpoint == account.endpoint && variables[0].1 != "and-a-wrong-one";
            assert_eq!(output.status.success(), works, "{variables:?}: {output:?}");
        }
    }
}

#[test]
fn secrets_echoed_by_a_service_are_never_printed() {
    let mut cloud = Cloud::new();
    // A secret of no known form, inside the error message of a service.
    let secret = "correct horse battery";
    let bearer = access_token(TENANT, ARM);
    let planted = Planted::of(&[secret]).and_token(&bearer);
    let sentence = format!("AADSTS7000215: Invalid client secret provided: {secret}, with {bearer}. Trace ID: 1 2");
    let refusal = json!({ "error": "invalid_client", "error_description": sentence, "error_codes": [7_000_215] });
    let entra = StandIn::https(&cloud.authority, move |_| Response::new(401, &[], refusal.to_string()));
    let error = json!({ "error": { "code": "AuthorizationFailed", "message": format!("{bearer} with {secret}") } });
    cloud.arm = StandIn::https(&cloud.authority, move |_| Response::new(403, &[], error.to_string()));
    for format in ["text", "json"] {
        let mut command = cloud.principal();
        command.args(["-v", "-o", format]).env("AZURE_CLIENT_SECRET", secret).env("AZURE_AUTHORITY_HOST", entra.url());
        let output = planted.are_not_printed_by(&mut command, "Entra");
        assert!(String::from_utf8_lossy(&output.stderr).contains("AADSTS7000215"), "{output:?}");
        let mut command = cloud.with_secret();
        command.args(["-v", "-o", format]);
        let output = planted.are_not_printed_by(&mut command, "Azure Resource Manager");
        assert!(String::from_utf8_lossy(&output.stderr).contains("AuthorizationFailed"), "{output:?}");
    }
}

#[test]
fn token_signature_is_never_printed() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let published = command()
        .args(["publish", run.path("sa.pub").to_str().unwrap(), "--issuer", &run.issuer, "--directory", directory])
        .output();
    assert!(published.unwrap().status.success());
    let token = run.path("entra.jwt");
    let planted = Planted::default().and_token(&run.text("entra.jwt"));
    let token = token.to_str().unwrap();
    let commands: [&[&str]; 5] = [
        &["verify", token, "--published", directory],
        &["verify", token, "--published", directory, "--audience", "another"],
        &["inspect", token],
        &["unpublish", "--directory", directory, "--token", token],
        &["publish", token, "--directory", directory, "--issuer", ISSUER],
    ];
    for args in commands {
        for format in ["text", "json"] {
            planted.are_not_printed_by(command().args(args).args(["-v", "-o", format]), args[0]);
        }
    }
}

/// Collects every logged line, of any level and any crate.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn logs_and_debug_output_hold_no_secret() {
    let log = Log::default();
    let lines = log.clone();
    // Records of the crate `log` are collected, too.
    tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || lines.clone()).init();

    let account = account();
    let sas = account.account_sas("rwdc", "sco", 10);
    let planted = Planted::of_account(&account).and_sas(&sas);
    let keys = KeySet::from_bytes(&recording("rotation").bytes("sa.pub")).unwrap();
    let desired = DesiredState::new(ISSUER.parse().unwrap(), keys);
    for (trouble, proxy) in troubles(&account).into_iter().filter(|(trouble, _)| *trouble != "silent") {
        let through = account.through(&proxy.address);
        for (name, value) in [
            ("AZURE_STORAGE_CONNECTION_STRING", through.connection_string()),
            ("AZURE_STORAGE_SAS_TOKEN", sas.clone()),
            ("AZURE_STORAGE_KEY", account.key.clone()),
        ] {
            let environment: Environment = [(name.to_owned(), value)].into_iter().collect();
            planted.are_not_in(&format!("{environment:?}"), "the environment");
            let options = AzureOptions {
                environment,
                endpoint: Some(through.endpoint.clone()),
                timeout: Duration::from_millis(50),
                first_pause: Duration::from_millis(1),
                fetcher: HttpFetcher::default(),
                ..AzureOptions::new(Some(account.name.clone()))
            };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let site = runtime.block_on(Azure::open(options)).unwrap();
            planted.are_not_in(&format!("{site:?}"), "the site");
            let outcome = runtime.block_on(issuer::publish(&site, &desired, &SystemClock));
            planted.are_not_in(&format!("{outcome:?}"), trouble);
            let panicked = catch_unwind(AssertUnwindSafe(|| panic!("{site:?} {:?}", outcome.as_ref().err())));
            planted.are_not_in(panicked.unwrap_err().downcast_ref::<String>().unwrap(), "a panic");
        }
    }
    let text = log.text();
    assert!(text.contains("TRACE") || text.contains("DEBUG"), "something was logged: {text}");
    planted.are_not_in(&text, "the log");
}
