//! An optional member that is `true` or `false`; null is rejected.

use std::fmt;

use serde::{Deserializer, de};

use super::text::STRING;

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    deserializer.deserialize_any(Visitor).map(Some)
}

struct Visitor;

impl de::Visitor<'_> for Visitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_str<E: de::Error>(self, _: &str) -> Result<bool, E> {
        Err(E::invalid_type(STRING, &self))
    }

    fn visit_bool<E>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }
}
