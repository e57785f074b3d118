use super::{CertificatePurpose, KeyError, KeyId, KeyProblem, OtherDocument, Place};

/// Something about the input that its owner should know and that stops nothing.
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
    /// A block, entry or key was passed over.
    #[error("{place} is skipped: {reason}")]
    Skipped {
        /// What was passed over.
        place: Place,
        /// Why.
        reason: SkipReason,
    },
    /// A private key was given where its public part is enough.
    #[error("{place} is a private key: only its public part is used")]
    Private {
        /// The private key.
        place: Place,
    },
    /// A key was read from a certificate of a CA, a server or a client.
    #[error("{place} is {purpose}: its key is read as a service account key, as the API server would read it")]
    Certificate {
        /// The certificate.
        place: Place,
        /// What it is for.
        purpose: CertificatePurpose,
    },
    /// A key was given more than once.
    #[error("{place} is the same key as {first}")]
    Duplicate {
        /// The later one.
        place: Place,
        /// The one that is used.
        first: Place,
    },
    /// A key was read from an answer of Azure Key Vault, whose `kid` is not the key ID that tokens carry.
    #[error("{place} is an answer of Azure Key Vault: the ID that the API server computes is used in place of {kid:?}")]
    KeyVault {
        /// The answer.
        place: Place,
        /// The URL of the key in its vault.
        kid: String,
    },
    /// A JWK has another key ID than the API server computes; it is kept.
    #[error("{place} keeps its key ID {:?}, which its tokens must carry; the API server's own ID for this key is {spki_key_id}", .key_id.as_str())]
    KeyIdKept {
        /// The JWK.
        place: Place,
        /// The key ID that it keeps.
        key_id: KeyId,
        /// The key ID that the API server computes.
        spki_key_id: KeyId,
    },
}

impl Note {
    /// The error that an input of another kind is, where nothing else is in it.
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

    /// The document of another kind that was passed over.
    pub(super) fn document(&self) -> Option<&OtherDocument> {
        match self {
            Self::Skipped { reason: SkipReason::Document(document), .. } => Some(document),
            _ => None,
        }
    }
}

/// Why a part of the input was passed over.
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
    /// A PEM block that does not hold a key or certificate and does not announce one.
    #[error("it is not a public key, certificate or private key")]
    Label,
    /// A document of another kind.
    #[error("it is {0}")]
    Document(OtherDocument),
    /// A document that cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// An entry that should be base64.
    #[error("it is not base64")]
    Base64,
    /// A key that its owner distrusts.
    #[error("it is distrusted since a time that the Keyset gives")]
    Distrusted,
    /// A certificate that is for something else.
    #[error("it is {0}, not a service account key")]
    Certificate(CertificatePurpose),
    /// The key of such a certificate.
    #[error("it is the key of {0}, not a service account key")]
    KeyOf(CertificatePurpose),
    /// A key beside others whose names say that they are the service account keys.
    #[error("other entries say that they are the service account keys")]
    NotServiceAccount,
    /// A key whose name says that it is for something else.
    #[error("its name says that it is another key")]
    OtherName,
    /// An entry of a Secret that holds no key in any accepted encoding.
    #[error("it holds no key")]
    NoKey,
    /// The `ca.crt` of a Secret: an authority, not a signing key.
    #[error("it is a certificate authority, not a signing key")]
    Authority,
    /// A key that cannot verify tokens the API server issues, or something that is not such a key.
    #[error("{0}")]
    Key(KeyProblem),
}
