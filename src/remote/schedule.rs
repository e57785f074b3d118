use std::time::Duration;

use jiff::Timestamp;

use crate::{
    clock::Clock,
    verify::{CheckName, Refusal},
};

/// The shortest and longest time that a JWKS is cached, and the time if the server sends none.
const KEPT_MIN: Duration = Duration::from_mins(1);
const KEPT_MAX: Duration = Duration::from_hours(24);
const KEPT_UNTOLD: Duration = Duration::from_mins(10);
/// The shortest interval between two attempts that an unknown `kid` or a failure causes.
const PAUSE: Duration = Duration::from_secs(30);
/// The same interval before the first success.
const PAUSE_AT_FIRST: Duration = Duration::from_secs(1);

/// When the documents of one issuer must be read again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    /// The number of attempts. A caller that waited compares it to see whether another caller made an attempt meanwhile.
    pub(super) attempts: u64,
    tried: Option<Timestamp>,
    failed: bool,
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    since: Timestamp,
    span: Duration,
}

/// The next step of a caller before it returns a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Return the verdict.
    Answer,
    /// Start a refresh, and return the verdict from the cached keys.
    Refresh,
    /// Wait for a refresh, and verify the token again.
    Wait,
}

impl Schedule {
    /// The next step for a token that was accepted or refused with the cached keys.
    pub(super) fn next(&self, clock: &dyn Clock, refusal: Option<&Refusal>) -> Next {
        let now = clock.now();
        let paused = |pause| self.tried.is_some_and(|tried| elapsed(tried, now) < pause);
        let Some(kept) = self.kept else {
            return if paused(PAUSE_AT_FIRST) { Next::Answer } else { Next::Wait };
        };
        if paused(PAUSE) {
            return Next::Answer;
        }
        let age = elapsed(kept.since, now);
        // If the last refresh failed, callers do not wait: a site that is down must not block every caller.
        let run_out = age >= kept.span && !self.failed;
        if run_out || refusal.is_some_and(may_pass_later) {
            Next::Wait
        } else if age >= kept.span / 5 * 4 {
            Next::Refresh
        } else {
            Next::Answer
        }
    }

    /// Whether a refresh has ever succeeded.
    pub(super) fn has_keys(&self) -> bool {
        self.kept.is_some()
    }

    /// Records a success, and returns how long the JWKS is cached.
    pub(super) fn succeeded(&mut self, clock: &dyn Clock, fresh_for: Option<Duration>) -> Duration {
        let (now, span) = (clock.now(), fresh_for.unwrap_or(KEPT_UNTOLD).clamp(KEPT_MIN, KEPT_MAX));
        let kept = Some(Kept { since: now, span });
        *self = Self { attempts: self.attempts + 1, tried: Some(now), failed: false, kept };
        span
    }

    /// Records a failure.
    pub(super) fn failed(&mut self, clock: &dyn Clock) {
        *self = Self { attempts: self.attempts + 1, tried: Some(clock.now()), failed: true, ..*self };
    }
}

/// Whether newer documents of the issuer could change this refusal.
pub(super) fn may_pass_later(refusal: &Refusal) -> bool {
    matches!(refusal.check(), CheckName::Discovery | CheckName::KeySet | CheckName::Key)
}

/// The time since then. If the clock was set back by more than [`PAUSE`], the result is the maximum.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    let elapsed = now.duration_since(since);
    if elapsed.is_negative() && elapsed.unsigned_abs() < PAUSE {
        return Duration::ZERO;
    }
    Duration::try_from(elapsed).unwrap_or(Duration::MAX)
}
