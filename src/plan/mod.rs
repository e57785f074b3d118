//! Computes the changes that publishing would make, without I/O, from current documents, desired keys and the time.

mod clocks;
mod condition;
mod current_state;
mod desired_state;
mod document_change;
mod document_kind;
mod hosting;
mod judge;
mod planned_document;
mod planned_key;
mod refusal;
mod retention;
mod retention_text;
mod stored;
mod stored_retention;
mod warning;

pub use clocks::ClocksApart;
pub use condition::{Condition, ETag};
pub use current_state::CurrentState;
pub(crate) use current_state::linked_path;
pub use desired_state::DesiredState;
pub(crate) use desired_state::due;
pub use document_change::DocumentChange;
pub use document_kind::DocumentKind;
pub use hosting::Hosting;
pub use planned_document::{Change, PlannedDocument};
pub use planned_key::{DropReason, KeyState, PlannedKey};
pub use refusal::PlanRefusal;
pub use retention::Retention;
pub use stored::{Content, Headers, Stored};
pub use stored_retention::{RetentionError, StoredRetention};
pub use warning::PlanWarning;
pub(crate) use warning::unknown_key;

use jiff::Timestamp;

use crate::{
    documents::{Discovery, Documents, Jwks},
    key::{Jwk, PublicKey},
};
use current_state::published_keys;
use judge::{
    judge_current_issuer, judge_host, judge_result, judge_unreadable, record_warnings, refuse_drops, refuse_keys,
    refuse_later_record, warn_of_keys,
};

/// The changes that publishing would make, computed only from [`CurrentState`], [`DesiredState`] and the time.
///
/// ```
/// use issuer::{Change, KeySet, CurrentState, Plan, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::now());
/// assert!(plan.documents.iter().all(|document| document.change == Change::Created));
/// assert_eq!(plan.result.jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert!(plan.refusals.is_empty() && plan.warnings.is_empty() && !plan.is_unchanged());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every key. Keys of the input come first, in the order of the input.
    pub keys: Vec<PlannedKey>,
    /// The number of published keys outside the input that are recorded for the first time, because the site has no
    /// readable retention record.
    pub adopted: usize,
    /// The documents in the order of writing, which is the order of [`DocumentKind::ALL`].
    pub documents: Vec<PlannedDocument>,
    /// Whether the site serves its documents. Publishing enables [`Hosting::Off`] before the first write.
    pub hosting: Hosting,
    /// The documents after the plan was applied.
    pub result: Documents,
    /// Reasons why the plan must not be applied; empty if it may be applied.
    pub refusals: Vec<PlanRefusal>,
    /// Warnings, which do not prevent publishing.
    pub warnings: Vec<PlanWarning>,
}

impl Plan {
    /// Computes a plan without I/O. The same arguments give the same plan. Times are truncated to seconds.
    pub fn new(current: &CurrentState, desired: &DesiredState, now: Timestamp) -> Self {
        let clocks = ClocksApart::between(now, current.site_time);
        let now = clocks.map_or(now, ClocksApart::later);
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let found = current.record();
        let recorded = found.record().map(|record| record.clamped(now));
        let mut warnings = record_warnings(desired, found, clocks);
        let (published, unreadable) = published_keys(current, desired, &mut warnings);
        let keys = place(desired, now, &published, recorded.as_ref());
        let adopted = if recorded.is_some() { 0 } else { count_retired(&keys) };
        let retention = retention(desired, now, &keys, &recorded.unwrap_or_default());
        let jwks = Jwks { keys: keys.iter().filter(|key| key.is_published()).map(|key| key.jwk.clone()).collect() };
        let usable = jwks.keys.iter().filter_map(|jwk| jwk.key().ok());
        let discovery = Discovery::new(&desired.issuer, &desired.issuer.jwks_uri(), usable);
        let result = Documents { issuer: desired.issuer.clone(), discovery, jwks };

        let mut refusals = refuse_keys(desired, &published, &keys);
        refusals.extend(refuse_drops(desired, found, clocks, &keys));
        refusals.extend(refuse_later_record(desired, found));
        for error in unreadable {
            judge_unreadable("JWKS", error, desired, &mut refusals, &mut warnings);
        }
        judge_host(desired, &mut refusals, &mut warnings);
        refusals.extend(judge_result(&result, desired, &refusals));
        judge_current_issuer(current, desired, &mut refusals, &mut warnings);
        warnings.extend(warn_of_keys(desired, found, &published, &keys));

        for (kind, stored) in &current.documents {
            let coding = stored.content_encoding().map(str::to_owned);
            warnings.extend(coding.map(|coding| PlanWarning::ContentEncoding { document: kind.name(), coding }));
        }

        let planned = |kind: DocumentKind| {
            let content = kind.content(&result, &retention, &desired.cache_control);
            PlannedDocument::new(kind, kind.path(&desired.issuer), current.document(kind), content)
        };
        Self {
            documents: DocumentKind::ALL.map(planned).into(),
            hosting: current.hosting.clone(),
            keys,
            adopted,
            result,
            refusals,
            warnings,
        }
    }

