use async_trait::async_trait;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Condition, Content, ETag, Site, SiteError, Stored, Written};
use crate::issuer_url::DocumentPath;

/// A site in memory, for tests of programs that embed this crate.
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
    /// The number of writes, never reset, so that a path never has the same `ETag` twice.
    writes: u64,
}

impl State {
    fn is_version(&self, path: &DocumentPath, etag: &ETag) -> bool {
        self.by_path.get(path).is_some_and(|(version, _)| etag.0 == version.to_string())
    }
}

impl Memory {
    fn documents(&self) -> MutexGuard<'_, State> {
        // Each change is one insert or remove, so that a panic leaves no half-finished change.
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
        let is_met = match condition {
            Condition::IfMatch(etag) => documents.is_version(path, etag),
            Condition::IfNoneMatch => !documents.by_path.contains_key(path),
        };
        if !is_met {
            return Ok(Written::PreconditionFailed);
        }
        documents.writes += 1;
        let version = documents.writes;
        documents.by_path.insert(path.clone(), (version, content.clone()));
        Ok(Written::Done)
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        let mut documents = self.documents();
        if !documents.is_version(path, etag) {
            return Ok(Written::PreconditionFailed);
        }
        documents.by_path.remove(path);
        Ok(Written::Done)
    }
}
