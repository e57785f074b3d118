//! `--owner`, `--leave` and `--force`: several publishers of one issuer.

use clap::Args;
use issuer::{Hint, Owner, OwnerError, Plan};

use super::super::{Exit, Failure};

/// The flags of the owner of keys.
#[derive(Debug, Args)]
pub(super) struct OwnerArgs {
    /// Set the owner of the keys, if several clusters share the issuer
    ///
    /// A key that leaves the input is retired when its last owner leaves it. Keys of other owners do not change.
    #[arg(long, value_name = "NAME", default_value = Owner::NONE)]
    owner: String,
    /// Use the UID of the cluster as the owner: that of its namespace kube-system
    ///
    /// One manifest of a CronJob then serves every cluster of a fleet.
    #[arg(long, requires = "from_cluster", conflicts_with_all = ["owner", "secret"])]
    pub(super) owner_from_cluster: bool,
    /// Remove the owner from all keys, and retire keys that have no other owner
    ///
    /// The cluster no longer uses the issuer. Its keys stay published until --prune. No keys are read.
    #[arg(long, conflicts_with_all = ["keys", "entry", "secret", "create", "remove", "adopt", "remove_unknown"])]
    pub(super) leave: bool,
    /// Allow --remove to remove a key that other owners hold
    #[arg(long, requires = "remove")]
    pub(super) force: bool,
}

impl OwnerArgs {
    /// The owner of the flag, else that of the cluster whose UID was read.
    pub(super) fn owner(&self, uid: Option<&str>) -> Result<Owner, Failure> {
        let failure = |error: OwnerError| Failure::new(Exit::Usage, format!("--owner: {error}"), error.hint());
        uid.unwrap_or(&self.owner).parse().map_err(failure)
    }
}

/// The note about keys of the input that still belong to [`Owner::NONE`], so that they are never retired.
pub(super) fn note_of_none(plan: &Plan, owner: &Owner) -> Option<String> {
    let none = Owner::default();
    let is_of_both = |key: &&issuer::PlannedKey| key.owners.contains(owner) && key.owners.contains(&none);
    let count = plan.keys.iter().filter(is_of_both).count();
    let keys = if count == 1 {
        "1 key of the input also belongs".to_owned()
    } else {
        format!("{count} keys of the input also belong")
    };
    (count > 0 && !owner.is_none()).then(|| {
        format!(
            "{keys} to the owner none; if no publisher runs without --owner any more, run issuer publish --leave with the same site"
        )
    })
}
