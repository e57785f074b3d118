use std::collections::BTreeMap;

use super::{
    PublishError,
    join::{join, join_all},
};
use crate::{
    clock::Clock,
    documents::{Discovery, Documents},
    issuer_url::IssuerUrl,
    plan::{
        Change, CurrentState, DesiredState, DocumentChange, DocumentKind, Hosting, KeyState, Plan, PlanWarning,
        PlannedDocument, PlannedKey, linked_path,
    },
    site::{Site, SiteError, Written},
};

/// The number of attempts when other publishers keep changing the site. In each round one publisher succeeds.
pub(super) const ATTEMPTS_MAX: u32 = 1000;

/// The result of publishing.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, DesiredState, site::Memory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// let first = issuer::publish(&site, &desired, &SystemClock).await?;
/// assert_eq!((first.attempts, first.plan.is_unchanged()), (1, false));
/// let second = issuer::publish(&site, &desired, &SystemClock).await?;
/// assert!(second.plan.is_unchanged() && second.documents == first.documents);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The plan that was carried out.
    pub plan: Plan,
    /// The documents as they are published now.
    pub documents: Documents,
    /// The number of plans that were made: more than one if other publishers wrote at the same time.
    pub attempts: u32,
}

/// Plans the changes that publishing would make to a site, and writes nothing.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Change, KeySet, SystemClock, DesiredState, site::Memory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let plan = issuer::plan(&Memory::default(), &desired, &SystemClock).await?;
/// assert_eq!(plan.documents[0].change, Change::Created);
/// assert!(plan.refusals.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`SiteError`] when the site cannot be read.
pub async fn plan(site: &dyn Site, desired: &DesiredState, clock: &impl Clock) -> Result<Plan, SiteError> {
    let current = read_current(site, &desired.issuer).await?;
    Ok(Plan::new(&current, desired, clock.now()))
}

/// Publishes: reads the site, plans, and writes the changed documents, the JWKS before the discovery document.
///
/// Every write is conditional on the version that the plan was made from. A publisher that loses the race reads the site
/// again and makes a new plan, so that the keys of all publishers end up published.
///
/// ```
/// use issuer::{KeySet, SystemClock, DesiredState, site::Memory};
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let publication = issuer::publish(&Memory::default(), &desired, &SystemClock).await?;
/// assert_eq!(publication.documents.jwks.keys.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// - [`PublishError::Refused`], with the plan, if the plan has refusals.
/// - [`PublishError::Contended`] if other publishers changed the site during every attempt.
/// - Other variants if the site cannot be read or written.
pub async fn publish(site: &dyn Site, desired: &DesiredState, clock: &impl Clock) -> Result<Publication, PublishError> {
    let mut made = ChangesMade::default();
    let mut desired = desired.clone();
    // The plan and the document of a failed conditional write. The stored document may be this publisher's own: the answer to
    // its write may have been lost.
    let mut tried: Option<(Plan, DocumentKind)> = None;
    let mut lost_races = 0;
    'attempts: for attempts in 1..=ATTEMPTS_MAX {
        let plan = plan(site, &desired, clock).await?;
        if let Some((tried, kind)) = tried.take()
            && is_found(&plan, &tried, kind)
        {
            made.wrote(&tried, kind);
            if kind == DocumentKind::Jwks && settle(&mut desired) {
                continue;
            }
        }
        if !plan.refusals.is_empty() {
            return Err(PublishError::Refused { site: site.name(), plan: Box::new(plan), written: made.any() });
        }
        if plan.hosting == Hosting::Off {
            site.host().await?;
            made.hosted = true;
        }
        for document in &plan.documents {
            let kind = document.kind;
            if write(site, document).await? == Written::PreconditionFailed {
                lost_races += 1;
                #[cfg(feature = "tracing")]
                tracing::info!(path = %document.path, lost_races, "another publisher was first; reading the site again");
                site.back_off(lost_races).await;
                tried = Some((plan, kind));
                continue 'attempts;
            }
            if document.change != Change::Unchanged {
                lost_races = 0;
            }
            made.wrote(&plan, kind);
            if kind == DocumentKind::Jwks {
                settle(&mut desired);
            }
        }
        if is_incomplete(site, &plan).await? {
            continue;
        }
        let documents = plan.result.clone();
        return Ok(Publication { plan: made.add_to(plan), documents, attempts });
    }
    Err(PublishError::Contended { site: site.name(), attempts: ATTEMPTS_MAX })
}

/// Whether the site holds the document that an earlier plan was about to write.
fn is_found(plan: &Plan, tried: &Plan, kind: DocumentKind) -> bool {
    plan.document(kind).zip(tried.document(kind)).is_some_and(|(found, tried)| found.is_found(tried))
}

