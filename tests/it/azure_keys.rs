//! The keys of a storage account's JWKS over time, and with fifty concurrent publishers.

use std::{collections::BTreeSet, process::Stdio, sync::Arc, time::Duration};

use crate::support::{
    azurite::{Account, account},
    encode,
    issuer::command,
    proxy::{Fault, Proxy},
};
use issuer::{
    DesiredState, DropReason, IssuerUrl, KeySet, KeyState, SystemClock, Timestamp,
    site::{Azure, AzureConnection, AzureOptions, Site},
};
use serde_json::Value;
use tokio::task::JoinSet;

const HOUR: i64 = 3600;

fn published_kids(account: &Account) -> Vec<String> {
    kids(&account.get_blob("$web", "openid/v1/jwks").unwrap().body)
}

fn kids(jwks: &[u8]) -> Vec<String> {
    let jwks: Value = serde_json::from_slice(jwks).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A new connection to the account, as from another machine.
fn open(account: &Account) -> Azure {
    let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), account.connection_string());
    let options = AzureOptions {
        environment: [variable].into_iter().collect(),
        first_pause: Duration::from_millis(1),
        ..AzureOptions::new(None)
    };
    block_on(Azure::open(options)).unwrap()
}

/// The same, where the service's clock shows this time, too.
fn open_at(account: &Account, now: Timestamp) -> Azure {
    let date = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let proxy = Proxy::start(account.address(), move |_| Fault::Date(date.clone()));
    open(&account.through(&proxy.address))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn key_set(numbers: &[u8]) -> KeySet {
    let pem: String = numbers.iter().map(|number| encode::numbered_pem(*number)).collect();
    KeySet::from_bytes(pem.as_bytes()).unwrap()
}

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn at(hours: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + hours * HOUR).unwrap()
}

#[test]
fn retired_key_stays_until_due_across_two_machines() {
    let account = account();
    let issuer: IssuerUrl = "https://issuer.example.com".parse().unwrap();
    let publish = |numbers: &[u8], prune, now: Timestamp| {
        // Each publish opens a new connection: no state is kept outside the account.
        let desired = DesiredState::new(issuer.clone(), key_set(numbers)).prune(prune);
        block_on(issuer::publish(&open_at(&account, now), &desired, &now)).unwrap().plan
    };
    publish(&[1], false, at(0));
    publish(&[1, 2], false, at(1));
    assert_eq!(published_kids(&account), [kid(1), kid(2)]);
    let retired = KeyState::Retired { since: at(2), due: at(50) };
    assert_eq!(publish(&[2], false, at(2)).keys[1].state, retired);
    assert_eq!(publish(&[2], true, at(20)).keys[1].state, retired, "another machine keeps the time");
    assert_eq!(publish(&[1, 2], false, at(21)).keys[0].state, KeyState::Returned, "a key that returns is kept");
    assert_eq!(publish(&[2], true, at(50)).keys[1].state, KeyState::Retired { since: at(50), due: at(98) });
    let second = Duration::from_secs(1);
    publish(&[2], true, at(98).checked_sub(second).unwrap());
    assert_eq!(published_kids(&account), [kid(2), kid(1)], "a second early");
    let dropped = publish(&[2], true, at(98)).keys[1].state;
    assert_eq!(dropped, KeyState::Dropped(DropReason::Pruned { since: at(50) }));
    assert_eq!(published_kids(&account), [kid(2)]);
}

#[test]
fn retention_record_of_100_keys_fits_blob_metadata() {
    let account = account();
    let numbers: Vec<u8> = (1..=100).collect();
    let issuer: IssuerUrl = format!("https://issuer.example.com/{}", "a".repeat(573)).parse().unwrap();
    let publish = |numbers: &[u8], now: Timestamp| {
        let desired = DesiredState::new(issuer.clone(), key_set(numbers));
        block_on(issuer::publish(&open_at(&account, now), &desired, &now)).unwrap().plan
    };
    publish(&numbers, at(0));
    publish(&numbers[..1], at(1));
    let again = publish(&numbers[..1], at(2));
    let retired = |key: &&issuer::PlannedKey| key.state == KeyState::Retired { since: at(1), due: at(49) };
    assert_eq!(again.keys.iter().filter(retired).count(), 99);
    let path = issuer.jwks_path();
    let stored = block_on(open(&account).read(&path)).unwrap().unwrap();
    let record = stored.retention.record().unwrap();
    let key = issuer::Jwk::new(key_set(&[100])[0].clone());
    assert_eq!(record.published_since(&key), Some(at(0)));
    assert_eq!(record.issuer.as_deref(), Some(issuer.as_str()));
}

#[test]
fn fifty_concurrent_publishers_lose_no_key() {
    let account = account();
    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let folder = tempfile::TempDir::new().unwrap();
    let through = account.through(&proxy.address);
    let publishers: Vec<_> = (1..=50)
        .map(|number| {
            let file = folder.path().join(format!("{number}.pub"));
            std::fs::write(&file, encode::numbered_pem(number)).unwrap();
            let mut command = command();
            command.env("AZURE_STORAGE_CONNECTION_STRING", through.connection_string());
            command.args([
                "publish",
                file.to_str().unwrap(),
                "--issuer",
                "https://issuer.example.com",
                "--no-fetch-back",
            ]);
            command.args(["--timeout", "300s", "-o", "json"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = publishers.into_iter().map(|publisher| publisher.wait_with_output().unwrap()).collect();
    for output in &outputs {
        assert!(output.status.success(), "{output:?}");
    }
    let published: BTreeSet<_> = published_kids(&account).into_iter().collect();
    assert_eq!(published, (1..=50).map(kid).collect());

    // Every JWKS holds all keys of the JWKS before it.
    let mut before = BTreeSet::new();
    let mut writes = 0;
    for exchange in proxy.exchanges() {
        let is_jwks = exchange.seen.method == "PUT" && exchange.seen.path.ends_with("jwks");
        if is_jwks && exchange.status == Some(201) {
            let kids: BTreeSet<_> = kids(&exchange.seen.body).into_iter().collect();
            assert!(kids.is_superset(&before), "a key was lost");
            before = kids;
            writes += 1;
        }
    }
    assert!(writes >= 2, "no publisher wrote concurrently");
}

#[test]
fn one_connection_publishes_many_issuers_concurrently() {
    let account = account();
    let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), account.connection_string());
    let options = AzureOptions { environment: [variable].into_iter().collect(), ..AzureOptions::new(None) };
    let published = block_on(async {
        let connection = Arc::new(AzureConnection::open(options).await.unwrap());
        let mut publishes = JoinSet::new();
        for number in 0..12_u8 {
            let site: Box<dyn Site> = Box::new(Azure::new(Arc::clone(&connection)));
            publishes.spawn(async move {
                let issuer = format!("https://issuers.example.com/prod-{number}").parse().unwrap();
                let desired = DesiredState::new(issuer, key_set(&[number]));
                let publication = issuer::publish(&*site, &desired, &SystemClock).await.unwrap();
                (number, publication.documents)
            });
        }
        publishes.join_all().await
    });
    assert_eq!(published.len(), 12);
    for (number, documents) in published {
        let blob = account.get_blob("$web", &format!("prod-{number}/openid/v1/jwks")).unwrap();
        assert_eq!(blob.body, documents.jwks.to_bytes());
        assert_eq!(kids(&blob.body), [kid(number)]);
    }
}
