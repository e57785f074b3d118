use std::time::Duration;

use crate::{backoff::Backoff, entra::RetryAdvice};

/// The pauses between the attempts of one token request. A pause that the server requests with `Retry-After` is kept if
/// it is longer.
///
/// ```
/// use issuer::RetryPolicy;
/// use std::time::Duration;
/// let policy = RetryPolicy { first_pause: Duration::from_secs(1), ..RetryPolicy::default() };
/// assert_eq!(policy.longest_pause, Duration::from_secs(30));
/// assert_eq!(RetryPolicy::never().attempts_max, 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The maximum number of attempts.
    pub attempts_max: u32,
    /// The pause after the first transient failure. It doubles each time, and half of it is random.
    pub first_pause: Duration,
    /// The maximum pause after a transient failure.
    pub longest_pause: Duration,
    /// The first pause while a change propagates. It doubles up to `longest_pause`.
    pub propagation_pause: Duration,
    /// The pause while Entra throttles the tenant.
    pub throttled_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: u32::MAX,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            propagation_pause: Duration::from_secs(5),
            throttled_pause: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// Sends each token request once. For callers with a schedule of their own, such as a [`Watch`](super::Watch).
    pub fn never() -> Self {
        Self { attempts_max: 1, ..Self::default() }
    }

    /// The pause after this many attempts of a kind.
    pub(super) fn pause(&self, advice: RetryAdvice, attempts: u32, random: u8) -> Duration {
        let (first, longest) = match advice {
            RetryAdvice::Slowly => (self.throttled_pause, self.throttled_pause.max(self.longest_pause)),
            RetryAdvice::WhilePropagating => (self.propagation_pause, self.longest_pause),
            RetryAdvice::Soon | RetryAdvice::Never => (self.first_pause, self.longest_pause),
        };
        Backoff { first, longest }.pause(attempts, random)
    }
}
