//! Error responses of a storage account, and the messages and hints for them.

use std::process::{Command, Output};

use crate::support::{
    answer::answer,
    azurite::account,
    issuer::{command, stderr, stdout},
    proxy::{Fault, Proxy},
    recording,
    stand_in::{Request, Response, StandIn},
};
use serde_json::Value;

const ISSUER: &str = "https://issuer.example.com";

fn publish(variables: &[(&str, &str)]) -> Command {
    let mut command = command();
    command.envs(variables.iter().copied());
    command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap()]);
    command.args(["--no-fetch-back", "--timeout", "1s"]);
    command
}

fn publish_issuer(variables: &[(&str, &str)]) -> Command {
    let mut command = publish(variables);
    command.args(["--issuer", ISSUER]);
    command
}

fn json(output: &Output) -> Value {
    answer("publish", output)
}

/// An error response of the Blob service (Microsoft Learn, "Status and error codes").
fn refusal(status: u16, code: &str, message: &str) -> Response {
    let body = format!(
        "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}\nRequestId:6f2a\nTime:2026-11-22T00:10:22Z</Message><AuthenticationErrorDetail>Signature did not match. String to sign used was acct\nrwdc</AuthenticationErrorDetail></Error>"
    );
    let headers = [("x-ms-error-code", code), ("x-ms-request-id", "6f2a-request"), ("Content-Type", "application/xml")];
    Response::new(status, &headers, body)
}

fn properties(request: &Request) -> bool {
    request.query("comp") == Some("properties")
}

/// Each error for every request except the website properties, with its message and a part of the hint.
#[test]
fn every_service_error_names_its_cause_and_next_step() {
    let cases: [(u16, &str, &str, &str); 16] = [
        (
            400,
            "InvalidResourceName",
            "\"$web\" is not a container name; expected $web, or 3 to 63 lower-case letters, digits and single hyphens",
            "--container",
        ),
        (403, "AuthorizationPermissionMismatch", "the SAS does not allow this operation", "permissions rwdc"),
        (403, "AuthorizationResourceTypeMismatch", "the SAS does not allow this operation", "permissions rwdc"),
        (
            403,
            "AuthorizationFailure",
            "the account key does not allow this operation, or the network rules of account acct block this machine",
            "Entra must reach the web endpoint too",
        ),
        (
            403,
            "KeyBasedAuthenticationNotPermitted",
            "account acct does not accept account keys or SAS tokens signed with an account key",
            "--auth az",
        ),
        (403, "AuthenticationFailed", "account acct rejected the credential (account key)", "clock of this machine"),
        (401, "InvalidAuthenticationInfo", "account acct rejected the credential (account key)", "tenant"),
        (403, "AccountIsDisabled", "account acct is disabled", "enable the account"),
        (404, "ResourceNotFound", "account acct does not exist", "--account"),
        (400, "AccountRequiresHttps", "account acct accepts only https", "https://"),
        (412, "LeaseIdMissing", "another client holds a lease on the blob or its container", "lease break"),
        (409, "BlobImmutableDueToPolicy", "an immutability policy or legal hold protects the blob", "--container"),
        (
            429,
            "TooManyRequests",
            "Azure is busy (429 TooManyRequests), and the time limit for retries is reached",
            "--timeout",
        ),
        (
            500,
            "InternalError",
            "Azure is busy (500 InternalError), and the time limit for retries is reached",
            "run the command again",
        ),
        (
            503,
            "ServerBusy",
            "Azure is busy (503 ServerBusy), and the time limit for retries is reached",
            "run the command again",
        ),
        (400, "SomethingNew", "Azure returned 400 SomethingNew: what happened", ""),
    ];
    for (status, code, sentence, hint) in cases {
        let server = StandIn::http(move |request| {
            if properties(request) {
                return Response::new(
                    200,
                    &[],
                    "<StorageServiceProperties><StaticWebsite><Enabled>true</Enabled></StaticWebsite></StorageServiceProperties>",
                );
            }
            refusal(status, code, "what happened")
        });
        let endpoint = format!("{}/acct", server.url());
        let output = publish_issuer(&[("AZURE_STORAGE_KEY", "c2VjcmV0")])
            .args(["--account", "acct", "--endpoint", &endpoint, "-o", "json"])
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{code}: {output:?}");
        let error = &json(&output)["error"];
        let message = error["message"].as_str().unwrap();
        let sentence = match sentence {
            named if named.contains(code) => named.to_owned(),
            unnamed => format!("{unnamed} ({status} {code})"),
        };
        let id = if hint.is_empty() { "; request ID 6f2a-request" } else { "" };
        assert_eq!(message, format!("cannot read openid/v1/jwks in $web of acct: {sentence}{id}"), "{code}");
        assert!(error["hint"].as_str().unwrap_or_default().contains(hint), "{code}: {error}");
        let service = serde_json::json!({ "status": status, "code": code, "request_id": "6f2a-request" });
        assert_eq!(error["service"], service);
        assert!(!stderr(&output).contains("String to sign"), "{output:?}");
    }
}

