use std::collections::{HashMap, hash_map::Entry};

use super::{KeyError, KeyId, KeyReader, Note, Place, PublicKey, place::Step};

/// Public keys in the order of the input; a key occurs once for each of its key IDs. A set that is read is never empty.
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
    /// The errors of [`KeyReader::read`], with `input` as the name of the input.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let mut reader = KeyReader::default();
        reader.read("input", bytes)?;
        Ok(reader.finish()?.0)
    }

    /// A set of these keys; repetitions are dropped.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoKey`] for an empty list, [`KeyError::KeyIdTwice`] when two different keys have the same key ID.
    pub fn from_keys(keys: impl IntoIterator<Item = PublicKey>) -> Result<Self, KeyError> {
        let list = Place::new("the list of keys");
        let placed = keys.into_iter().enumerate().map(|(index, key)| (key, list.step(Step::Key(index + 1))));
        Self::from_places(placed, &mut Vec::new())
    }

    /// No keys: the input of an owner that leaves an issuer.
    pub(crate) fn empty() -> Self {
        Self { keys: Vec::new() }
    }

    /// A set of these keys; each repetition is dropped and becomes a note.
    pub(super) fn from_places(
        keys: impl IntoIterator<Item = (PublicKey, Place)>,
        notes: &mut Vec<Note>,
    ) -> Result<Self, KeyError> {
        let mut first: HashMap<KeyId, (usize, Place)> = HashMap::new();
        let mut unique: Vec<PublicKey> = Vec::new();
        for (key, place) in keys {
            match first.entry(key.key_id().clone()) {
                Entry::Occupied(known) => {
                    let (index, first) = known.get();
                    // A token identifies its key by the key ID alone (RFC 7515 section 4.1.4).
                    if unique[*index] != key {
                        let (key_id, first) = (key.key_id().clone(), first.clone());
                        return Err(KeyError::KeyIdTwice { key_id, place, first });
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
            return Err(KeyError::NoKey { input: "the list of keys".to_owned(), because: "it is empty".to_owned() });
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
