//! Keys that are not in the retention record, unreadable records, impossible times, and clock differences.

use crate::support::encode;
use issuer::{
    Change, ClocksApart, CurrentState, DesiredState, DocumentKind, DropReason, Hint, IssuerUrl, Jwk, Jwks, KeySet,
    KeyState, Plan, PlanRefusal, PlanWarning, PublishError, Retention, RetentionError, SiteFault, StoredRetention,
    Timestamp,
    site::{Condition, Content, ETag, Memory, Site, Stored},
};
use serde_json::{Value, json};

fn issuer() -> IssuerUrl {
    "https://issuer.example.com".parse().unwrap()
}

/// A time, in hours after a fixed start.
fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + hours * 3600).unwrap()
}

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn keys(numbers: &[u8]) -> KeySet {
    let pem: String = numbers.iter().map(|number| encode::numbered_pem(*number)).collect();
    KeySet::from_bytes(pem.as_bytes()).unwrap()
}

fn jwk(number: u8) -> Jwk {
    Jwk::new(keys(&[number])[0].clone())
}

fn desired(numbers: &[u8]) -> DesiredState {
    DesiredState::new(issuer(), keys(numbers))
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn publish(site: &Memory, desired: &DesiredState, at: Timestamp) -> Plan {
    block_on(issuer::publish(site, desired, &at)).unwrap().plan
}

fn refusals(site: &Memory, desired: &DesiredState, at: Timestamp) -> Vec<PlanRefusal> {
    match block_on(issuer::publish(site, desired, &at)) {
        Err(PublishError::Refused { plan, .. }) => plan.refusals,
        other => panic!("{other:?}"),
    }
}

fn plan(site: &Memory, desired: &DesiredState, at: Timestamp) -> Plan {
    block_on(issuer::plan(site, desired, &at)).unwrap()
}

fn stored(site: &Memory) -> Stored {
    block_on(site.read(&issuer().jwks_path())).unwrap().unwrap()
}

fn entries(site: &Memory) -> Vec<Value> {
    Jwks::parse(&stored(site).bytes).unwrap().keys.iter().map(Jwk::to_value).collect()
}

fn faults(site: &Memory, at: Timestamp) -> Vec<SiteFault> {
    block_on(issuer::status(site, &issuer(), DesiredState::RETAIN, &at)).unwrap().faults
}

/// Changes the stored entries and leaves the record as it is.
fn edit(site: &Memory, change: impl FnOnce(&mut Vec<Value>)) {
    let found = stored(site);
    let mut entries = entries(site);
    change(&mut entries);
    let bytes = json!({ "keys": entries }).to_string().into_bytes();
    let retention = found.retention.record().cloned().unwrap_or_default();
    let content = Content { bytes, headers: found.headers.unwrap(), retention };
    block_on(site.write(&issuer().jwks_path(), &content, &Condition::IfMatch(found.etag))).unwrap();
}

/// A site where key 1 is in the input and key 2 is retired. The record has both.
fn site() -> Memory {
    let site = Memory::default();
    publish(&site, &desired(&[1, 2]), hour(0));
    publish(&site, &desired(&[1]), hour(1));
    site
}

/// Entries that an intruder may add: a description, the entry, and the `kid` that adopts it.
fn unknown_entries() -> Vec<(&'static str, Value, Option<String>)> {
    let renamed = |number: u8, kid: &str| {
        let mut value = jwk(number).to_value();
        value["kid"] = kid.into();
        value
    };
    let without_kid = |number: u8| {
        let mut value = jwk(number).to_value();
        value.as_object_mut().unwrap().shift_remove("kid");
        value
    };
    vec![
        ("another key", jwk(7).to_value(), Some(kid(7))),
        ("another key under a name", renamed(7, "2026-11"), Some("2026-11".to_owned())),
        ("the input's key under a name", renamed(1, "2026-11"), Some("2026-11".to_owned())),
        ("a key without kid", without_kid(7), None),
        ("a key with an empty kid", renamed(7, ""), None),
        (
            "a key of a foreign type",
            json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "ed" }),
            Some("ed".into()),
        ),
        ("a foreign type under the ID of a retired key", json!({ "kty": "OKP", "kid": kid(2) }), Some(kid(2))),
        ("a foreign type without kid", json!({ "kty": "OKP" }), None),
        ("an empty object", json!({}), None),
        ("a kid that is no string", json!({ "kty": "OKP", "kid": 7 }), None),
        (
            "a kid of the form of a name in the record",
            renamed(7, "sha256:AAAAAAAAAAAAAAAAAAAAAA"),
            Some("sha256:AAAAAAAAAAAAAAAAAAAAAA".into()),
        ),
    ]
}