#[test]
fn unreadable_website_setting_is_a_note_and_publish_continues() {
    let account = account();
    let proxy = Proxy::start(account.address(), |seen| {
        if !seen.query.contains("comp=properties") {
            return Fault::Pass;
        }
        let headers = ["x-ms-error-code: AuthorizationPermissionMismatch", "x-ms-request-id: 1"];
        Fault::Answer(crate::support::http::response("403 Forbidden", &headers, b""))
    });
    let through = account.through(&proxy.address);
    let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &through.connection_string())]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let note = format!(
        "note: cannot read the static website setting of {}: the SAS does not allow this operation",
        account.name
    );
    assert!(stderr(&output).contains(&note), "{output:?}");
    assert!(!stdout(&output).contains("static website"), "{output:?}");
}

#[test]
fn enabling_the_website_without_permission_writes_nothing() {
    let account = account();
    let proxy = Proxy::start(account.address(), |seen| {
        if seen.method != "PUT" || !seen.query.contains("comp=properties") {
            return Fault::Pass;
        }
        Fault::Answer(crate::support::http::response("403 Forbidden", &["x-ms-error-code: AuthorizationFailure"], b""))
    });
    let through = account.through(&proxy.address);
    let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &through.connection_string())]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let sentence = format!("error: cannot enable the static website of {}: ", account.name);
    assert!(stderr(&output).contains(&sentence), "{output:?}");
    assert!(account.get_blob("$web", "openid/v1/jwks").is_none());
}

/// A lease returns 412, as a failed condition does, but a retry cannot succeed.
#[test]
fn lease_on_the_jwks_is_an_error_without_retry() {
    let account = account();
    let variable = account.connection_string();
    assert!(publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &variable)]).output().unwrap().status.success());
    let headers = [("x-ms-lease-action", "acquire"), ("x-ms-lease-duration", "-1")];
    assert_eq!(account.call("PUT", "/$web/openid/v1/jwks", "comp=lease", &headers, b"").status(), 201);
    let rotated = recording("path-issuer").path("sa.pub");
    let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &variable)])
        .arg(rotated.to_str().unwrap())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(stderr(&output).contains("another client holds a lease on the blob or its container"), "{output:?}");
}

#[test]
fn unknown_host_and_closed_port_have_their_messages() {
    let key = ("AZURE_STORAGE_KEY", "c2VjcmV0");
    let closed =
        publish_issuer(&[key]).args(["--account", "acct", "--endpoint", "http://127.0.0.1:9/acct"]).output().unwrap();
    assert_eq!(closed.status.code(), Some(3));
    assert!(stderr(&closed).contains("in $web of acct: no response: Connection refused"), "{closed:?}");
}

/// Variables, arguments and the expected message.
type Wrong<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn invalid_names_are_rejected_before_any_request() {
    let cases: [Wrong<'_>; 12] = [
        (
            &[
                ("AZURE_STORAGE_KEY", "c2VjcmV0"),
                ("AZURE_STORAGE_SERVICE_ENDPOINT", "https://other.blob.core.windows.net"),
            ],
            &["--account", "acct"],
            "the blob endpoint https://other.blob.core.windows.net does not belong to account acct",
        ),
        (
            &[("AZURE_STORAGE_KEY", "c2VjcmV0")],
            &["--account", "acct", "--endpoint", "http://127.0.0.1:9/other"],
            "the blob endpoint http://127.0.0.1:9/other does not belong to account acct",
        ),
        (
            &[("AZURE_STORAGE_KEY", "c2VjcmV0")],
            &["--account", "acct", "--issuer", "https://acct.blob.core.windows.net/oidc/"],
            "the documents of the issuer \"https://acct.blob.core.windows.net/oidc/\" are not in the container $web",
        ),
        (&[], &["--account", "Acct"], "\"Acct\" is not a storage account name"),
        (&[], &["--account", "acct.blob.core.windows.net"], "is not a storage account name"),
        (&[("AZURE_STORAGE_KEY", "not base64!")], &["--account", "acct"], "the account key is not base64"),
        (
            &[("AZURE_STORAGE_KEY", "c2VjcmV0")],
            &["--account", "acct", "--endpoint", "http://storage.example.com"],
            "is not a blob endpoint: its scheme is http",
        ),
        (
            &[("AZURE_STORAGE_KEY", "c2VjcmV0")],
            &["--account", "acct", "--endpoint", "https://acct.example.com/?sv=1&sig=s3cr3t"],
            "\"https://acct.example.com/?…\" is not a blob endpoint: it has a query",
        ),
        (
            &[("AZURE_STORAGE_CONNECTION_STRING", "AccountName=acct")],
            &[],
            "is not a connection string: it has no AccountKey and no SharedAccessSignature",
        ),
        (
            &[("AZURE_STORAGE_CONNECTION_STRING", "AccountKey=c2VjcmV0")],
            &[],
            "is not a connection string: it has no AccountName",
        ),
        (
            &[("AZURE_STORAGE_CONNECTION_STRING", "nonsense")],
            &[],
            "is not a connection string: a part of it is not NAME=VALUE",
        ),
        (
            &[("AZURE_STORAGE_KEY", "c2VjcmV0"), ("AZURE_STORAGE_SERVICE_ENDPOINT", "http://127.0.0.1:9")],
            &["--auth", "account-key", "--account", ""],
            "\"\" is not a storage account name",
        ),
    ];
    for (variables, args, sentence) in cases {
        let mut command = if args.contains(&"--issuer") { publish(variables) } else { publish_issuer(variables) };
        let output = command.args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{sentence}: {output:?}");
        assert!(stderr(&output).contains(sentence), "{sentence}: {output:?}");
        assert!(!stderr(&output).contains("s3cr3t") && !stderr(&output).contains("c2VjcmV0"), "{output:?}");
    }
}

