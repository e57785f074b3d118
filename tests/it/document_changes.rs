//! The changes that a plan lists for a published document.

use crate::support::encode;
use issuer::{
    CurrentState, DesiredState, DocumentChange, DocumentKind, Jwk, KeySet, Plan, PlannedDocument, Timestamp,
    site::{ETag, Headers, Stored},
};
use serde_json::{Value, json};

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn entry(number: u8) -> Value {
    Jwk::new(KeySet::from_bytes(&encode::numbered_spki(number)).unwrap()[0].clone()).to_value()
}

/// The keys 1 and 2, for an issuer whose documents may be replaced.
fn desired() -> DesiredState {
    let pem = encode::numbered_pem(1) + &encode::numbered_pem(2);
    let keys = KeySet::from_bytes(pem.as_bytes()).unwrap();
    let desired = DesiredState::new("https://issuer.example.com".parse().unwrap(), keys);
    desired.replace_unreadable(true).remove(vec![kid(3)])
}

/// The changes of both documents after `edit` has changed what was published.
fn changes(edit: impl FnOnce(&mut Stored, &mut Stored)) -> [Vec<DocumentChange>; 2] {
    let plan = |current| Plan::new(&current, &desired(), Timestamp::UNIX_EPOCH);
    let stored = |PlannedDocument { content, .. }| {
        let (etag, headers) = (ETag("1".to_owned()), Some(content.headers));
        Stored { bytes: content.bytes, etag, headers, retention: content.retention.into() }
    };
    let first = plan(CurrentState::default());
    let [mut jwks, mut discovery] = <[_; 2]>::try_from(first.documents).unwrap().map(stored);
    edit(&mut jwks, &mut discovery);
    let documents = [(DocumentKind::Jwks, jwks), (DocumentKind::Discovery, discovery)].into();
    let second = plan(CurrentState { documents, ..CurrentState::default() });
    <[_; 2]>::try_from(second.documents).unwrap().map(|document| document.changes)
}

/// The changes that are shown for a published JWKS of these bytes.
fn of_jwks(jwks: &str) -> Vec<String> {
    let [jwks, discovery] = changes(|stored, _| stored.bytes = jwks.as_bytes().to_vec());
    assert_eq!(discovery, []);
    jwks.iter().map(ToString::to_string).collect()
}

#[test]
fn jwks_changes_are_listed_by_entry() {
    let other = |number, name: &str| {
        let mut entry = entry(number);
        entry[name] = "A".into();
        entry
    };
    let (added, removed) = (|number| format!("keys + {}", kid(number)), |number| format!("keys - {}", kid(number)));
    let changed = |number| format!("keys ~ {}: other members", kid(number));
    let order = || "keys in another order, or without duplicates".to_owned();
    for (keys, expected) in [
        (json!([entry(1), entry(2)]), vec![]),
        (json!([entry(1)]), vec![added(2)]),
        (json!([]), vec![added(1), added(2)]),
        (json!([entry(1), entry(2), entry(3)]), vec![removed(3)]),
        (json!([other(1, "x5t"), entry(2)]), vec![changed(1)]),
        (json!([entry(3), other(2, "x5t")]), vec![added(1), changed(2), removed(3)]),
        (json!([entry(2), entry(1)]), vec![order()]),
        (json!([entry(1), entry(2), entry(2)]), vec![order()]),
        (json!([entry(1), entry(2), null]), vec!["keys - (no kid)".to_owned()]),
    ] {
        assert_eq!(of_jwks(&json!({ "keys": keys }).to_string()), expected, "{keys}");
    }
}

#[test]
fn partly_readable_document_shows_its_change() {
    let keys = json!([entry(1), entry(2)]);
    let form = "the order of members, or white space";
    assert_eq!(of_jwks(&format!(r#"{{ "keys": {keys} }}"#)), [form]);
    assert_eq!(of_jwks("[]"), ["the whole document, which cannot be parsed"]);
    assert_eq!(of_jwks(&format!(r#"{{"keys":{keys},"a":"b"}}"#)), ["a b → (none)"]);
    assert_eq!(of_jwks(&format!(r#"{{"a":[1],"keys":{keys}}}"#)), ["a [1] → (none)"]);
    assert_eq!(of_jwks(r#"{"keys":7}"#), [format!("keys 7 → {keys}")]);
}

#[test]
fn discovery_changes_are_listed_by_member() {
    let of_discovery = |edit: &dyn Fn(&mut Value)| {
        let [jwks, discovery] = changes(|_, stored| {
            let mut value: Value = serde_json::from_slice(&stored.bytes).unwrap();
            edit(&mut value);
            stored.bytes = value.to_string().into_bytes();
        });
        assert_eq!(jwks, []);
        discovery.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert!(of_discovery(&|_| {}).is_empty());
    assert_eq!(of_discovery(&|value| value["extra"] = true.into()), ["extra true → (none)"]);
    let pairwise = |value: &mut Value| value["subject_types_supported"] = json!(["pairwise"]);
    assert_eq!(of_discovery(&pairwise), [r#"subject_types_supported ["pairwise"] → ["public"]"#]);
    let without = |value: &mut Value| drop(value.as_object_mut().unwrap().shift_remove("subject_types_supported"));
    assert_eq!(of_discovery(&without), [r#"subject_types_supported (none) → ["public"]"#]);
}

#[test]
fn changed_headers_and_record_are_listed() {
    let of = |edit: &dyn Fn(&mut Stored)| {
        let [jwks, discovery] = changes(|stored, _| edit(stored));
        assert_eq!(discovery, []);
        jwks.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let headers = |content_type: &str, cache_control: &str, content_encoding: Option<&str>| {
        let (content_type, cache_control) = (content_type.to_owned(), cache_control.to_owned());
        Some(Headers { content_type, cache_control, content_encoding: content_encoding.map(str::to_owned) })
    };
    let (json, cache) = ("application/json", Headers::CACHE_CONTROL);
    assert!(of(&|stored| stored.headers = None).is_empty());
    assert!(of(&|stored| stored.headers = headers(json, cache, None)).is_empty());
    let changed = of(&|stored| stored.headers = headers("text/plain", "", Some("gzip")));
    let expected = [
        "content-type text/plain → application/json".to_owned(),
        format!("cache-control (none) → {cache}"),
        "content-encoding gzip → (none)".to_owned(),
    ];
    assert_eq!(changed, expected);
    assert_eq!(of(&|stored| stored.retention = issuer::StoredRetention::Absent), ["the retention record"]);
}
