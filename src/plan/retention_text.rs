//! The retention record as JSON text.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{
    Owner, Retention, RetentionError,
    retention::{KeyRecord, name_of_old},
};
use crate::documents::Documents;

/// The current version of the format.
const VERSION: u64 = 2;

/// The members of the text. All members are optional; unknown members are ignored.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Text {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    owners: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    keys: BTreeMap<String, Entry>,
}

/// The version, which determines the format of the other members.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    version: Option<Value>,
}

/// `[PUBLISHED]`, `[PUBLISHED,RETIRED]` or `[PUBLISHED,RETIRED,OWNERS]`. Without owners, the key belongs to [`Owner::NONE`].
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Entry(Vec<Option<Field>>);

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Field {
    /// Seconds since 1970.
    Time(Number),
    /// Indexes into the list of owners.
    Owners(Vec<usize>),
}

pub(super) fn write(record: &Retention) -> String {
    let is_default = |key: &KeyRecord| key.owners.iter().all(Owner::is_none);
    let listed = record.keys.values().filter(|key| !is_default(key)).flat_map(|key| &key.owners);
    let owners: Vec<_> = listed.collect::<BTreeSet<_>>().into_iter().collect();
    let entry = |key: &KeyRecord| {
        let time = |time: Option<i64>| time.map(|time| Field::Time(time.into()));
        let mut fields = vec![time(key.published)];
        if key.retired.is_some() || !is_default(key) {
            fields.push(time(key.retired));
        }
        if !is_default(key) {
            let positions = key.owners.iter().filter_map(|owner| owners.binary_search(&owner).ok());
            fields.push(Some(Field::Owners(positions.collect())));
        }
        Entry(fields)
    };
    let keys = record.keys.iter().map(|(name, key)| (name.clone(), entry(key))).collect();
    let owners = owners.into_iter().map(ToString::to_string).collect();
    let text = Text { version: Some(VERSION.into()), issuer: record.issuer.clone(), owners, keys };
    // Serialising maps of strings and lists of numbers cannot fail.
    let json = serde_json::to_string(&text).unwrap_or_default();
    json.chars().map(escaped).collect()
}

/// Escapes a character of JSON text to ASCII (RFC 8259 section 7).
fn escaped(character: char) -> String {
    match character {
        '\u{20}'..='\u{7e}' => character.to_string(),
        other => {
            let mut units = [0; 2];
            let units: Vec<_> = other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect();
            units.concat()
        }
    }
}

pub(super) fn read(text: &str) -> Result<Retention, RetentionError> {
    if text.len() > Documents::BYTES_MAX {
        return Err(RetentionError::TooLong);
    }
    // Serde would deserialise an array as the fields of the struct in their order.
    let is_object = text.trim_start().starts_with('{');
    // Check the version first: in a later version, the other members may have any form.
    let Head { version } = parse(text)?;
    if !is_object {
        return Err(RetentionError::Form);
    }
    match version.as_ref().map(Value::as_u64) {
        None | Some(Some(VERSION)) => {}
        Some(Some(later)) if later > VERSION => return Err(RetentionError::Version(later)),
        Some(_) => return Err(RetentionError::Form),
    }
    let text: Text = parse(text)?;
    let is_old = text.version.is_none();
    let name = |name: String| if is_old { name_of_old(&name).to_owned() } else { name };
    let keys = text.keys.into_iter().map(|(old, entry)| Ok((name(old), entry.read(&text.owners)?)));
    Ok(Retention { issuer: text.issuer, keys: keys.collect::<Result<_, _>>()? })
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, RetentionError> {
    let error = |error: serde_json::Error| if error.is_data() { RetentionError::Form } else { RetentionError::NotJson };
    serde_json::from_str(text).map_err(error)
}

impl Entry {
    fn read(self, owners: &[String]) -> Result<KeyRecord, RetentionError> {
        let mut key = KeyRecord { published: None, retired: None, owners: BTreeSet::new() };
        for (position, field) in self.0.into_iter().enumerate() {
            match (position, field) {
                (0..=2, None) => {}
                (0, Some(Field::Time(time))) => key.published = seconds(&time),
                (1, Some(Field::Time(time))) => key.retired = seconds(&time),
                (2, Some(Field::Owners(positions))) => {
                    let owner = |position: usize| {
                        owners.get(position).cloned().map(Owner::of_record).ok_or(RetentionError::Form)
                    };
                    key.owners = positions.into_iter().map(owner).collect::<Result<_, _>>()?;
                }
                _ => return Err(RetentionError::Form),
            }
        }
        if key.owners.is_empty() {
            key.owners.insert(Owner::default());
        }
        Ok(key)
    }
}

/// The nearest whole number of seconds; [`Retention::clamped`] corrects impossible times.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and fractions of a second are ignored")]
fn seconds(number: &Number) -> Option<i64> {
    number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
}
