//! The limits at which a plan warns, each with a value just inside and just outside.

use std::time::Duration;

use crate::support::encode;
use issuer::{
    ClocksApart, CurrentState, DesiredState, DocumentKind, Jwk, KeySet, NotPublic, Plan, PlanRefusal, PlanWarning,
    RelyingParty, StoredRetention, Timestamp,
    site::{ETag, Stored},
};
use serde_json::json;

fn desired(keys: &KeySet) -> DesiredState {
    DesiredState::new("https://issuer.example.com".parse().unwrap(), keys.clone())
}

fn keys() -> KeySet {
    KeySet::from_bytes(&encode::numbered_spki(1)).unwrap()
}

fn warnings(desired: &DesiredState) -> Vec<PlanWarning> {
    Plan::new(&CurrentState::default(), desired, Timestamp::UNIX_EPOCH).warnings
}

#[test]
fn rsa_key_over_8192_bits_is_a_warning() {
    let key = |first: u8, bytes: usize| {
        KeySet::from_bytes(&encode::rsa_spki(&[&[first], vec![1; bytes].as_slice()].concat(), &[1, 0, 1])).unwrap()
    };
    let (largest, larger) = (key(0x80, 1023), key(1, 1024));
    assert_eq!((largest[0].bits(), warnings(&desired(&largest))), (8192, vec![]));
    let kid = larger[0].key_id().to_string();
    assert_eq!(warnings(&desired(&larger)), [PlanWarning::RsaTooLarge { kid, bits: 8193 }]);
}

#[test]
fn ec_key_beside_an_rsa_key_is_a_warning_for_entra() {
    let ec = KeySet::from_bytes(&crate::support::recording("mixed-keys").bytes("p256.pub")).unwrap();
    let both = desired(&KeySet::from_keys([keys()[0].clone(), ec[0].clone()]).unwrap());
    let (kid, kind) = (ec[0].key_id().to_string(), "P-256".to_owned());
    assert_eq!(warnings(&both), [PlanWarning::NotForEntra { kid, kind }]);
    assert_eq!(warnings(&both.relying_party(RelyingParty::Oidc)), []);
}

#[test]
fn max_age_over_a_tenth_of_retain_is_a_warning() {
    let retain = Duration::from_secs(1000);
    let warnings =
        |cache_control: &str| warnings(&desired(&keys()).retain(retain).cache_control(cache_control.to_owned()));
    let long = |seconds| [PlanWarning::LongCache { max_age: Duration::from_secs(seconds), retain }];
    for short in ["max-age=100", "no-store", "max-age=x", "stale-if-error=101", "Max-Age=\"100\", s-maxage=99"] {
        assert_eq!(warnings(short), [], "{short}");
    }
    assert_eq!(warnings("max-age=101"), long(101));
    assert_eq!(warnings("public, MAX-AGE=\"101\""), long(101));
    assert_eq!(warnings("max-age=1, S-MaxAge=102"), long(102));
}

#[test]
fn retention_under_24_hours_is_a_warning() {
    let day = Duration::from_hours(24);
    let second = day.saturating_sub(Duration::from_secs(1));
    let warnings =
        |retain, prune| warnings(&desired(&keys()).retain(retain).prune(prune).cache_control("no-store".to_owned()));
    assert_eq!((warnings(day, true), warnings(second, false)), (vec![], vec![]));
    assert_eq!(warnings(second, true), [PlanWarning::ShortRetention(second)]);
}

#[test]
fn clock_difference_is_described_with_its_size() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (early, late) = (time("2026-11-22T00:00:00.9Z"), time("2026-11-22T00:06:00.1Z"));
    let said = |here, site| ClocksApart::between(here, Some(site)).map(|clocks| clocks.to_string());
    let ahead = "the clock of this machine is 6m ahead of the site's clock: \
                 2026-11-22T00:06:00Z here, 2026-11-22T00:00:00Z on the site";
    let behind = "the clock of this machine is 6m behind the site's clock: \
                  2026-11-22T00:00:00Z here, 2026-11-22T00:06:00Z on the site";
    assert_eq!((said(late, early).as_deref(), said(early, late).as_deref()), (Some(ahead), Some(behind)));
}

#[test]
fn private_issuer_is_refused_for_entra_unless_allowed() {
    let (issuer, because) = ("https://10.0.0.1".to_owned(), NotPublic::PrivateAddress);
    let private = DesiredState::new(issuer.parse().unwrap(), keys());
    let plan = |desired: &DesiredState| {
        let plan = Plan::new(&CurrentState::default(), desired, Timestamp::UNIX_EPOCH);
        (plan.refusals, plan.warnings)
    };
    let refusal = PlanRefusal::IssuerNotPublic { issuer: issuer.clone(), because };
    assert_eq!(plan(&private), (vec![refusal], vec![]));
    let warned = (vec![], vec![PlanWarning::IssuerNotPublic { issuer, because }]);
    assert_eq!(plan(&private.clone().allow_private_issuer(true)), warned);
    assert_eq!(plan(&private.relying_party(RelyingParty::Oidc)), warned);
}

#[test]
fn two_keys_with_one_kid_are_always_refused() {
    let entry = |number| {
        let mut entry = Jwk::new(KeySet::from_bytes(&encode::numbered_spki(number)).unwrap()[0].clone()).to_value();
        entry["kid"] = "twice".into();
        entry
    };
    let bytes = json!({ "keys": [entry(5), entry(6)] }).to_string().into_bytes();
    let retention = StoredRetention::Absent;
    let stored = Stored { bytes, etag: ETag("1".to_owned()), headers: None, retention };
    let current = CurrentState { documents: [(DocumentKind::Jwks, stored)].into(), ..CurrentState::default() };
    let refusals = |desired: &DesiredState| Plan::new(&current, desired, Timestamp::UNIX_EPOCH).refusals;
    assert_eq!(refusals(&desired(&keys())), [PlanRefusal::KeyIdTwice("twice".to_owned())]);
    let no_record = desired(&keys()).remove_unknown(true);
    assert_eq!(refusals(&no_record), [PlanRefusal::NoRecord]);
}