#[test]
fn unknown_key_stays_with_a_warning_until_adopted() {
    for (what, entry, adopt) in unknown_entries() {
        let site = site();
        edit(&site, |entries| entries.push(entry.clone()));
        let warning = PlanWarning::UnknownKey(adopt.clone());
        for at in [2, 100] {
            let plan = publish(&site, &desired(&[1]), hour(at));
            assert!(plan.is_unchanged() && plan.is_drift() && plan.has_unknown_keys(), "{what}: {plan:?}");
            assert_eq!(plan.keys.last().unwrap().state, KeyState::Unknown, "{what}");
            assert_eq!(plan.warnings, std::slice::from_ref(&warning), "{what}");
            assert_eq!(faults(&site, hour(at)), [SiteFault::UnknownKey(adopt.clone())], "{what}");
            assert_eq!(entries(&site).last(), Some(&entry), "{what}");
        }
        // Pruning drops only recorded keys.
        let prune = desired(&[1]).prune(true);
        assert_eq!(plan(&site, &prune, hour(1000)).keys.last().unwrap().state, KeyState::Unknown, "{what}");
        let adopt = desired(&[1]).adopt(vec![adopt.clone().unwrap_or_default()]);
        let adopted = publish(&site, &adopt, hour(200));
        if adopt.adopt == [""] {
            assert_eq!(adopted.warnings[0], warning, "{what}: --adopt needs a kid");
            continue;
        }
        let retired = KeyState::Retired { since: hour(200), due: hour(248) };
        assert_eq!(adopted.keys.last().unwrap().state, retired, "{what}");
        assert_eq!((adopted.warnings, adopted.documents[0].change), (vec![], Change::Recorded), "{what}");
        let after = publish(&site, &desired(&[1]), hour(201));
        assert!(!after.is_drift() && after.warnings.is_empty(), "{what}: {after:?}");
        assert_eq!(after.keys.last().unwrap().state, retired, "{what}");
        assert!(faults(&site, hour(201)).is_empty(), "{what}");
        assert_eq!(
            plan(&site, &prune, hour(248)).keys.last().unwrap().state,
            KeyState::Dropped(DropReason::Pruned { since: hour(200) })
        );
    }
}

#[test]
fn unknown_key_warning_names_the_next_step() {
    let said = |kid: Option<&str>| PlanWarning::UnknownKey(kid.map(str::to_owned)).to_string();
    let named = "the published key \"a\" is not in the retention record: another program added it; \
                 pass --adopt with this kid if the key is yours, else --remove-unknown";
    let unnamed = "a published key without kid is not in the retention record: another program added it; \
                   pass --remove-unknown to remove it; --adopt requires a kid";
    assert_eq!((said(Some("a")).as_str(), said(None).as_str()), (named, unnamed));
}

#[test]
fn remove_unknown_keeps_known_keys() {
    for (what, entry, _) in unknown_entries() {
        let site = site();
        let before = entries(&site);
        edit(&site, |entries| entries.insert(0, entry.clone()));
        let removed = publish(&site, &desired(&[1]).remove_unknown(true), hour(2));
        let dropped = removed.keys.iter().filter(|key| key.state == KeyState::Dropped(DropReason::Unknown));
        assert_eq!(dropped.map(|key| key.jwk.to_value()).collect::<Vec<_>>(), [entry], "{what}");
        assert_eq!((entries(&site), removed.warnings), (before, vec![]), "{what}");
        assert!(!plan(&site, &desired(&[1]), hour(3)).is_drift(), "{what}");
    }
}

