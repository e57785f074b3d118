use jiff::Timestamp;

use super::{
    Change, ClocksApart, DropReason, KeyState, Live, PlanRefusal, PlanWarning, PlannedDocument, PlannedKey, Retention,
    Wanted,
    judge::{
        judge_host, judge_live_issuer, judge_result, judge_unreadable, record_warnings, refuse_drops, refuse_keys,
        warn_of_keys,
    },
    live::published_keys,
};
use crate::{
    Documents, Jwk,
    documents::{Discovery, Jwks},
    site::{Content, Headers, Hosting, Stored},
};

/// What publishing would change, worked out from [`Live`], [`Wanted`] and the time alone.
///
/// ```
/// use issuer::{Change, KeySet, Live, Plan, Timestamp, Wanted};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&Live::default(), &wanted, Timestamp::now());
/// assert_eq!((plan.jwks.change, plan.discovery.change), (Change::Created, Change::Created));
/// assert_eq!(plan.documents.jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert!(plan.refusals.is_empty() && plan.warnings.is_empty() && !plan.is_unchanged());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every key, those in the input first, in their order.
    pub keys: Vec<PlannedKey>,
    /// How many published keys outside the input are recorded for the first time, as the site has no record that can be read.
    pub adopted: usize,
    /// The JWKS, which is written first, so that no reader is sent to a key set that is not there.
    pub jwks: PlannedDocument,
    /// The discovery document.
    pub discovery: PlannedDocument,
    /// Whether the site serves what it stores; [`Hosting::Off`] is switched on before anything is written.
    pub hosting: Hosting,
    /// What both documents say when the plan has been carried out.
    pub documents: Documents,
    /// Why the plan is not carried out; empty when it may be.
    pub refusals: Vec<PlanRefusal>,
    /// What stops nothing.
    pub warnings: Vec<PlanWarning>,
}

impl Plan {
    /// Works out a plan. It does no I/O; the same arguments give the same plan. Times count in whole seconds.
    pub fn new(live: &Live, wanted: &Wanted, now: Timestamp) -> Self {
        let clocks = ClocksApart::between(now, live.site_time);
        let now = clocks.map_or(now, ClocksApart::later);
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let found = live.record();
        let recorded = found.record().map(|record| record.clamped(now));
        let mut warnings = record_warnings(found, clocks);
        let (published, unreadable) = published_keys(live, wanted, &mut warnings);
        let keys = place(wanted, now, &published, recorded.as_ref());
        let adopted = if recorded.is_some() { 0 } else { count_retired(&keys) };
        let retention = retention(wanted, now, &keys, &recorded.unwrap_or_default());
        let jwks = Jwks { keys: keys.iter().filter(|key| key.is_published()).map(|key| key.jwk.clone()).collect() };
        let usable = jwks.keys.iter().filter_map(|jwk| jwk.key().ok());
        let discovery = Discovery::new(&wanted.issuer, &wanted.issuer.jwks_uri(), usable);
        let documents = Documents { issuer: wanted.issuer.clone(), discovery, jwks };

        let mut refusals = refuse_keys(wanted, &published, &keys);
        refusals.extend(refuse_drops(wanted, found, clocks, &keys));
        for error in unreadable {
            judge_unreadable("JWKS", error, wanted, &mut refusals, &mut warnings);
        }
        judge_host(wanted, &mut refusals, &mut warnings);
        refusals.extend(judge_result(&documents, wanted, &refusals));
        judge_live_issuer(live, wanted, &mut refusals, &mut warnings);
        warnings.extend(warn_of_keys(wanted, found, &published, &keys));

        for (document, stored) in [("JWKS", &live.jwks), ("discovery document", &live.discovery)] {
            let coding = stored.as_ref().and_then(Stored::content_encoding).map(str::to_owned);
            warnings.extend(coding.map(|coding| PlanWarning::ContentEncoding { document, coding }));
        }

        let content = |bytes, retention| Content { bytes, headers: headers(wanted), retention };
        Self {
            jwks: PlannedDocument::new(
                wanted.issuer.jwks_path(),
                live.jwks.as_ref(),
                content(documents.jwks.to_bytes(), retention),
            ),
            discovery: PlannedDocument::new(
                wanted.issuer.discovery_path(),
                live.discovery.as_ref(),
                content(documents.discovery.to_bytes(), Retention::default()),
            ),
            hosting: live.hosting.clone(),
            keys,
            adopted,
            documents,
            refusals,
            warnings,
        }
    }

