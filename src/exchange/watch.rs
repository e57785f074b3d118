use std::time::Duration;

use super::{AccessToken, Moment};
use crate::backoff::Backoff;

/// The pause after the first failure; it doubles up to [`RETRY_MAX`] or a third of the lifetime.
const RETRY_FIRST: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_mins(1);
/// The longest wait, so that a wall clock that is set, or a machine that was suspended, is noticed.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// The schedule of a program that keeps a fresh access token in a file: a state machine without I/O.
///
/// - It refreshes after `refresh_in`, else after two thirds of the lifetime.
/// - After a failure it keeps the last token and tries again after one second. The pause doubles with each failure in a
///   row, up to one minute or a third of the lifetime, whichever is shorter.
/// - It removes the file when the token expires, by the wall clock or the monotonic clock.
/// - The first exchange must succeed.
///
/// Call [`next`](Self::next) after each step. An exchange may take longer than the token lives, so call it also while an
/// exchange is in flight.
///
/// ```
/// use issuer::{AccessToken, Moment, SystemClock, TokenAnswer, Watch, WatchStep};
/// let mut watch = Watch::new();
/// assert_eq!(watch.next(Moment::now(&SystemClock)), WatchStep::Exchange);
/// // While the exchange is in flight.
/// assert!(matches!(watch.next(Moment::now(&SystemClock)), WatchStep::Wait(_)));
///
/// let body = br#"{"token_type": "Bearer", "expires_in": 3600, "access_token": "eyJ0eXAi"}"#;
/// let TokenAnswer::Issued(answer) = TokenAnswer::parse(200, body) else { panic!() };
/// let token = AccessToken::new(answer, "https://vault.azure.net/.default".parse()?, Moment::now(&SystemClock));
/// // The program has written the token to the file.
/// watch.succeeded(&token);
/// assert!(watch.is_ready(Moment::now(&SystemClock)));
/// watch.refresh_now();
/// assert_eq!(watch.next(Moment::now(&SystemClock)), WatchStep::Exchange);
/// # Ok::<(), issuer::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Watch {
    current: Option<Current>,
    /// Whether the file contains the current token.
    is_written: bool,
    is_in_flight: bool,
    is_requested: bool,
    failures: u32,
    failed_at: Option<Moment>,
}

#[derive(Clone, Copy, Debug)]
struct Current {
    requested: Moment,
    lifetime: Duration,
    refresh: Duration,
}

/// The next step of a [`Watch`].
///
/// ```
/// use issuer::{Moment, SystemClock, Watch, WatchStep};
/// let mut watch = Watch::new();
/// assert_eq!(watch.next(Moment::now(&SystemClock)), WatchStep::Exchange);
/// watch.failed(Moment::now(&SystemClock));
/// assert_eq!(watch.next(Moment::now(&SystemClock)), WatchStep::GiveUp);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WatchStep {
    /// Start an exchange, and report its outcome with [`Watch::succeeded`] or [`Watch::failed`].
    Exchange,
    /// Remove the file, and report it with [`Watch::removed`]: its token has expired.
    Remove,
    /// Ask again after this time, or when an exchange ends or a refresh is requested.
    Wait(Duration),
    /// The first exchange failed. Report its error and exit.
    GiveUp,
}

impl Watch {
    /// A watch that has not requested a token yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The next step. After [`WatchStep::Exchange`] an exchange is in flight until its outcome is reported.
    pub fn next(&mut self, now: Moment) -> WatchStep {
        if let Some(current) = self.current.filter(|_| self.is_written)
            && current.remaining(now).is_zero()
        {
            return WatchStep::Remove;
        }
        let due = self.due_in(now);
        match due {
            _ if self.is_in_flight => {}
            None => return WatchStep::GiveUp,
            Some(due) if due.is_zero() => {
                self.is_in_flight = true;
                self.is_requested = false;
                return WatchStep::Exchange;
            }
            Some(_) => {}
        }
        let due = due.filter(|_| !self.is_in_flight).unwrap_or(WAIT_MAX);
        let expiry = self.current.filter(|_| self.is_written).map_or(WAIT_MAX, |current| current.remaining(now));
        WatchStep::Wait(due.min(expiry).min(WAIT_MAX))
    }

