//! Several owners share an issuer: each publish changes only what its own owner holds.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    plan::{block_on, hour, issuer, keys, kid},
    support::encode,
};
use issuer::{
    Change, CurrentState, DesiredState, DropReason, Hint, Jwks, KeySet, KeyState, Owner, Plan, PlanRefusal,
    PlanWarning, PublishError, RemovalGuard, Retention, Timestamp,
    site::{Condition, Content, Headers, Memory, Site},
};
use proptest::prelude::*;

fn owner(name: &str) -> Owner {
    name.parse().unwrap()
}

fn owners(names: &[&str]) -> BTreeSet<Owner> {
    names.iter().map(|name| owner(name)).collect()
}

fn of(name: &str, numbers: &[u8]) -> DesiredState {
    DesiredState::new(issuer(), keys(numbers)).owner(owner(name))
}

fn leaving(name: &str) -> DesiredState {
    DesiredState::leaving(issuer(), owner(name))
}

fn publish(site: &Memory, desired: &DesiredState, at: i64) -> Plan {
    block_on(issuer::publish(site, desired, &hour(at))).unwrap().plan
}

fn refusals(site: &Memory, desired: &DesiredState, at: i64) -> Vec<PlanRefusal> {
    match block_on(issuer::publish(site, desired, &hour(at))) {
        Err(PublishError::Refused { plan, written: false, .. }) => plan.refusals,
        other => panic!("{other:?}"),
    }
}

/// The state and the owners of a key in a plan.
fn key(plan: &Plan, number: u8) -> (KeyState, BTreeSet<Owner>) {
    let key = plan.keys.iter().find(|key| key.kid() == kid(number)).unwrap_or_else(|| panic!("{number}: {plan:?}"));
    (key.state, key.owners.clone())
}

/// The owners and the time of retirement of each published key, from the stored record.
fn stored(site: &dyn Site) -> BTreeMap<String, (BTreeSet<Owner>, Option<Timestamp>)> {
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    let record = stored.retention.record().unwrap().clone();
    let entry = |jwk: &issuer::Jwk| {
        let owners = record.owners(jwk).cloned().collect();
        (jwk.kid().unwrap().to_owned(), (owners, record.retired_since(jwk)))
    };
    Jwks::parse(&stored.bytes).unwrap().keys.iter().map(entry).collect()
}

/// Two clusters with a key each, and a key that both have.
fn shared() -> Memory {
    let site = Memory::default();
    publish(&site, &of("a", &[1, 9]), 0);
    publish(&site, &of("b", &[2, 9]), 1);
    site
}

#[test]
fn publish_adds_its_owner_and_retires_no_key_of_others() {
    let site = Memory::default();
    let first = publish(&site, &of("a", &[1, 9]), 0);
    assert_eq!(key(&first, 1), (KeyState::Added, owners(&["a"])));
    let second = publish(&site, &of("b", &[2, 9]), 1);
    assert_eq!(key(&second, 1), (KeyState::OfOthers, owners(&["a"])));
    assert_eq!(key(&second, 2), (KeyState::Added, owners(&["b"])));
    assert_eq!(key(&second, 9), (KeyState::Kept, owners(&["a", "b"])));
    assert!(second.warnings.is_empty(), "{:?}", second.warnings);
    for same in [of("a", &[1, 9]), of("b", &[2, 9])] {
        let plan = publish(&site, &same, 2);
        assert!(plan.is_unchanged() && !plan.is_drift(), "{plan:?}");
    }
}

#[test]
fn key_is_retired_when_its_last_owner_leaves_it() {
    let site = shared();
    let left = publish(&site, &of("a", &[1]), 2);
    assert_eq!(key(&left, 9), (KeyState::Left, owners(&["b"])));
    assert_eq!(left.documents[0].change, Change::Recorded);
    let retired = publish(&site, &of("b", &[2]), 3);
    assert_eq!(key(&retired, 9), (KeyState::Retired { since: hour(3), due: hour(51) }, owners(&["b"])));
    assert_eq!(key(&retired, 1), (KeyState::OfOthers, owners(&["a"])));
}