    /// Whether carrying it out would write nothing.
    pub fn is_unchanged(&self) -> bool {
        self.jwks.change == Change::Unchanged
            && self.discovery.change == Change::Unchanged
            && self.hosting != Hosting::Off
    }

    /// Whether the site is not as it should be: publishing would change it, or it holds keys that nobody answers for.
    pub fn is_drift(&self) -> bool {
        !self.is_unchanged() || self.has_unknown_keys()
    }

    /// Whether keys stay published that the retention record does not know.
    pub fn has_unknown_keys(&self) -> bool {
        self.keys.iter().any(|key| key.state == KeyState::Unknown)
    }
}

/// Finds a place for every key: added, or if it is published kept, returned, retired, unknown or dropped.
fn place(wanted: &Wanted, now: Timestamp, published: &[Jwk], recorded: Option<&Retention>) -> Vec<PlannedKey> {
    let added = |key: &crate::PublicKey| PlannedKey { jwk: Jwk::new(key.clone()), state: KeyState::Added };
    let mut keys: Vec<_> = wanted.keys.iter().map(added).collect();
    let input = keys.len();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        if let Some(key) = keys[..input].iter_mut().find(|key| key.kid() == kid) {
            // Another key under its ID goes, and this one is new there.
            if key.jwk.key() != jwk.key() {
                continue;
            }
            let is_retired = recorded.is_some_and(|recorded| recorded.retired_since(jwk).is_some());
            key.state = if is_retired { KeyState::Returned } else { KeyState::Kept };
        } else {
            keys.push(PlannedKey { jwk: jwk.clone(), state: outside_the_input(wanted, now, jwk, recorded) });
        }
    }
    keys
}

/// What becomes of a published key that is not in the input.
fn outside_the_input(wanted: &Wanted, now: Timestamp, jwk: &Jwk, recorded: Option<&Retention>) -> KeyState {
    let kid = jwk.kid().unwrap_or_default();
    if wanted.remove.iter().any(|remove| remove == kid) {
        return KeyState::Dropped(DropReason::Removed);
    }
    let retired = |since| KeyState::Retired { since, due: wanted.due(since) };
    let Some(recorded) = recorded else { return retired(now) };
    if !recorded.knows(jwk) {
        return match jwk.kid() {
            Some(kid) if !kid.is_empty() && wanted.adopt.iter().any(|adopt| adopt == kid) => retired(now),
            _ if wanted.remove_unknown => KeyState::Dropped(DropReason::Unknown),
            _ => KeyState::Unknown,
        };
    }
    let since = recorded.retired_since(jwk).unwrap_or(now);
    if wanted.prune && wanted.due(since) <= now {
        return KeyState::Dropped(DropReason::Pruned { since });
    }
    retired(since)
}

fn count_retired(keys: &[PlannedKey]) -> usize {
    keys.iter().filter(|key| matches!(key.state, KeyState::Retired { .. })).count()
}

/// What is remembered of the keys from now on: every key but those that nobody answers for.
fn retention(wanted: &Wanted, now: Timestamp, keys: &[PlannedKey], recorded: &Retention) -> Retention {
    let mut retention = Retention::of(&wanted.issuer);
    for key in keys {
        let published = recorded.published_since(&key.jwk);
        match key.state {
            KeyState::Added => retention.note(&key.jwk, Some(now), None),
            KeyState::Kept | KeyState::Returned => retention.note(&key.jwk, published, None),
            KeyState::Retired { since, .. } => retention.note(&key.jwk, published, Some(since)),
            KeyState::Unknown | KeyState::Dropped(_) => {}
        }
    }
    retention
}

fn headers(wanted: &Wanted) -> Headers {
    Headers {
        content_type: "application/json".to_owned(),
        cache_control: wanted.cache_control.clone(),
        content_encoding: None,
    }
}
