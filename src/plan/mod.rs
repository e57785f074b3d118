//! Computes the changes that publishing would make, without I/O, from current documents, desired keys and the time.

mod clocks;
mod condition;
mod current_state;
mod desired_state;
mod document_change;
mod document_kind;
mod hosting;
mod judge;
mod owner;
mod placement;
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
pub(crate) use owner::owners_text;
pub use owner::{Owner, OwnerError};
pub use planned_document::{Change, PlannedDocument};
pub use planned_key::{DropReason, KeyState, PlannedKey};
pub use refusal::PlanRefusal;
pub use retention::Retention;
pub use stored::{Content, Headers, Stored};
pub use stored_retention::{RetentionError, StoredRetention};
pub use warning::PlanWarning;
pub(crate) use warning::unknown_key;

use jiff::Timestamp;

use crate::documents::{Discovery, Documents, Jwks};
use current_state::published_keys;
use judge::{
    judge_current_issuer, judge_host, judge_result, judge_unreadable, record_warnings, refuse_drops, refuse_keys,
    refuse_later_record, refuse_long_record, refuse_removals, refuse_replacements, warn_of_keys,
};
use placement::{entries, place, retention};

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
    /// Every key. Keys of the input come first, in the order of the input. The JWKS may have another order: keys keep
    /// their places if other owners have keys.
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
        let is_adopted = |key: &&PlannedKey| matches!(key.state, KeyState::Retired { .. } | KeyState::OfOthers);
        let adopted = if recorded.is_some() { 0 } else { keys.iter().filter(is_adopted).count() };
        let recorded = recorded.unwrap_or_default();
        let retention = retention(desired, now, &keys, &recorded);
        let jwks = Jwks { keys: entries(desired, &published, &keys) };
        let usable = jwks.keys.iter().filter_map(|jwk| jwk.key().ok());
        let discovery = Discovery::new(&desired.issuer, &desired.issuer.jwks_uri(), usable);
        let result = Documents { issuer: desired.issuer.clone(), discovery, jwks };

        let mut refusals = refuse_keys(desired, &published, &keys);
        refusals.extend(refuse_removals(desired, &keys));
        refusals.extend(refuse_replacements(desired, &recorded, &published));
        refusals.extend(refuse_drops(desired, found, clocks, &keys));
        refusals.extend(refuse_later_record(desired, found));
        refusals.extend(refuse_long_record(current, &keys, &retention));
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
