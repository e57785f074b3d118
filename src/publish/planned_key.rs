use jiff::Timestamp;

use crate::Jwk;

/// One key of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// The entry; for a dropped key the one that was published.
    pub jwk: Jwk,
    /// What publishing does with it.
    pub state: KeyState,
}

impl PlannedKey {
    /// The `kid` the key is, or was, published under; empty where it has none.
    pub fn kid(&self) -> &str {
        self.jwk.kid().unwrap_or_default()
    }

    /// Whether the key is published after the plan was carried out.
    pub fn is_published(&self) -> bool {
        !matches!(self.state, KeyState::Dropped(_))
    }
}

/// What publishing does with a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// In the input, not published yet.
    Added,
    /// In the input and published.
    Kept,
    /// In the input again after it was retired.
    Returned,
    /// Published and no longer in the input: it stays until tokens signed with it have expired.
    Retired {
        /// When it was first missed.
        since: Timestamp,
        /// When `--prune` may drop it.
        due: Timestamp,
    },
    /// Published and taken away.
    Dropped(DropReason),
}

/// Why a key is taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// It was asked for by its `kid`.
    Removed,
    /// Its retention is over.
    Pruned {
        /// When it was first missed.
        since: Timestamp,
    },
}
