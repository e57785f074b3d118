//! What is published, seen from both sides, and its guarded removal.

mod support;

use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{
    azurite::{Account, account},
    encode,
    entra::unsigned,
    front::Front,
    http::{get, response},
    issuer::{command, stderr, stdout},
    proxy::{Fault, Proxy},
    recording,
};
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

fn value(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn status_shows_keys_with_their_times_the_website_and_that_both_sides_are_the_same() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1, 2]);
    publish(&account, &[2]);
    let output = status(&account, &front.url(), &["-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let value = value(&output);
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
    assert!(text.contains("website  on\n") && text.contains("the same as what is stored, 2 keys"), "{text}");
    assert!(text.contains(", retired 20") && text.contains("may go from"), "{text}");
}

#[test]
fn status_says_where_the_public_reads_something_else() {
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
    assert!(stdout(&output).contains("not what is stored"), "{output:?}");
    assert!(stderr(&output).contains("AADSTS7000272") && stderr(&output).contains(&kid(2)), "{output:?}");
}

#[test]
fn status_says_that_the_website_is_off_and_that_nothing_is_published() {
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
    assert!(stderr(&off).contains("answered 404 with an HTML page; Entra will answer AADSTS90061"), "{off:?}");
}

#[test]
fn status_of_an_issuer_alone_is_what_the_public_reads() {
    let account = account();
    let front = Front::start(&account);
    publish(&account, &[1, 2]);
    // An account in the environment is not looked into.
    let output = issuer(&account).args(["status", ISSUER, "--published", &front.url(), "-o", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(value(&output)["stored"], Value::Null);
    assert_eq!(value(&output)["public"]["keys"][1]["kid"], kid(2));
    let other =
        command().args(["status", "https://issuer.example.com/", "--published", &front.url()]).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(stderr(&other).contains("AADSTS700211"), "{other:?}");
}

#[test]
fn status_of_a_directory_shows_the_same() {
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let keys = recording("rotation").path("sa.pub");
    let publish =
        command().args(["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--directory", directory]).output();
    assert!(publish.unwrap().status.success());
    let output = command().args(["status", "--directory", directory, "--published", directory]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("the same as what is stored, 2 keys"), "{output:?}");
    let output = command().args(["status", "--directory", directory]).output().unwrap();
    assert!(output.status.success() && stdout(&output).contains("not looked at"), "{output:?}");
}

/// A token the cluster gives, with this issuer and so many seconds to live.
fn token(folder: &TempDir, issuer: &str, seconds: i64) -> String {
    let now = issuer::Timestamp::now().as_second();
    let claims =
        json!({ "iss": issuer, "aud": ["a"], "sub": "system:serviceaccount:a:b", "iat": now, "exp": now + seconds });
    let path = folder.path().join("fresh.jwt");
    std::fs::write(&path, unsigned(&claims)).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn unpublish_is_refused_while_the_cluster_s_tokens_name_the_issuer_and_removes_discovery_first() {
    let account = account();
    publish(&account, &[1]);
    let folder = TempDir::new().unwrap();
    let refusals = [
        (ISSUER, 600, "the cluster's tokens name the issuer \"https://issuer.example.com\" still"),
        (
            "https://issuer.example.com/",
            600,
            "name the issuer \"https://issuer.example.com/\", whose documents are these",
        ),
        ("https://other.example.com", -600, "so it does not say which issuer the cluster names now"),
    ];
    let unpublish =
        |args: &[&str]| issuer(&account).args(["unpublish", "--account", &account.name]).args(args).output().unwrap();
    for (issuer, seconds, sentence) in refusals {
        let output = unpublish(&["--token", &token(&folder, issuer, seconds)]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(stderr(&output).contains(sentence) && stderr(&output).contains("nothing was removed"), "{output:?}");
        assert_eq!(account.list_blobs("$web").len(), 2);
    }
    let usage = unpublish(&[]);
    assert_eq!(usage.status.code(), Some(2), "neither a token nor --force: {usage:?}");

    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let output = issuer(&account.through(&proxy.address))
        .args(["unpublish", "--token", &token(&folder, "https://other.example.com", 600), "-o", "json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(value(&output)["removed"], json!([".well-known/openid-configuration", "openid/v1/jwks"]));
    let deleted: Vec<_> = proxy
        .exchanges()
        .into_iter()
        .filter(|exchange| exchange.seen.method == "DELETE")
        .map(|exchange| exchange.seen.path)
        .collect();
    assert!(deleted[0].ends_with("openid-configuration") && deleted[1].ends_with("jwks"), "{deleted:?}");
    assert!(account.list_blobs("$web").is_empty());
    let again = issuer(&account).args(["unpublish", "--force", "--issuer", ISSUER]).output().unwrap();
    assert!(again.status.success() && stdout(&again).contains("nothing was there"), "{again:?}");
}

#[test]
fn unpublish_with_force_asks_for_no_token_and_another_issuer_s_documents_are_left_alone() {
    let account = account();
    publish(&account, &[1]);
    let other =
        issuer(&account).args(["unpublish", "--force", "--issuer", "https://issuer.example.com/"]).output().unwrap();
    assert_eq!(other.status.code(), Some(1));
    assert!(
        stderr(&other).contains("the documents there are those of the issuer \"https://issuer.example.com\""),
        "{other:?}"
    );
    let output = issuer(&account).args(["unpublish", "--force"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(account.list_blobs("$web").is_empty());
}

#[test]
fn an_unpublish_whose_answers_get_lost_or_is_cut_short_is_finished_by_the_next() {
    let account = account();
    publish(&account, &[1]);
    let proxy = Proxy::start(account.address(), |seen| {
        if seen.method == "DELETE" && seen.number % 2 == 0 { Fault::DropAnswer } else { Fault::Pass }
    });
    let output = issuer(&account.through(&proxy.address)).args(["unpublish", "--force"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(account.list_blobs("$web").is_empty());

    publish(&account, &[1]);
    assert!(account.delete_blob("$web", ".well-known/openid-configuration"));
    let output = issuer(&account).args(["unpublish", "--force", "--issuer", ISSUER]).output().unwrap();
    assert!(output.status.success() && account.list_blobs("$web").is_empty(), "{output:?}");
}

#[test]
fn unpublish_removes_a_directory_s_documents_and_their_record() {
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
