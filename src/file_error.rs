//! A file or directory that cannot be read or written.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

use crate::{hint::Hint, redact::redacted};

/// A file or directory cannot be read or written.
///
/// ```
/// use issuer::{DocumentServer, FileError, Hint};
/// let Err(FileError::Read { path, source }) = DocumentServer::open("no/such/directory".as_ref()) else { panic!() };
/// assert_eq!((path.to_str(), source.kind()), (Some("no/such/directory"), std::io::ErrorKind::NotFound));
/// assert_eq!(FileError::Read { path, source }.hint().unwrap(), "check the path");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The file or directory cannot be read.
    #[error("cannot read {}: {source}", shown(path))]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file or directory cannot be written.
    #[error("cannot write {}: {source}", shown(path))]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl Hint for FileError {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Read { source, .. } => match source.kind() {
                ErrorKind::NotFound => "check the path",
                ErrorKind::PermissionDenied => "run the command as a user with read permission",
                ErrorKind::IsADirectory => "pass a file in this directory",
                ErrorKind::NotADirectory => "pass a directory",
                _ => return None,
            },
            Self::Write { source, .. } => match source.kind() {
                ErrorKind::NotFound => "create the directory first",
                ErrorKind::IsADirectory => "pass the path of a file",
                ErrorKind::NotADirectory | ErrorKind::AlreadyExists => "pass the path of a directory",
                ErrorKind::PermissionDenied => "run the command as a user with write permission",
                ErrorKind::StorageFull => "free some disk space, and run the command again",
                _ => return None,
            },
        };
        Some(hint.to_owned())
    }
}

/// A path for error messages, redacted because a user may pass a secret by mistake.
pub(crate) fn shown(path: &Path) -> String {
    redacted(&path.display().to_string()).into_owned()
}
