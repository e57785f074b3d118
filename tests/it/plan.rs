//! Publishing adds keys, and removes keys only on request.

use async_trait::async_trait;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use crate::support::encode;
use issuer::{
    Change, DesiredState, DropReason, IssuerUrl, Jwk, Jwks, KeySet, KeyState, Plan, PlanRefusal, PlanWarning,
    Publication, PublishError, RelyingParty, Timestamp,
    site::{Condition, Content, Headers, Memory, Site, SiteError},
};
use proptest::prelude::*;

const HOUR: i64 = 3600;

pub(crate) fn issuer() -> IssuerUrl {
    "https://issuer.example.com".parse().unwrap()
}

/// A time, in hours after a fixed start.
pub(crate) fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + hours * HOUR).unwrap()
}

pub(crate) fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

pub(crate) fn keys(numbers: &[u8]) -> KeySet {
    let pem: String = numbers.iter().map(|number| encode::numbered_pem(*number)).collect();
    KeySet::from_bytes(pem.as_bytes()).unwrap()
}

fn desired(numbers: &[u8]) -> DesiredState {
    DesiredState::new(issuer(), keys(numbers))
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn publish(site: &dyn Site, desired: &DesiredState, at: Timestamp) -> Result<Publication, PublishError> {
    block_on(issuer::publish(site, desired, &at))
}

fn plan(site: &dyn Site, desired: &DesiredState, at: Timestamp) -> Plan {
    block_on(issuer::plan(site, desired, &at)).unwrap()
}

fn published(site: &dyn Site) -> Vec<String> {
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap();
    let jwks = stored.map(|stored| Jwks::parse(&stored.bytes).unwrap()).unwrap_or_default();
    jwks.keys.iter().map(|key| key.kid().unwrap_or_default().to_owned()).collect()
}

fn kids(numbers: &[u8]) -> Vec<String> {
    numbers.iter().map(|number| kid(*number)).collect()
}

fn put(site: &dyn Site, path: &issuer::DocumentPath, bytes: &[u8]) {
    let headers = Headers {
        content_type: "application/json".to_owned(),
        cache_control: "public, max-age=300".to_owned(),
        content_encoding: None,
    };
    let content = Content { bytes: bytes.to_vec(), headers, retention: issuer::Retention::default() };
    block_on(site.write(path, &content, &Condition::IfNoneMatch)).unwrap();
}

fn refusals(site: &dyn Site, desired: &DesiredState) -> Vec<PlanRefusal> {
    match publish(site, desired, hour(0)) {
        Err(PublishError::Refused { plan, .. }) => plan.refusals,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rotation_drops_the_old_key_only_when_due() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    publish(&site, &desired(&[1, 2]), hour(1)).unwrap();
    assert_eq!(published(&site), kids(&[1, 2]));
    let retired = publish(&site, &desired(&[2]), hour(2)).unwrap();
    assert_eq!(published(&site), kids(&[2, 1]));
    assert_eq!(retired.plan.keys[1].state, KeyState::Retired { since: hour(2), due: hour(50) });

    let prune = desired(&[2]).prune(true);
    let early = publish(&site, &prune, hour(50).checked_sub(Duration::from_secs(1)).unwrap()).unwrap();
    assert_eq!(early.plan.keys[1].state, KeyState::Retired { since: hour(2), due: hour(50) });
    assert_eq!(published(&site), kids(&[2, 1]));
    let late = publish(&site, &desired(&[2]), hour(1000)).unwrap();
    assert!(late.plan.is_unchanged(), "a key was removed without a request");
    let due = publish(&site, &prune, hour(50)).unwrap();
    assert_eq!(due.plan.keys[1].state, KeyState::Dropped(DropReason::Pruned { since: hour(2) }));
    assert_eq!(published(&site), kids(&[2]));
}

#[test]
fn retirement_time_survives_later_publishes() {
    let site = Memory::default();
    publish(&site, &desired(&[1, 2]), hour(0)).unwrap();
    publish(&site, &desired(&[2]), hour(10)).unwrap();
    for at in [11, 20, 40] {
        let again = publish(&site, &desired(&[2]), hour(at)).unwrap();
        assert_eq!(again.plan.keys[1].state, KeyState::Retired { since: hour(10), due: hour(58) });
        assert!(again.plan.is_unchanged());
    }
}

#[test]
fn returned_key_is_no_longer_retired() {
    let site = Memory::default();
    publish(&site, &desired(&[1, 2]), hour(0)).unwrap();
    publish(&site, &desired(&[2]), hour(1)).unwrap();
    let back = publish(&site, &desired(&[1, 2]), hour(40)).unwrap();
    assert_eq!(back.plan.keys[0].state, KeyState::Returned);
    let prune = desired(&[2]).prune(true);
    let missed = publish(&site, &prune, hour(60)).unwrap();
    assert_eq!(missed.plan.keys[1].state, KeyState::Retired { since: hour(60), due: hour(108) });
}

#[test]
fn key_is_removed_at_once_only_by_name() {
    let site = Memory::default();
    publish(&site, &desired(&[1, 2, 3]), hour(0)).unwrap();
    publish(&site, &desired(&[1]).remove(vec![kid(2)]), hour(0)).unwrap();
    assert_eq!(published(&site), kids(&[1, 3]));
    let refused = refusals(&site, &desired(&[1]).remove(vec![kid(1)]));
    assert_eq!(refused, [PlanRefusal::RemoveWanted(kid(1))]);
    let unknown = publish(&site, &desired(&[1]).remove(vec![kid(9)]), hour(0)).unwrap();
    assert_eq!(unknown.plan.warnings, [PlanWarning::NotPublished(kid(9))]);
}

#[test]
fn published_issuer_changes_only_with_the_flag() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let slash = DesiredState::new("https://issuer.example.com/".parse().unwrap(), desired(&[1]).keys);
    let (current, desired) = ("https://issuer.example.com".to_owned(), "https://issuer.example.com/".to_owned());
    assert_eq!(refusals(&site, &slash), [PlanRefusal::IssuerChange { current, desired }]);
    let told = publish(&site, &slash.allow_issuer_change(true), hour(0)).unwrap();
    assert_eq!(told.plan.documents[1].change, Change::Changed);
}

#[test]
fn keys_of_a_jwks_at_another_path_are_kept() {
    let site = Memory::default();
    let linked = issuer().path_below("https://issuer.example.com/keys.json").unwrap();
    put(&site, &linked, &Jwks::from_keys(keys(&[7]).iter()).to_bytes());
    let discovery = br#"{"issuer":"https://issuer.example.com","jwks_uri":"https://issuer.example.com/keys.json"}"#;
    put(&site, &issuer().discovery_path(), discovery);
    let publication = publish(&site, &desired(&[1]), hour(0)).unwrap();
    assert_eq!(published(&site), kids(&[1, 7]));
    assert_eq!(publication.plan.warnings, [PlanWarning::JwksMoves("keys.json".to_owned())]);
}

#[test]
fn key_in_two_published_documents_counts_once() {
    let site = Memory::default();
    let linked = issuer().path_below("https://issuer.example.com/keys.json").unwrap();
    let mut entry = Jwk::new(keys(&[7])[0].clone()).to_value();
    put(&site, &issuer().jwks_path(), serde_json::json!({ "keys": [entry] }).to_string().as_bytes());
    // The same key with other members, as another tool writes it.
    entry["x5t"] = "AAAA".into();
    put(&site, &linked, serde_json::json!({ "keys": [entry] }).to_string().as_bytes());
    let discovery = br#"{"issuer":"https://issuer.example.com","jwks_uri":"https://issuer.example.com/keys.json"}"#;
    put(&site, &issuer().discovery_path(), discovery);
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    assert_eq!(published(&site), kids(&[1, 7]));
}

#[test]
fn external_jwks_uri_is_replaced_only_with_the_flag() {
    let site = Memory::default();
    let discovery = br#"{"issuer":"https://issuer.example.com","jwks_uri":"https://192.0.2.2:16443/openid/v1/jwks"}"#;
    put(&site, &issuer().discovery_path(), discovery);
    let refused = refusals(&site, &desired(&[1]));
    assert_eq!(refused, [PlanRefusal::JwksUriChange { current: "https://192.0.2.2:16443/openid/v1/jwks".to_owned() }]);
    publish(&site, &desired(&[1]).allow_jwks_uri_change(true), hour(0)).unwrap();
}

#[test]
fn foreign_entries_stay_unchanged() {
    let site = Memory::default();
    let foreign = format!(
        r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","x":"AAAA","kid":"ed"}},{},{{"kty":"RSA","kid":"odd","n":"!","e":"AQAB"}},
           {{"kty":"OKP","x":"AAAA"}},{{"kty":"OKP","x":"BBBB"}},{{}},{{"kty":"OKP","number":0.90494076670778435}}]}}"#,
        encode::jwk(&[&[0x81], vec![3; 255].as_slice()].concat(), &[1, 0, 1])
    );
    put(&site, &issuer().jwks_path(), foreign.as_bytes());
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    let before: serde_json::Value = serde_json::from_str(&foreign).unwrap();
    let after: serde_json::Value = serde_json::from_slice(&stored.bytes).unwrap();
    assert_eq!(after["keys"].as_array().unwrap()[1..], before["keys"].as_array().unwrap()[..]);
    assert!(plan(&site, &desired(&[1]), hour(1)).is_unchanged());
}

