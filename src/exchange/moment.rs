use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::clock::Clock;

/// A point in time by two clocks: the wall clock, which may be set, and the monotonic clock, which may stop while the
/// machine is suspended.
///
/// ```
/// use issuer::{Moment, SystemClock};
/// let start = Moment::now(&SystemClock);
/// let later = Moment::now(&SystemClock);
/// assert!(later.since(start) < std::time::Duration::from_secs(60));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    wall: Timestamp,
    monotonic: Instant,
}

impl Moment {
    /// The current time by the wall clock `clock` and by the monotonic clock of the system.
    pub fn now(clock: &dyn Clock) -> Self {
        Self { wall: clock.now(), monotonic: Instant::now() }
    }

    /// The time by the wall clock.
    ///
    /// ```
    /// use issuer::{Moment, Timestamp};
    /// let stopped: Timestamp = "2026-11-22T00:40:00Z".parse()?;
    /// assert_eq!(Moment::now(&stopped).wall(), stopped);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn wall(self) -> Timestamp {
        self.wall
    }

    /// The time since an earlier moment, by the clock on which more time has passed.
    ///
    /// A wall clock that was set back does not make it shorter than the monotonic time, and a suspended machine does not
    /// make it shorter than the time on the wall clock.
    pub fn since(self, earlier: Self) -> Duration {
        let wall = Duration::try_from(self.wall.duration_since(earlier.wall)).unwrap_or_default();
        wall.max(self.monotonic.saturating_duration_since(earlier.monotonic))
    }
}

#[cfg(test)]
impl Moment {
    /// The moment after the clocks have advanced, each by its own number of seconds.
    pub(super) fn advanced(self, wall: i64, monotonic: u64) -> Self {
        let wall = self.wall + jiff::SignedDuration::from_secs(wall);
        Self { wall, monotonic: self.monotonic + Duration::from_secs(monotonic) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_by_the_faster_clock() {
        let start = Moment::now(&Timestamp::UNIX_EPOCH);
        for (wall, monotonic, since) in [(5, 5, 5), (-100, 5, 5), (100, 5, 100), (5, 0, 5), (-5, 0, 0)] {
            assert_eq!(start.advanced(wall, monotonic).since(start), Duration::from_secs(since), "{wall} {monotonic}");
        }
    }
}
