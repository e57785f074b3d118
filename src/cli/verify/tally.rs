use std::{collections::BTreeMap, fmt};

use issuer::CheckName;

/// The number of accepted tokens, and of refused tokens for each check.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) accepted: u64,
    refused: BTreeMap<CheckName, u64>,
}

impl Tally {
    pub(super) fn count(&mut self, refused_by: Option<CheckName>) {
        match refused_by {
            None => self.accepted += 1,
            Some(check) => *self.refused.entry(check).or_default() += 1,
        }
    }

    pub(super) fn add(&mut self, other: &Self) {
        self.accepted += other.accepted;
        for (check, count) in &other.refused {
            *self.refused.entry(*check).or_default() += count;
        }
    }

    pub(super) fn total(&self) -> u64 {
        self.accepted + self.refused.values().sum::<u64>()
    }
}

/// `3 tokens: 1 accepted, 2 refused (signature 1, time 1)`
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (total, refused) = (self.total(), self.total() - self.accepted);
        let tokens = if total == 1 { "token" } else { "tokens" };
        write!(f, "{total} {tokens}: {} accepted, {refused} refused", self.accepted)?;
        let checks: Vec<_> = self.refused.iter().map(|(check, count)| format!("{check} {count}")).collect();
        if checks.is_empty() { Ok(()) } else { write!(f, " ({})", checks.join(", ")) }
    }
}
