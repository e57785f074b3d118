use super::{KeyId, KeyProblem, OtherDocument, Place};
use crate::hint::Hint;

/// Why an input cannot be read as keys.
///
/// ```
/// use issuer::{Hint, KeyError, KeySet};
/// let error = KeySet::from_bytes(&std::fs::read("fixtures/malformed/secret-without-keys.yaml")?).unwrap_err();
/// assert!(matches!(error, KeyError::NoKey { .. }));
/// assert_eq!(error.to_string(), "input holds no usable key: 2 entries \"password\", \"user\" were skipped");
/// assert!(error.hint().unwrap().starts_with("pass the API server's --service-account-key-file, or choose an entry"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An input holds no key at all; an empty JWKS is never made.
    #[error("{input} holds no usable key: {because}")]
    NoKey {
        /// What was read.
        input: String,
        /// What was there instead.
        because: String,
    },
    /// A block that announces a key is not usable.
    #[error("{place} is not a usable key: {problem}")]
    Key {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        problem: KeyProblem,
    },
    /// Two different keys have one key ID.
    #[error("{place} has the key ID {:?} of another key, {first}", .key_id.as_str())]
    KeyIdTwice {
        /// The key ID.
        key_id: KeyId,
        /// Where the later key is.
        place: Place,
        /// Where the first key is.
        first: Place,
    },
    /// An input as a whole cannot be read as keys.
    #[error("{input} cannot be read: {because}")]
    Input {
        /// What was read.
        input: String,
        /// What is wrong with it.
        because: String,
    },
    /// An input holds no key, and is a document of another kind.
    #[error("{place} holds no key: it is {document}")]
    OtherDocument {
        /// Where it stands.
        place: Place,
        /// What it is.
        document: OtherDocument,
    },
    /// Several keys of an input may be the service account keys.
    #[error("{input} does not say which of its keys is the service account key: {}", .entries.join(", "))]
    Ambiguous {
        /// What was read.
        input: String,
        /// The entries that hold keys.
        entries: Vec<String>,
    },
    /// An entry that was asked for is in no input.
    #[error("no input has an entry {entry:?}; there are {}", listed(.there))]
    NoEntry {
        /// The name that was asked for.
        entry: String,
        /// The entries that are there.
        there: Vec<String>,
    },
}

impl Hint for KeyError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            // The names of entries are listed there.
            Self::NoKey { because, .. } if because.contains("entry ") || because.contains("entries ") => {
                "pass the API server's --service-account-key-file, or choose an entry with --entry NAME"
            }
            Self::NoKey { .. } => "pass the API server's --service-account-key-file",
            Self::Key { problem, .. } => match problem {
                KeyProblem::RsaSize(_) => "make an RSA key of 2048 bits or more and pass its public key",
                KeyProblem::Type(_) | KeyProblem::Curve(_) => {
                    "the API server signs with RSA, P-256, P-384 or P-521; remove this key from the input"
                }
                KeyProblem::EcCompressed => "convert it: openssl ec -pubin -in KEY -conv_form uncompressed",
                KeyProblem::CurveExplicit => {
                    "convert it: openssl ec -in KEY -pubout -param_enc named_curve; add -pubin for a public key"
                }
                KeyProblem::Format(format) => format.hint(),
                KeyProblem::Encrypted => "pass the public key instead: openssl pkey -in KEY -pubout",
                KeyProblem::Pem(_) => "copy the file again, from BEGIN line to END line",
                _ => "copy the file again from the control plane node, or remove this block",
            },
            Self::KeyIdTwice { .. } => "remove one of the two keys: a token names its key by the key ID alone",
            Self::Input { .. } => "pass public keys, a Secret that holds them, or a JWKS",
            Self::OtherDocument { document, .. } => return Some(document.hint()),
            Self::Ambiguous { entries, .. } => {
                let entry = entries.first().map_or("NAME", String::as_str);
                return Some(format!("choose with --entry, for example --entry {entry} (repeatable)"));
            }
            Self::NoEntry { .. } => "pass one of these names, or leave out --entry",
        };
        Some(hint.to_owned())
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
