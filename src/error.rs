use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{
    KeyError, KeyId, OtherDocument, Place,
    issuer_url::UrlError,
    publish::{Plan, PlanRefusal},
    redacted,
    site::FileKind,
};

/// Why something could not be done: one sentence that names the input; [`hint`](Error::hint) names the next step.
///
/// ```
/// use issuer::{Error, KeySet};
/// let error = KeySet::from_bytes(&std::fs::read("fixtures/malformed/secret-without-keys.yaml")?).unwrap_err();
/// assert!(matches!(error, Error::NoKey { .. }));
/// assert_eq!(error.to_string(), "input holds no usable key: 2 entries \"password\", \"user\" were skipped");
/// assert!(error.hint().unwrap().starts_with("pass the API server's --service-account-key-file, or choose an entry"));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A string is not a URL of the kind it should be.
    #[error("{url:?} is not {what}: {because}")]
    Url {
        /// The string.
        url: String,
        /// What it should be, with its article: `an issuer URL`.
        what: &'static str,
        /// The rule it breaks.
        because: UrlError,
    },
    /// An input holds no key at all; an empty JWKS is never made.
    #[error("{input} holds no usable key: {because}")]
    NoKey {
        /// What was read.
        input: String,
        /// What was there instead.
        because: String,
    },
    /// A block that announces a key is not usable.
    #[error("{place} is not a usable key: {reason}")]
    Key {
        /// Where it stands.
        place: Place,
        /// What is wrong with it.
        reason: KeyError,
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
    /// Text is not a token.
    #[error("{input} is not a token: {because}")]
    Token {
        /// What was read.
        input: String,
        /// What is wrong with it.
        because: String,
    },
    /// A file or directory cannot be read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file or directory cannot be written.
    #[error("cannot write {}: {source}", shown(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// An entry of a site is not of the type that it must have. Links are not followed, and pipes and devices not opened.
    #[error("cannot {operation} {}: it is not {expected} but {found}", path.display())]
    FileKind {
        /// `read` or `write`.
        operation: &'static str,
        /// The entry.
        path: PathBuf,
        /// The type it must have, with its article: `a regular file`.
        expected: &'static str,
        /// The type it has.
        found: FileKind,
    },
    /// A document or retention record of a site is too long. It was not read or written.
    #[error("cannot {operation} {}: it is longer than {limit} bytes", path.display())]
    TooLong {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The longest length, in bytes.
        limit: u64,
    },
    /// An entry of a site belongs to a user who could mislead or block this one.
    #[error("cannot {operation} {}: it belongs to the user with ID {owner}", path.display())]
    Owner {
        /// `lock` the lock file, or `follow` the link that is the path of the site.
        operation: &'static str,
        /// The entry.
        path: PathBuf,
        /// The user ID of its owner.
        owner: u32,
    },
    /// A plan would take something away unasked, or publish what Entra cannot use.
    #[error("publishing to {site} is refused: {}", refusal_of(.plan))]
    Refused {
        /// The site.
        site: String,
        /// The plan, with every reason in its `refusals`.
        plan: Box<Plan>,
        /// Whether the JWKS was written before another publisher made the plan what it is.
        written: bool,
    },
    /// Another process holds the lock of a site for too long.
    #[error("{site} is locked by another process")]
    Locked {
        /// The site.
        site: String,
    },
    /// Other publishers changed the site before every attempt to write.
    #[error("{site} was changed by others during each of {attempts} attempts to publish")]
    Contended {
        /// The site.
        site: String,
        /// How often it was read and planned.
        attempts: u32,
    },
    /// An address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file of certificate authorities cannot be used.
    #[error("{} is not a file of PEM certificates: {because}", shown(path))]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        because: String,
    },
    /// Azure did not do what was asked.
    #[cfg(feature = "azure")]
    #[error(transparent)]
    Azure(Box<crate::AzureError>),
    /// The HTTP client or runtime cannot be started.
    #[error("cannot start the HTTP client: {0}")]
    Client(String),
}

