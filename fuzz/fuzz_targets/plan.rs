//! Arbitrary documents on a site, and fixture keys to publish there.
//!
//! - Planning never panics, and a refused plan is not written.
//! - A usable published key stays usable, unless its removal was requested and the plan lists it.
//! - Every key of the input is published under its own key ID, and the documents on the site are those of the plan.
//! - A second publish changes nothing.
//! - A published key that is not in a readable record stays and is not recorded, unless its removal or adoption is
//!   requested.
//! - A retention record prints on one line of ASCII and is parsed to the same record again.
#![no_main]

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use arbitrary::Arbitrary;
use futures_util::FutureExt;
use issuer::{
    Change, CurrentState, DesiredState, Discovery, DocumentKind, DocumentPath, DropReason, IssuerUrl, Jwk, Jwks,
    KeySet, KeyState, Plan, PublicKey, Publication, PublishError, RelyingParty, Retention, StoredRetention, Timestamp,
    site::{Condition, Content, Headers, Memory, Site, Stored, Written},
};
use libfuzzer_sys::fuzz_target;

/// Shortly after the recordings were made.
const NOW: i64 = 1_795_307_700;

/// Fixed length up to the documents, so that seeds can be written by hand.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// A bit for each key of [`KEYS`] in the input; zero stands for the first key.
    keys: u8,
    /// Bit 0: for other relying parties than Entra; the other bits: flags of publishing.
    options: u8,
    /// A bit for each missing document, and whether the issuer is fixed.
    missing: u8,
    /// A bit for each published key to remove.
    remove: u8,
    /// A bit for each published key to adopt.
    adopt: u8,
    /// Retention of retired keys, in minutes.
    retain: u16,
    /// Minutes from [`NOW`].
    time: i16,
    /// The JWKS, the discovery document, the JWKS it points to, and the retention record, with a zero byte between.
    documents: &'a [u8],
}

static KEYS: LazyLock<KeySet> = LazyLock::new(|| {
    let files = [
        include_str!("../../fixtures/kubernetes/mixed-keys/rsa2048.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/rsa4096.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/p256.pub"),
        include_str!("../../fixtures/keys/rsa-private.pub"),
    ];
    KeySet::from_bytes(files.concat().as_bytes()).unwrap()
});

