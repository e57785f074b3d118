use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Condition, Content, ETag, Site, SiteError, Stored, Written};
use crate::issuer_url::DocumentPath;

/// A site in memory, for tests of what embeds this crate.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, DesiredState, site::{Memory, Site}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// assert_eq!(site.read(&desired.issuer.jwks_path()).await?, None);
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// assert!(site.read(&desired.issuer.jwks_path()).await?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Memory {
    documents: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    by_path: HashMap<DocumentPath, (u64, Content)>,
    /// How often anything was written: no document gets the tag that another one had at its place before.
    writes: u64,
}

impl State {
    fn holds(&self, path: &DocumentPath, etag: &ETag) -> bool {
        self.by_path.get(path).is_some_and(|(version, _)| etag.0 == version.to_string())
    }
}

impl Memory {
    fn documents(&self) -> MutexGuard<'_, State> {
        // A document is replaced in one step, so a panic elsewhere leaves nothing half done.
        self.documents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Site for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        Ok(self.documents().by_path.get(path).map(|(version, content)| Stored {
            bytes: content.bytes.clone(),
            etag: ETag(version.to_string()),
            headers: Some(content.headers.clone()),
            retention: content.retention.clone().into(),
        }))
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        let mut documents = self.documents();
        let holds = match condition {
            Condition::IfMatch(etag) => documents.holds(path, etag),
            Condition::IfNoneMatch => !documents.by_path.contains_key(path),
        };
        if !holds {
            return Ok(Written::PreconditionFailed);
        }
        documents.writes += 1;
        let version = documents.writes;
        documents.by_path.insert(path.clone(), (version, content.clone()));
        Ok(Written::Done)
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        let mut documents = self.documents();
        if !documents.holds(path, etag) {
            return Ok(Written::PreconditionFailed);
        }
        documents.by_path.remove(path);
        Ok(Written::Done)
    }
}
