//! Runs the examples as their users do.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::support::{
    Recording,
    http::{Scripted, request, response},
    recording,
    stand_in::{Response, StandIn},
};
use issuer::{Documents, KeySet};
use serde_json::json;

/// An example, which Cargo builds beside the tests.
fn example(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let target: PathBuf = tests.ancestors().nth(2).unwrap().into();
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} does not exist: run cargo build --examples", path.display());
    Command::new(path)
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn documents(run: &Recording) -> Documents {
    Documents::new(run.issuer.parse().unwrap(), &KeySet::from_bytes(&run.bytes("sa.pub")).unwrap())
}

#[test]
fn middleware_accepts_good_tokens_and_passes_claims_on() {
    let run = recording("rotation");
    let documents = documents(&run);
    let server = Scripted::start(move |path| {
        let body = if path == "/openid/v1/jwks" { documents.jwks.to_bytes() } else { documents.discovery.to_bytes() };
        response("200 OK", &["Content-Type: application/json"], &body)
    });
    let mut command = example("middleware");
    command.args([&run.issuer, "api://AzureADTokenExchange", &server.url()]).stdout(Stdio::piped());
    let mut service = Running(command.stderr(Stdio::null()).spawn().unwrap());
    let mut address = String::new();
    BufReader::new(service.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
    let address = address.trim().strip_prefix("http://").unwrap();

    let bearer = |file: &str| format!("Authorization: Bearer {}", run.text(file));
    let answer = request(address, "GET", "/", &[&bearer("entra.jwt")]);
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"hello default/workload-identity-sa\n".as_slice()));
    let refused = request(address, "GET", "/", &[&bearer("apiserver-audience.jwt")]);
    assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some("Bearer error=\"invalid_token\"")));
    let unauthorized = request(address, "GET", "/", &[]);
    assert_eq!((unauthorized.status, unauthorized.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(server.requests.lock().unwrap().len(), 2, "the documents are fetched once");
}

#[test]
fn batch_job_counts_tokens_by_service_account() {
    let run = recording("rotation");
    let mut command = example("batch_job");
    command.arg(&run.issuer).arg(run.path("jwks.json")).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut job = command.spawn().unwrap();
    let tokens = format!("{}\n{}\nnone\n", run.text("entra.jwt"), run.text("apiserver-audience.jwt")).repeat(100);
    job.stdin.take().unwrap().write_all(tokens.as_bytes()).unwrap();
    let output = job.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "     100  refused by the check: audience
     100  refused by the check: token
     100  system:serviceaccount:default:workload-identity-sa\n"
    );
}

#[test]
fn key_vault_example_reads_a_secret_with_one_exchange() {
    let run = recording("rotation");
    let entra = StandIn::http(|_| {
        Response::json(200, json!({ "token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ.access.token" }))
    });
    let vault = StandIn::http(|request| match request.header("authorization") {
        Some("Bearer eyJ.access.token") => Response::json(200, json!({ "value": "hunter2" })),
        _ => Response::new(401, &[], ""),
    });
    let mut command = example("key_vault");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command.arg(format!("{}/secrets/password", vault.url())).env("AZURE_AUTHORITY_HOST", format!("{}/", entra.url()));
    command.env("AZURE_TENANT_ID", "contoso.com").env("AZURE_CLIENT_ID", "00001111-aaaa-2222-bbbb-3333cccc4444");
    command.env("AZURE_FEDERATED_TOKEN_FILE", run.path("entra.jwt"));
    let output = command.output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(printed.ends_with("/secrets/password has 7 characters, the same twice: true\n"), "{printed}");
    assert_eq!((entra.requests().len(), vault.requests().len()), (1, 2));
    let form = entra.requests()[0].form();
    let scope = form.iter().find(|(name, _)| name == "scope").unwrap();
    assert_eq!(scope.1, "https://vault.azure.net/.default");
}

#[test]
fn book_shows_code_of_the_examples() {
    let read = |path: &str| std::fs::read_to_string(crate::support::fixtures().parent().unwrap().join(path)).unwrap();
    let chapter = read("docs/embedding.md");
    let shown: Vec<_> =
        chapter.split("```rust,ignore\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(shown.len(), 3);
    let examples = ["examples/batch_job.rs", "examples/middleware.rs", "examples/key_vault.rs"];
    for (code, example) in shown.iter().zip(examples) {
        assert!(read(example).contains(code), "{example} has no\n{code}");
    }
}
