use jiff::Timestamp;

/// A source of the current time, so that callers and tests control it.
///
/// ```
/// use issuer::{Clock, Timestamp};
/// /// Whether a token has expired.
/// fn is_over(expiry: Timestamp, clock: &impl Clock) -> bool {
///     expiry <= clock.now()
/// }
/// let stopped: Timestamp = "2026-11-22T00:40:00Z".parse()?;
/// assert!(!is_over("2026-11-22T01:33:42Z".parse()?, &stopped));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Clock: Sync {
    /// The current time.
    fn now(&self) -> Timestamp;
}

/// The system clock of this machine.
///
/// ```
/// use issuer::{Clock, SystemClock, Timestamp};
/// let before = Timestamp::now();
/// assert!(SystemClock.now() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A fixed time, for tests.
impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}
