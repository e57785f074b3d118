use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::json;

use super::{Owner, RetentionError, retention_text};
use crate::{issuer_url::IssuerUrl, key::Jwk};

/// The prefix of hashes in records of version 0.1.0.
const OLD_HASH: &str = "sha256:";
/// The length of the hash prefix that names an entry: 132 bits.
const NAME_CHARS: usize = 22;
/// The length of the API server's key ID.
const KEY_ID_CHARS: usize = 43;

/// The retention record of a published JWKS: its issuer and, for each known key, the times of publication and
/// retirement and the owners.
///
/// The record is stored with the JWKS, so that any machine can run the next publish. A key without a time of retirement
/// is in the input. A published key that is not listed is unknown: another program added it. Owners are the clusters or
/// publishers that hold a key. A retired key has one owner, which was the last one to hold it.
///
/// The JSON text is `{"version":2,"issuer":URL,"owners":[OWNER,…],"keys":{NAME:[PUBLISHED,RETIRED,[INDEX,…]]}}`:
///
/// - A key without a list of owners belongs to [`Owner::NONE`].
/// - Times are in seconds since 1970, and `null` if they are unknown. Each index points into `owners`.
/// - The name of a key is the first 22 characters of the API server's key ID if that is its `kid`. Otherwise it is
///   taken from a hash of `kid` and key, or of the whole entry if the entry has no usable key.
/// - 100 keys of fifty owners fit into 8 KiB, the limit of a blob's metadata, if the names are UIDs.
/// - Records of version 0.1.0, which have no `version` and longer names, can be read.
///
/// ```
/// use issuer::{Jwks, Retention};
/// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// let text = r#"{"version":2,"owners":["prod-1"],"keys":{"VySw_uf2CxNBmIAMX_W82Q":[1795305600,1795392000,[0]]}}"#;
/// let record = Retention::from_text(text)?;
/// assert!(record.knows(&jwks.keys[0]) && !record.knows(&jwks.keys[1]));
/// assert_eq!(record.published_since(&jwks.keys[0]), Some("2026-11-22T00:00:00Z".parse()?));
/// assert_eq!(record.retired_since(&jwks.keys[0]), Some("2026-11-23T00:00:00Z".parse()?));
/// assert_eq!(record.owners(&jwks.keys[0]).collect::<Vec<_>>(), [&"prod-1".parse()?]);
/// assert_eq!(Retention::from_text(&record.to_text())?, record);
/// assert!(Retention::from_text("not a record").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// The issuer of the JWKS; `None` if another program published the JWKS.
    pub issuer: Option<String>,
    pub(super) keys: BTreeMap<String, KeyRecord>,
}

/// The record of a key; times are in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyRecord {
    pub(super) published: Option<i64>,
    pub(super) retired: Option<i64>,
    /// Never empty.
    pub(super) owners: BTreeSet<Owner>,
}

impl Retention {
    pub(super) fn of(issuer: &IssuerUrl) -> Self {
        Self { issuer: Some(issuer.as_str().to_owned()), ..Self::default() }
    }

    /// Whether the record lists an entry of the JWKS.
    pub fn knows(&self, jwk: &Jwk) -> bool {
        self.record_of(jwk).is_some()
    }

    /// The time at which an entry was published; `None` if another program published it.
    pub fn published_since(&self, jwk: &Jwk) -> Option<Timestamp> {
        self.record_of(jwk)?.published.map(time)
    }

    /// The time at which an entry was first missing in the input; `None` while its key is in the input.
    pub fn retired_since(&self, jwk: &Jwk) -> Option<Timestamp> {
        self.record_of(jwk)?.retired.map(time)
    }

    /// The owners of an entry in alphabetical order; none if the record does not list the entry.
    pub fn owners(&self, jwk: &Jwk) -> impl Iterator<Item = &Owner> {
        self.record_of(jwk).into_iter().flat_map(|record| &record.owners)
    }