#[test]
fn non_object_entry_is_removed_with_a_warning() {
    let cases = [
        ("null", "an entry that is not a JSON object, number 2: it holds no key and is removed"),
        ("\"key\"", "an entry that is not a JSON object, number 2: it holds no key and is removed"),
        ("9,true,[]", "3 entries that are not JSON objects, the first is number 2: they hold no key and are removed"),
    ];
    for (entries, said) in cases {
        let site = Memory::default();
        let key = Jwk::new(keys(&[5])[0].clone()).to_value();
        put(&site, &issuer().jwks_path(), format!(r#"{{"keys":[{key},{entries},{{"kty":"OKP"}}]}}"#).as_bytes());
        let first = publish(&site, &desired(&[1]), hour(0)).unwrap().plan;
        assert_eq!(first.warnings.len(), 1, "{entries}");
        assert_eq!(first.warnings[0].to_string(), format!("the published JWKS has {said}"));
        let expected = Jwks { keys: vec![Jwk::new(keys(&[1])[0].clone()), Jwk::from_value(key), ed()] };
        let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
        assert_eq!(Jwks::parse(&stored.bytes), Ok(expected), "{entries}");
        let second = plan(&site, &desired(&[1]), hour(1));
        assert!(second.is_unchanged() && second.warnings.is_empty(), "{entries}");
    }
}

/// An entry of a type that this crate does not read.
fn ed() -> Jwk {
    Jwk::from_value(serde_json::json!({ "kty": "OKP" }))
}

#[test]
fn status_reports_a_non_object_entry() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let entry = Jwk::new(keys(&[1])[0].clone()).to_value();
    let site_with = |entries: serde_json::Value| {
        let other = Memory::default();
        let discovery = block_on(site.read(&issuer().discovery_path())).unwrap().unwrap();
        put(&other, &issuer().discovery_path(), &discovery.bytes);
        put(&other, &issuer().jwks_path(), serde_json::json!({ "keys": entries }).to_string().as_bytes());
        block_on(issuer::status(&other, &issuer(), DesiredState::RETAIN, &hour(0))).unwrap()
    };
    let status = site_with(serde_json::json!([entry, null]));
    let faults: Vec<_> = status.faults.iter().map(ToString::to_string).collect();
    assert_eq!(faults, ["the JWKS cannot be parsed: its entry 2 is not a JSON object"]);
    assert_eq!((status.documents, status.keys.len()), (None, 2));
    assert!(site_with(serde_json::json!([entry, {}])).faults.is_empty());
}

#[test]
fn usable_key_stays_beside_its_unusable_duplicate() {
    let site = Memory::default();
    let good = Jwk::new(keys(&[5])[0].clone()).to_value();
    let mut unusable = good.clone();
    unusable["use"] = "enc".into();
    put(&site, &issuer().jwks_path(), serde_json::json!({ "keys": [unusable, good] }).to_string().as_bytes());
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    assert!(Jwks::parse(&stored.bytes).unwrap().keys.contains(&Jwk::new(keys(&[5])[0].clone())));
}

#[test]
fn other_key_under_an_input_key_id_is_replaced() {
    let site = Memory::default();
    let mut other = Jwk::new(keys(&[5])[0].clone()).to_value();
    other["kid"] = kid(1).into();
    put(&site, &issuer().jwks_path(), serde_json::json!({ "keys": [other] }).to_string().as_bytes());
    let plan = publish(&site, &desired(&[1]), hour(0)).unwrap().plan;
    assert_eq!(plan.warnings, [PlanWarning::OtherKey(kid(1))]);
    assert_eq!(plan.keys[0].state, KeyState::Added);
    assert_eq!(published(&site), kids(&[1]));
}

#[test]
fn published_private_members_are_removed() {
    let site = Memory::default();
    let mut entry = Jwk::new(keys(&[5])[0].clone()).to_value();
    entry["d"] = "c2VjcmV0".into();
    put(&site, &issuer().jwks_path(), serde_json::json!({ "keys": [entry] }).to_string().as_bytes());
    let publication = publish(&site, &desired(&[1]), hour(0)).unwrap();
    assert_eq!(publication.plan.warnings, [PlanWarning::PrivateMembers(kid(5))]);
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    assert!(!String::from_utf8(stored.bytes).unwrap().contains("c2VjcmV0"));
    assert_eq!(published(&site), kids(&[1, 5]));
}

#[test]
fn entries_are_judged_without_their_private_members() {
    let with = |mut entry: serde_json::Value, name: &str, text: &str| {
        entry[name] = text.into();
        entry
    };
    let entry = |index| Jwk::new(keys(&[index])[0].clone()).to_value();
    let site = |entries: [serde_json::Value; 2]| {
        let site = Memory::default();
        put(&site, &issuer().jwks_path(), serde_json::json!({ "keys": entries }).to_string().as_bytes());
        site
    };
    // The same entry with and without a private member is one entry.
    let same = site([with(entry(5), "d", "c2VjcmV0"), entry(5)]);
    let publication = publish(&same, &desired(&[1]), hour(0)).unwrap();
    assert_eq!(publication.plan.warnings, [PlanWarning::PrivateMembers(kid(5))]);
    assert!(!format!("{publication:?}").contains("c2VjcmV0"));
    assert_eq!(published(&same), kids(&[1, 5]));
    assert!(publish(&same, &desired(&[1]), hour(0)).unwrap().plan.is_unchanged());
    // Two keys of one key ID are refused, also where one has a private member.
    let twice = site([with(entry(5), "d", "c2VjcmV0"), with(entry(6), "kid", &kid(5))]);
    assert_eq!(refusals(&twice, &desired(&[1])), [PlanRefusal::KeyIdTwice(kid(5))]);
}

#[test]
fn empty_documents_and_error_pages_are_replaced() {
    let site = Memory::default();
    put(&site, &issuer().jwks_path(), b"");
    put(&site, &issuer().discovery_path(), b"<html>");
    let publication = publish(&site, &desired(&[1]), hour(0)).unwrap();
    let warnings: Vec<_> = publication.plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "the published JWKS is replaced, and its previous contents are lost: it is empty",
            "the published discovery document is replaced, and its previous contents are lost: it is an HTML page, not JSON",
        ]
    );
    assert_eq!(published(&site), kids(&[1]));
}