fuzz_target!(|input: Input| {
    let mut parts = input.documents.split(|byte| *byte == 0);
    let mut part = || parts.next().unwrap_or_default();
    let (jwks, discovery, linked, retention) = (part(), part(), part(), part());
    // The site stores only readable records. An unreadable record is given directly to the plan.
    let found = StoredRetention::from_bytes(retention);
    let retention = found.record().cloned().unwrap_or_default();
    assert_same(&retention);
    let is_there = |bit: u8| input.missing >> bit & 1 == 0;
    // The record is stored with the JWKS.
    let retention = if is_there(0) { retention } else { Retention::default() };

    let now = Timestamp::from_second(NOW + 60 * i64::from(input.time)).unwrap();
    let desired = desired(&input, discovery, jwks);
    let site = Memory::default();
    let (jwks_path, discovery_path) = (desired.issuer.jwks_path(), desired.issuer.discovery_path());
    if is_there(0) {
        put(&site, &jwks_path, jwks, &retention);
    }
    if is_there(1) {
        put(&site, &discovery_path, discovery, &Retention::default());
    }
    let linked_path = Discovery::parse(discovery)
        .ok()
        .and_then(|discovery| desired.issuer.path_below(&discovery.jwks_uri))
        .filter(|path| is_there(1) && is_there(2) && *path != jwks_path && *path != discovery_path);
    if let Some(path) = &linked_path {
        put(&site, path, linked, &Retention::default());
    }
    let read = |path: &DocumentPath| ready(site.read(path)).unwrap();
    let published = [Some(&jwks_path), linked_path.as_ref()].into_iter().flatten().filter_map(read);
    let published: Vec<_> = published.filter_map(|stored| Jwks::parse(&stored.bytes).ok()).collect();
    let before = [read(&jwks_path), read(&discovery_path)];

    if let (StoredRetention::Unreadable(_), Some(stored)) = (&found, read(&jwks_path)) {
        let mut documents = BTreeMap::from([(DocumentKind::Jwks, Stored { retention: found.clone(), ..stored })]);
        documents.extend(read(&discovery_path).map(|stored| (DocumentKind::Discovery, stored)));
        let current = CurrentState { documents, ..CurrentState::default() };
        let plan = Plan::new(&current, &desired, now);
        assert!(plan.keys.iter().all(|key| {
            !matches!(key.state, KeyState::Unknown | KeyState::Dropped(DropReason::Pruned { .. } | DropReason::Unknown))
        }));
        assert!(plan.documents[0].change != Change::Unchanged);
    }
    let plan = ready(issuer::plan(&site, &desired, &now)).unwrap();
    let first = match publish(&site, &desired, now) {
        Ok(publication) => publication,
        Err(PublishError::Refused { plan: refused, written, .. }) => {
            assert!(*refused == plan && !plan.refusals.is_empty() && !written);
            assert_eq!([read(&jwks_path), read(&discovery_path)], before);
            return;
        }
        Err(error) => panic!("{error}"),
    };
    assert_eq!(first.plan, plan);
    assert!(plan.refusals.is_empty() && first.attempts == 1);
    for jwk in published.iter().flat_map(|jwks| &jwks.keys).filter(|jwk| is_usable(jwk)) {
        assert_kept(jwk, &plan, &desired, now, &retention);
        assert_known(jwk, &plan, &desired, &retention);
    }
    for key in desired.keys.iter() {
        assert!(first.documents.jwks.keys.contains(&Jwk::new(key.clone())), "{key} is missing");
    }

    let after = [read(&jwks_path), read(&discovery_path)];
    let bytes = |stored: &Option<Stored>| stored.as_ref().unwrap().bytes.clone();
    assert_eq!(bytes(&after[0]), first.documents.jwks.to_bytes());
    assert_eq!(Discovery::parse(&bytes(&after[1])), Ok(first.documents.discovery));
    let StoredRetention::Read(retention) = &after[0].as_ref().unwrap().retention else { panic!("no record") };
    assert_same(retention);

    // The requests are done: an adopted key is in the record, and a removed one is gone. The retention of an adopted
    // key starts at the first publish, so with a retention of zero it is due at the second.
    let prune = desired.prune && !desired.retain.is_zero();
    let desired = desired.adopt(Vec::new()).remove(Vec::new()).remove_unknown(false).prune(prune);
    let second = publish(&site, &desired, now).unwrap();
    assert!(second.plan.is_unchanged(), "{:#?}", second.plan);
    assert_eq!([read(&jwks_path), read(&discovery_path)], after);
});

fn desired(input: &Input, discovery: &[u8], jwks: &[u8]) -> DesiredState {
    let chosen = KEYS.iter().enumerate().filter(|(index, _)| input.keys >> index & 1 == 1).map(|(_, key)| key.clone());
    let keys = KeySet::from_keys(chosen).or_else(|_| KeySet::from_keys([KEYS[0].clone()])).unwrap();
    let own = Discovery::parse(discovery).ok().and_then(|discovery| discovery.issuer.parse::<IssuerUrl>().ok());
    let own = own.filter(|_| input.missing & 8 == 0);
    let issuer = own.unwrap_or_else(|| "https://issuer.example.com/clusters/a".parse().unwrap());
    let current = Jwks::parse(jwks).map(|jwks| jwks.keys).unwrap_or_default();
    let removed = current.iter().enumerate().take(8).filter(|(index, _)| input.remove >> index & 1 == 1);
    let adopted = current.iter().enumerate().take(8).filter(|(index, _)| input.adopt >> index & 1 == 1);
    let may = |bit: u8| input.options >> bit & 1 == 1;
    DesiredState::new(issuer, keys)
        .relying_party(if may(0) { RelyingParty::Oidc } else { RelyingParty::Entra })
        .prune(may(1))
        .retain(Duration::from_secs(60 * u64::from(input.retain)))
        .remove(removed.map(|(_, jwk)| jwk.kid().unwrap_or_default().to_owned()))
        .adopt(adopted.map(|(_, jwk)| jwk.kid().unwrap_or_default().to_owned()))
        .remove_unknown(may(5))
        .allow_issuer_change(may(2))
        .allow_jwks_uri_change(may(3))
        .replace_unreadable(may(4))
}