#[test]
fn only_the_last_owner_prunes_a_retired_key() {
    let site = shared();
    publish(&site, &of("b", &[9]), 2);
    let other = publish(&site, &of("a", &[1, 9]).prune(true), 1000);
    assert_eq!(key(&other, 2), (KeyState::Retired { since: hour(2), due: hour(50) }, owners(&["b"])));
    assert!(other.is_unchanged(), "{other:?}");
    let none = publish(&site, &of("none", &[9]).prune(true), 1000);
    assert!(matches!(key(&none, 2).0, KeyState::Retired { .. }));
    let own = publish(&site, &of("b", &[9]).prune(true), 1000);
    assert_eq!(key(&own, 2), (KeyState::Dropped(DropReason::Pruned { since: hour(2) }), owners(&["b"])));
}

#[test]
fn retired_key_belongs_to_the_owner_that_returns_it() {
    let site = shared();
    publish(&site, &of("b", &[9]), 2);
    let returned = publish(&site, &of("a", &[1, 2, 9]), 3);
    assert_eq!(key(&returned, 2), (KeyState::Returned, owners(&["a"])));
    assert_eq!(key(&publish(&site, &of("b", &[9]), 4), 2), (KeyState::OfOthers, owners(&["a"])));
}

#[test]
fn owners_keep_the_order_of_the_jwks() {
    let site = Memory::default();
    let order = || stored_kids(&site);
    publish(&site, &of("a", &[5, 1]), 0);
    publish(&site, &of("b", &[2]), 1);
    publish(&site, &of("a", &[1, 3]), 2);
    assert_eq!(order(), [5, 1, 2, 3].map(kid));
    assert!(publish(&site, &of("b", &[2]), 3).is_unchanged());
}

fn stored_kids(site: &Memory) -> Vec<String> {
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    Jwks::parse(&stored.bytes).unwrap().keys.iter().map(|jwk| jwk.kid().unwrap().to_owned()).collect()
}

#[test]
fn key_of_other_owners_is_removed_only_by_force() {
    for (remove, retired) in [(2, false), (9, false), (2, true)] {
        let site = shared();
        if retired {
            publish(&site, &of("b", &[9]), 2);
        }
        let desired = of("a", &[1]).remove([kid(remove)]);
        let refused = refusals(&site, &desired, 3);
        let expected = PlanRefusal::RemoveOfOthers { kid: kid(remove), owners: owners(&["b"]) };
        assert_eq!(refused, [expected]);
        assert_eq!(refused[0].to_string(), format!("cannot remove key {}: it belongs to b", kid(remove)));
        assert!(refused[0].hint().unwrap().contains("--force"));
        let forced = publish(&site, &desired.force(true), 3);
        assert_eq!(key(&forced, remove).0, KeyState::Dropped(DropReason::Removed));
    }
    // A key of the input is never removed.
    let refused = refusals(&shared(), &of("a", &[1, 9]).remove([kid(9)]).force(true), 3);
    assert_eq!(refused, [PlanRefusal::RemoveWanted(kid(9))]);
}

#[test]
fn own_key_is_removed_without_force() {
    let site = shared();
    let plan = publish(&site, &of("a", &[9]).remove([kid(1)]), 2);
    assert_eq!(key(&plan, 1), (KeyState::Dropped(DropReason::Removed), owners(&["a"])));
}

#[test]
fn leaving_removes_the_owner_from_all_keys() {
    let site = shared();
    let left = publish(&site, &leaving("a"), 2);
    assert_eq!(key(&left, 1), (KeyState::Retired { since: hour(2), due: hour(50) }, owners(&["a"])));
    assert_eq!(key(&left, 9), (KeyState::Left, owners(&["b"])));
    assert_eq!(key(&left, 2), (KeyState::OfOthers, owners(&["b"])));
    let again = publish(&site, &leaving("a"), 3);
    assert!(again.is_unchanged() && again.warnings.is_empty(), "{again:?}");
    let unknown = publish(&site, &leaving("c"), 3);
    assert!(unknown.is_unchanged(), "{unknown:?}");
    assert_eq!(unknown.warnings, [PlanWarning::NothingToLeave(owner("c"))]);
    assert!(publish(&site, &leaving("b"), 3).keys.iter().all(|key| matches!(key.state, KeyState::Retired { .. })));
    // A later publish joins again.
    let again = publish(&site, &of("a", &[1, 9]), 4);
    assert_eq!(key(&again, 1), (KeyState::Returned, owners(&["a"])));
}

