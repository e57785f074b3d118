use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Number, json};

use super::RetentionError;
use crate::{IssuerUrl, Jwk};

/// The longest record that is read, in bytes; a JWKS has the same limit. A blob's metadata may have 8 KiB.
const TEXT_MAX: usize = 1 << 20;
/// The prefix of names that are hashes of an entry.
const HASH: &str = "sha256:";
/// How much of such a hash is kept: 128 bits.
const HASH_CHARS: usize = 22;
/// The length of the API server's key ID.
const KEY_ID_CHARS: usize = 43;

/// What a site remembers of a published JWKS: whose it is, which keys are known, since when each is in it, and when a key was
/// first missed from the input.
///
/// Kept with the JWKS, so that any machine can run the next publish. A key without a time of retirement is in the input. A
/// published key that is not listed was added by something else.
///
/// As JSON text it is `{"issuer":URL,"keys":{NAME:[PUBLISHED,RETIRED]}}` with times in seconds since 1970 and `null` for what is
/// not known. The name of a key is its `kid` if that is the API server's hash of the key, so no other key can take the name.
/// The name of any other entry is `sha256:` and the start of a hash of its `kid` and key, or of the whole entry if it has no
/// usable key. 100 keys fit the 8 KiB that a blob's metadata may have.
///
/// ```
/// use issuer::{Jwks, Retention};
/// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// let text = r#"{"keys":{"VySw_uf2CxNBmIAMX_W82QIp1ATwZ9JFL9E-DbKqxPk":[1795305600,1795392000]}}"#;
/// let record = Retention::from_text(text)?;
/// assert!(record.knows(&jwks.keys[0]) && !record.knows(&jwks.keys[1]));
/// assert_eq!(record.published_since(&jwks.keys[0]), Some("2026-11-22T00:00:00Z".parse()?));
/// assert_eq!(record.retired_since(&jwks.keys[0]), Some("2026-11-23T00:00:00Z".parse()?));
/// assert_eq!(Retention::from_text(&record.to_text())?, record);
/// assert!(Retention::from_text("not a record").is_err());
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
#[serde(try_from = "Vec<Option<Number>>")]
struct Times(Option<i64>, #[serde(skip_serializing_if = "Option::is_none")] Option<i64>);

impl TryFrom<Vec<Option<Number>>> for Times {
    type Error = &'static str;

    fn try_from(times: Vec<Option<Number>>) -> Result<Self, Self::Error> {
        match times.as_slice() {
            [] => Ok(Self::default()),
            [published] => Ok(Self(seconds(published.as_ref()), None)),
            [published, retired] => Ok(Self(seconds(published.as_ref()), seconds(retired.as_ref()))),
            _ => Err("more than two times"),
        }
    }
}

/// The nearest number of seconds; [`Retention::clamped`] judges whether it can be true.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and fractions of a second do not count")]
fn seconds(number: Option<&Number>) -> Option<i64> {
    let number = number?;
    number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64))
}

impl Retention {
    pub(super) fn of(issuer: &IssuerUrl) -> Self {
        Self { issuer: Some(issuer.as_str().to_owned()), keys: BTreeMap::new() }
    }

    /// Whether an entry of the JWKS is listed.
    pub fn knows(&self, jwk: &Jwk) -> bool {
        self.times(jwk).is_some()
    }

    /// Since when an entry is published; `None` where something else published it.
    pub fn published_since(&self, jwk: &Jwk) -> Option<Timestamp> {
        self.times(jwk)?.0.map(time)
    }

    /// When an entry was first missed from the input; `None` while its key is in the input.
    pub fn retired_since(&self, jwk: &Jwk) -> Option<Timestamp> {
        self.times(jwk)?.1.map(time)
    }

    fn times(&self, jwk: &Jwk) -> Option<&Times> {
        self.keys.get(&name(jwk)).or_else(|| {
            // Records of earlier versions name every entry by its `kid`.
            let kid = jwk.kid().unwrap_or_default();
            if has_form_of_key_id(kid) || kid.starts_with(HASH) { None } else { self.keys.get(kid) }
        })
    }

    /// Lists an entry, with its times in whole seconds.
    pub(super) fn note(&mut self, jwk: &Jwk, published: Option<Timestamp>, retired: Option<Timestamp>) {
        let times = Times(published.map(Timestamp::as_second), retired.map(Timestamp::as_second));
        self.keys.insert(name(jwk), times);
    }

    /// The record with `now` for every time that cannot be true: one in the future, or before 1970.
    pub(super) fn clamped(&self, now: Timestamp) -> Self {
        let clamp = |time: i64| if (0..=now.as_second()).contains(&time) { time } else { now.as_second() };
        let times = |Times(published, retired): Times| Times(published.map(clamp), retired.map(clamp));
        let keys = self.keys.iter().map(|(name, found)| (name.clone(), times(*found))).collect();
        Self { issuer: self.issuer.clone(), keys }
    }

    /// The record with the keys of another too. It is true of both documents while one replaces the other.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut keys = other.keys.clone();
        keys.extend(self.keys.iter().map(|(name, times)| (name.clone(), *times)));
        Self { issuer: self.issuer.clone(), keys }
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

    /// Reads a record.
    ///
    /// # Errors
    ///
    /// [`RetentionError`] when the text is too long, not JSON, or JSON of another form. A time that is a number is read,
    /// whatever its value: a plan replaces those that cannot be true.
    pub fn from_text(text: &str) -> Result<Self, RetentionError> {
        if text.len() > TEXT_MAX {
            return Err(RetentionError::TooLong);
        }
        // An array would be read as the fields of the struct in their order.
        let is_object = text.trim_start().starts_with('{');
        let record = serde_json::from_str(text)
            .map_err(|error| if error.is_data() { RetentionError::Form } else { RetentionError::NotJson })?;
        if is_object { Ok(record) } else { Err(RetentionError::Form) }
    }
}

/// The name of an entry in the record.
fn name(jwk: &Jwk) -> String {
    let hash = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes));
    let identity = match jwk.key().map(|key| hash(key.spki_der())) {
        Ok(key_id) if jwk.kid() == Some(&key_id) => return key_id,
        Ok(key_id) => json!([jwk.kid(), key_id]),
        Err(_) => jwk.to_value(),
    };
    let hash = hash(identity.to_string().as_bytes());
    format!("{HASH}{}", hash.get(..HASH_CHARS).unwrap_or(&hash))
}

/// Whether a `kid` may be the API server's hash of a key.
fn has_form_of_key_id(kid: &str) -> bool {
    kid.len() == KEY_ID_CHARS && kid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The nearest time that there is.
fn time(seconds: i64) -> Timestamp {
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_joined_record_has_the_keys_of_both_and_its_own_times() {
        let record = |text: &str| Retention::from_text(text).unwrap();
        let own = record(r#"{"issuer":"a","keys":{"x":[1],"y":[2,3]}}"#);
        let other = record(r#"{"issuer":"b","keys":{"y":[4,5],"z":[6]}}"#);
        assert_eq!(own.joined(&other), record(r#"{"issuer":"a","keys":{"x":[1],"y":[2,3],"z":[6]}}"#));
    }
}