/// The result of a future that is ready at once, as those of an in-memory site are.
fn ready<T>(answer: impl Future<Output = T>) -> T {
    answer.now_or_never().unwrap()
}

fn publish(site: &Memory, desired: &DesiredState, now: Timestamp) -> Result<Publication, PublishError> {
    ready(issuer::publish(site, desired, &now))
}

fn put(site: &Memory, path: &DocumentPath, bytes: &[u8], retention: &Retention) {
    let headers = Headers {
        content_type: "application/json".to_owned(),
        cache_control: "public, max-age=300".to_owned(),
        content_encoding: None,
    };
    let content = Content { bytes: bytes.to_vec(), headers, retention: retention.clone() };
    assert_eq!(ready(site.write(path, &content, &Condition::IfNoneMatch)).unwrap(), Written::Done);
}

fn assert_same(retention: &Retention) {
    let text = retention.to_text();
    assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{text}");
    assert_eq!(Retention::from_text(&text).as_ref(), Ok(retention));
}

/// Whether an entry holds a usable key, which a plan must not lose.
fn is_usable(jwk: &Jwk) -> bool {
    jwk.key().is_ok_and(|key| jwk.alg().is_none_or(|alg| alg == key.algorithm().name()))
        && jwk.public_key_use().is_none_or(|text| text == "sig")
}

/// A usable published key is usable afterwards, or it is dropped on request.
fn assert_kept(jwk: &Jwk, plan: &Plan, desired: &DesiredState, now: Timestamp, retention: &Retention) {
    let is_it = |other: &Jwk| is_usable(other) && other.kid() == jwk.kid() && other.key() == jwk.key();
    if plan.result.jwks.keys.iter().any(is_it) {
        return;
    }
    let kid = jwk.kid().unwrap_or_default();
    // Relying parties cannot distinguish two keys with one key ID: the API server's key replaces the other.
    if desired.keys.iter().map(PublicKey::key_id).any(|key_id| key_id.as_str() == kid) {
        return;
    }
    let dropped = plan.keys.iter().find(|key| key.kid() == kid && key.jwk.key() == jwk.key());
    match dropped.map(|key| key.state) {
        Some(KeyState::Dropped(DropReason::Removed)) => assert!(desired.remove.iter().any(|remove| remove == kid)),
        Some(KeyState::Dropped(DropReason::Pruned { since })) => {
            assert!(desired.prune && desired.due(since) <= now);
            // An impossible time counts as now.
            let recorded = retention.retired_since(jwk).filter(|since| (Timestamp::UNIX_EPOCH..=now).contains(since));
            assert!(retention.knows(jwk) && recorded.unwrap_or(now) == since);
        }
        Some(KeyState::Dropped(DropReason::Unknown)) => assert!(desired.remove_unknown && !retention.knows(jwk)),
        state => panic!("{} is lost: {state:?}", jwk.to_value()),
    }
}

/// A published key that is not in the record is recorded only if it is in the input or adopted.
fn assert_known(jwk: &Jwk, plan: &Plan, desired: &DesiredState, retention: &Retention) {
    let is_wanted = |key: &PublicKey| Some(key.key_id().as_str()) == jwk.kid();
    let is_adopted = jwk.kid().is_some_and(|kid| desired.adopt.iter().any(|adopt| adopt == kid));
    if retention.is_empty() || retention.knows(jwk) || is_adopted || desired.keys.iter().any(is_wanted) {
        return;
    }
    assert!(!plan.documents[0].content.retention.knows(jwk), "{} is recorded", jwk.to_value());
    let mut planned = plan.keys.iter().filter(|key| key.kid() == jwk.kid().unwrap_or_default());
    assert!(
        planned.all(|key| matches!(key.state, KeyState::Unknown | KeyState::Dropped(_)) || retention.knows(&key.jwk))
    );
}
