use std::collections::{HashMap, hash_map::Entry};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    CertificatePurpose, Jwk, KeyError, KeyId, Note, OtherFormat, Place, PublicKey, SkipReason,
    der_key::{self, DerKey},
    key_vault,
    place::Step,
    secret, text,
};
use crate::Error;

/// Public keys in the order of the input, each once under each of its key IDs, at least one.
///
/// ```
/// use issuer::KeySet;
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// assert_eq!(keys.iter().map(ToString::to_string).collect::<Vec<_>>(), ["RSA 2048", "RSA 4096"]);
/// let newer = KeySet::from_keys([keys[1].clone(), keys[1].clone()])?;
/// assert_eq!(*newer, keys[1..]);
/// assert!(KeySet::from_keys([]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
}

impl KeySet {
    /// The keys of one input, in any encoding that [`KeyReader`] accepts.
    ///
    /// ```
    /// let sa_pub = std::fs::read("fixtures/kubernetes/rotation/sa.pub")?;
    /// let keys = issuer::KeySet::from_bytes(&sa_pub)?;
    /// assert_eq!(keys.len(), 2);
    /// assert_eq!(keys[0].key_id().as_str(), "VySw_uf2CxNBmIAMX_W82QIp1ATwZ9JFL9E-DbKqxPk");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`KeyReader::read`]; the input is called `input` there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = KeyReader::default();
        reader.read("input", bytes)?;
        Ok(reader.finish()?.0)
    }

    /// The keys given, each once under each of its key IDs.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] when there is none, [`Error::KeyIdTwice`] when two different keys have one key ID.
    pub fn from_keys(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, Error> {
        let list = Place::new("the list of keys");
        let placed = keys.into_iter().enumerate().map(|(index, key)| (key, list.step(Step::Key(index + 1))));
        Self::from_places(placed, &mut Vec::new())
    }

    /// The keys of these places, each once under each of its key IDs; repetitions are noted.
    fn from_places(keys: impl IntoIterator<Item = (PublicKey, Place)>, notes: &mut Vec<Note>) -> Result<Self, Error> {
        let mut first: HashMap<KeyId, (usize, Place)> = HashMap::new();
        let mut unique: Vec<PublicKey> = Vec::new();
        for (key, place) in keys {
            match first.entry(key.key_id().clone()) {
                Entry::Occupied(known) => {
                    let (index, first) = known.get();
                    // A token names its key by the ID alone (RFC 7515 section 4.1.4).
                    if unique[*index] != key {
                        let (key_id, first) = (key.key_id().clone(), first.clone());
                        return Err(Error::KeyIdTwice { key_id, place, first });
                    }
                    notes.push(Note::Duplicate { place, first: first.clone() });
                }
                Entry::Vacant(unknown) => {
                    unknown.insert((unique.len(), place));
                    unique.push(key);
                }
            }
        }
        if unique.is_empty() {
            return Err(Error::NoKey { input: "the list of keys".to_owned(), because: "it is empty".to_owned() });
        }
        Ok(Self { keys: unique })
    }
}

impl std::ops::Deref for KeySet {
    type Target = [PublicKey];

    fn deref(&self) -> &[PublicKey] {
        &self.keys
    }
}

/// Collects the keys of any number of inputs.
///
/// An input may be PEM, DER, SSH public keys, a Kubernetes Secret in YAML or JSON, a JWK or JWK Set, or base64 of any of
/// these. PEM is read as client-go's `keyutil.ParsePublicKeysPEM` reads it: the DER decides what a block holds, and its label
/// does not. PEM blocks, SSH public keys and JSON may stand in one input, with other text around.
///
/// ```
/// use issuer::{KeyReader, Note};
/// let mut reader = KeyReader::default();
/// for path in ["fixtures/keys/rsa2048.b64", "fixtures/keys/p384-private-pkcs8.key"] {
///     reader.read(path, &std::fs::read(path)?)?;
/// }
/// let (keys, notes) = reader.finish()?;
/// assert_eq!((keys[0].to_string(), keys[1].to_string()), ("RSA 2048".to_owned(), "P-384".to_owned()));
/// assert!(matches!(notes.as_slice(), [Note::Private { place }] if place.input().ends_with("p384-private-pkcs8.key")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct KeyReader {
    found: Vec<(PublicKey, Place)>,
    notes: Vec<Note>,
}

