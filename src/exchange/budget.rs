use std::{collections::VecDeque, time::Duration};

use tokio::time::Instant;

/// Entra penalises a client that sends more than 15 equal requests in five minutes (Microsoft Learn, "What's new for
/// authentication?", March 2019). This limit leaves room for another process with the same identity.
const REQUESTS_MAX: usize = 12;
const WINDOW: Duration = Duration::from_mins(5);

/// Limits the rate of token requests that fail. A success resets it: from then on the lifetime of the token limits the
/// rate.
#[derive(Debug, Default)]
pub(super) struct Budget {
    sent: VecDeque<Instant>,
}

impl Budget {
    /// The time until the next request is allowed.
    pub(super) fn pause(&self, now: Instant) -> Duration {
        let oldest = self.sent.len().checked_sub(REQUESTS_MAX).map(|at| self.sent[at]);
        oldest.map_or(Duration::ZERO, |oldest| (oldest + WINDOW).saturating_duration_since(now))
    }

    pub(super) fn spend(&mut self, now: Instant) {
        self.sent.push_back(now);
        if self.sent.len() > REQUESTS_MAX {
            self.sent.pop_front();
        }
    }

    pub(super) fn reset(&mut self) {
        self.sent.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_requests_in_five_minutes_are_allowed() {
        let (start, mut budget) = (Instant::now(), Budget::default());
        for second in 0..12 {
            let now = start + Duration::from_secs(second);
            assert_eq!(budget.pause(now), Duration::ZERO);
            budget.spend(now);
        }
        assert_eq!(budget.pause(start + Duration::from_secs(12)), Duration::from_secs(288));
        assert_eq!(budget.pause(start + WINDOW), Duration::ZERO);
        budget.spend(start + WINDOW);
        assert_eq!(budget.pause(start + WINDOW), Duration::from_secs(1));
        budget.reset();
        assert_eq!(budget.pause(start + WINDOW), Duration::ZERO);
    }
}
