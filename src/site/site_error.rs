use std::{error::Error, path::PathBuf};

use super::FileKind;
#[cfg(feature = "azure")]
use crate::azure::AzureError;
use crate::{file_error::FileError, hint::Hint, issuer_url::UrlError};

/// Reason why a site cannot be read or written.
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
    /// Documents cannot be published at a URL of the site.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// An entry of a site has the wrong type. Links are not followed; pipes and devices are not opened.
    #[error("cannot {operation} {}: it is {found}; expected {expected}", path.display())]
    FileKind {
        /// `read` or `write`.
        operation: &'static str,
        /// The entry.
        path: PathBuf,
        /// The expected type with its article, for example `a regular file`.
        expected: &'static str,
        /// The actual type.
        found: FileKind,
    },
    /// A document or retention record of a site is too long, and was not read or written.
    #[error("cannot {operation} {}: it is longer than {limit} bytes", path.display())]
    TooLong {
        /// `read` or `write`.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// The maximum length in bytes.
        limit: u64,
    },
    /// An entry of a site belongs to another user, who could redirect or block writes.
    #[error("cannot {operation} {}: its owner is user ID {owner}; expected this user, root or the owner of the directory", path.display())]
    Owner {
        /// `lock` for the lock file, or `follow` for a link that is the path of the site.
        operation: &'static str,
        /// The entry.
        path: PathBuf,
        /// The user ID of its owner.
        owner: u32,
    },
    /// The wait for the lock of a site timed out.
    #[error("cannot write to {site}: another process holds the lock of this site")]
    Locked {
        /// The site.
        site: String,
    },
    /// An operation on Azure failed.
    #[cfg(feature = "azure")]
    #[error(transparent)]
    Azure(#[from] Box<AzureError>),
    /// An operation on a site of another crate failed.
    #[error(transparent)]
    Other(Box<dyn Error + Send + Sync>),
}

impl SiteError {
    /// An error of a site that another crate implements.
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
                "remove the link, or replace it with a copy of its target"
            }
            Self::FileKind { .. } | Self::TooLong { operation: "read", .. } => {
                "move the entry out of the site: issuer did not create it"
            }
            Self::TooLong { .. } => "publish fewer keys",
            Self::Owner { operation: "follow", .. } => {
                "pass the directory of the site itself instead of the link, which another user created"
            }
            Self::Owner { .. } => {
                "check which users can write to this directory, then remove the lock file; the next publish creates a new one"
            }
            Self::Locked { .. } => {
                "run the command again later, or find the process that holds the lock: fuser .issuer.lock (in the directory of the site)"
            }
        };
        Some(hint.to_owned())
    }
}
