use super::{Condition, Content, DocumentChange, DocumentKind, Stored};
use crate::issuer_url::DocumentPath;

/// A document of a plan.
///
/// ```
/// use issuer::{KeySet, CurrentState, Plan, Timestamp, DesiredState, site::Condition};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let document = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).documents.remove(0);
/// assert_eq!(document.path.as_str(), "openid/v1/jwks");
/// assert_eq!(document.content.headers.content_type, "application/json");
/// assert_eq!(document.condition, Condition::IfNoneMatch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDocument {
    /// The kind of the document.
    pub kind: DocumentKind,
    /// The path on the site.
    pub path: DocumentPath,
    /// The kind of change.
    pub change: Change,
    /// The single changes; empty for a document that is new or unchanged.
    pub changes: Vec<DocumentChange>,
    /// The planned content.
    pub content: Content,
    /// The precondition of the write.
    pub condition: Condition,
}

/// The kind of change of a document.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Change, KeySet, SystemClock, DesiredState, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// // The second key is retired: it stays in the JWKS, and the record gets the time of its retirement.
/// let keys = KeySet::from_keys([desired.keys[0].clone()])?;
/// let fewer = DesiredState::new(desired.issuer, keys);
/// let plan = issuer::plan(&site, &fewer, &SystemClock).await?;
/// let changes: Vec<_> = plan.documents.iter().map(|document| document.change).collect();
/// assert_eq!(changes, [Change::Recorded, Change::Unchanged]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The document does not exist yet.
    Created,
    /// The body or headers of the document change.
    Changed,
    /// Only the retention record of the document changes, because keys or times are recorded or corrected.
    Recorded,
    /// The document is not written.
    Unchanged,
}

impl PlannedDocument {
    /// Whether the site already has the content that an earlier plan wrote.
    pub(crate) fn is_found(&self, earlier: &Self) -> bool {
        self.change == Change::Unchanged && self.content == earlier.content
    }

    pub(super) fn new(kind: DocumentKind, path: DocumentPath, current: Option<&Stored>, content: Content) -> Self {
        let (change, condition) = match current {
            None => (Change::Created, Condition::IfNoneMatch),
            Some(current) => {
                let same_headers = current.headers.as_ref().is_none_or(|headers| *headers == content.headers);
                let change = if current.bytes != content.bytes || !same_headers {
                    Change::Changed
                } else if !current.retention.is(&content.retention) {
                    Change::Recorded
                } else {
                    Change::Unchanged
                };
                (change, Condition::IfMatch(current.etag.clone()))
            }
        };
        let changes = current.map(|current| DocumentChange::between(current, &content)).unwrap_or_default();
        Self { kind, path, change, changes, content, condition }
    }
}