#[test]
fn leaving_prunes_own_keys_but_never_the_last_one() {
    let site = shared();
    publish(&site, &leaving("a"), 2);
    let pruned = publish(&site, &leaving("a").prune(true), 50);
    assert_eq!(key(&pruned, 1).0, KeyState::Dropped(DropReason::Pruned { since: hour(2) }));
    publish(&site, &of("b", &[9]), 51);
    publish(&site, &leaving("b"), 60);
    let last = publish(&site, &leaving("b").prune(true), 1000);
    assert_eq!(key(&last, 2).0, KeyState::Dropped(DropReason::Pruned { since: hour(51) }));
    assert_eq!(key(&last, 9), (KeyState::Retired { since: hour(60), due: hour(108) }, owners(&["b"])));
    let remove = leaving("b").remove([kid(9)]);
    assert_eq!(refusals(&site, &remove, 1001), [PlanRefusal::NoKeyLeft]);
    assert_eq!(refusals(&Memory::default(), &leaving("a"), 0), [PlanRefusal::NoKeyLeft]);
}

#[test]
fn cluster_moves_from_none_to_an_owner() {
    let site = Memory::default();
    publish(&site, &of("none", &[1, 2]), 0);
    let joined = publish(&site, &of("a", &[2]), 1);
    assert_eq!(key(&joined, 2), (KeyState::Kept, owners(&["a", "none"])));
    assert_eq!(key(&joined, 1), (KeyState::OfOthers, owners(&["none"])));
    let left = publish(&site, &leaving("none"), 2);
    assert_eq!(key(&left, 2), (KeyState::Left, owners(&["a"])));
    assert!(matches!(key(&left, 1).0, KeyState::Retired { .. }));
}

#[test]
fn owner_adopts_no_key_of_a_site_without_a_record() {
    let site = Memory::default();
    publish(&site, &of("none", &[1]), 0);
    let bytes = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap().bytes;
    let (site, headers) = (Memory::default(), Headers::default());
    let content = Content { bytes, headers, retention: Retention::default() };
    block_on(site.write(&issuer().jwks_path(), &content, &Condition::IfNoneMatch)).unwrap();
    let plan = publish(&site, &of("a", &[2]).prune(true), 1);
    assert_eq!((key(&plan, 1), plan.adopted), ((KeyState::OfOthers, owners(&["none"])), 1));
    let adopted = publish(&site, &of("none", &[2]), 2);
    assert!(matches!(key(&adopted, 1).0, KeyState::Retired { .. }));
}

#[test]
fn key_id_of_another_owner_is_not_replaced() {
    let jwks = |number: u8| {
        let spki = encode::numbered_spki(number);
        let jwk = issuer::Jwk::new(KeySet::from_bytes(encode::numbered_pem(number).as_bytes()).unwrap()[0].clone());
        let mut value = jwk.to_value();
        assert_eq!(value["kid"], encode::key_id(&spki));
        value["kid"] = "1".into();
        KeySet::from_bytes(serde_json::json!({ "keys": [value] }).to_string().as_bytes()).unwrap()
    };
    let site = Memory::default();
    publish(&site, &DesiredState::new(issuer(), jwks(1)).owner(owner("a")), 0);
    let desired = DesiredState::new(issuer(), jwks(2)).owner(owner("b"));
    let expected = PlanRefusal::KeyIdOfOthers { kid: "1".to_owned(), owners: owners(&["a"]) };
    assert_eq!(refusals(&site, &desired, 1), [expected]);
    publish(&site, &desired.remove(["1".to_owned()]).force(true), 1);
}

