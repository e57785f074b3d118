//! The retention record: its size, its versions and the owners of keys.

use issuer::{
    Change, CurrentState, DesiredState, DocumentKind, DropReason, Hint, IssuerUrl, Jwk, Jwks, KeySet, KeyState, Owner,
    Plan, PlanRefusal, PlanWarning, PlannedKey, Retention, RetentionError, StoredRetention, Timestamp,
    site::{ETag, Stored},
};
use serde_json::json;

use crate::support::{fixtures, recording};

/// The size limit of blob metadata, names and values together (Microsoft Learn, "Set Blob Metadata").
const METADATA_MAX: usize = 8 * 1024;

fn issuer() -> IssuerUrl {
    "https://issuer.example.com/clusters/a".parse().unwrap()
}

fn now() -> Timestamp {
    "2026-12-01T00:00:00Z".parse().unwrap()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(fixtures().join("retention").join(name)).unwrap()
}

/// A site whose JWKS has this record.
fn current(record: &str) -> CurrentState {
    let stored = Stored {
        bytes: fixture("0.1.0.jwks.json").into_bytes(),
        etag: ETag("1".to_owned()),
        headers: None,
        retention: StoredRetention::from_bytes(record.as_bytes()),
    };
    CurrentState { documents: [(DocumentKind::Jwks, stored)].into(), ..CurrentState::default() }
}

/// The input of the last publish with version 0.1.0.
fn desired() -> DesiredState {
    let keys = KeySet::from_bytes(&recording("rotation").bytes("rsa4096.pub")).unwrap();
    DesiredState::new(issuer(), keys)
}

fn entries() -> Vec<Jwk> {
    Jwks::parse(fixture("0.1.0.jwks.json").as_bytes()).unwrap().keys
}

/// The text of the record with these owners for each key.
fn with_owners(record: &Retention, owners: &[&str]) -> String {
    let mut json: serde_json::Value = serde_json::from_str(&record.to_text()).unwrap();
    json["owners"] = json!(owners);
    for entry in json["keys"].as_object_mut().unwrap().values_mut() {
        let entry = entry.as_array_mut().unwrap();
        entry.resize(2, json!(null));
        entry.push(json!((0..owners.len()).collect::<Vec<_>>()));
    }
    json.to_string()
}

#[test]
fn record_of_100_keys_with_three_owners_fits_blob_metadata() {
    let owners: Vec<_> = (0..40).map(|index| format!("prod-west-europe-cluster-{index:02}")).collect();
    let entry = |index: usize| {
        let name = format!("{index:022}");
        let owners = [index % 40, (index + 13) % 40, (index + 26) % 40];
        (name, json!([1_795_721_963_u64 + index as u64, 1_795_821_963_u64 + index as u64, owners]))
    };
    let keys: serde_json::Map<_, _> = (0..100).map(entry).collect();
    let issuer = format!("https://oidcissuer.z6.web.core.windows.net/{}", "x".repeat(60));
    let text = json!({ "version": 2, "issuer": issuer, "owners": owners, "keys": keys }).to_string();
    let record = Retention::from_text(&text).unwrap();
    let text = record.to_text();
    assert_eq!(Retention::from_text(&text).as_ref(), Ok(&record));
    assert_eq!(text.matches("prod-west-europe").count(), 40);
    assert!("retention".len() + text.len() <= METADATA_MAX, "{} bytes", text.len());
}

#[test]
fn record_of_two_keys_for_each_of_50_uids_fits_blob_metadata() {
    let owners: Vec<_> = (0..50).map(|index| format!("2f1c4b6e-6d0e-4c57-9a41-0d6c2f2a7f{index:02}")).collect();
    let entry = |index: usize| {
        // One of the two keys is retired.
        let retired = (index % 2 == 1).then_some(1_795_821_963_u64);
        (format!("{index:022}"), json!([1_795_721_963_u64, retired, [index / 2]]))
    };
    let keys: serde_json::Map<_, _> = (0..100).map(entry).collect();
    let issuer = format!("https://oidcissuer.z6.web.core.windows.net/{}", "x".repeat(60));
    let text = json!({ "version": 2, "issuer": issuer, "owners": owners, "keys": keys }).to_string();
    let text = Retention::from_text(&text).unwrap().to_text();
    assert!("retention".len() + text.len() <= METADATA_MAX, "{} bytes", text.len());
}

