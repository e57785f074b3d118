use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a site remembers of a published JWKS: whose it is, and when each key was first missed from the input.
///
/// Kept with the JWKS, so that any machine can run the next publish. A key without a time is in the input.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// The issuer the JWKS was published for; `None` where something else published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    retired: BTreeMap<String, Timestamp>,
}

impl Retention {
    /// When the key with this `kid` was first missed; `None` while it is in the input.
    pub fn retired_since(&self, kid: &str) -> Option<Timestamp> {
        self.retired.get(kid).copied()
    }

    pub(super) fn retire(&mut self, kid: &str, since: Timestamp) {
        self.retired.insert(kid.to_owned(), since);
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.issuer.is_none() && self.retired.is_empty()
    }

    /// The record as JSON text, one line.
    pub fn to_text(&self) -> String {
        // Serialising a map of strings cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads a record. One that cannot be read is taken as empty, which keeps keys longer and drops none.
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}