#[test]
fn removal_of_documents_requires_that_other_owners_left() {
    use crate::support::signer::{claims, now, signer, with};
    use issuer::{RemovalRefusal, Token};
    let signer = signer();
    let site = Memory::default();
    let own = DesiredState::new(issuer(), signer.keys.clone()).owner(owner("a"));
    let removal = |site: &Memory| {
        let text = signer.sign(&signer.header(), &with(claims(), "iss", "https://elsewhere.example.com".into()));
        let mut buffer = Vec::new();
        let guard = RemovalGuard::Token { token: &Token::parse(&text, &mut buffer).unwrap(), now: now() };
        block_on(issuer::plan_removal(site, &issuer(), &guard)).unwrap()
    };
    publish(&site, &own, 0);
    publish(&site, &of("b", &[2]), 0);
    let refusal = removal(&site).unwrap_err();
    assert_eq!(refusal, RemovalRefusal::SeveralOwners(owners(&["a", "b"])));
    assert_eq!(refusal.to_string(), "several owners have published keys: a, b");
    publish(&site, &leaving("b"), 1);
    assert_eq!(removal(&site).map(|paths| paths.len()), Ok(2));
    publish(&site, &of("b", &[2]), 2);
    assert!(block_on(issuer::plan_removal(&site, &issuer(), &RemovalGuard::Force)).unwrap().is_ok());

    // Without the record, the owners are not known.
    let without_record = |site: &Memory| {
        let bytes = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap().bytes;
        let (site, headers) = (Memory::default(), Headers::default());
        let content = Content { bytes, headers, retention: Retention::default() };
        block_on(site.write(&issuer().jwks_path(), &content, &Condition::IfNoneMatch)).unwrap();
        site
    };
    assert_eq!(removal(&without_record(&site)), Err(RemovalRefusal::OwnersUnknown));
    let alone = Memory::default();
    publish(&alone, &own, 0);
    assert_eq!(removal(&without_record(&alone)).map(|paths| paths.len()), Ok(1));
}

#[test]
fn record_too_long_for_the_site_is_refused() {
    let current = |record_max| CurrentState { record_max, ..CurrentState::default() };
    let plan = |record_max| Plan::new(&current(record_max), &of("prod-1", &[1, 2]), hour(0));
    let bytes = plan(None).documents[0].content.retention.to_text().len();
    assert_eq!(plan(Some(bytes)).refusals, []);
    let refusals = plan(Some(bytes - 1)).refusals;
    assert_eq!(refusals, [PlanRefusal::RecordTooLong { bytes, max: bytes - 1, keys: 2, owners: 1 }]);
}

#[test]
fn owner_names_are_checked() {
    for name in ["none", "prod-1", "2f1c4b6e-6d0e-4c57-9a41-0d6c2f2a7f11", "team/a.b:c_d@e+f", &"x".repeat(64)] {
        assert_eq!(name.parse::<Owner>().map(|owner| owner.to_string()), Ok(name.to_owned()));
    }
    for name in ["", "a b", "é", "a\n", "\"a\"", "a,b", &"x".repeat(65)] {
        assert!(name.parse::<Owner>().is_err(), "{name:?}");
    }
}

/// A step of a history of three owners.
#[derive(Clone, Debug)]
enum Step {
    Publish { owner: usize, keys: BTreeSet<u8>, prune: bool, later: i64 },
    Leave { owner: usize, prune: bool, later: i64 },
    Remove { owner: usize, keys: BTreeSet<u8>, remove: u8, force: bool },
}

const NAMES: [&str; 3] = ["none", "a", "b"];

fn history() -> impl Strategy<Value = Vec<Step>> {
    let keys = || prop::collection::btree_set(1_u8..6, 1..4);
    let step = prop_oneof![
        4 => (0_usize..3, keys(), any::<bool>(), 0_i64..60)
            .prop_map(|(owner, keys, prune, later)| Step::Publish { owner, keys, prune, later }),
        1 => (0_usize..3, any::<bool>(), 0_i64..60).prop_map(|(owner, prune, later)| Step::Leave { owner, prune, later }),
        1 => (0_usize..3, keys(), 1_u8..6, any::<bool>())
            .prop_map(|(owner, keys, remove, force)| Step::Remove { owner, keys, remove, force }),
    ];
    prop::collection::vec(step, 1..12)
}

