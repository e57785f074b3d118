//! The text of the retention record, and which entries it lists.

use issuer::{Jwk, Retention, StoredRetention, Timestamp};
use serde_json::json;

fn record(text: &str) -> Retention {
    Retention::from_text(text).unwrap()
}

#[test]
fn record_without_issuer_and_keys_is_empty() {
    for (text, is_empty) in
        [("{}", true), (r#"{"issuer":"https://issuer.example.com"}"#, false), (r#"{"keys":{"a":[1]}}"#, false)]
    {
        let record = record(text);
        assert_eq!(record.is_empty(), is_empty, "{text}");
        assert_eq!(StoredRetention::from(record) == StoredRetention::Absent, is_empty, "{text}");
    }
}

#[test]
fn record_is_written_in_ascii_and_read_back() {
    for (text, written) in [
        ("{}", r#"{"version":2}"#),
        (
            r#"{"issuer":"https://é.example.com/😀\u007f~ "}"#,
            r#"{"version":2,"issuer":"https://\u00e9.example.com/\ud83d\ude00\u007f~ "}"#,
        ),
        (r#"{"keys":{"b":[1,2],"a":[null,3]}, "other":7}"#, r#"{"version":2,"keys":{"a":[null,3],"b":[1,2]}}"#),
    ] {
        let found = record(text);
        assert_eq!(found.to_text(), written);
        assert_eq!(record(&found.to_text()), found);
    }
}

#[test]
fn record_entry_may_lack_either_time() {
    let entry = Jwk::from_value(json!({ "kty": "OKP", "kid": "a" }));
    let time = |seconds| Timestamp::from_second(seconds).ok();
    for (times, published, retired) in [
        ("[]", None, None),
        ("[null]", None, None),
        ("[5]", time(5), None),
        ("[null,7]", None, time(7)),
        ("[5,7]", time(5), time(7)),
        ("[5.9,1e300]", time(5), Some(Timestamp::MAX)),
        ("[-5,-1e300]", time(-5), Some(Timestamp::MIN)),
    ] {
        let record = record(&format!(r#"{{"keys":{{"a":{times}}}}}"#));
        assert!(record.knows(&entry), "{times}");
        let found = (record.published_since(&entry), record.retired_since(&entry));
        assert_eq!(found, (published, retired), "{times}");
    }
}

#[test]
fn only_a_kid_that_is_not_a_hash_identifies_a_key() {
    // The entry has no usable key, so a current record names it by a hash of the whole entry.
    let entry = |kid: &str| Jwk::from_value(json!({ "kty": "OKP", "kid": kid }));
    let (key_id, longer) = ("aB0-_".repeat(8) + "aB0", "aB0-_".repeat(8) + "aB0-");
    assert_eq!((key_id.len(), longer.len()), (43, 44));
    for (kid, is_known) in [
        ("2026-11", true),
        (&longer, true),
        (&key_id.replace('_', "."), true),
        (&key_id, false),
        ("sha256:AAAAAAAAAAAAAAAAAAAAAA", false),
        ("sha256", true),
    ] {
        let record = record(&format!(r#"{{"keys":{{"{kid}":[5]}}}}"#));
        assert_eq!(record.knows(&entry(kid)), is_known, "{kid}");
    }
}

#[test]
fn record_over_one_mebibyte_is_refused() {
    let text = |length: usize| format!(r#"{{"issuer":"{}"}}"#, "a".repeat(length - 13));
    assert_eq!(text(1 << 20).len(), 1 << 20);
    assert!(Retention::from_text(&text(1 << 20)).is_ok());
    assert_eq!(Retention::from_text(&text((1 << 20) + 1)), Err(issuer::RetentionError::TooLong));
}