#[test]
fn malformed_document_is_overwritten_only_with_the_flag() {
    let jwks = Jwks::from_keys(keys(&[7]).iter()).to_bytes();
    for (path, bytes, document) in [
        (issuer().jwks_path(), [&jwks[..], b" x"].concat(), "JWKS"),
        (issuer().jwks_path(), jwks[..jwks.len() - 1].to_vec(), "JWKS"),
        (issuer().jwks_path(), br#"{"keys":{}}"#.to_vec(), "JWKS"),
        (
            issuer().discovery_path(),
            br#"{"issuer":"https://other.example.com","jwks_uri":}"#.to_vec(),
            "discovery document",
        ),
    ] {
        let site = Memory::default();
        put(&site, &path, &bytes);
        let refused = refusals(&site, &desired(&[1]));
        let [PlanRefusal::Unreadable { document: said, .. }] = refused.as_slice() else { panic!("{refused:?}") };
        assert_eq!(*said, document);
        let told = desired(&[1]).replace_unreadable(true);
        let publication = publish(&site, &told, hour(0)).unwrap();
        assert!(matches!(publication.plan.warnings.as_slice(), [PlanWarning::Replaced { .. }]));
    }
}

#[test]
fn missing_jwks_of_the_jwks_uri_is_written_with_a_warning() {
    let site = Memory::default();
    let documents = issuer::Documents::new(issuer(), &keys(&[1, 2]));
    put(&site, &issuer().discovery_path(), &documents.discovery.to_bytes());
    let publication = publish(&site, &desired(&[1]), hour(0)).unwrap();
    let warnings: Vec<_> = publication.plan.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings, ["the published JWKS is replaced, and its previous contents are lost: it does not exist"]);
    assert_eq!(published(&site), kids(&[1]));
}