/// A published key in the model: its owners and the hour of its retirement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    owners: BTreeSet<usize>,
    retired: Option<i64>,
}

/// What a publish of an owner does to the published keys, written down independently of the plan.
fn expect(held: &mut BTreeMap<u8, Held>, owner: usize, input: &BTreeSet<u8>, prune: bool, now: i64) {
    for key in input {
        let held = held.entry(*key).or_default();
        if held.retired.take().is_some() {
            held.owners.clear();
        }
        held.owners.insert(owner);
    }
    for (_, held) in held.iter_mut().filter(|(key, held)| !input.contains(key) && held.owners.contains(&owner)) {
        if held.owners.len() > 1 {
            held.owners.remove(&owner);
        } else {
            held.retired.get_or_insert(now);
        }
    }
    let is_due = |held: &Held| held.owners == [owner].into() && held.retired.is_some_and(|since| since + 48 <= now);
    if prune {
        let due: Vec<_> =
            held.iter().filter(|(_, held)| is_due(held)).map(|(key, held)| (held.retired, *key)).collect();
        let is_all = due.len() == held.len();
        let last = due.iter().map(|(since, _)| *since).max();
        let mut kept = !is_all;
        for (since, key) in due {
            // Of several keys that were retired last, any may stay.
            if !kept && Some(since) == last {
                kept = true;
            } else {
                held.remove(&key);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_history_of_owners_matches_the_model(history in history()) {
        let site = Memory::default();
        let (mut held, mut now) = (BTreeMap::<u8, Held>::new(), 0);
        for step in history {
            let numbers = |keys: &BTreeSet<u8>| keys.iter().copied().collect::<Vec<_>>();
            match &step {
                Step::Publish { owner, keys, prune, later } => {
                    now += later;
                    publish(&site, &of(NAMES[*owner], &numbers(keys)).prune(*prune), now);
                    expect(&mut held, *owner, keys, *prune, now);
                }
                Step::Leave { owner, .. } if held.is_empty() => {
                    prop_assert_eq!(refusals(&site, &leaving(NAMES[*owner]), now), [PlanRefusal::NoKeyLeft]);
                }
                Step::Leave { owner, prune, later } => {
                    now += later;
                    publish(&site, &leaving(NAMES[*owner]).prune(*prune), now);
                    let before = held.clone();
                    expect(&mut held, *owner, &BTreeSet::new(), *prune, now);
                    // Which of several last keys stays is not part of the model.
                    if held.len() == 1 && before.len() > 1 {
                        let kids = stored_kids(&site);
                        prop_assert_eq!(kids.len(), 1);
                        let (_, only) = held.pop_first().unwrap();
                        held.insert((1..6).find(|number| kid(*number) == kids[0]).unwrap(), only);
                    }
                }
                Step::Remove { owner, keys, remove, force } => {
                    let desired = of(NAMES[*owner], &numbers(keys)).remove([kid(*remove)]).force(*force);
                    let is_of_others = held.get(remove).is_some_and(|held| held.owners.iter().any(|other| other != owner));
                    if keys.contains(remove) || is_of_others && !force {
                        prop_assert_eq!(refusals(&site, &desired, now).len(), 1);
                    } else {
                        publish(&site, &desired, now);
                        held.remove(remove);
                        expect(&mut held, *owner, keys, false, now);
                    }
                }
            }
            if held.is_empty() {
                continue;
            }
            let expected: BTreeMap<_, _> = held.iter().map(|(number, held)| {
                let names = held.owners.iter().map(|owner| NAMES[*owner]).collect::<Vec<_>>();
                (kid(*number), (owners(&names), held.retired.map(hour)))
            }).collect();
            prop_assert_eq!(stored(&site), expected, "after {:?}", step);
        }
    }
}