    /// Reports that the exchange succeeded and that the file contains its token.
    pub fn succeeded(&mut self, token: &AccessToken) {
        let lifetime = token.lifetime();
        let refresh = token.refresh_in().unwrap_or(lifetime / 3 * 2).min(lifetime);
        let current = Current { requested: token.requested(), lifetime, refresh };
        let is_requested = self.is_requested;
        *self = Self { current: Some(current), is_written: true, is_requested, ..Self::default() };
    }

    /// Reports that the exchange failed, or that its token could not be written.
    pub fn failed(&mut self, now: Moment) {
        self.is_in_flight = false;
        self.failures = self.failures.saturating_add(1);
        self.failed_at = Some(now);
    }

    /// Reports that the file does not exist.
    pub fn removed(&mut self) {
        self.is_written = false;
    }

    /// Requests a refresh at the next step, for example after SIGHUP. During an exchange, another one follows.
    pub fn refresh_now(&mut self) {
        self.is_requested = true;
    }

    /// Whether the file contains a token that has not expired.
    pub fn is_ready(&self, now: Moment) -> bool {
        self.is_written && self.current.is_some_and(|current| !current.remaining(now).is_zero())
    }

    /// The number of failures since the last success.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// The time until the next exchange; `None` if there must be none, because the first one failed.
    ///
    /// ```
    /// use std::time::Duration;
    /// use issuer::{Moment, SystemClock, Watch};
    /// let mut watch = Watch::new();
    /// let now = Moment::now(&SystemClock);
    /// assert_eq!(watch.due_in(now), Some(Duration::ZERO));
    /// watch.failed(now);
    /// assert_eq!(watch.due_in(now), None);
    /// ```
    pub fn due_in(&self, now: Moment) -> Option<Duration> {
        let Some(current) = self.current else { return (self.failures == 0).then_some(Duration::ZERO) };
        if self.is_requested {
            return Some(Duration::ZERO);
        }
        let Some(failed_at) = self.failed_at else {
            return Some(current.refresh.saturating_sub(now.since(current.requested)));
        };
        let longest = RETRY_MAX.min(current.lifetime / 3);
        let pause = Backoff { first: RETRY_FIRST, longest }.without_jitter(self.failures);
        Some(pause.saturating_sub(now.since(failed_at)))
    }
}

