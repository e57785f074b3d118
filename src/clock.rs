use jiff::Timestamp;

/// Tells the time, so that callers and tests own it.
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
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of this machine.
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

/// A clock that stands still.
impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}
