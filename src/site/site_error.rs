use std::{error::Error, path::PathBuf};

use super::FileKind;
#[cfg(feature = "azure")]
use crate::azure::AzureError;
use crate::{file_error::FileError, hint::Hint, issuer_url::UrlError};

/// Why a site cannot be read or written.
///
/// ```
/// use issuer::{Hint, site::{Directory, SiteError}};
/// let error = Directory::open("Cargo.toml").unwrap_err();
/// assert!(matches!(error, SiteError::File(_)));
/// assert_eq!(error.to_string(), "cannot read Cargo.toml: not a directory");
/// assert_eq!(error.hint().unwrap(), "pass a directory");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SiteError {
    /// A file or directory cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A URL of the site is not one that documents can be published at.
    #[error(transparent)]
    Url(#[from] UrlError),
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
    /// Another process holds the lock of a site for too long.
    #[error("{site} is locked by another process")]
    Locked {
        /// The site.
        site: String,
    },
    /// Azure did not do what was asked.
    #[cfg(feature = "azure")]
    #[error(transparent)]
    Azure(#[from] Box<AzureError>),
    /// A site that another crate implements failed.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl SiteError {
    /// The failure of a site that another crate implements.
    ///
    /// ```
    /// use issuer::site::SiteError;
    /// assert_eq!(SiteError::other("bucket b is read-only").to_string(), "bucket b is read-only");
    /// ```
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}

#[cfg(feature = "azure")]
impl From<AzureError> for SiteError {
    fn from(error: AzureError) -> Self {
        Self::Azure(Box::new(error))
    }
}

impl Hint for SiteError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::File(error) => return error.hint(),
            Self::Url(error) => return error.hint(),
            #[cfg(feature = "azure")]
            Self::Azure(error) => return error.hint(),
            Self::Other(_) => return None,
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
            Self::Locked { .. } => "wait for the other publisher, or see what holds .issuer.lock there (lsof, fuser)",
        };
        Some(hint.to_owned())
    }
}