impl Current {
    fn remaining(self, now: Moment) -> Duration {
        self.lifetime.saturating_sub(now.since(self.requested))
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::entra::TokenAnswer;

    fn token(lifetime: u64, refresh_in: Option<u64>, requested: Moment) -> AccessToken {
        let refresh_in = refresh_in.map(|seconds| format!(r#""refresh_in":{seconds},"#)).unwrap_or_default();
        let body = format!(r#"{{{refresh_in}"token_type":"Bearer","expires_in":{lifetime},"access_token":"t"}}"#);
        let TokenAnswer::Issued(answer) = TokenAnswer::parse(200, body.as_bytes()) else { panic!("{body}") };
        AccessToken::new(answer, "a/.default".parse().unwrap(), requested)
    }

    /// A watch with a token that was requested at a moment.
    fn watching(lifetime: u64, refresh_in: Option<u64>) -> (Watch, Moment) {
        let start = Moment::now(&Timestamp::UNIX_EPOCH);
        let mut watch = Watch::new();
        assert_eq!(watch.next(start), WatchStep::Exchange);
        watch.succeeded(&token(lifetime, refresh_in, start));
        (watch, start)
    }

    /// The second, from a moment on, at which a step other than waiting is due.
    fn next_step(watch: &mut Watch, start: Moment, from: u64) -> (u64, WatchStep) {
        let steps = (from..100_000).map(|second| (second, watch.next(start.advanced(0, second))));
        let mut steps = steps.filter(|(_, step)| !matches!(step, WatchStep::Wait(_)));
        steps.next().unwrap()
    }

    #[test]
    fn refresh_is_due_after_refresh_in_or_two_thirds() {
        for (lifetime, refresh_in, due) in
            [(3600, None, 2400), (3, None, 2), (86_400, Some(43_200), 43_200), (3600, Some(3599), 3599)]
        {
            let (mut watch, start) = watching(lifetime, refresh_in);
            assert_eq!(next_step(&mut watch, start, 0), (due, WatchStep::Exchange), "{lifetime} {refresh_in:?}");
        }
    }

    #[test]
    fn pause_after_failures_doubles_up_to_a_minute_or_a_third() {
        for (lifetime, pauses) in
            [(3600, &[1, 2, 4, 8, 16, 32, 60, 60, 60][..]), (90, &[1, 2, 4, 8]), (30, &[1, 2, 4]), (12, &[1, 2])]
        {
            let (mut watch, start) = watching(lifetime, None);
            let (mut at, step) = next_step(&mut watch, start, 0);
            assert_eq!(step, WatchStep::Exchange);
            for (failures, pause) in (1..).zip(pauses) {
                watch.failed(start.advanced(0, at));
                assert_eq!((watch.failures(), watch.is_ready(start.advanced(0, at))), (failures, true));
                let (next, step) = next_step(&mut watch, start, at);
                assert_eq!((next - at, step), (*pause, WatchStep::Exchange), "{lifetime}: failure {failures}");
                at = next;
            }
            watch.succeeded(&token(lifetime, None, start.advanced(0, at)));
            assert_eq!(watch.failures(), 0);
        }
    }

    #[test]
    fn file_is_removed_at_expiry_also_during_an_exchange() {
        let (mut watch, start) = watching(30, None);
        assert_eq!(next_step(&mut watch, start, 0), (20, WatchStep::Exchange));
        // The exchange is in flight.
        assert_eq!(next_step(&mut watch, start, 20), (30, WatchStep::Remove));
        assert!(!watch.is_ready(start.advanced(0, 30)));
        watch.removed();
        assert_eq!(watch.next(start.advanced(0, 31)), WatchStep::Wait(WAIT_MAX));
        watch.succeeded(&token(30, None, start.advanced(0, 31)));
        assert!(watch.is_ready(start.advanced(0, 31)));
    }

    #[test]
    fn wait_ends_at_the_expiry() {
        let (mut watch, start) = watching(3, Some(2));
        assert_eq!(next_step(&mut watch, start, 0), (2, WatchStep::Exchange));
        assert_eq!(watch.next(start.advanced(0, 2)), WatchStep::Wait(Duration::from_secs(1)));
        assert_eq!(watch.next(start.advanced(0, 3)), WatchStep::Remove);
    }

    #[test]
    fn wall_clock_that_is_set_forward_removes_the_file() {
        let (mut watch, start) = watching(3600, None);
        assert_eq!(watch.next(start.advanced(3600, 1)), WatchStep::Remove);
        watch.removed();
        assert_eq!(watch.next(start.advanced(3600, 1)), WatchStep::Exchange);
        let (mut watch, start) = watching(3600, None);
        assert_eq!(watch.next(start.advanced(-9000, 1)), WatchStep::Wait(WAIT_MAX));
        assert_eq!(watch.next(start.advanced(-9000, 3600)), WatchStep::Remove);
    }

    #[test]
    fn requested_refresh_starts_at_once_and_once() {
        let (mut watch, start) = watching(3600, None);
        watch.refresh_now();
        assert_eq!(watch.next(start), WatchStep::Exchange);
        assert_eq!(watch.next(start), WatchStep::Wait(WAIT_MAX));
        // Requested while an exchange is in flight: another one follows.
        watch.refresh_now();
        watch.succeeded(&token(3600, None, start));
        assert_eq!(watch.next(start), WatchStep::Exchange);
        watch.succeeded(&token(3600, None, start));
        assert_eq!(watch.next(start), WatchStep::Wait(WAIT_MAX));
    }
}
