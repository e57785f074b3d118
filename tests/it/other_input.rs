//! `verify`, `verify --batch` and `inspect` identify other files that are given in place of a token.

use crate::support::{
    issuer::{command, stderr, stdout},
    recording,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn other_inputs_are_named_with_a_fix() {
    let run = recording("rotation");
    let token = run.text("entra-1h.jwt").trim().to_owned();
    let request = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "spec": { "audiences": ["api://AzureADTokenExchange"] }, "status": { "token": token },
    });
    let plugin = json!({ "kind": "ExecCredential", "status": { "token": token } });
    let refused = json!({ "kind": "Status", "status": "Failure", "message": "forbidden" });
    let yaml = format!("apiVersion: authentication.k8s.io/v1\nkind: TokenRequest\nstatus:\n  token: {token}");
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    let private = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----";
    let cases = [
        (run.text("sa.pub"), "it is a public key", "--jwks"),
        (private.to_owned(), "it is a private key", "--jwks"),
        (
            format!("-----BEGIN EC PARAMETERS-----\nBggq\n-----END EC PARAMETERS-----\n{private}"),
            "it is a private key",
            "--jwks",
        ),
        (certificate.to_owned(), "it is a certificate", "--jwks"),
        (run.text("jwks.json"), "it is a JWKS", "--jwks"),
        (run.text("openid-configuration.json"), "it is a discovery document", "--published"),
        (request.to_string(), "it is a TokenRequest object", "jq -r .status.token"),
        (format!("{request:#}"), "it is a TokenRequest object", "jq -r .status.token"),
        (yaml, "it is a TokenRequest object", "status.token"),
        (plugin.to_string(), "it is an ExecCredential object", "status.token"),
        (refused.to_string(), "it is an error of the API server", "read the message"),
        (format!("Bearer {token}"), "it is an Authorization header", "remove the text"),
        (format!("authorization: bearer {token}"), "it is an Authorization header", "remove the text"),
        (format!("\"{token}\""), "it is in quotes", "remove the quotes"),
        (BASE64_STANDARD.encode(&token), "it is base64-encoded a second time", "base64 -d"),
        (json!({ "access_token": token }).to_string(), "it is the response of a token endpoint", "the projected token"),
        ("<!DOCTYPE html><html></html>".to_owned(), "it is HTML or XML", "the projected token"),
    ];
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("token.jwt");
    for (text, sentence, fix) in cases {
        std::fs::write(&file, &text).unwrap();
        let arguments = ["--issuer", &run.issuer, "--jwks", run.path("jwks.json").to_str().unwrap()].map(str::to_owned);
        let verify = command().arg("verify").arg(&file).args(&arguments).output().unwrap();
        assert_eq!(verify.status.code(), Some(1), "{verify:?}");
        assert!(stdout(&verify).contains(&format!("not a token: {sentence}")), "{verify:?}");
        assert!(stdout(&verify).contains(fix), "{verify:?}");
        let inspect = command().arg("inspect").arg(&file).output().unwrap();
        assert!(stderr(&inspect).contains(sentence), "{inspect:?}");
        for output in [&verify, &inspect] {
            let told = format!("{}{}", stdout(output), stderr(output));
            assert!(!told.contains(&token[token.len() - 40..]), "{told}");
        }
        if !text.contains('\n') {
            let batch = command().arg("verify").arg("--batch").arg(&file).args(&arguments).output().unwrap();
            assert!(stdout(&batch).contains(sentence), "{batch:?}");
        }
    }
}
