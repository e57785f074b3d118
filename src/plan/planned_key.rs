use std::collections::BTreeSet;

use jiff::Timestamp;

use super::Owner;
use crate::key::Jwk;

/// A key of a plan.
///
/// ```
/// use issuer::{KeySet, KeyState, CurrentState, Plan, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let key = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).keys.remove(0);
/// assert_eq!(key.kid(), desired.keys[0].key_id().as_str());
/// assert_eq!(key.state, KeyState::Added);
/// assert!(key.is_published());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedKey {
    /// The entry; for a dropped key the published entry.
    pub jwk: Jwk,
    /// The state of the key after publishing.
    pub state: KeyState,
    /// The owners of the key after publishing; for a dropped key the last owners. Empty for an unknown key.
    pub owners: BTreeSet<Owner>,
}

impl PlannedKey {
    /// The `kid` of the entry; empty if the entry has none.
    pub fn kid(&self) -> &str {
        self.jwk.kid().unwrap_or_default()
    }

    /// Whether the key is published after the plan was applied.
    pub fn is_published(&self) -> bool {
        !matches!(self.state, KeyState::Dropped(_))
    }
}

/// The state of a key in a plan.
///
/// The enum is exhaustive on purpose: a report of a plan must name every state.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, KeyState, Timestamp, DesiredState, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let (site, now) = (Memory::default(), "2026-11-22T00:00:00Z".parse::<Timestamp>()?);
/// issuer::publish(&site, &desired, &now).await?;
/// let keys = KeySet::from_keys([desired.keys[1].clone()])?;
/// let newer = DesiredState::new(desired.issuer, keys);
/// let plan = issuer::plan(&site, &newer, &now).await?;
/// assert_eq!(plan.keys[0].state, KeyState::Kept);
/// assert_eq!(plan.keys[1].state, KeyState::Retired { since: now, due: "2026-11-24T00:00:00Z".parse()? });
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// The key is in the input and not yet published.
    Added,
    /// The key is in the input and published.
    Kept,
    /// The key is in the input again after it was retired.
    Returned,
    /// The key is published and no longer in the input, but has other owners. The owner of this publish is removed.
    Left,
    /// The key is published and has only other owners. It does not change.
    OfOthers,
    /// The key is published, and its last owner no longer has it in its input. It stays until tokens signed with it have
    /// expired. Only the last owner prunes it.
    Retired {
        /// The time at which the key was first missing in the input of its last owner.
        since: Timestamp,
        /// The time from which `--prune` may remove the key.
        due: Timestamp,
    },
    /// The key is published, but neither in the input nor in the retention record: another program added it. It stays
    /// and is not recorded.
    Unknown,
    /// The key is published and publishing removes it.
    Dropped(DropReason),
}

/// Reason why publishing removes a key.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{DropReason, KeySet, KeyState, SystemClock, DesiredState, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// let remove = vec![desired.keys[0].key_id().to_string()];
/// let keys = KeySet::from_keys([desired.keys[1].clone()])?;
/// let newer = DesiredState::new(desired.issuer, keys).remove(remove);
/// let plan = issuer::plan(&site, &newer, &SystemClock).await?;
/// assert_eq!(plan.keys[1].state, KeyState::Dropped(DropReason::Removed));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropReason {
    /// The caller requested the removal by `kid`.
    Removed,
    /// The key is unknown, and the caller requested the removal of unknown keys.
    Unknown,
    /// The retention of the key is over.
    Pruned {
        /// The time at which the key was first missing in the input.
        since: Timestamp,
    },
}
