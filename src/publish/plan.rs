use jiff::Timestamp;

use super::{
    Change, DropReason, KeyState, Live, PlanRefusal, PlanWarning, PlannedDocument, PlannedKey, Retention, Wanted,
    judge::{judge_host, judge_live_issuer, judge_result, judge_unreadable, refuse_keys, warn_of_keys},
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
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let mut warnings = Vec::new();
        let recorded = live.jwks.as_ref().map(|stored| stored.retention.clone()).unwrap_or_default();
        let (published, unreadable) = published_keys(live, wanted, &mut warnings);
        let keys = place(wanted, now, &published, &recorded);
        let retention = retention(wanted, now, &keys, &recorded);
        let jwks = Jwks { keys: keys.iter().filter(|key| key.is_published()).map(|key| key.jwk.clone()).collect() };
        let usable = jwks.keys.iter().filter_map(|jwk| jwk.key().ok());
        let discovery = Discovery::new(&wanted.issuer, &wanted.issuer.jwks_uri(), usable);
        let documents = Documents { issuer: wanted.issuer.clone(), discovery, jwks };

        let mut refusals = refuse_keys(wanted, &keys);
        for error in unreadable {
            judge_unreadable("JWKS", error, wanted, &mut refusals, &mut warnings);
        }
        judge_host(wanted, &mut refusals, &mut warnings);
        refusals.extend(judge_result(&documents, wanted, &refusals));
        judge_live_issuer(live, &recorded, wanted, &mut refusals, &mut warnings);
        warnings.extend(warn_of_keys(wanted, &published, &keys));

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
}

/// Finds a place for every key: added, or if it is published kept, returned, retired or dropped.
fn place(wanted: &Wanted, now: Timestamp, published: &[Jwk], recorded: &Retention) -> Vec<PlannedKey> {
    let added = |key: &crate::PublicKey| PlannedKey { jwk: Jwk::new(key.clone()), state: KeyState::Added };
    let mut keys: Vec<_> = wanted.keys.iter().map(added).collect();
    let input = keys.len();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        let since = recorded.retired_since(kid);
        if let Some(key) = keys[..input].iter_mut().find(|key| key.kid() == kid) {
            // Another key under its ID goes, and this one is new there.
            if key.jwk.key() != jwk.key() {
                continue;
            }
            key.state = if since.is_some() { KeyState::Returned } else { KeyState::Kept };
        } else {
            keys.push(PlannedKey { jwk: jwk.clone(), state: retire(wanted, now, kid, since.unwrap_or(now)) });
        }
    }
    keys
}

/// What becomes of a published key that is not in the input.
fn retire(wanted: &Wanted, now: Timestamp, kid: &str, since: Timestamp) -> KeyState {
    let due = wanted.due(since);
    if wanted.remove.iter().any(|remove| remove == kid) {
        KeyState::Dropped(DropReason::Removed)
    } else if wanted.prune && due <= now {
        KeyState::Dropped(DropReason::Pruned { since })
    } else {
        KeyState::Retired { since, due }
    }
}

/// What is remembered of the keys from now on.
fn retention(wanted: &Wanted, now: Timestamp, keys: &[PlannedKey], recorded: &Retention) -> Retention {
    let mut retention = Retention::of(&wanted.issuer);
    for key in keys {
        let published = recorded.published_since(key.kid());
        match key.state {
            KeyState::Added => retention.note(key.kid(), Some(now), None),
            KeyState::Kept | KeyState::Returned => retention.note(key.kid(), published, None),
            KeyState::Retired { since, .. } => retention.note(key.kid(), published, Some(since)),
            KeyState::Dropped(_) => {}
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