#[test]
fn unknown_key_can_be_removed_or_adopted_by_kid() {
    let site = site();
    edit(&site, |entries| entries.extend([7, 8, 9].map(|number| jwk(number).to_value())));
    let some = desired(&[1]).remove(vec![kid(7)]).adopt(vec![kid(8), kid(1), "no".into()]).remove_unknown(true);
    let plan = publish(&site, &some, hour(2));
    let kids: Vec<_> = entries(&site).iter().map(|entry| entry["kid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kids, [kid(1), kid(2), kid(8)]);
    assert_eq!(plan.warnings, [PlanWarning::NothingToAdopt(kid(1)), PlanWarning::NothingToAdopt("no".to_owned())]);
}

#[test]
fn other_key_under_a_retired_key_id_is_unknown() {
    let site = site();
    let mut other = jwk(7).to_value();
    other["kid"] = kid(2).into();
    edit(&site, |entries| entries[1] = other);
    let plan = publish(&site, &desired(&[1]), hour(2));
    assert_eq!(plan.keys[1].state, KeyState::Unknown);
    // The missing key is no longer recorded.
    assert_eq!(plan.documents[0].change, Change::Recorded);
}

#[test]
fn site_without_a_record_is_adopted() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0));
    let all: Vec<_> = unknown_entries().into_iter().map(|(_, entry, _)| entry).collect();
    // Two of them have the same ID.
    let all: Vec<_> = all.into_iter().filter(|entry| entry["kid"] != "2026-11").collect();
    let found = stored(&site);
    let published = [&[jwk(1).to_value()], all.as_slice()].concat();
    let bytes = json!({ "keys": published }).to_string().into_bytes();
    let bare = Content { bytes, headers: found.headers.unwrap(), retention: Retention::default() };
    block_on(site.write(&issuer().jwks_path(), &bare, &Condition::IfMatch(found.etag))).unwrap();
    assert!(faults(&site, hour(0)).is_empty());
    let prune = desired(&[1]).prune(true).retain(std::time::Duration::ZERO);
    let first = publish(&site, &prune, hour(1));
    assert_eq!((first.adopted, first.documents[0].change), (all.len(), Change::Recorded));
    let retired = KeyState::Retired { since: hour(1), due: hour(1) };
    assert!(first.keys[1..].iter().all(|key| key.state == retired), "{first:?}");
    let second = publish(&site, &desired(&[1]), hour(2));
    assert!(second.adopted == 0 && !second.is_drift() && second.warnings.is_empty(), "{second:?}");
    assert!(faults(&site, hour(2)).is_empty());
    edit(&site, |entries| entries.push(json!({ "kty": "OKP", "x": "BBBB" })));
    assert_eq!(publish(&site, &desired(&[1]), hour(3)).warnings, [PlanWarning::UnknownKey(None)]);
}

#[test]
fn input_key_missing_from_the_record_is_recorded() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0));
    let found = stored(&site);
    let record = Retention::from_text(r#"{"issuer":"https://issuer.example.com"}"#).unwrap();
    let content = Content { bytes: found.bytes, headers: found.headers.unwrap(), retention: record };
    block_on(site.write(&issuer().jwks_path(), &content, &Condition::IfMatch(found.etag))).unwrap();
    let kept = publish(&site, &desired(&[1]), hour(1));
    assert_eq!((kept.keys[0].state, kept.documents[0].change), (KeyState::Kept, Change::Recorded));
    let record = stored(&site).retention;
    assert!(record.record().unwrap().knows(&jwk(1)));
    // It is retired when it leaves the input, like any recorded key.
    let retired = KeyState::Retired { since: hour(2), due: hour(50) };
    assert_eq!(publish(&site, &desired(&[3]), hour(2)).keys[1].state, retired);
}

