use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    CertificatePurpose, Jwk, KeyError, KeyProblem, KeySet, Note, OtherDocument, OtherFormat, Place, PublicKey,
    SkipReason,
    der_key::{self, DerKey},
    entry_choice::ChosenEntries,
    escaped, key_vault,
    manifest::{self, Document, Manifest},
    place::Step,
    text, yaml,
};

/// Collects the keys of any number of inputs.
///
/// An input may have one of these forms:
///
/// - PEM, DER, SSH public keys, a JWK or JWK Set, a response of Azure Key Vault, or base64 of any of these. PEM blocks,
///   SSH public keys and JSON may be mixed in one input, with other text around them.
/// - A document with entries in these forms: Secrets and ConfigMaps in YAML or JSON, a Keyset of kops, the secrets or
///   machine configuration of Talos, JSON with PEM in its strings, a file of environment variables.
///
/// From a document with entries, the reader uses only service account keys. A service account key is recognised by the
/// name of its entry or document; without such a name, a document with exactly one key is accepted. The reader skips
/// certificates of a CA, a server or a client and their keys, and reports them as notes.
///
/// PEM is read as client-go's `keyutil.ParsePublicKeysPEM` reads it: the DER decides the type of a block, not its
/// label.
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
    pub(super) found: Vec<(PublicKey, Place)>,
    pub(super) notes: Vec<Note>,
    pub(super) chosen: ChosenEntries,
    /// The place and purpose of each certificate that was read.
    pub(super) certificates: Vec<(Place, CertificatePurpose)>,
    /// The number of documents around this one: an entry may hold a document itself.
    pub(super) depth: usize,
}

