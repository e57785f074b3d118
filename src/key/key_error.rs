use super::{KeyId, KeyProblem, OtherDocument, Place};
use crate::hint::Hint;

/// Reason why an input cannot be read as keys.
///
/// ```
/// use issuer::{Hint, KeyError, KeySet};
/// let error = KeySet::from_bytes(&std::fs::read("fixtures/malformed/secret-without-keys.yaml")?).unwrap_err();
/// assert!(matches!(error, KeyError::NoKey { .. }));
/// assert_eq!(error.to_string(), "input holds no usable key: 2 entries \"password\", \"user\" were skipped");
/// assert!(error.hint().unwrap().starts_with("choose an entry with --entry NAME, or pass the file of the API server"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// An input holds no key. An empty JWKS is never created.
    #[error("{input} holds no usable key: {because}")]
    NoKey {
        /// The name of the input.
        input: String,
        /// What the input holds instead.
        because: String,
    },
    /// A block or entry that should be a key is not usable.
    #[error("{place} is not a usable key: {problem}")]
    Key {
        /// Where the key is.
        place: Place,
        /// Why the key is not usable.
        problem: KeyProblem,
    },
    /// Two different keys have the same key ID.
    #[error("{place} has the same key ID {:?} as a different key, {first}", .key_id.as_str())]
    KeyIdTwice {
        /// The key ID.
        key_id: KeyId,
        /// Where the later key is.
        place: Place,
        /// Where the first key is.
        first: Place,
    },
    /// An input cannot be parsed or is too long.
    #[error("cannot read {input}: {because}")]
    Input {
        /// The name of the input.
        input: String,
        /// Why it cannot be read.
        because: String,
    },
    /// An input is a document of a kind that holds no key.
    #[error("{place} holds no key: it is {document}")]
    OtherDocument {
        /// Where the document is.
        place: Place,
        /// The kind of the document.
        document: OtherDocument,
    },
    /// An input holds several keys, and no name identifies the service account key.
    #[error("cannot determine which key of {input} is the service account key: {}", .entries.join(", "))]
    Ambiguous {
        /// The name of the input.
        input: String,
        /// The entries that hold keys.
        entries: Vec<String>,
    },
    /// No input has a requested entry.
    #[error("no input has an entry {entry:?}; entries found: {}", listed(.there))]
    NoEntry {
        /// The requested name.
        entry: String,
        /// The entries of the inputs.
        there: Vec<String>,
    },
}

impl Hint for KeyError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            // Such a message lists the names of the entries.
            Self::NoKey { because, .. } if because.contains("entry ") || because.contains("entries ") => {
                "choose an entry with --entry NAME, or pass the file of the API server's flag --service-account-key-file"
            }
            Self::NoKey { .. } => {
                "pass the file of the API server's flag --service-account-key-file, for example /etc/kubernetes/pki/sa.pub"
            }
            Self::Key { problem, .. } => match problem {
                KeyProblem::RsaSize(_) => "generate an RSA key of at least 2048 bits and pass its public key",
                KeyProblem::Type(_) | KeyProblem::Curve(_) => {
                    "remove this key from the input: the API server signs only with RSA, P-256, P-384 or P-521 keys"
                }
                KeyProblem::EcCompressed => "convert the key: openssl ec -pubin -in KEY -conv_form uncompressed",
                KeyProblem::CurveExplicit => {
                    "convert the key: openssl ec -in KEY -pubout -param_enc named_curve; add -pubin for a public key"
                }
                KeyProblem::Format(format) => format.hint(),
                KeyProblem::Encrypted => "pass the public key instead: openssl pkey -in KEY -pubout",
                KeyProblem::Pem(_) => "copy the block again, from its BEGIN line to its END line",
                _ => "copy the file again from the control plane node, or remove this key from the file",
            },
            Self::KeyIdTwice { .. } => "remove one of the two keys: a token identifies its key by the key ID alone",
            Self::Input { .. } => "pass public keys, a Secret with public keys, or a JWKS",
            Self::OtherDocument { document, .. } => return Some(document.hint()),
            Self::Ambiguous { entries, .. } => {
                let entry = entries.first().map_or("NAME", String::as_str);
                return Some(format!(
                    "choose the entry of the service account key, for example --entry {entry} (repeatable)"
                ));
            }
            Self::NoEntry { .. } => "pass the name of one of these entries, or omit --entry",
        };
        Some(hint.to_owned())
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
