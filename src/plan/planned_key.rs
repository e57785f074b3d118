use jiff::Timestamp;

use crate::key::Jwk;

/// One key of a plan.
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
    /// Published, neither in the input nor in the retention record: something else added it. It stays and is not recorded.
    Unknown,
    /// Published and taken away.
    Dropped(DropReason),
}

/// Why a key is taken away.
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
    /// It was asked for by its `kid`.
    Removed,
    /// The retention record does not know it, and unknown keys were to go.
    Unknown,
    /// Its retention is over.
    Pruned {
        /// When it was first missed.
        since: Timestamp,
    },
}
