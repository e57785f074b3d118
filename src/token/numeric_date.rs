//! NumericDate: seconds since 1970, possibly with a fraction (RFC 7519 section 2).

use std::fmt;

use jiff::Timestamp;
use serde::{Deserializer, de};

use super::text::STRING;

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    deserializer.deserialize_any(Seconds).map(Some)
}

struct Seconds;

impl de::Visitor<'_> for Seconds {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970, up to the year 9999")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<Timestamp, E> {
        Err(E::invalid_type(STRING, &self))
    }

    fn visit_i64<E: de::Error>(self, seconds: i64) -> Result<Timestamp, E> {
        Timestamp::from_second(seconds).map_err(|_| E::invalid_value(de::Unexpected::Signed(seconds), &self))
    }

    fn visit_u64<E: de::Error>(self, seconds: u64) -> Result<Timestamp, E> {
        let refuse = || E::invalid_value(de::Unexpected::Unsigned(seconds), &self);
        i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok()).ok_or_else(refuse)
    }

    #[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
    fn visit_f64<E: de::Error>(self, seconds: f64) -> Result<Timestamp, E> {
        let nanoseconds = (seconds.fract() * 1e9) as i32;
        Timestamp::new(seconds.trunc() as i64, nanoseconds)
            .map_err(|_| E::invalid_value(de::Unexpected::Float(seconds), &self))
    }
}