#[test]
fn owner_none_is_written_only_beside_others() {
    let text = |owners: &str| format!(r#"{{"version":2,"owners":["a","none"],"keys":{{"x":[1,null,{owners}]}}}}"#);
    let both = text("[0,1]");
    assert_eq!(Retention::from_text(&both).unwrap().to_text(), both);
    let alone = Retention::from_text(&text("[1]")).unwrap();
    assert_eq!(alone.to_text(), r#"{"version":2,"keys":{"x":[1]}}"#);
    for same in [r#"{"version":2,"keys":{"x":[1]}}"#, r#"{"version":2,"keys":{"x":[1,null,[]]}}"#] {
        assert_eq!(Retention::from_text(same).unwrap(), alone);
    }
}

#[test]
fn record_of_version_0_1_0_is_read() {
    let record = Retention::from_text(&fixture("0.1.0.json")).unwrap();
    let published: Timestamp = "2026-11-26T19:39:23Z".parse().unwrap();
    let retired: Vec<_> = entries().iter().map(|jwk| record.retired_since(jwk).is_some()).collect();
    assert_eq!(retired, [false, true, true]);
    for jwk in entries() {
        assert_eq!(record.published_since(&jwk), Some(published), "{}", jwk.to_value());
        assert_eq!(record.owners(&jwk).collect::<Vec<_>>(), [&Owner::default()]);
    }
}

#[test]
fn record_of_version_0_1_0_is_no_drift() {
    let plan = Plan::new(&current(&fixture("0.1.0.json")), &desired(), now());
    assert_eq!((plan.documents[0].change, plan.has_unknown_keys()), (Change::Unchanged, false));
    assert!(plan.refusals.is_empty() && plan.warnings.is_empty(), "{plan:?}");
    assert!(plan.keys.iter().all(|key| matches!(key.state, KeyState::Kept | KeyState::Retired { .. })), "{plan:?}");
}

#[test]
fn record_of_version_0_1_0_is_migrated_by_the_next_write() {
    let old = Retention::from_text(&fixture("0.1.0.json")).unwrap();
    // Another key changes the record.
    let keys = KeySet::from_bytes(&recording("mixed-keys").bytes("p256.pub")).unwrap();
    let keys = KeySet::from_keys(keys.iter().chain(desired().keys.iter()).cloned()).unwrap();
    let plan = Plan::new(&current(&fixture("0.1.0.json")), &DesiredState::new(issuer(), keys), now());
    assert_eq!(plan.documents[0].change, Change::Changed);
    let new = &plan.documents[0].content.retention;
    for jwk in entries() {
        assert_eq!(new.published_since(&jwk), old.published_since(&jwk));
        assert_eq!(new.retired_since(&jwk), old.retired_since(&jwk));
    }
    assert!(new.to_text().starts_with("{\"version\":2,"), "{}", new.to_text());
}

#[test]
fn owners_of_keys_stay_when_another_input_is_published() {
    let plan = Plan::new(&current(&fixture("0.1.0.json")), &desired(), now());
    let owned = with_owners(&plan.documents[0].content.retention, &["prod-1", "prod-2"]);
    let plan = Plan::new(&current(&owned), &desired(), now());
    assert_eq!(plan.documents[0].change, Change::Recorded);
    for (index, jwk) in entries().iter().enumerate() {
        let owners: Vec<_> = plan.documents[0].content.retention.owners(jwk).map(Owner::as_str).collect();
        // The first key is in the input, so its publisher becomes an owner.
        let expected: &[_] = if index == 0 { &["none", "prod-1", "prod-2"] } else { &["prod-1", "prod-2"] };
        assert_eq!(owners, expected, "{}", jwk.to_value());
    }
}

#[test]
fn dropped_key_is_no_longer_recorded() {
    let plan = Plan::new(&current(&fixture("0.1.0.json")), &desired().prune(true), now());
    let is_pruned = |key: &&PlannedKey| matches!(key.state, KeyState::Dropped(DropReason::Pruned { .. }));
    let dropped = plan.keys.iter().find(is_pruned).unwrap();
    assert!(!plan.documents[0].content.retention.knows(&dropped.jwk));
}

#[test]
fn record_of_a_later_version_is_refused_unless_allowed() {
    let later = current(r#"{"version":3,"keys":[]}"#);
    assert_eq!(later.documents[&DocumentKind::Jwks].retention, StoredRetention::Unreadable(RetentionError::Version(3)));
    let later = current(r#"{"version":3,"keys":{}}"#);
    assert_eq!(later.documents[&DocumentKind::Jwks].retention, StoredRetention::Unreadable(RetentionError::Version(3)));
    let plan = Plan::new(&later, &desired(), now());
    assert_eq!((plan.refusals.as_slice(), plan.warnings.as_slice()), (&[PlanRefusal::LaterRecord(3)][..], &[][..]));
    assert!(plan.refusals[0].hint().unwrap().contains("--replace-unreadable"));
    let replace = desired().replace_unreadable(true);
    let plan = Plan::new(&later, &replace, now());
    assert_eq!(plan.refusals, []);
    assert_eq!(plan.warnings, [PlanWarning::RecordUnreadable(RetentionError::Version(3))]);
}

#[test]
fn malformed_record_is_an_error() {
    for (text, expected) in [
        ("", RetentionError::NotJson),
        ("[]", RetentionError::Form),
        (r#"{"version":1}"#, RetentionError::Form),
        (r#"{"version":"2"}"#, RetentionError::Form),
        (r#"{"version":3}"#, RetentionError::Version(3)),
        (r#"{"keys":{"a":[1,2,[0]]}}"#, RetentionError::Form),
        (r#"{"keys":{"a":[1,2,[],4]}}"#, RetentionError::Form),
        (r#"{"keys":{"a":[[1]]}}"#, RetentionError::Form),
        (r#"{"keys":{"a":[1,2,3]}}"#, RetentionError::Form),
        (r#"{"owners":["x"],"keys":{"a":[1,null,[1]]}}"#, RetentionError::Form),
    ] {
        assert_eq!(Retention::from_text(text), Err(expected), "{text}");
    }
}