#[test]
fn replace_unreadable_does_not_change_a_readable_issuer() {
    let site = Memory::default();
    put(&site, &issuer().discovery_path(), br#"{"issuer":"https://other.example.com"}"#);
    let told = desired(&[1]).replace_unreadable(true);
    assert!(matches!(refusals(&site, &told).as_slice(), [PlanRefusal::IssuerChange { .. }]));
}

#[test]
fn lost_race_between_writes_reports_the_first_write() {
    let site = Memory::default();
    publish(&site, &desired(&[3]), hour(0)).unwrap();
    let rival = desired(&[2]);
    let overtaken = Watched::overtaken_by(&site, &rival);
    let mut ours = desired(&[1]).remove(vec![kid(3)]).allow_issuer_change(true);
    // The discovery document must change, or there is no second write.
    let ec = KeySet::from_bytes(&crate::support::recording("mixed-keys").bytes("p256.pub")).unwrap();
    ours.keys = KeySet::from_keys(ours.keys.iter().chain(ec.iter()).cloned()).unwrap();
    let publication = publish(&overtaken, &ours, hour(1)).unwrap();
    assert_eq!(publication.attempts, 2);
    assert!(!publication.plan.is_unchanged());
    assert_eq!(publication.plan.keys[0].state, KeyState::Added);
    assert_eq!(publication.plan.keys.last().unwrap().state, KeyState::Dropped(DropReason::Removed));
    assert!(publication.plan.warnings.iter().all(|warning| !matches!(warning, PlanWarning::NotPublished(_))));
    // The published JWKS has the rival's key, too.
    let now: Vec<_> = publication.documents.jwks.keys.iter().map(|key| key.kid().unwrap().to_owned()).collect();
    assert!(now.contains(&kid(2)) && now == published(&site), "{now:?}");
}

#[test]
fn unusual_discovery_member_does_not_hide_the_issuer() {
    for odd in [
        r#""subject_types_supported":null"#,
        r#""response_types_supported":"id_token""#,
        r#""id_token_signing_alg_values_supported":[1]"#,
    ] {
        let site = Memory::default();
        let discovery =
            format!(r#"{{"issuer":"https://other.example.com","jwks_uri":"https://cdn.example.com/keys",{odd}}}"#);
        put(&site, &issuer().discovery_path(), discovery.as_bytes());
        let refused = refusals(&site, &desired(&[1]));
        assert!(
            matches!(refused.as_slice(), [PlanRefusal::IssuerChange { .. }, PlanRefusal::JwksUriChange { .. }]),
            "{refused:?}"
        );
    }
}

#[test]
fn jwks_names_its_issuer_before_discovery_is_written() {
    let site = Memory::default();
    let dying = Watched::dying_after(&site, 1);
    assert!(publish(&dying, &desired(&[1]), hour(0)).is_err());
    // The publisher of another cluster, whose issuer differs by a slash, runs between the writes.
    let slash = DesiredState::new("https://issuer.example.com/".parse().unwrap(), desired(&[2]).keys);
    assert!(matches!(refusals(&site, &slash).as_slice(), [PlanRefusal::IssuerChange { .. }]));
    assert_eq!(published(&site), kids(&[1]));
    publish(&site, &desired(&[1]), hour(0)).unwrap();
}

#[test]
fn foreign_site_gets_a_record_with_unchanged_documents() {
    let site = Memory::default();
    let documents = issuer::Documents::new(issuer(), &keys(&[1]));
    put(&site, &issuer().jwks_path(), &documents.jwks.to_bytes());
    put(&site, &issuer().discovery_path(), &documents.discovery.to_bytes());
    let first = publish(&site, &desired(&[1]), hour(0)).unwrap();
    assert_eq!((first.plan.documents[0].change, first.plan.documents[1].change), (Change::Recorded, Change::Unchanged));
    assert!(plan(&site, &desired(&[1]), hour(0)).is_unchanged());
}

#[test]
fn oversized_rsa_key_is_published_with_a_warning() {
    let large = encode::rsa_spki(&[&[0x80], vec![1; 1024].as_slice()].concat(), &[1, 0, 1]);
    let desired = DesiredState::new(issuer(), KeySet::from_bytes(&large).unwrap());
    let publication = publish(&Memory::default(), &desired, hour(0)).unwrap();
    assert!(matches!(publication.plan.warnings.as_slice(), [PlanWarning::RsaTooLarge { bits: 8200, .. }]));
}

#[test]
fn different_headers_are_a_change() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let other = desired(&[1]).cache_control("no-cache".to_owned());
    let changed = plan(&site, &other, hour(0));
    assert_eq!((changed.documents[0].change, changed.documents[1].change), (Change::Changed, Change::Changed));
}

#[test]
fn entra_rules_apply_unless_for_oidc() {
    let many: Vec<u8> = (1..=101).collect();
    assert_eq!(refusals(&Memory::default(), &desired(&many)), [PlanRefusal::TooManyKeys(101)]);
    publish(&Memory::default(), &desired(&many[1..]), hour(0)).unwrap();
    let oidc = desired(&many).relying_party(RelyingParty::Oidc);
    publish(&Memory::default(), &oidc, hour(0)).unwrap();

    let p256 = KeySet::from_bytes(&crate::support::recording("mixed-keys").bytes("p256.pub")).unwrap();
    let ec = DesiredState::new(issuer(), p256);
    assert_eq!(refusals(&Memory::default(), &ec), [PlanRefusal::NoRsaKey]);
    publish(&Memory::default(), &ec.relying_party(RelyingParty::Oidc), hour(0)).unwrap();
}

#[test]
fn rsa_key_under_2048_bits_is_always_refused() {
    let weak = encode::rsa_spki(&[&[0x80], vec![1; 254].as_slice()].concat(), &[1, 0, 1]);
    let weak = KeySet::from_bytes(&weak).unwrap();
    for relying_party in [RelyingParty::Entra, RelyingParty::Oidc] {
        let desired = DesiredState::new(issuer(), weak.clone()).relying_party(relying_party);
        let refused = refusals(&Memory::default(), &desired);
        assert!(matches!(refused.as_slice(), [PlanRefusal::RsaTooSmall { bits: 2040, .. }]), "{refused:?}");
    }
}

/// A history of publishes: which keys, how many hours later, whether to prune, what to remove.
#[derive(Clone, Debug)]
struct Step {
    input: Vec<u8>,
    later: i64,
    prune: bool,
    remove: Option<u8>,
}

fn history() -> impl Strategy<Value = Vec<Step>> {
    let step = (prop::collection::vec(1_u8..6, 1..4), 0_i64..60, any::<bool>(), prop::option::weighted(0.2, 1_u8..6))
        .prop_map(|(input, later, prune, remove)| Step { input, later, prune, remove });
    prop::collection::vec(step, 1..8)
}

proptest! {
    #[test]
    fn any_history_drops_keys_only_on_request_and_when_due(history in history()) {
        let site = Memory::default();
        let mut now = 0;
        // When each published key was last in the input, tracked independently of the plan.
        let mut last_seen: std::collections::BTreeMap<String, i64> = std::collections::BTreeMap::new();
        for Step { input, later, prune, remove } in history {
            now += later;
            let before = published(&site);
            let remove: Vec<_> = remove.filter(|key| !input.contains(key)).map(kid).into_iter().collect();
            let desired = desired(&input).prune(prune).remove(remove.clone());
            let publication = publish(&site, &desired, hour(now)).unwrap();
            prop_assert_eq!(publication.attempts, 1);
            let after = published(&site);
            for key in kids(&input) {
                prop_assert!(after.contains(&key), "a key of the input is not published");
            }
            for key in before.iter().filter(|key| !after.contains(key)) {
                let missed = now - last_seen[key];
                prop_assert!(remove.contains(key) || (prune && missed >= 48), "{} went after {} h", key, missed);
            }
            for key in kids(&input) {
                last_seen.insert(key, now);
            }
            let again = plan(&site, &desired.remove(Vec::new()), hour(now));
            prop_assert!(again.is_unchanged(), "{:?}", again);
        }
    }

    #[test]
    fn arbitrary_published_bytes_give_a_plan_or_refusal(jwks in any::<Vec<u8>>(), discovery in any::<Vec<u8>>()) {
        let site = Memory::default();
        put(&site, &issuer().jwks_path(), &jwks);
        put(&site, &issuer().discovery_path(), &discovery);
        // Random bytes are not a document, so nothing may be overwritten, and nothing may panic.
        let refused = plan(&site, &desired(&[1]), hour(0)).refusals;
        prop_assert!(refused.iter().all(|refusal| matches!(refusal, PlanRefusal::Unreadable { .. })), "{:?}", refused);
    }
}

type BeforeWrite<'a> = Box<dyn Fn(&issuer::DocumentPath) -> Result<(), SiteError> + Send + Sync + 'a>;

/// A site that calls a function before each write. The function may fail as if the publisher was killed.
struct Watched<'a> {
    site: &'a Memory,
    before_write: BeforeWrite<'a>,
    /// The first write of this document takes effect and returns a lost race. This happens when the answer is lost and
    /// the request is retried.
    loses_answer_of: Mutex<Option<issuer::DocumentPath>>,
    /// The number of lost races at each back-off.
    lost_races: Mutex<Vec<u32>>,
}

