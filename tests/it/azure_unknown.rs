//! Keys that an intruder adds to a stored JWKS, and clocks that differ from the storage service's.

use std::process::{Command, Output};

use crate::support::{
    answer::answer,
    azurite::{Account, account},
    encode,
    front::Front,
    issuer::{command, stderr, stdout},
    proxy::{Fault, Proxy},
};
use issuer::{Jwk, KeySet, Timestamp};
use jiff::SignedDuration;
use serde_json::Value;
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";
const JWKS: &str = "openid/v1/jwks";
const RECORD: &str = "x-ms-meta-retention";

fn issuer(account: &Account) -> Command {
    let mut command = command();
    command.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string());
    command
}

fn publish(account: &Account, keys: &[u8], more: &[&str]) -> Output {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("sa.pub");
    std::fs::write(&file, keys.iter().map(|number| encode::numbered_pem(*number)).collect::<String>()).unwrap();
    let args = ["publish", file.to_str().unwrap(), "--no-fetch-back", "--issuer", ISSUER];
    issuer(account).args(args).args(more).output().unwrap()
}

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn published_kids(account: &Account) -> Vec<String> {
    let jwks: Value = serde_json::from_slice(&account.get_blob("$web", JWKS).unwrap().body).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|entry| entry["kid"].as_str().unwrap().to_owned()).collect()
}

/// Adds a key to the stored JWKS; `keeps` decides whether the metadata of the blob stays.
fn intrude(account: &Account, number: u8, keeps: bool) {
    let blob = account.get_blob("$web", JWKS).unwrap();
    let mut jwks: Value = serde_json::from_slice(&blob.body).unwrap();
    let key = KeySet::from_bytes(encode::numbered_pem(number).as_bytes()).unwrap()[0].clone();
    jwks["keys"].as_array_mut().unwrap().push(Jwk::new(key).to_value());
    let mut headers = vec![
        ("x-ms-blob-content-type", "application/json"),
        ("x-ms-blob-cache-control", blob.header("cache-control").unwrap()),
    ];
    headers.extend(keeps.then(|| (RECORD, blob.header(RECORD).unwrap())));
    account.put_blob("$web", JWKS, jwks.to_string().as_bytes(), &headers);
}

#[test]
fn intruder_key_is_reported_until_removed() {
    let account = account();
    let front = Front::start(&account);
    assert!(publish(&account, &[1, 2], &[]).status.success());
    intrude(&account, 7, true);
    for _ in 0..2 {
        let check = publish(&account, &[1, 2], &["--check"]);
        assert_eq!(check.status.code(), Some(1), "{check:?}");
        assert!(stderr(&check).contains(&kid(7)) && stdout(&check).contains("drift"), "{check:?}");
        let status =
            issuer(&account).args(["status", "--account", &account.name, "--published", &front.url()]).output();
        let status = status.unwrap();
        assert_eq!(status.status.code(), Some(1), "{status:?}");
        assert!(stderr(&status).contains(&kid(7)) && stderr(&status).contains("--remove-unknown"), "{status:?}");
        let published = publish(&account, &[1, 2], &["-o", "json"]);
        assert_eq!(published.status.code(), Some(0), "{published:?}");
        let value = answer("publish", &published);
        assert_eq!((&value["keys"][2]["state"], &value["changed"]), (&"unknown".into(), &false.into()), "{value}");
        assert!(value["warnings"][0].as_str().unwrap().contains(&kid(7)), "{value}");
    }
    assert_eq!(published_kids(&account), [kid(1), kid(2), kid(7)]);
    assert!(!account.get_blob("$web", JWKS).unwrap().header(RECORD).unwrap().contains(&kid(7)[..22]));
    assert!(publish(&account, &[1, 2], &["--remove-unknown"]).status.success());
    assert_eq!(published_kids(&account), [kid(1), kid(2)]);
    let check = publish(&account, &[1, 2], &["--check"]);
    assert!(check.status.success(), "{check:?}");
}

#[test]
fn blob_without_metadata_is_adopted_with_a_note() {
    let account = account();
    assert!(publish(&account, &[1], &[]).status.success());
    intrude(&account, 7, false);
    let refused = publish(&account, &[1], &["--remove-unknown"]);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    assert!(stderr(&refused).contains("--remove-unknown requires a retention record"), "{refused:?}");
    let adopted = publish(&account, &[1], &[]);
    assert!(adopted.status.success() && stderr(&adopted).contains("publishing records it"), "{adopted:?}");
    assert!(account.get_blob("$web", JWKS).unwrap().header(RECORD).unwrap().contains(&kid(7)[..22]));
    assert!(publish(&account, &[1], &["--check"]).status.success());
}

#[test]
fn unreadable_record_metadata_is_a_warning() {
    let account = account();
    assert!(publish(&account, &[1], &[]).status.success());
    let blob = account.get_blob("$web", JWKS).unwrap();
    let headers = [
        ("x-ms-blob-content-type", "application/json"),
        ("x-ms-blob-cache-control", blob.header("cache-control").unwrap()),
        (RECORD, "{\"keys\":[]}"),
    ];
    account.put_blob("$web", JWKS, &blob.body, &headers);
    let check = publish(&account, &[1], &["--check"]);
    assert_eq!(check.status.code(), Some(1), "{check:?}");
    assert!(stderr(&check).contains("the retention record of the published JWKS cannot be parsed"), "{check:?}");
    assert!(publish(&account, &[1], &[]).status.success());
    assert!(publish(&account, &[1], &["--check"]).status.success());
}

#[test]
fn clock_difference_is_a_warning_and_prevents_pruning() {
    let account = account();
    for (minutes, direction) in [(-120, "ahead of"), (120, "behind"), (-2, ""), (2, "")] {
        let date = Timestamp::now() + SignedDuration::from_mins(minutes);
        let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        let proxy = Proxy::start(account.address(), move |_| Fault::Date(date.clone()));
        let through = account.through(&proxy.address);
        let is_apart = !direction.is_empty();
        // The same result before and after the first publish.
        account.delete_blob("$web", JWKS);
        let first = publish(&through, &[1, 2], &[]);
        assert!(first.status.success(), "{first:?}");
        let says = |output: &Output| match direction {
            "" => stderr(output).contains("the clock of this machine"),
            _ => stderr(output).contains(&format!("{direction} the site's clock: ")),
        };
        assert_eq!(says(&first), is_apart, "{first:?}");
        assert!(publish(&through, &[1], &[]).status.success());
        let prune = publish(&through, &[1], &["--prune", "--retain", "0s"]);
        assert_eq!(prune.status.code(), Some(i32::from(is_apart)), "{prune:?}");
        assert_eq!(stderr(&prune).contains("cannot prune keys with a clock that may be wrong"), is_apart, "{prune:?}");
        assert_eq!(published_kids(&account).len(), if is_apart { 2 } else { 1 });
        let status =
            issuer(&through).args(["status", "--account", &account.name, "--published", "."]).output().unwrap();
        assert_eq!(says(&status), is_apart, "{status:?}");
    }
}