/// The skipped parts of one input, each as noun and name, for the error when the input holds no key.
pub(super) type Skipped = Vec<(&'static str, String)>;

impl KeyReader {
    /// The maximum length of an input in bytes; it has room for a thousand keys of 16384 bits.
    ///
    /// ```
    /// use issuer::{KeyError, KeyReader};
    /// let error = KeyReader::default().read("-", &vec![b' '; KeyReader::INPUT_MAX + 1]).unwrap_err();
    /// assert!(matches!(error, KeyError::Input { .. }));
    /// ```
    pub const INPUT_MAX: usize = 4 << 20;

    /// Reads only these entries of Secrets, ConfigMaps and other documents.
    ///
    /// A name is `sa.pub` for an entry, or `prod-1-sa/tls.crt` for an entry of a certain document. Inputs without
    /// entries are not affected.
    ///
    /// ```
    /// use issuer::KeyReader;
    /// let mut reader = KeyReader::default().only_entries(["tls.crt".to_owned()]);
    /// reader.read("secret.yaml", &std::fs::read("fixtures/keys/secret.yaml")?)?;
    /// assert_eq!(reader.finish()?.0.len(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn only_entries(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.chosen = ChosenEntries::new(names);
        self
    }

    /// Reads one input. Messages use `name` for the input, for example its path or `-`.
    ///
    /// # Errors
    ///
    /// - [`KeyError::NoKey`] when the input holds no key
    /// - [`KeyError::Key`] for the first block that announces a key and is not usable
    /// - [`KeyError::Input`] for an input that is too long or a manifest that cannot be parsed
    /// - [`KeyError::OtherDocument`] for a document of a kind that holds no keys
    /// - [`KeyError::Ambiguous`] when several keys may be the service account key
    pub fn read(&mut self, name: &str, bytes: &[u8]) -> Result<(), KeyError> {
        if bytes.len() > Self::INPUT_MAX {
            let because = format!("it is longer than {} bytes", Self::INPUT_MAX);
            return Err(KeyError::Input { input: name.to_owned(), because });
        }
        let (before, notes_before) = (self.found.len(), self.notes.len());
        let mut skipped = Skipped::new();
        let recognised = self.read_bytes(&Place::new(name), bytes, &mut skipped, true)?;
        if self.found.len() > before {
            return Ok(());
        }
        // The hint for the other format is more useful than a list of the skipped parts.
        if let Some(error) = self.notes[notes_before..].iter().find_map(|note| note.other_input(name)) {
            return Err(error);
        }
        if self.chosen.is_some() && recognised {
            return Ok(());
        }
        let because = match (skipped.as_slice(), recognised) {
            ([], false) if bytes.iter().all(u8::is_ascii_whitespace) => "it is empty".to_owned(),
            ([], false) => {
                "it is not PEM, DER, an SSH public key, a Secret, a JWKS, or base64 of one of these".to_owned()
            }
            (_, _) => describe(&skipped),
        };
        Err(KeyError::NoKey { input: name.to_owned(), because })
    }

    /// The keys of all inputs without repetitions, and the notes about the inputs.
    ///
    /// # Errors
    ///
    /// - [`KeyError::NoKey`] when no key was read
    /// - [`KeyError::KeyIdTwice`] when two different keys have the same key ID
    /// - [`KeyError::NoEntry`] when no input has a requested entry
    pub fn finish(mut self) -> Result<(KeySet, Vec<Note>), KeyError> {
        self.chosen.all_found()?;
        let keys = KeySet::from_places(self.found, &mut self.notes)?;
        Ok((keys, self.notes))
    }

    /// Reads bytes in any accepted encoding; `Ok(false)` for other bytes. Base64 is decoded once, not recursively.
    pub(super) fn read_bytes(
        &mut self,
        at: &Place,
        bytes: &[u8],
        skipped: &mut Skipped,
        unwrap: bool,
    ) -> Result<bool, KeyError> {
        if der_key::looks_like(bytes) {
            match der_key::read(bytes) {
                Ok(found) => self.keep_der(found, at.clone()),
                Err(KeyProblem::Format(format)) => self.skip_format(at, format, skipped),
                Err(reason) => return Err(KeyError::Key { place: at.clone(), problem: reason }),
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
        // A single character in another encoding must not turn a document into plain text.
        let text = &*String::from_utf8_lossy(bytes);
        let trimmed = text.trim();
        if trimmed.starts_with(['{', '[', '"']) {
            match serde_json::from_str(trimmed) {
                Ok(value) => return self.read_json_value(at, value, skipped),
                Err(_) if self.read_json_stream(at, trimmed, skipped)? => return Ok(true),
                Err(_) if yaml::looks_like(text) || text::is_more_than_json(trimmed.as_bytes()) => {}
                Err(error) if trimmed.starts_with('{') => {
                    return Err(KeyError::Input {
                        input: at.to_string(),
                        because: format!("its JSON is malformed: {error}"),
                    });
                }
                Err(_) => {}
            }
        }
        if let Some(entries) = escaped::entries(text) {
            let manifest = Manifest { kind: "file", name: None, is_keyset: false, entries };
            self.read_documents(at, vec![Document::Manifest(manifest)], skipped)?;
        } else if yaml::looks_like(text) && self.read_yaml(at, text, skipped)? {
        } else if text::looks_like(bytes) || trimmed.starts_with('{') {
            let unescaped = escaped::unescaped(text);
            self.read_text(at, unescaped.as_deref().map_or(bytes, str::as_bytes), skipped)?;
        } else if let Some(document) = OtherDocument::of_text(trimmed) {
            self.skip(at.clone(), SkipReason::Document(document), ("file", at.to_string()), skipped);
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

    /// Reads a YAML stream; `Ok(false)` when none of its documents is an object and the text holds keys in other forms.
    fn read_yaml(&mut self, at: &Place, text: &str, skipped: &mut Skipped) -> Result<bool, KeyError> {
        let refuse = |because: String| KeyError::Input { input: at.to_string(), because };
        let values = yaml::documents(text);
        if !values.iter().any(|value| value.as_ref().is_ok_and(Value::is_object)) {
            // A manifest that cannot be parsed must not be read as plain text, which would accept every key in it.
            if text::looks_like(text.as_bytes()) && !yaml::is_manifest(text) {
                return Ok(false);
            }
            if !yaml::IS_READ {
                return Err(refuse("it is a YAML manifest; this build reads only JSON manifests".to_owned()));
            }
            let broken = values.into_iter().find_map(Result::err);
            return Err(refuse(match broken {
                Some(Some(line)) => format!("it is not a YAML manifest: the YAML is malformed at line {line}"),
                _ => "it is not a YAML manifest".to_owned(),
            }));
        }
        let single = values.len() == 1;
        let mut documents = Vec::new();
        for value in values {
            match value {
                Ok(value) if single => return self.read_json_value(at, value, skipped).map(|_| true),
                Ok(value) => documents.extend(manifest::read(&value)),
                Err(line) => {
                    let line = line.map(|line| format!(" at line {line}")).unwrap_or_default();
                    documents.push(Document::Unreadable(format!("its YAML is malformed{line}")));
                }
            }
        }
        self.read_documents(at, documents, skipped)?;
        Ok(true)
    }

    /// Reads several JSON values in sequence, as `kubectl` prints them; `Ok(false)` for other text.
    fn read_json_stream(&mut self, at: &Place, text: &str, skipped: &mut Skipped) -> Result<bool, KeyError> {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        let Ok(values) = values else { return Ok(false) };
        if !values.iter().any(|value| value.get("kind").is_some()) {
            return Ok(false);
        }
        self.read_documents(at, values.iter().flat_map(manifest::read).collect(), skipped)?;
        Ok(true)
    }

    /// Reads a JSON value; `Ok(false)` for a value of a kind that holds no keys.
    pub(super) fn read_json_value(
        &mut self,
        at: &Place,
        value: Value,
        skipped: &mut Skipped,
    ) -> Result<bool, KeyError> {
        let refuse = |because: String| KeyError::Input { input: at.to_string(), because };
        if let Value::String(text) = &value {
            return self.read_bytes(at, text.as_bytes(), skipped, true);
        }
        let is_list_of_jwks = |list: &Vec<Value>| !list.is_empty() && list.iter().all(|jwk| jwk.get("kty").is_some());
        if let Some(list) = value.as_array().filter(|list| is_list_of_jwks(list)) {
            for (index, jwk) in list.iter().enumerate() {
                self.read_jwk(at.step(Step::Key(index + 1)), &Jwk::from_value(jwk.clone()), skipped)?;
            }
        } else if let Some(keys) =
            value.get("keys").filter(|keys| !keys.is_object() || manifest::read(&value).is_empty())
        {
            let keys = keys.as_array().ok_or_else(|| refuse("its member \"keys\" is not an array".to_owned()))?;
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
        } else {
            let documents = manifest::read(&value);
            if documents.is_empty() {
                return Ok(false);
            }
            self.read_documents(at, documents, skipped)?;
        }
        Ok(true)
    }

    fn read_jwk(&mut self, place: Place, jwk: &Jwk, skipped: &mut Skipped) -> Result<(), KeyError> {
        if let Some(name) = jwk.misfit() {
            return Err(KeyError::Key { place, problem: KeyProblem::JwkString(name) });
        }
        let unusable = match jwk.key() {
            Ok(_) => jwk.other_purpose(),
            // RFC 7517 section 5: a key of an unknown type is ignored and is not an error.
            Err(reason @ (KeyProblem::Type(_) | KeyProblem::Curve(_))) => Some(reason.clone()),
            Err(reason) => return Err(KeyError::Key { place, problem: reason.clone() }),
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

    pub(super) fn keep_der(&mut self, found: DerKey, place: Place) {
        if let Some(purpose) = found.purpose {
            if purpose.is_stated() {
                self.notes.push(Note::Certificate { place: place.clone(), purpose: purpose.clone() });
            }
            self.certificates.push((place.clone(), purpose));
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
        self.skip(at.clone(), SkipReason::Key(KeyProblem::Format(format)), ("file", at.to_string()), skipped);
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
        [] => "it has no entries".to_owned(),
    }
}

/// Decodes UTF-16 with a byte order mark, which Windows PowerShell writes when it redirects output to a file.
fn decode_utf16(bytes: &[u8]) -> Option<Vec<u8>> {
    let from: fn([u8; 2]) -> u16 = match bytes.first_chunk::<2>()? {
        [0xff, 0xfe] => u16::from_le_bytes,
        [0xfe, 0xff] => u16::from_be_bytes,
        _ => return None,
    };
    let (units, []) = bytes[2..].as_chunks::<2>() else { return None };
    String::from_utf16(&units.iter().copied().map(from).collect::<Vec<_>>()).ok().map(String::into_bytes)
}
