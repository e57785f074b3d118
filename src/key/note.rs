use super::{CertificatePurpose, KeyError, KeyId, KeyProblem, OtherDocument, Place};

/// A remark about an input that is not an error.
///
/// ```
/// use issuer::{KeyReader, Note};
/// let mut reader = KeyReader::default();
/// reader.read("sa.pub", &std::fs::read("fixtures/keys/rsa2048-twice.pub")?)?;
/// let (keys, notes) = reader.finish()?;
/// let [note @ Note::Duplicate { first, .. }] = notes.as_slice() else { panic!("{notes:?}") };
/// assert_eq!(note.to_string(), format!("sa.pub, block 2 \"RSA PUBLIC KEY\" is the same key as {first}"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Note {
    /// A block, entry or key was skipped.
    #[error("{place} is skipped: {reason}")]
    Skipped {
        /// The skipped part.
        place: Place,
        /// The reason.
        reason: SkipReason,
    },
    /// A private key was passed, although its public key is enough.
    #[error("{place} is a private key: only its public key is used")]
    Private {
        /// The private key.
        place: Place,
    },
    /// A key was read from a certificate of a CA, a server or a client.
    #[error("{place} is {purpose}: its key is used as a service account key, because the API server accepts it")]
    Certificate {
        /// The certificate.
        place: Place,
        /// The purpose of the certificate.
        purpose: CertificatePurpose,
    },
    /// A key was passed more than once.
    #[error("{place} is the same key as {first}")]
    Duplicate {
        /// The repeated key.
        place: Place,
        /// The first occurrence, which is used.
        first: Place,
    },
    /// A key was read from a response of Azure Key Vault, whose `kid` is not the key ID in tokens.
    #[error("{place} is a response of Azure Key Vault: the key ID that the API server computes replaces {kid:?}")]
    KeyVault {
        /// The response.
        place: Place,
        /// The URL of the key in its vault.
        kid: String,
    },
    /// A JWK keeps its key ID, which differs from the key ID that the API server computes.
    #[error("{place} keeps its key ID {:?}, which must be the kid of its tokens; the API server computes the key ID {spki_key_id}", .key_id.as_str())]
    KeyIdKept {
        /// The JWK.
        place: Place,
        /// The key ID of the JWK.
        key_id: KeyId,
        /// The key ID that the API server computes.
        spki_key_id: KeyId,
    },
}

impl Note {
    /// The error for an input that holds nothing but this document or format.
    pub(super) fn other_input(&self, input: &str) -> Option<KeyError> {
        match self {
            Self::Skipped { place, reason: SkipReason::Key(reason @ KeyProblem::Format(_)) } => {
                Some(KeyError::Key { place: place.clone(), problem: reason.clone() })
            }
            Self::Skipped { place, .. } if place.input() == input => {
                let (place, document) = (place.clone(), self.document()?.clone());
                Some(KeyError::OtherDocument { place, document })
            }
            _ => None,
        }
    }

    /// The document of another kind that was skipped.
    pub(super) fn document(&self) -> Option<&OtherDocument> {
        match self {
            Self::Skipped { reason: SkipReason::Document(document), .. } => Some(document),
            _ => None,
        }
    }
}

/// Reason why a part of the input was skipped.
///
/// ```
/// use issuer::{KeyReader, Note, SkipReason};
/// let mut reader = KeyReader::default();
/// reader.read("sa.key", &std::fs::read("fixtures/keys/p256-private.key")?)?;
/// let (keys, notes) = reader.finish()?;
/// let Note::Skipped { place, reason } = &notes[0] else { panic!("{notes:?}") };
/// assert_eq!((place.to_string().as_str(), reason), ("sa.key, block 1 \"EC PARAMETERS\"", &SkipReason::Label));
/// assert_eq!(reason.to_string(), "it is not a public key, certificate or private key");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SkipReason {
    /// A PEM block that neither holds nor announces a key or certificate.
    #[error("it is not a public key, certificate or private key")]
    Label,
    /// A document of a kind that holds no keys.
    #[error("it is {0}")]
    Document(OtherDocument),
    /// A document that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// An entry that should be base64.
    #[error("it is not base64")]
    Base64,
    /// A key that a kops Keyset marks as distrusted.
    #[error("the Keyset marks it as distrusted (distrustTimestamp)")]
    Distrusted,
    /// A certificate with another purpose.
    #[error("it is {0}, not a service account key")]
    Certificate(CertificatePurpose),
    /// The key of a certificate with another purpose.
    #[error("it is the key of {0}, not a service account key")]
    KeyOf(CertificatePurpose),
    /// A key without the name of a service account key, while other entries have such a name.
    #[error("other entries have the name of a service account key")]
    NotServiceAccount,
    /// A key with the name of another kind of key.
    #[error("its name is that of another kind of key")]
    OtherName,
    /// An entry of a Secret that holds no key in any accepted encoding.
    #[error("it holds no key")]
    NoKey,
    /// The certificate of a certificate authority, such as `ca.crt`.
    #[error("it is a certificate authority, not a signing key")]
    Authority,
    /// A key that cannot verify tokens of the API server, or a format that holds no such key.
    #[error("{0}")]
    Key(KeyProblem),
}