#[test]
fn huge_retry_after_is_an_error_at_once() {
    let busy = [("x-ms-error-code", "ServerBusy"), ("Retry-After", "18446744073709551615")];
    let server = StandIn::http(move |_| Response::new(503, &busy, ""));
    let endpoint = format!("{}/acct", server.url());
    let output = publish_issuer(&[("AZURE_STORAGE_KEY", "c2VjcmV0")])
        .args(["--account", "acct", "--endpoint", &endpoint])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(
        stderr(&output).contains("Azure is busy (503 ServerBusy), and the time limit for retries is reached"),
        "{output:?}"
    );
}

#[test]
fn rejected_sas_error_names_both_possible_causes() {
    let server = StandIn::http(|_| refusal(403, "AuthorizationFailure", "no"));
    let endpoint = format!("{}/acct", server.url());
    let output = publish_issuer(&[("AZURE_STORAGE_SAS_TOKEN", "sv=1&sig=abc")])
        .args(["--account", "acct", "--endpoint", &endpoint])
        .output()
        .unwrap();
    let sentence = "the SAS does not allow this operation, or the network rules of account acct block this machine";
    assert!(stderr(&output).contains(sentence), "{output:?}");
}

/// Without an `ETag`, no conditional write is possible.
#[test]
fn response_without_an_etag_is_an_error_before_any_write() {
    let account = account();
    let variable = account.connection_string();
    assert!(publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &variable)]).output().unwrap().status.success());
    let jwks = account.get_blob("$web", "openid/v1/jwks").unwrap();
    for header in ["", "ETag: \r\n"] {
        let body = jwks.body.clone();
        let proxy = Proxy::start(account.address(), move |seen| {
            if seen.method != "GET" || !seen.path.ends_with("jwks") {
                return Fault::Pass;
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\n{header}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            Fault::Answer([head.as_bytes(), &body].concat())
        });
        let through = account.through(&proxy.address);
        let rotated = recording("path-issuer").path("sa.pub");
        let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &through.connection_string())])
            .arg(rotated.to_str().unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(stderr(&output).contains("the response has no ETag"), "{output:?}");
        assert_eq!(account.get_blob("$web", "openid/v1/jwks").unwrap().etag, jwks.etag);
    }
}

#[test]
fn timeout_is_an_error_that_names_the_limit() {
    let account = account();
    let proxy = Proxy::start(account.address(), |_| Fault::Delay(std::time::Duration::from_hours(1)));
    let through = account.through(&proxy.address);
    let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &through.connection_string())]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("no answer within 0.8 s"), "{output:?}");
}

#[test]
fn blob_over_one_mebibyte_is_refused_before_it_is_downloaded() {
    let account = account();
    assert!(account.create_container("$web"));
    account.put_blob("$web", "openid/v1/jwks", &vec![b' '; 8 << 20], &[]);
    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let connection = account.through(&proxy.address).connection_string();
    let output = publish_issuer(&[("AZURE_STORAGE_CONNECTION_STRING", &connection)]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("the blob is longer than 1 MiB"), "{}", stderr(&output));
    let ranges: Vec<_> = proxy
        .exchanges()
        .into_iter()
        .filter(|exchange| exchange.seen.method == "GET" && exchange.seen.path.ends_with("jwks"))
        .flat_map(|exchange| exchange.seen.headers)
        .filter(|(name, _)| name.eq_ignore_ascii_case("range") || name.eq_ignore_ascii_case("x-ms-range"))
        .map(|(_, range)| range)
        .collect();
    assert_eq!(ranges, ["bytes=0-1048576"]);
}

#[test]
fn untrusted_certificate_error_names_ca_file() {
    let authority = crate::support::tls::Authority::new();
    let server = StandIn::https(&authority, |_| Response::new(200, &[], ""));
    let output = publish_issuer(&[("AZURE_STORAGE_KEY", "c2VjcmV0")])
        .args(["--account", "acct", "--endpoint", &format!("{}/acct", server.url())])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains("certificate") && said.contains("--ca-file") && said.contains("SSL_CERT_FILE"), "{said}");
}