/// Whether an earlier document is missing although the last one was created: another process may have removed it meanwhile.
async fn is_incomplete(site: &dyn Site, plan: &Plan) -> Result<bool, SiteError> {
    let Some((last, earlier)) = plan.documents.split_last() else { return Ok(false) };
    if last.change != Change::Created {
        return Ok(false);
    }
    let reads = join_all(earlier.iter().map(|document| site.read(&document.path)).collect()).await;
    for stored in reads {
        if stored?.is_none() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The changes of all attempts of one publish. A plan lists only the changes of one attempt.
#[derive(Default)]
struct ChangesMade {
    hosted: bool,
    /// The first write of each document.
    documents: BTreeMap<DocumentKind, (Change, Vec<DocumentChange>)>,
    /// How many keys were recorded for the first time.
    adopted: usize,
    /// Keys that were added, brought back, left or dropped.
    keys: Vec<PlannedKey>,
}

impl ChangesMade {
    fn any(&self) -> bool {
        self.hosted || !self.documents.is_empty()
    }

    fn wrote(&mut self, plan: &Plan, kind: DocumentKind) {
        let Some(document) = plan.document(kind).filter(|document| document.change != Change::Unchanged) else {
            return;
        };
        self.documents.entry(kind).or_insert_with(|| (document.change, document.changes.clone()));
        if kind != DocumentKind::Jwks {
            return;
        }
        self.adopted = self.adopted.max(plan.adopted);
        let touched = |key: &&PlannedKey| {
            use KeyState::{Added, Dropped, Left, Returned};
            matches!(key.state, Added | Returned | Left | Dropped(_))
        };
        for key in plan.keys.iter().filter(touched) {
            // A key that was added and then retired by another publisher counts as added.
            if !self.keys.iter().any(|known| known.jwk == key.jwk) {
                self.keys.push(key.clone());
            }
        }
    }

    /// The last plan with the changes of earlier attempts.
    fn add_to(self, mut plan: Plan) -> Plan {
        if self.hosted {
            plan.hosting = Hosting::Off;
        }
        let mut written = self.documents;
        for document in &mut plan.documents {
            if let Some((change, changes)) = written.remove(&document.kind) {
                (document.change, document.changes) = (change, changes);
            }
        }
        plan.adopted = plan.adopted.max(self.adopted);
        // This run removed the key itself, so the next plan does not find it.
        let dropped = |kid: &str| self.keys.iter().any(|change| change.kid() == kid && !change.is_published());
        plan.warnings.retain(|warning| !matches!(warning, PlanWarning::NotPublished(kid) if dropped(kid)));
        for change in self.keys {
            match plan.keys.iter_mut().find(|key| key.jwk == change.jwk) {
                Some(key) if matches!(key.state, KeyState::Kept | KeyState::Returned | KeyState::OfOthers) => {
                    key.state = change.state;
                }
                None if !change.is_published() => plan.keys.push(change),
                _ => {}
            }
        }
        plan
    }
}

/// Removes the requests that the written JWKS fulfils: a second plan would not find their keys. Returns whether there were any.
fn settle(desired: &mut DesiredState) -> bool {
    let (keys, before) = (&desired.keys, desired.remove.len() + desired.adopt.len());
    desired.remove.retain(|kid| !keys.iter().any(|key| key.key_id().as_str() == kid));
    desired.adopt.clear();
    desired.remove.len() < before
}

async fn write(site: &dyn Site, document: &PlannedDocument) -> Result<Written, SiteError> {
    if document.change == Change::Unchanged {
        return Ok(Written::Done);
    }
    site.write(&document.path, &document.content, &document.condition).await
}

pub(super) async fn read_current(site: &dyn Site, issuer: &IssuerUrl) -> Result<CurrentState, SiteError> {
    let paths = DocumentKind::ALL.map(|kind| (kind, kind.path(issuer)));
    let reads = join_all(paths.iter().map(|(_, path)| site.read(path)).collect());
    let (reads, hosting) = join(reads, site.hosting()).await;
    let mut documents = BTreeMap::new();
    for ((kind, _), stored) in paths.iter().zip(reads) {
        documents.extend(stored?.map(|stored| (*kind, stored)));
    }
    let hosting = hosting?;
    let discovery = documents.get(&DocumentKind::Discovery).and_then(|stored| Discovery::parse(&stored.bytes).ok());
    let linked = match discovery.and_then(|discovery| linked_path(&discovery, issuer)) {
        Some(path) if path != issuer.jwks_path() => site.read(&path).await?,
        _ => None,
    };
    Ok(CurrentState { documents, linked, hosting, site_time: site.time(), record_max: site.record_max() })
}