#[test]
fn earlier_record_knows_external_keys_by_kid() {
    let record = Retention::from_text(r#"{"keys":{"2026-11":[5,7],"":[6]}}"#).unwrap();
    let named = |kid: &str| Jwk::from_value(json!({ "kty": "RSA", "kid": kid, "n": "AQAB", "e": "AQAB" }));
    assert!(record.knows(&named("2026-11")) && record.knows(&named("")) && !record.knows(&named("2026-12")));
    assert_eq!(record.retired_since(&named("2026-11")), Timestamp::from_second(7).ok());
}

/// A JWKS of key 1 and key 2, with a stored record.
fn current(retention: StoredRetention) -> CurrentState {
    let documents = issuer::Documents::new(issuer(), &keys(&[1, 2]));
    let at = |bytes, retention| Stored { bytes, etag: ETag("1".to_owned()), headers: None, retention };
    let discovery = at(documents.discovery.to_bytes(), StoredRetention::Absent);
    let jwks = at(documents.jwks.to_bytes(), retention);
    let documents = [(DocumentKind::Jwks, jwks), (DocumentKind::Discovery, discovery)].into();
    CurrentState { documents, ..CurrentState::default() }
}

fn record(times: &str) -> StoredRetention {
    let text = format!(
        r#"{{"issuer":"https://issuer.example.com","keys":{{"{}":[1700000000],"{}":{times}}}}}"#,
        kid(1),
        kid(2)
    );
    StoredRetention::from_bytes(text.as_bytes())
}

#[test]
fn unreadable_record_is_a_warning_and_drops_nothing() {
    let long = format!(r#"{{"issuer":"{}"}}"#, "a".repeat(1 << 20));
    let cases: [(&[u8], RetentionError); 15] = [
        (b"", RetentionError::NotJson),
        (b"{", RetentionError::NotJson),
        (b"not a record", RetentionError::NotJson),
        (b"{} {}", RetentionError::NotJson),
        (b"\xff\xfe{}", RetentionError::NotJson),
        (b"null", RetentionError::Form),
        (b"[]", RetentionError::Form),
        (b"7", RetentionError::Form),
        (br#"{"keys":[]}"#, RetentionError::Form),
        (br#"{"issuer":7}"#, RetentionError::Form),
        (br#"{"keys":{"a":7}}"#, RetentionError::Form),
        (br#"{"keys":{"a":["2026"]}}"#, RetentionError::Form),
        (br#"{"keys":{"a":[true]}}"#, RetentionError::Form),
        (br#"{"keys":{"a":[1,2,3]}}"#, RetentionError::Form),
        (long.as_bytes(), RetentionError::TooLong),
    ];
    for (bytes, error) in cases {
        let current = current(StoredRetention::from_bytes(bytes));
        let prune = desired(&[1]).prune(true).retain(std::time::Duration::from_hours(24));
        let plan = Plan::new(&current, &prune, hour(0));
        assert_eq!(plan.warnings, [PlanWarning::RecordUnreadable(error)], "{plan:?}");
        assert_eq!(plan.keys[1].state, KeyState::Retired { since: hour(0), due: hour(24) });
        assert_eq!((plan.documents[0].change, plan.adopted), (Change::Recorded, 1));
        let none = prune.retain(std::time::Duration::ZERO);
        assert!(matches!(Plan::new(&current, &none, hour(0)).keys[1].state, KeyState::Retired { .. }));
        let unknown = desired(&[1]).remove_unknown(true);
        assert_eq!(Plan::new(&current, &unknown, hour(0)).refusals, [PlanRefusal::NoRecord]);
    }
}

#[test]
fn remove_unknown_requires_a_record() {
    let unknown = desired(&[1]).remove_unknown(true);
    assert_eq!(refusals(&Memory::default(), &unknown, hour(0)), [PlanRefusal::NoRecord]);
    assert_eq!(Plan::new(&current(StoredRetention::Absent), &unknown, hour(0)).refusals, [PlanRefusal::NoRecord]);
    assert!(PlanRefusal::NoRecord.hint().unwrap().starts_with("publish without --remove-unknown"));
}

#[test]
fn impossible_record_times_are_replaced_by_now() {
    let cases = [
        "[1700000000,1700000001]",
        "[1700000000,4102444800]",
        "[4102444800,4102444800]",
        "[null,9223372036854775807]",
        "[null,18446744073709551615]",
        "[null,1e300]",
        "[null,-1]",
        "[null,-9223372036854775808]",
        "[null,-1e300]",
        "[null,253402300800]",
        "[null,1700000001.5]",
    ];
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for times in cases {
        let current = current(record(times));
        let prune = desired(&[1]).prune(true);
        let plan = Plan::new(&current, &prune, now);
        assert_eq!(plan.keys[1].state, KeyState::Retired { since: now, due: prune.due(now) }, "{times}");
        assert_eq!((plan.documents[0].change, plan.warnings.len()), (Change::Recorded, 0), "{times}");
        let mut written = current;
        let jwks = written.documents.get_mut(&DocumentKind::Jwks).unwrap();
        jwks.retention = plan.documents[0].content.retention.clone().into();
        assert!(Plan::new(&written, &prune, now).is_unchanged(), "{times}");
        let later = Timestamp::from_second(1_700_000_000 + 48 * 3600).unwrap();
        assert_eq!(
            Plan::new(&written, &prune, later).keys[1].state,
            KeyState::Dropped(DropReason::Pruned { since: now })
        );
    }
}

#[test]
fn status_and_check_report_record_times_in_the_future() {
    let site = site();
    assert_eq!(faults(&site, hour(1)), []);
    assert_eq!(faults(&site, hour(0)), [SiteFault::RecordTimes]);
    assert!(plan(&site, &desired(&[1]), hour(0)).is_drift());
}

#[test]
fn clocks_over_five_minutes_apart_prevent_pruning() {
    let retired = record("[1700000000,1700000001]");
    let now = hour(100);
    let prune = desired(&[1]).prune(true);
    let second = |seconds: i64| Timestamp::from_second(now.as_second() + seconds).unwrap();
    for (site_time, is_apart) in [
        (None, false),
        (Some(0), false),
        (Some(300), false),
        (Some(-300), false),
        (Some(301), true),
        (Some(-301), true),
    ] {
        let site_time = site_time.map(second);
        let current = CurrentState { site_time, ..current(retired.clone()) };
        let clocks = site_time.filter(|_| is_apart).map(|site| ClocksApart { here: now, site });
        let plan = Plan::new(&current, &prune, now);
        assert_eq!(plan.refusals, clocks.map(PlanRefusal::PruneByWrongClock).into_iter().collect::<Vec<_>>());
        assert_eq!(plan.warnings, clocks.map(PlanWarning::ClocksApart).into_iter().collect::<Vec<_>>());
        // Without --prune there is nothing to prevent.
        let plan = Plan::new(&current, &desired(&[1]), now);
        assert!(plan.refusals.is_empty() && plan.warnings.len() == usize::from(is_apart));
    }
}

#[test]
fn slow_clock_does_not_shorten_retention() {
    let current = CurrentState { site_time: Some(hour(100)), ..current(record("[1700000000]")) };
    let plan = Plan::new(&current, &desired(&[1]), hour(0));
    assert_eq!(plan.keys[1].state, KeyState::Retired { since: hour(100), due: hour(148) });
}

#[test]
fn remove_drops_another_key_under_an_input_kid() {
    let site = site();
    let remove = desired(&[1]).remove(vec![kid(1)]);
    assert_eq!(refusals(&site, &remove, hour(2)), [PlanRefusal::RemoveWanted(kid(1))]);
    let mut other = jwk(7).to_value();
    other["kid"] = kid(1).into();
    edit(&site, |entries| entries.push(other));
    let plan = publish(&site, &remove, hour(2));
    assert_eq!(plan.warnings, [PlanWarning::OtherKey(kid(1))]);
    assert_eq!(entries(&site), [jwk(1).to_value(), jwk(2).to_value()]);
}