impl<'a> Watched<'a> {
    fn new(site: &'a Memory, before_write: BeforeWrite<'a>) -> Self {
        Self { site, before_write, loses_answer_of: Mutex::default(), lost_races: Mutex::default() }
    }

    fn losing_answer_of(site: &'a Memory, path: issuer::DocumentPath) -> Self {
        let before_write = Box::new(|_: &issuer::DocumentPath| Ok(()));
        Self { loses_answer_of: Mutex::new(Some(path)), ..Self::new(site, before_write) }
    }

    /// The publisher is killed after this number of writes.
    fn dying_after(site: &'a Memory, writes: usize) -> Self {
        let left = AtomicUsize::new(writes);
        let before_write = Box::new(move |_: &issuer::DocumentPath| {
            let alive = left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok();
            if alive { Ok(()) } else { Err(SiteError::other("killed")) }
        });
        Self::new(site, before_write)
    }

    /// The write of the discovery document loses the race once.
    fn overtaken_by(site: &'a Memory, rival: &'a DesiredState) -> Self {
        let came = AtomicBool::new(false);
        let before_write = Box::new(move |path: &issuer::DocumentPath| {
            if *path == issuer().discovery_path() && !came.swap(true, SeqCst) {
                std::thread::scope(|scope| scope.spawn(|| publish(site, rival, hour(0))).join().unwrap())
                    .map_err(SiteError::other)?;
            }
            Ok(())
        });
        Self::new(site, before_write)
    }
}