    /// The owners of the keys that are not retired.
    pub(crate) fn owners_in_use(&self) -> BTreeSet<&Owner> {
        self.keys.values().filter(|key| key.retired.is_none()).flat_map(|key| &key.owners).collect()
    }

    fn record_of(&self, jwk: &Jwk) -> Option<&KeyRecord> {
        self.keys.get(&name(jwk)).or_else(|| {
            // The first records name every entry by its `kid`. Ignore a `kid` that may be the hash of another entry.
            let kid = jwk.kid().unwrap_or_default();
            let may_be_hash = [KEY_ID_CHARS, NAME_CHARS].iter().any(|length| is_base64url(kid, *length));
            if may_be_hash || kid.starts_with(OLD_HASH) { None } else { self.keys.get(kid) }
        })
    }

    /// Adds an entry with its times in whole seconds and its owners.
    pub(super) fn note(
        &mut self,
        jwk: &Jwk,
        published: Option<Timestamp>,
        retired: Option<Timestamp>,
        owners: &BTreeSet<Owner>,
    ) {
        let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
        let record = KeyRecord { published: seconds(published), retired: seconds(retired), owners: owners.clone() };
        self.keys.insert(name(jwk), record);
    }

    /// Replaces impossible times, in the future or before 1970, with `now`.
    pub(crate) fn clamped(&self, now: Timestamp) -> Self {
        let clamp = |time: i64| if (0..=now.as_second()).contains(&time) { time } else { now.as_second() };
        let mut clamped = self.clone();
        for record in clamped.keys.values_mut() {
            record.published = record.published.map(clamp);
            record.retired = record.retired.map(clamp);
        }
        clamped
    }

    /// Adds the keys of another record. The result is correct for both documents while one replaces the other.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let mut keys = other.keys.clone();
        keys.extend(self.keys.clone());
        Self { keys, ..self.clone() }
    }

    /// Whether the record has neither an issuer nor keys.
    pub fn is_empty(&self) -> bool {
        self.issuer.is_none() && self.keys.is_empty()
    }

    /// The record as JSON text in ASCII, which the metadata of a blob requires.
    pub fn to_text(&self) -> String {
        retention_text::write(self)
    }

    /// Parses a record.
    ///
    /// # Errors
    ///
    /// [`RetentionError`] when the text is not a record, or a record of a later version.
    pub fn from_text(text: &str) -> Result<Self, RetentionError> {
        retention_text::read(text)
    }
}

/// The name of an entry: the prefix of a hash that is unique to the entry.
fn name(jwk: &Jwk) -> String {
    let hash = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, bytes));
    let name = match jwk.key().map(|key| hash(key.spki_der())) {
        Ok(key_id) if jwk.kid() == Some(&key_id) => key_id,
        Ok(key_id) => hash(json!([jwk.kid(), key_id]).to_string().as_bytes()),
        Err(_) => hash(jwk.to_value().to_string().as_bytes()),
    };
    name.get(..NAME_CHARS).unwrap_or(&name).to_owned()
}

/// Converts the name of an entry in a record of version 0.1.0. Names that are not hashes stay.
pub(super) fn name_of_old(name: &str) -> &str {
    match name.strip_prefix(OLD_HASH) {
        Some(hash) if is_base64url(hash, NAME_CHARS) => hash,
        None if is_base64url(name, KEY_ID_CHARS) => name.get(..NAME_CHARS).unwrap_or(name),
        _ => name,
    }
}

fn is_base64url(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A time of the record; saturates at the limits of a timestamp.
fn time(seconds: i64) -> Timestamp {
    let nearest = if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_second(seconds).unwrap_or(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_record_has_keys_of_both_and_own_times() {
        let record = |text: &str| Retention::from_text(text).unwrap();
        let own = record(r#"{"issuer":"a","keys":{"x":[1],"y":[2,3]}}"#);
        let other = record(r#"{"issuer":"b","keys":{"y":[4,5],"z":[6]}}"#);
        assert_eq!(own.joined(&other), record(r#"{"issuer":"a","keys":{"x":[1],"y":[2,3],"z":[6]}}"#));
    }
}
