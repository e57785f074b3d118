use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::IssuerUrl;

/// What a site remembers of a published JWKS: whose it is, since when each key is in it, and when a key was first missed
/// from the input.
///
/// Kept with the JWKS, so that any machine can run the next publish. A key without a time of retirement is in the input.
///
/// As JSON text it is `{"issuer":URL,"keys":{KID:[PUBLISHED,RETIRED]}}` with times in seconds since 1970 and `null` for what is
/// not known: 100 keys with Kubernetes key IDs fit the 8 KiB that a blob's metadata may have.
///
/// ```
/// use issuer::Retention;
/// let record = Retention::from_text(r#"{"keys":{"a":[1795305600],"b":[1795305600,1795392000]}}"#);
/// assert_eq!(record.published_since("a"), Some("2026-11-22T00:00:00Z".parse()?));
/// assert_eq!(record.retired_since("a"), None);
/// assert_eq!(record.retired_since("b"), Some("2026-11-23T00:00:00Z".parse()?));
/// assert_eq!(Retention::from_text(&record.to_text()), record);
/// assert!(Retention::from_text("not a record").is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retention {
    /// The issuer the JWKS was published for; `None` where something else published it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, Times>,
}

/// When a key was first published and when it was first missed, in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Times(Option<i64>, #[serde(default, skip_serializing_if = "Option::is_none")] Option<i64>);

impl Retention {
    pub(super) fn of(issuer: &IssuerUrl) -> Self {
        Self { issuer: Some(issuer.as_str().to_owned()), keys: BTreeMap::new() }
    }

    /// Since when the key with this `kid` is published; `None` where something else published it.
    pub fn published_since(&self, kid: &str) -> Option<Timestamp> {
        time(self.keys.get(kid)?.0)
    }

    /// When the key with this `kid` was first missed; `None` while it is in the input.
    pub fn retired_since(&self, kid: &str) -> Option<Timestamp> {
        time(self.keys.get(kid)?.1)
    }

    /// Notes a key, for whole seconds; one of which nothing is known needs no note.
    pub(super) fn note(&mut self, kid: &str, published: Option<Timestamp>, retired: Option<Timestamp>) {
        if published.is_some() || retired.is_some() {
            let times = Times(published.map(Timestamp::as_second), retired.map(Timestamp::as_second));
            self.keys.insert(kid.to_owned(), times);
        }
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.issuer.is_none() && self.keys.is_empty()
    }

    /// The record as JSON text: one line, and ASCII, as a header must be.
    pub fn to_text(&self) -> String {
        // Serialising a map of strings cannot fail.
        let json = serde_json::to_string(self).unwrap_or_default();
        let escape = |character: char| match character {
            '\u{20}'..='\u{7e}' => character.to_string(),
            other => {
                let mut units = [0; 2];
                let units: Vec<_> =
                    other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
                units.concat()
            }
        };
        json.chars().map(escape).collect()
    }

    /// Reads a record. One that cannot be read is taken as empty, which keeps keys longer and drops none.
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

fn time(seconds: Option<i64>) -> Option<Timestamp> {
    Timestamp::from_second(seconds?).ok()
}