#[async_trait]
impl Site for Watched<'_> {
    fn name(&self) -> String {
        self.site.name()
    }

    async fn read(&self, path: &issuer::DocumentPath) -> Result<Option<issuer::site::Stored>, SiteError> {
        self.site.read(path).await
    }

    async fn write(
        &self,
        path: &issuer::DocumentPath,
        content: &Content,
        condition: &Condition,
    ) -> Result<issuer::site::Written, SiteError> {
        (self.before_write)(path)?;
        let written = self.site.write(path, content, condition).await?;
        let lost = self.loses_answer_of.lock().unwrap().take_if(|lost| lost == path).is_some();
        Ok(if lost { issuer::site::Written::PreconditionFailed } else { written })
    }

    async fn back_off(&self, lost_races: u32) {
        self.lost_races.lock().unwrap().push(lost_races);
    }

    async fn remove(
        &self,
        path: &issuer::DocumentPath,
        etag: &issuer::site::ETag,
    ) -> Result<issuer::site::Written, SiteError> {
        (self.before_write)(path)?;
        self.site.remove(path, etag).await
    }
}

#[test]
fn publisher_killed_between_writes_is_finished_by_the_next() {
    for writes in 0..=2 {
        let site = Memory::default();
        let dying = Watched::dying_after(&site, writes);
        assert_eq!(publish(&dying, &desired(&[1]), hour(0)).is_ok(), writes == 2);
        let there = |path| block_on(site.read(&path)).unwrap().is_some();
        assert_eq!((there(issuer().jwks_path()), there(issuer().discovery_path())), (writes > 0, writes > 1));
        publish(&site, &desired(&[1]), hour(0)).unwrap();
        assert!(plan(&site, &desired(&[1]), hour(0)).is_unchanged());
    }
}

