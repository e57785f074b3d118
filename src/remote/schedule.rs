use std::time::Duration;

use jiff::Timestamp;

use crate::{
    clock::Clock,
    verify::{CheckName, Refusal},
};

/// The shortest and longest time a JWKS is kept, and the time where its server names none.
const KEPT_MIN: Duration = Duration::from_mins(1);
const KEPT_MAX: Duration = Duration::from_hours(24);
const KEPT_UNTOLD: Duration = Duration::from_mins(10);
/// How long after an attempt an unknown `kid` or a failure may lead to the next one.
const PAUSE: Duration = Duration::from_secs(30);
/// The same while no attempt has succeeded yet.
const PAUSE_AT_FIRST: Duration = Duration::from_secs(1);

/// When the documents of one issuer are to be read again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Schedule {
    /// How often it was tried, by which a caller that waited knows that somebody else did.
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

/// What a caller is to do before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing.
    Answer,
    /// Start to read them again, and answer from what is known.
    Refresh,
    /// Read them again, and judge anew.
    Wait,
}

impl Schedule {
    /// What is to be done for a token that was judged a moment ago, and refused or not.
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
        // A site that does not answer must not keep every caller waiting.
        let run_out = age >= kept.span && !self.failed;
        if run_out || refusal.is_some_and(may_pass_later) {
            Next::Wait
        } else if age >= kept.span / 5 * 4 {
            Next::Refresh
        } else {
            Next::Answer
        }
    }

    /// Whether anything was read so far.
    pub(super) fn has_keys(&self) -> bool {
        self.kept.is_some()
    }

    /// The JWKS was read; gives how long it is kept.
    pub(super) fn succeeded(&mut self, clock: &dyn Clock, fresh_for: Option<Duration>) -> Duration {
        let (now, span) = (clock.now(), fresh_for.unwrap_or(KEPT_UNTOLD).clamp(KEPT_MIN, KEPT_MAX));
        let kept = Some(Kept { since: now, span });
        *self = Self { attempts: self.attempts + 1, tried: Some(now), failed: false, kept };
        span
    }

    /// The documents could not be read.
    pub(super) fn failed(&mut self, clock: &dyn Clock) {
        *self = Self { attempts: self.attempts + 1, tried: Some(clock.now()), failed: true, ..*self };
    }
}

/// Whether other documents of the issuer could make a token pass that was refused.
pub(super) fn may_pass_later(refusal: &Refusal) -> bool {
    matches!(refusal.check(), CheckName::Discovery | CheckName::KeySet | CheckName::Key)
}

/// The time since. A clock that was set back by more than moments counts as all of it.
fn elapsed(since: Timestamp, now: Timestamp) -> Duration {
    let elapsed = now.duration_since(since);
    if elapsed.is_negative() && elapsed.unsigned_abs() < PAUSE {
        return Duration::ZERO;
    }
    Duration::try_from(elapsed).unwrap_or(Duration::MAX)
}
