//! Pauses between retries: exponential backoff with jitter, and the pauses that a server requests.

use std::time::Duration;

use aws_lc_rs::rand;
use jiff::{Timestamp, fmt::rfc2822};

/// Exponential backoff with jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backoff {
    /// The pause after the first attempt.
    pub(crate) first: Duration,
    /// The maximum pause.
    pub(crate) longest: Duration,
}

impl Backoff {
    /// The pause after this many attempts: it doubles each time, and half of it is random.
    pub(crate) fn pause(self, attempts: u32, random: u8) -> Duration {
        self.without_jitter(attempts).mul_f64(0.5 + f64::from(random) / 512.0)
    }

    /// The same without jitter.
    pub(crate) fn without_jitter(self, attempts: u32) -> Duration {
        self.first.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(self.longest)
    }
}

/// A random byte for the jitter. Without random bytes, a pause has less jitter.
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "no request is retried"))]
pub(crate) fn random() -> u8 {
    let mut byte = [0];
    let _ = rand::fill(&mut byte);
    byte[0]
}

/// The pause in `Retry-After`, in seconds or until a date (RFC 9110 section 10.2.3), or in the headers with milliseconds
/// that Azure adds.
#[cfg_attr(not(feature = "remote"), allow(dead_code, reason = "no request is sent"))]
pub(crate) fn retry_after(header: impl Fn(&'static str) -> Option<String>, now: Timestamp) -> Option<Duration> {
    let millis = header("x-ms-retry-after-ms").or_else(|| header("retry-after-ms"));
    if let Some(millis) = millis.and_then(|text| text.trim().parse().ok()) {
        return Some(Duration::from_millis(millis));
    }
    let text = header("retry-after")?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pause_doubles_up_to_the_longest() {
        let backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_mins(1) };
        let pauses: Vec<_> = (1..=8).map(|attempts| backoff.without_jitter(attempts).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff.without_jitter(u32::MAX), Duration::from_mins(1));
        for attempts in 1..9 {
            let whole = backoff.without_jitter(attempts);
            assert_eq!(backoff.pause(attempts, 0), whole / 2);
            assert!(backoff.pause(attempts, u8::MAX) < whole);
        }
    }

    #[test]
    fn retry_after_has_seconds_or_a_date() {
        let now: Timestamp = "2026-11-22T00:10:22Z".parse().unwrap();
        for (name, value, pause) in [
            ("retry-after", "7", Some(7_000)),
            ("retry-after", " 7 ", Some(7_000)),
            ("retry-after", "Sun, 22 Nov 2026 00:10:52 GMT", Some(30_000)),
            ("retry-after", "Sun, 22 Nov 2026 00:10:12 GMT", Some(0)),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "", None),
            ("retry-after-ms", "250", Some(250)),
            ("x-ms-retry-after-ms", "300", Some(300)),
            ("other", "1", None),
        ] {
            let found = retry_after(|asked| (asked == name).then(|| value.to_owned()), now);
            assert_eq!(found, pause.map(Duration::from_millis), "{name}: {value}");
        }
    }
}