#[test]
fn concurrent_publish_and_removal_leave_both_or_neither() {
    // The removal runs between the publisher's read and its write of the discovery document.
    for removed_first in [false, true] {
        let site = Memory::default();
        publish(&site, &desired(&[1]), hour(0)).unwrap();
        if removed_first {
            let stored = block_on(site.read(&issuer().discovery_path())).unwrap().unwrap();
            block_on(site.remove(&issuer().discovery_path(), &stored.etag)).unwrap();
        }
        let came = AtomicBool::new(false);
        let racing = Watched::new(
            &site,
            Box::new(|path: &issuer::DocumentPath| {
                if *path == issuer().discovery_path() && !came.swap(true, SeqCst) {
                    std::thread::scope(|scope| {
                        let remove = || block_on(issuer::unpublish(&site, &issuer(), &issuer::RemovalGuard::Force));
                        scope.spawn(remove).join().unwrap()
                    })
                    .map_err(SiteError::other)?
                    .unwrap();
                }
                Ok(())
            }),
        );
        publish(&racing, &desired(&[1]), hour(0)).unwrap();
        assert!(came.load(SeqCst) == removed_first, "an unchanged discovery document is not written");
        let there = |path| block_on(site.read(&path)).unwrap().is_some();
        assert!(there(issuer().jwks_path()) && there(issuer().discovery_path()));
    }
}

#[test]
fn remover_that_loses_the_race_removes_the_new_documents() {
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let came = AtomicBool::new(false);
    let racing = Watched::new(
        &site,
        Box::new(|path: &issuer::DocumentPath| {
            if *path == issuer().jwks_path() && !came.swap(true, SeqCst) {
                std::thread::scope(|scope| scope.spawn(|| publish(&site, &desired(&[1]), hour(0))).join().unwrap())
                    .map_err(SiteError::other)?;
            }
            Ok(())
        }),
    );
    let removal = block_on(issuer::unpublish(&racing, &issuer(), &issuer::RemovalGuard::Force)).unwrap().unwrap();
    let discovery = issuer().discovery_path();
    assert_eq!(removal.removed, [discovery.clone(), issuer().jwks_path(), discovery]);
    let there = |path| block_on(site.read(&path)).unwrap().is_some();
    assert!(!there(issuer().jwks_path()) && !there(issuer().discovery_path()));
}