impl Error {
    /// The next step for the person who reads the error.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Url { because, .. } => match because {
                UrlError::NoScheme => "write it as the API server has it, https:// included",
                UrlError::Scheme(_) | UrlError::Http => {
                    "Entra and the API server accept https only; http is for tests on this machine"
                }
                UrlError::Query | UrlError::Fragment => "pass scheme, host and path only",
                UrlError::WhiteSpace => "Entra blocks an issuer with white space; check the quoting",
                _ => "pass it as --service-account-issuer or --service-account-jwks-uri has it, byte for byte",
            },
            // The names of entries are listed there.
            Self::NoKey { because, .. } if because.contains("entry ") || because.contains("entries ") => {
                "pass the API server's --service-account-key-file, or choose an entry with --entry NAME"
            }
            Self::NoKey { .. } => "pass the API server's --service-account-key-file",
            Self::Key { reason, .. } => match reason {
                KeyError::RsaSize(_) => "make an RSA key of 2048 bits or more and pass its public key",
                KeyError::Type(_) | KeyError::Curve(_) => {
                    "the API server signs with RSA, P-256, P-384 or P-521; remove this key from the input"
                }
                KeyError::EcCompressed => "convert it: openssl ec -pubin -in KEY -conv_form uncompressed",
                KeyError::CurveExplicit => {
                    "convert it: openssl ec -in KEY -pubout -param_enc named_curve; add -pubin for a public key"
                }
                KeyError::Format(format) => format.hint(),
                KeyError::Encrypted => "pass the public key instead: openssl pkey -in KEY -pubout",
                KeyError::Pem(_) => "copy the file again, from BEGIN line to END line",
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
            Self::Token { .. } => "pass the file a projected volume holds, or what `kubectl create token` prints",
            Self::Read { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "check the path",
                io::ErrorKind::PermissionDenied => "run it as a user who may read it",
                io::ErrorKind::IsADirectory => "pass a file in it",
                io::ErrorKind::NotADirectory => "pass a directory",
                _ => return None,
            },
            Self::Write { source, .. } => match source.kind() {
                io::ErrorKind::NotFound => "make the directory first",
                io::ErrorKind::IsADirectory => "pass the path of a file",
                io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => "pass the path of a directory",
                io::ErrorKind::PermissionDenied => "run it as a user who may write there",
                io::ErrorKind::StorageFull => "free some space; what was there is untouched",
                _ => return None,
            },
            Self::FileKind { found: FileKind::SymbolicLink, expected: "a directory", .. } => {
                "replace the link with a directory; only the path of the site itself may be a link"
            }
            Self::FileKind { found: FileKind::SymbolicLink, .. } => {
                "remove the link, or replace it with the file that it points to"
            }
            Self::FileKind { .. } | Self::TooLong { operation: "read", .. } => "move it away: issuer did not write it",
            Self::TooLong { .. } => "publish fewer keys",
            Self::Owner { operation: "follow", .. } => {
                "check who put the link there, and pass the directory that the site is in"
            }
            Self::Owner { .. } => {
                "check who can write to this directory, and remove the lock file; the next publish creates its own"
            }
            Self::Refused { plan, .. } => return plan.refusals.first().map(PlanRefusal::hint),
            Self::Locked { .. } => "wait for the other publisher, or see what holds .issuer.lock there (lsof, fuser)",
            Self::Contended { .. } => "run it again",
            Self::Listen { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => "pass another --listen, or port 0 for a free one",
                io::ErrorKind::PermissionDenied => "ports below 1024 need privileges; pass another --listen",
                _ => "pass --listen as ADDRESS:PORT of this machine",
            },
            Self::CaFile { .. } => "pass the PEM certificate of the authority that signed the server's",
            #[cfg(feature = "azure")]
            Self::Azure(error) => return error.hint(),
            Self::Client(_) => return None,
        };
        Some(hint.to_owned())
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// A path as it may be printed: a secret may stand in its place.
fn shown(path: &Path) -> String {
    redacted(&path.display().to_string()).into_owned()
}

fn refusal_of(plan: &Plan) -> String {
    plan.refusals.first().map_or_else(String::new, ToString::to_string)
}

#[cfg(feature = "azure")]
impl From<crate::AzureError> for Error {
    fn from(error: crate::AzureError) -> Self {
        Self::Azure(Box::new(error))
    }
}