/// What was passed over in one input, noun and name, for the error when nothing else is there.
pub(super) type Skipped = Vec<(&'static str, String)>;

impl KeyReader {
    /// The longest input that is read, in bytes: a thousand keys of 16384 bits are shorter.
    ///
    /// ```
    /// use issuer::{Error, KeyReader};
    /// let error = KeyReader::default().read("-", &vec![b' '; KeyReader::INPUT_MAX + 1]).unwrap_err();
    /// assert!(matches!(error, Error::Input { .. }));
    /// ```
    pub const INPUT_MAX: usize = 4 << 20;

    /// Reads one input; `name` is what messages call it, a path or `-`.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] when the input holds no key, [`Error::Key`] for the first block that announces a key and is not
    /// usable, [`Error::Input`] for an input that is too long or a manifest that cannot be read.
    pub fn read(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        if bytes.len() > Self::INPUT_MAX {
            let because = format!("it is longer than {} bytes", Self::INPUT_MAX);
            return Err(Error::Input { input: name.to_owned(), because });
        }
        let (before, notes_before) = (self.found.len(), self.notes.len());
        let mut skipped = Skipped::new();
        let recognised = self.read_bytes(&Place::new(name), bytes, &mut skipped, true)?;
        if self.found.len() > before {
            return Ok(());
        }
        // The command that prints the public key of another format helps more than a list of what was skipped.
        if let Some(error) = self.notes[notes_before..].iter().find_map(Note::other_format) {
            return Err(error);
        }
        let because = match (skipped.as_slice(), recognised) {
            ([], false) if bytes.iter().all(u8::is_ascii_whitespace) => "it is empty".to_owned(),
            ([], false) => "it is not PEM, DER, an SSH public key, a Secret, a JWKS, or base64 of one".to_owned(),
            (_, _) => describe(&skipped),
        };
        Err(Error::NoKey { input: name.to_owned(), because })
    }

    /// The keys of all inputs, each once under each of its key IDs, and what their owner should know.
    ///
    /// # Errors
    ///
    /// [`Error::NoKey`] when nothing was read, [`Error::KeyIdTwice`] when two different keys have one key ID.
    pub fn finish(mut self) -> Result<(KeySet, Vec<Note>), Error> {
        let keys = KeySet::from_places(self.found, &mut self.notes)?;
        Ok((keys, self.notes))
    }

    /// Reads bytes of any accepted encoding; `Ok(false)` when they are none. Base64 is unwrapped once.
    fn read_bytes(&mut self, at: &Place, bytes: &[u8], skipped: &mut Skipped, unwrap: bool) -> Result<bool, Error> {
        if der_key::looks_like(bytes) {
            match der_key::read(bytes) {
                Ok(found) => self.keep_der(found, at.clone()),
                Err(KeyError::Format(format)) => self.skip_format(at, format, skipped),
                Err(reason) => return Err(Error::Key { place: at.clone(), reason }),
            }
            return Ok(true);
        }
        if let Some(format) = OtherFormat::of_bytes(bytes).filter(|_| !text::looks_like(bytes)) {
            self.skip_format(at, format, skipped);
            return Ok(true);
        }
        let decoded = decode_utf16(bytes);
        let bytes = decoded.as_deref().unwrap_or(bytes);
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let trimmed = text.trim();
        if trimmed.starts_with('{') {
            return self.read_json(at, trimmed.as_bytes(), skipped);
        } else if secret::looks_like_yaml(text) {
            let secrets = secret::from_yaml(text).map_err(|because| Error::Input { input: at.to_string(), because })?;
            self.read_secrets(at, secrets, skipped)?;
        } else if text::looks_like(bytes) {
            self.read_text(at, bytes, skipped)?;
        } else if unwrap && !trimmed.is_empty() {
            let compact: String = trimmed.split_ascii_whitespace().collect();
            return match BASE64_STANDARD.decode(compact) {
                Ok(inner) => self.read_bytes(at, &inner, skipped, false),
                Err(_) => Ok(false),
            };
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn read_json(&mut self, at: &Place, text: &[u8], skipped: &mut Skipped) -> Result<bool, Error> {
        match serde_json::from_slice(text) {
            Ok(value) => self.read_json_value(at, value, skipped),
            Err(_) if text::is_more_than_json(text) => self.read_text(at, text, skipped).map(|()| true),
            Err(error) => Err(Error::Input { input: at.to_string(), because: format!("it is not JSON: {error}") }),
        }
    }

    /// Reads a JSON object; `Ok(false)` when it is not one that holds keys.
    pub(super) fn read_json_value(&mut self, at: &Place, value: Value, skipped: &mut Skipped) -> Result<bool, Error> {
        let refuse = |because: String| Error::Input { input: at.to_string(), because };
        if let Some(keys) = value.get("keys") {
            let keys = keys.as_array().ok_or_else(|| refuse("its member \"keys\" is not a list".to_owned()))?;
            for (index, key) in keys.iter().enumerate() {
                let jwk = Jwk::from_value(key.clone());
                self.read_jwk(at.step(Step::Key(index + 1)), &jwk, skipped)?;
            }
        } else if let Some((jwk, kid)) = key_vault::jwk(&value) {
            if let Some(kid) = kid {
                self.notes.push(Note::KeyVault { place: at.clone(), kid });
            }
            self.read_jwk(at.clone(), &Jwk::from_value(jwk), skipped)?;
        } else if value.get("kty").is_some() {
            self.read_jwk(at.clone(), &Jwk::from_value(value), skipped)?;
        } else if value.get("kind").is_some() {
            self.read_secrets(at, secret::from_json(value).map_err(refuse)?, skipped)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn read_jwk(&mut self, place: Place, jwk: &Jwk, skipped: &mut Skipped) -> Result<(), Error> {
        if let Some(name) = jwk.misfit() {
            return Err(Error::Key { place, reason: KeyError::JwkString(name) });
        }
        let unusable = match jwk.key() {
            Ok(_) => jwk.other_purpose(),
            // RFC 7517 section 5: a key of another type is ignored, not an error.
            Err(reason @ (KeyError::Type(_) | KeyError::Curve(_))) => Some(reason.clone()),
            Err(reason) => return Err(Error::Key { place, reason: reason.clone() }),
        };
        match (unusable, jwk.key()) {
            (None, Ok(key)) => {
                let spki_key_id = key.spki_key_id();
                if *key.key_id() != spki_key_id {
                    let (place, key_id) = (place.clone(), key.key_id().clone());
                    self.notes.push(Note::KeyIdKept { place, key_id, spki_key_id });
                }
                self.keep(key.clone(), !jwk.private_members().is_empty(), place);
            }
            (reason, _) => {
                let what = ("key", jwk.kid().unwrap_or_default().to_owned());
                let reason = reason.map_or(SkipReason::NoKey, SkipReason::Key);
                self.skip(place, reason, what, skipped);
            }
        }
        Ok(())
    }

    fn read_secrets(&mut self, at: &Place, secrets: Vec<secret::Secret>, skipped: &mut Skipped) -> Result<(), Error> {
        let several = secrets.len() > 1;
        for secret in secrets {
            if let Some(kind) = secret.other_kind {
                self.skip(at.step(Step::Manifest(kind.clone())), SkipReason::Kind, ("manifest", kind), skipped);
                continue;
            }
            let at = match secret.name {
                Some(name) if several => at.step(Step::Secret(name)),
                _ => at.clone(),
            };
            for (name, bytes) in secret.entries {
                let what = ("entry", name.clone());
                let place = at.step(Step::Entry(name.clone()));
                if name == "ca.crt" {
                    self.skip(place, SkipReason::Authority, what, skipped);
                    continue;
                }
                match self.read_bytes(&place, &bytes, skipped, true) {
                    Ok(true) => {}
                    // A template or a kubeconfig beside the keys is nobody's mistake.
                    Ok(false) | Err(Error::Input { .. }) => self.skip(place, SkipReason::NoKey, what, skipped),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    pub(super) fn keep_der(&mut self, found: DerKey, place: Place) {
        if let Some(purpose) = found.purpose.filter(CertificatePurpose::is_stated) {
            self.notes.push(Note::Certificate { place: place.clone(), purpose });
        }
        self.keep(found.key, found.private, place);
    }

    pub(super) fn keep(&mut self, key: PublicKey, private: bool, place: Place) {
        if private {
            self.notes.push(Note::Private { place: place.clone() });
        }
        self.found.push((key, place));
    }

    fn skip_format(&mut self, at: &Place, format: OtherFormat, skipped: &mut Skipped) {
        self.skip(at.clone(), SkipReason::Key(KeyError::Format(format)), ("file", at.to_string()), skipped);
    }

    pub(super) fn skip(
        &mut self,
        place: Place,
        reason: SkipReason,
        what: (&'static str, String),
        skipped: &mut Skipped,
    ) {
        skipped.push(what);
        self.notes.push(Note::Skipped { place, reason });
    }
}

/// `1 block "PGP MESSAGE" was skipped`, `2 entries "user", "password" were skipped`.
fn describe(skipped: &Skipped) -> String {
    let names: Vec<_> = skipped.iter().map(|(_, name)| format!("{name:?}")).collect();
    let names = names.join(", ");
    match skipped.as_slice() {
        [(noun, _)] => format!("1 {noun} {names} was skipped"),
        [("entry", _), ..] => format!("{} entries {names} were skipped", skipped.len()),
        [(noun, _), ..] => format!("{} {noun}s {names} were skipped", skipped.len()),
        [] => "nothing is in it".to_owned(),
    }
}

/// Text that Windows PowerShell redirected into a file: UTF-16 with a byte order mark.
fn decode_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let from: fn([u8; 2]) -> u16 = match bytes.first_chunk::<2>()? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, []) = bytes[2..].as_chunks::<2>() else { return None };
    String::from_utf16(&units.iter().copied().map(from).collect::<Vec<_>>()).ok().map(String::into_bytes)
}