#[test]
fn lost_answer_still_reports_the_written_documents() {
    for path in [issuer().jwks_path(), issuer().discovery_path()] {
        let site = Memory::default();
        let forgetful = Watched::losing_answer_of(&site, path);
        let publication = publish(&forgetful, &desired(&[1]), hour(0)).unwrap();
        assert_eq!(publication.plan.keys[0].state, KeyState::Added);
        assert_eq!(publication.plan.documents[1].change, Change::Created);
    }
    let site = Memory::default();
    publish(&site, &desired(&[1]), hour(0)).unwrap();
    let path = issuer().discovery_path();
    let stored = block_on(site.read(&path)).unwrap().unwrap();
    block_on(site.remove(&path, &stored.etag)).unwrap();
    let forgetful = Watched::losing_answer_of(&site, path);
    let publication = publish(&forgetful, &desired(&[1]), hour(0)).unwrap();
    assert_eq!(publication.plan.documents[1].change, Change::Created);
    assert!(!publication.plan.is_unchanged());
}

#[test]
fn completed_removal_is_not_refused_after_a_lost_answer() {
    for path in [issuer().jwks_path(), issuer().discovery_path()] {
        let site = Memory::default();
        publish(&site, &desired(&[2]), hour(0)).unwrap();
        // Another publisher publishes another key under our key ID, and changes the discovery document.
        let (jwks, discovery) = (issuer().jwks_path(), issuer().discovery_path());
        for (path, from, to) in
            [(jwks, kid(2), kid(1)), (discovery, "\"public\"".to_owned(), "\"pairwise\"".to_owned())]
        {
            let stored = block_on(site.read(&path)).unwrap().unwrap();
            let bytes = String::from_utf8(stored.bytes).unwrap().replace(&from, &to).into_bytes();
            let retention = stored.retention.record().cloned().unwrap_or_default();
            let content = Content { bytes, headers: stored.headers.unwrap(), retention };
            block_on(site.write(&path, &content, &Condition::IfMatch(stored.etag))).unwrap();
        }
        let desired = desired(&[1]).remove(vec![kid(1)]);
        publish(&Watched::losing_answer_of(&site, path), &desired, hour(0)).unwrap();
        assert_eq!(published(&site), [kid(1)]);
    }
}

#[test]
fn publisher_that_loses_the_race_reports_all_keys() {
    let site = Memory::default();
    let rival = desired(&[3]).replace_unreadable(false);
    let publication = publish(&Watched::overtaken_by(&site, &rival), &desired(&[1, 2]), hour(0)).unwrap();
    let states: Vec<_> = publication.plan.keys.iter().map(|key| (key.kid().to_owned(), key.state)).collect();
    assert_eq!(states[0], (kid(1), KeyState::Added));
    assert_eq!(states[1], (kid(2), KeyState::Added));
    assert!(matches!(&states[2], (third, KeyState::Retired { .. }) if *third == kid(3)), "{states:?}");
    assert_eq!(publication.plan.documents[0].change, Change::Created);
    assert_eq!(published(&site).len(), 3);
}

#[test]
fn write_that_lost_the_race_is_not_reported() {
    let site = Memory::default();
    let came = AtomicBool::new(false);
    let overtaken = Watched::new(
        &site,
        Box::new(|path: &issuer::DocumentPath| {
            if *path == issuer().jwks_path() && !came.swap(true, SeqCst) {
                // The rival publishes our keys and a retired one: nothing is left to write, and the documents are the
                // rival's.
                let rival = || publish(&site, &desired(&[1, 2]), hour(0)).and(publish(&site, &desired(&[1]), hour(0)));
                std::thread::scope(|scope| scope.spawn(rival).join().unwrap()).map_err(SiteError::other)?;
            }
            Ok(())
        }),
    );
    let publication = publish(&overtaken, &desired(&[1]), hour(0)).unwrap();
    assert_eq!((publication.attempts, publication.plan.is_unchanged()), (2, true));
    assert_eq!(publication.plan.keys[0].state, KeyState::Kept);
}

#[test]
fn lost_races_are_counted_per_publish() {
    let site = Memory::default();
    let watched = Watched::losing_answer_of(&site, issuer().discovery_path());
    for (key, at) in [(1, 0), (2, 1)] {
        *watched.loses_answer_of.lock().unwrap() = Some(issuer().jwks_path());
        publish(&watched, &desired(&[key]), hour(at)).unwrap();
    }
    assert_eq!(*watched.lost_races.lock().unwrap(), [1, 1]);
}
