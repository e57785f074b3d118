//! The limits at which a plan warns, each just inside and just outside.

use std::time::Duration;

use crate::support::encode;
use issuer::{ClocksApart, KeySet, Live, Plan, PlanWarning, Retention, StoredRetention, Timestamp, Wanted};

fn wanted(keys: &KeySet) -> Wanted {
    Wanted::new("https://issuer.example.com".parse().unwrap(), keys.clone())
}

fn keys() -> KeySet {
    KeySet::from_bytes(&encode::numbered_spki(1)).unwrap()
}

fn warnings(wanted: &Wanted) -> Vec<PlanWarning> {
    Plan::new(&Live::default(), wanted, Timestamp::UNIX_EPOCH).warnings
}

#[test]
fn rsa_keys_over_8192_bits_are_warned_of() {
    let key = |first: u8, bytes: usize| {
        KeySet::from_bytes(&encode::rsa_spki(&[&[first], vec![1; bytes].as_slice()].concat(), &[1, 0, 1])).unwrap()
    };
    let (largest, larger) = (key(0x80, 1023), key(1, 1024));
    assert_eq!((largest[0].bits(), warnings(&wanted(&largest))), (8192, vec![]));
    let kid = larger[0].key_id().to_string();
    assert_eq!(warnings(&wanted(&larger)), [PlanWarning::RsaTooLarge { kid, bits: 8193 }]);
}

#[test]
fn a_cache_longer_than_a_tenth_of_retain_is_warned_of() {
    let retain = Duration::from_secs(1000);
    let warnings =
        |cache_control: &str| warnings(&Wanted { retain, cache_control: cache_control.to_owned(), ..wanted(&keys()) });
    let long = |seconds| [PlanWarning::LongCache { max_age: Duration::from_secs(seconds), retain }];
    for short in ["max-age=100", "no-store", "max-age=x", "stale-if-error=101", "Max-Age=\"100\", s-maxage=99"] {
        assert_eq!(warnings(short), [], "{short}");
    }
    assert_eq!(warnings("max-age=101"), long(101));
    assert_eq!(warnings("public, MAX-AGE=\"101\""), long(101));
    assert_eq!(warnings("max-age=1, S-MaxAge=102"), long(102));
}

#[test]
fn pruning_sooner_than_24_hours_is_warned_of() {
    let day = Duration::from_hours(24);
    let second = day - Duration::from_secs(1);
    let warnings =
        |retain, prune| warnings(&Wanted { retain, prune, cache_control: "no-store".to_owned(), ..wanted(&keys()) });
    assert_eq!((warnings(day, true), warnings(second, false)), (vec![], vec![]));
    assert_eq!(warnings(second, true), [PlanWarning::ShortRetention(second)]);
}

#[test]
fn a_record_is_empty_without_an_issuer_and_without_keys() {
    for (text, is_empty) in
        [("{}", true), (r#"{"issuer":"https://issuer.example.com"}"#, false), (r#"{"keys":{"a":[1]}}"#, false)]
    {
        let record = Retention::from_text(text).unwrap();
        assert_eq!(record.is_empty(), is_empty, "{text}");
        assert_eq!(StoredRetention::from(record) == StoredRetention::Absent, is_empty, "{text}");
    }
}

#[test]
fn clocks_that_differ_are_described_with_their_distance() {
    let time = |text: &str| text.parse::<Timestamp>().unwrap();
    let (early, late) = (time("2026-11-22T00:00:00.9Z"), time("2026-11-22T00:06:00.1Z"));
    let said = |here, site| ClocksApart::between(here, Some(site)).map(|clocks| clocks.to_string());
    let ahead = "this machine's clock is 6m ahead of the site's: 2026-11-22T00:06:00Z here, 2026-11-22T00:00:00Z there";
    let behind = "this machine's clock is 6m behind the site's: 2026-11-22T00:00:00Z here, 2026-11-22T00:06:00Z there";
    assert_eq!((said(late, early).as_deref(), said(early, late).as_deref()), (Some(ahead), Some(behind)));
}
