//! The state of each key: which keys the owner of a publish adds, keeps, leaves, retires and removes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::{DesiredState, DropReason, KeyState, Owner, PlannedKey, Retention};
use crate::key::{Jwk, PublicKey};

/// Determines the state of every key.
pub(super) fn place(
    desired: &DesiredState,
    now: Timestamp,
    published: &[Jwk],
    recorded: Option<&Retention>,
) -> Vec<PlannedKey> {
    let added = |key: &PublicKey| {
        let owners = BTreeSet::from([desired.owner.clone()]);
        PlannedKey { jwk: Jwk::new(key.clone()), state: KeyState::Added, owners }
    };
    let mut keys: Vec<_> = desired.keys.iter().map(added).collect();
    let input = keys.len();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        if let Some(key) = keys[..input].iter_mut().find(|key| key.kid() == kid) {
            // The published entry has another key with the same key ID: the key of the input replaces it.
            if key.jwk.key() != jwk.key() {
                // On request, which the plan shows as a removal.
                if desired.remove.iter().any(|other| other == kid) {
                    keys.push(outside_the_input(desired, now, jwk, recorded));
                }
                continue;
            }
            if recorded.is_some_and(|recorded| recorded.retired_since(jwk).is_some()) {
                // The owner of a retired key has left it.
                key.state = KeyState::Returned;
            } else {
                key.state = KeyState::Kept;
                key.owners.extend(recorded.iter().flat_map(|recorded| recorded.owners(jwk)).cloned());
            }
        } else {
            keys.push(outside_the_input(desired, now, jwk, recorded));
        }
    }
    if desired.is_leaving() {
        keep_last(desired, &mut keys);
    }
    keys
}

/// The plan for a published key that is not in the input.
fn outside_the_input(desired: &DesiredState, now: Timestamp, jwk: &Jwk, recorded: Option<&Retention>) -> PlannedKey {
    let planned = |state, owners| PlannedKey { jwk: jwk.clone(), state, owners };
    let retired = |since| KeyState::Retired { since, due: desired.due(since) };
    let own = || BTreeSet::from([desired.owner.clone()]);
    let kid = jwk.kid().unwrap_or_default();
    let is_in = |kids: &[String]| kids.iter().any(|other| other == kid);
    let is_adopted = !kid.is_empty() && is_in(&desired.adopt);
    let owners: BTreeSet<Owner> = recorded.iter().flat_map(|recorded| recorded.owners(jwk)).cloned().collect();
    let others = desired.others(&owners);
    if is_in(&desired.remove) && (others.is_empty() || desired.force) {
        return planned(KeyState::Dropped(DropReason::Removed), owners);
    }
    let Some(recorded) = recorded else {
        // Without a record, the key may be that of any publisher. Only the owner `none` takes such keys.
        return if desired.owner.is_none() || is_adopted {
            planned(retired(now), own())
        } else {
            planned(KeyState::OfOthers, BTreeSet::from([Owner::default()]))
        };
    };
    if !recorded.knows(jwk) {
        return match desired.remove_unknown {
            _ if is_adopted => planned(retired(now), own()),
            true => planned(KeyState::Dropped(DropReason::Unknown), owners),
            false => planned(KeyState::Unknown, owners),
        };
    }
    match recorded.retired_since(jwk) {
        since if others.is_empty() => {
            let since = since.unwrap_or(now);
            let is_pruned = desired.prune && desired.due(since) <= now;
            let state = if is_pruned { KeyState::Dropped(DropReason::Pruned { since }) } else { retired(since) };
            planned(state, owners)
        }
        Some(since) => planned(retired(since), others),
        None if others.len() < owners.len() => planned(KeyState::Left, others),
        None => planned(KeyState::OfOthers, others),
    }
}

/// Keeps the key that was retired last if pruning would remove every key: an owner that leaves brings no key, and relying
/// parties reject an empty JWKS.
fn keep_last(desired: &DesiredState, keys: &mut [PlannedKey]) {
    if keys.iter().any(PlannedKey::is_published) {
        return;
    }
    let since = |key: &PlannedKey| match key.state {
        KeyState::Dropped(DropReason::Pruned { since }) => Some(since),
        _ => None,
    };
    if let Some(key) = keys.iter_mut().max_by_key(|key| since(key))
        && let Some(since) = since(key)
    {
        key.state = KeyState::Retired { since, due: desired.due(since) };
    }
}

/// The entries of the new JWKS. The keys of the input come first, unless other owners have keys.
///
/// With several owners, published keys keep their places. Otherwise each publisher would move its own keys to the front
/// and find the documents changed by the others.
pub(super) fn entries(desired: &DesiredState, published: &[Jwk], keys: &[PlannedKey]) -> Vec<Jwk> {
    let keys: Vec<_> = keys.iter().filter(|key| key.is_published()).collect();
    let mut entries: Vec<_> = keys.iter().map(|key| key.jwk.clone()).collect();
    if keys.iter().any(|key| !desired.others(&key.owners).is_empty()) {
        let is_same = |jwk: &Jwk, other: &Jwk| jwk.kid() == other.kid() && jwk.key() == other.key();
        let place = |jwk: &Jwk| published.iter().position(|other| jwk == other || is_same(jwk, other));
        entries.sort_by_cached_key(|jwk| place(jwk).unwrap_or(usize::MAX));
    }
    entries
}

/// The new retention record, which lists every published key except unknown keys.
pub(super) fn retention(
    desired: &DesiredState,
    now: Timestamp,
    keys: &[PlannedKey],
    recorded: &Retention,
) -> Retention {
    let mut retention = Retention::of(&desired.issuer);
    for key in keys {
        let published = recorded.published_since(&key.jwk);
        let (published, retired) = match key.state {
            KeyState::Added => (Some(now), None),
            KeyState::Kept | KeyState::Returned | KeyState::Left | KeyState::OfOthers => (published, None),
            KeyState::Retired { since, .. } => (published, Some(since)),
            KeyState::Unknown | KeyState::Dropped(_) => continue,
        };
        retention.note(&key.jwk, published, retired, &key.owners);
    }
    retention
}
