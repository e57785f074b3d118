use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::{Moment, flight::Entry};
use crate::entra::{AuthorityHost, ClientId, Scope, TenantId};

/// The number of entries at which expired ones are removed for the first time.
const PURGED_AT: usize = 256;

/// The purpose of a token. Clones need no allocation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) authority: AuthorityHost,
    pub(super) tenant: TenantId,
    pub(super) client: ClientId,
    pub(super) scope: Scope,
}

/// The tokens of all keys.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: RwLock<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    by_key: HashMap<Key, Arc<Entry>>,
    /// The number of entries at which the next purge happens. It doubles, so that the cost of an insertion is constant.
    purged_at: usize,
}

impl Cache {
    /// The entry of a key, if it exists.
    pub(super) fn get(&self, key: &Key) -> Option<Arc<Entry>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).by_key.get(key).map(Arc::clone)
    }

    /// The entry of a key. Entries without a token are removed from time to time.
    pub(super) fn get_or_insert(&self, key: &Key, now: Moment) -> Arc<Entry> {
        if let Some(entry) = self.get(key) {
            return entry;
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.by_key.len() >= entries.purged_at.max(PURGED_AT) {
            entries.by_key.retain(|_, entry| Arc::strong_count(entry) > 1 || entry.is_in_use(now));
            entries.purged_at = 2 * entries.by_key.len();
        }
        Arc::clone(entries.by_key.entry(key.clone()).or_default())
    }
}