    /// Whether applying the plan would write nothing.
    pub fn is_unchanged(&self) -> bool {
        self.documents.iter().all(|document| document.change == Change::Unchanged) && self.hosting != Hosting::Off
    }

    /// The planned document of a kind.
    pub fn document(&self, kind: DocumentKind) -> Option<&PlannedDocument> {
        self.documents.iter().find(|document| document.kind == kind)
    }

    /// Whether the site has drifted: publishing would change the site, or the site holds unknown keys.
    pub fn is_drift(&self) -> bool {
        !self.is_unchanged() || self.has_unknown_keys()
    }

    /// Whether unknown keys stay published.
    pub fn has_unknown_keys(&self) -> bool {
        self.keys.iter().any(|key| key.state == KeyState::Unknown)
    }
}

/// Determines the state of every key.
fn place(desired: &DesiredState, now: Timestamp, published: &[Jwk], recorded: Option<&Retention>) -> Vec<PlannedKey> {
    let added = |key: &PublicKey| PlannedKey { jwk: Jwk::new(key.clone()), state: KeyState::Added };
    let mut keys: Vec<_> = desired.keys.iter().map(added).collect();
    let input = keys.len();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        if let Some(key) = keys[..input].iter_mut().find(|key| key.kid() == kid) {
            // The published entry has another key with the same key ID: the key of the input replaces it.
            if key.jwk.key() != jwk.key() {
                continue;
            }
            let is_retired = recorded.is_some_and(|recorded| recorded.retired_since(jwk).is_some());
            key.state = if is_retired { KeyState::Returned } else { KeyState::Kept };
        } else {
            keys.push(PlannedKey { jwk: jwk.clone(), state: outside_the_input(desired, now, jwk, recorded) });
        }
    }
    keys
}

/// The state of a published key that is not in the input.
fn outside_the_input(desired: &DesiredState, now: Timestamp, jwk: &Jwk, recorded: Option<&Retention>) -> KeyState {
    let kid = jwk.kid().unwrap_or_default();
    if desired.remove.iter().any(|remove| remove == kid) {
        return KeyState::Dropped(DropReason::Removed);
    }
    let retired = |since| KeyState::Retired { since, due: desired.due(since) };
    let Some(recorded) = recorded else { return retired(now) };
    if !recorded.knows(jwk) {
        return match jwk.kid() {
            Some(kid) if !kid.is_empty() && desired.adopt.iter().any(|adopt| adopt == kid) => retired(now),
            _ if desired.remove_unknown => KeyState::Dropped(DropReason::Unknown),
            _ => KeyState::Unknown,
        };
    }
    let since = recorded.retired_since(jwk).unwrap_or(now);
    if desired.prune && desired.due(since) <= now {
        return KeyState::Dropped(DropReason::Pruned { since });
    }
    retired(since)
}

fn count_retired(keys: &[PlannedKey]) -> usize {
    keys.iter().filter(|key| matches!(key.state, KeyState::Retired { .. })).count()
}

/// The new retention record, which lists every published key except unknown keys.
fn retention(desired: &DesiredState, now: Timestamp, keys: &[PlannedKey], recorded: &Retention) -> Retention {
    let mut retention = Retention::of(&desired.issuer);
    for key in keys {
        let published = recorded.published_since(&key.jwk);
        match key.state {
            KeyState::Added => retention.note(&key.jwk, Some(now), None, recorded),
            KeyState::Kept | KeyState::Returned => retention.note(&key.jwk, published, None, recorded),
            KeyState::Retired { since, .. } => retention.note(&key.jwk, published, Some(since), recorded),
            KeyState::Unknown | KeyState::Dropped(_) => {}
        }
    }
    retention
}
