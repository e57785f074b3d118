use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use jiff::{SignedDuration, Timestamp, fmt::rfc2822};

/// The clock of a server, from the `Date` header of its responses (RFC 9110 section 6.6.1).
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    /// The time of the latest response, and its arrival by the monotonic clock.
    latest: Mutex<Option<(Timestamp, Instant)>>,
}

impl ServerClock {
    /// Sets the time from a `Date` header. Ignores a header that cannot be parsed.
    pub(super) fn set(&self, date: &str, arrived: Instant) {
        if let Ok(time) = rfc2822::DateTimeParser::new().parse_timestamp(date) {
            *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((time, arrived));
        }
    }

    /// The current time of the server; `None` before the first response.
    pub(crate) fn now(&self) -> Option<Timestamp> {
        let (time, arrived) = (*self.latest.lock().unwrap_or_else(PoisonError::into_inner))?;
        let since = SignedDuration::try_from(arrived.elapsed()).unwrap_or_default();
        time.checked_add(since).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_valid_date_header_sets_the_clock() {
        let clock = ServerClock::default();
        for unreadable in ["", "yesterday", "Thu, 26 Nov", "Thu, 26 Nov 99999 08:00:00 GMT"] {
            clock.set(unreadable, Instant::now());
            assert_eq!(clock.now(), None, "{unreadable}");
        }
        clock.set("Thu, 26 Nov 2026 08:00:00 GMT", Instant::now());
        let time: Timestamp = "2026-11-26T08:00:00Z".parse().unwrap();
        let now = clock.now().unwrap();
        assert!(now >= time && now.duration_since(time) < SignedDuration::from_mins(1), "{now}");
        clock.set("", Instant::now());
        assert!(clock.now().unwrap() >= now);
    }
}
