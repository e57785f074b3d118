//! The rates at which Azure admits requests for the federated identity credentials of one managed identity.
//!
//! "Important considerations and restrictions for federated identity credentials"
//! (workload-identity-federation-considerations.md) has them in requests a second for each resource: 0.25 for writes,
//! deletions and lists, and 0.5 for reads. That a resource is the managed identity is an assumption. The clock is that
//! of the test.

use std::collections::HashMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    CreateOrUpdate,
    Get,
    List,
    Delete,
}

impl Operation {
    /// Seconds between two requests.
    fn interval(self) -> u64 {
        match self {
            Self::Get => 2,
            Self::CreateOrUpdate | Self::List | Self::Delete => 4,
        }
    }
}

/// The limits, which are off by default.
#[derive(Default)]
pub(super) struct Rates {
    pub(super) are_limited: bool,
    now: u64,
    /// The time of the next request that is admitted.
    next: HashMap<(String, Operation), u64>,
}

impl Rates {
    pub(super) fn advance(&mut self, seconds: u64) {
        self.now += seconds;
    }

    /// Admits a request, or gives the seconds after which it will be admitted.
    pub(super) fn admit(&mut self, resource: &str, operation: Operation) -> Result<(), u64> {
        if !self.are_limited {
            return Ok(());
        }
        let next = self.next.entry((resource.to_ascii_lowercase(), operation)).or_default();
        if *next > self.now {
            return Err(*next - self.now);
        }
        *next = self.now + operation.interval();
        Ok(())
    }
}
