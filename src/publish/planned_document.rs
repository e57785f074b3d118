use super::DocumentChange;
use crate::{
    documents::DocumentPath,
    site::{Condition, Content, Stored},
};

/// One document of a plan.
///
/// ```
/// use issuer::{KeySet, Live, Plan, Timestamp, Wanted, site::Condition};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let document = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
/// assert_eq!(document.path.as_str(), "openid/v1/jwks");
/// assert_eq!(document.content.headers.content_type, "application/json");
/// assert_eq!(document.condition, Condition::IfNoneMatch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDocument {
    /// Where it stands on the site.
    pub path: DocumentPath,
    /// What happens to it.
    pub change: Change,
    /// What changes in it, one by one; empty where it is new or stays.
    pub changes: Vec<DocumentChange>,
    /// What it holds afterwards.
    pub content: Content,
    /// Under which condition it is written.
    pub condition: Condition,
}

/// What happens to a document.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Change, KeySet, SystemClock, Wanted, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &wanted, &SystemClock).await?;
/// // The second key is retired: it stays in the JWKS, and the record says since when.
/// let fewer = Wanted { keys: KeySet::from_keys([wanted.keys[0].clone()])?, ..wanted };
/// let plan = issuer::plan(&site, &fewer, &SystemClock).await?;
/// assert_eq!((plan.jwks.change, plan.discovery.change), (Change::Recorded, Change::Unchanged));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not there yet.
    Created,
    /// Its body or headers change.
    Changed,
    /// Its body stays, and the retention record that is kept with it changes, because keys or times are recorded or corrected.
    Recorded,
    /// Nothing is written.
    Unchanged,
}

impl PlannedDocument {
    /// Whether this is what an earlier plan was about to write, found as it should be.
    pub(super) fn is_found(&self, earlier: &Self) -> bool {
        self.change == Change::Unchanged && self.content == earlier.content
    }

    pub(super) fn new(path: DocumentPath, live: Option<&Stored>, content: Content) -> Self {
        let (change, condition) = match live {
            None => (Change::Created, Condition::IfNoneMatch),
            Some(live) => {
                let same_headers = live.headers.as_ref().is_none_or(|headers| *headers == content.headers);
                let change = if live.bytes != content.bytes || !same_headers {
                    Change::Changed
                } else if !live.retention.is(&content.retention) {
                    Change::Recorded
                } else {
                    Change::Unchanged
                };
                (change, Condition::IfMatch(live.etag.clone()))
            }
        };
        let changes = live.map(|live| DocumentChange::between(live, &content)).unwrap_or_default();
        Self { path, change, changes, content, condition }
    }
}
