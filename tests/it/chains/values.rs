//! The placeholders in the files of a chain: `{issuer}`, `{kid}`, `{now+3600}` and others.

use issuer::Timestamp;
use serde_json::Value;

use super::keys::Keys;

pub(super) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
/// The host of every issuer that the internet reaches.
pub(super) const HOST: &str = "issuer.example.com";

/// The values of the placeholders of one chain.
pub(super) struct Values {
    texts: Vec<(&'static str, String)>,
    now: i64,
}

impl Values {
    /// The values for a chain by its name and its position.
    pub(super) fn new(name: &str, position: usize, keys: &Keys) -> Self {
        let texts = vec![
            ("{issuer}", format!("https://{HOST}/{name}")),
            ("{client_id}", format!("00000000-0000-4000-8000-{position:012}")),
            ("{tenant}", TENANT.to_owned()),
            ("{kid}", keys.cluster.kid()),
            ("{other_kid}", keys.other.kid()),
        ];
        Self { texts, now: Timestamp::now().as_second() }
    }

    pub(super) fn client_id(&self) -> &str {
        &self.texts[1].1
    }

    /// The text with its placeholders replaced.
    pub(super) fn fill(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(placeholder, value))
    }

    /// The text with the values replaced by their placeholders.
    pub(super) fn blank(&self, text: &str) -> String {
        self.texts.iter().fold(text.to_owned(), |text, (placeholder, value)| text.replace(value, placeholder))
    }

    /// The value with all placeholders in its texts replaced; a time becomes a number.
    pub(super) fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => match self.time(text) {
                Some(time) => time.into(),
                None => self.fill(text).into(),
            },
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.clone(), self.filled(value))).collect())
            }
            other => other.clone(),
        }
    }

    /// The time of `{now}`, `{now+3600}` or `{now-60}`.
    fn time(&self, text: &str) -> Option<i64> {
        let offset = text.strip_prefix("{now")?.strip_suffix('}')?;
        if offset.is_empty() { Some(self.now) } else { Some(self.now + offset.parse::<i64>().unwrap()) }
    }
}
