//! A file with a secret that is written again and again, such as an access token for another program.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rustix::{
    fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::{
    file_error::{FileError, shown},
    hint::Hint,
    postgresql::PasswordFile,
    replace_file::{NewMode, is_temporary, replace_at},
};

/// The mode without another one: read and write for the owner only.
const MODE: u32 = 0o600;
/// The age from which a temporary file is one that an interrupted write has left.
const LEFT_AFTER: Duration = Duration::from_mins(1);
/// The start of a password file that is read to recognise it, in bytes.
const START: u64 = 200;

/// A file with a secret, replaced atomically with the same mode at each write.
///
/// A reader sees the old content or the new content, never a part of it, also if the process is killed. A temporary file that
/// a killed process has left is removed by a later write.
///
/// Only a regular file of the user of this process is replaced or removed, never a link.
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// use std::os::unix::fs::PermissionsExt;
/// use issuer::{SecretFile, SecretFileError};
/// let file = SecretFile::new(directory.path().join("token"));
/// file.write(b"secret")?;
/// let metadata = std::fs::metadata(file.path())?;
/// assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
///
/// std::fs::write(directory.path().join(".pgpass"), "db.example.com:*:*:*:a password of a person\n")?;
/// let passwords = SecretFile::password_file(directory.path().join(".pgpass"));
/// assert!(matches!(passwords.write(b"new"), Err(SecretFileError::OfAnotherProgram { .. })));
///
/// file.remove()?;
/// assert!(!file.path().exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct SecretFile {
    path: PathBuf,
    mode: Mode,
    is_password_file: bool,
}

/// A file with a secret cannot be written or removed.
///
/// ```
/// use issuer::{Hint, SecretFile, SecretFileError};
/// let error = SecretFile::new("fixtures").write(b"secret").unwrap_err();
/// assert!(matches!(error, SecretFileError::NotRegular { .. }));
/// assert_eq!(error.to_string(), "cannot replace fixtures: it is a folder, not a regular file");
/// assert!(error.hint().is_some());
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretFileError {
    /// An operation of the file system failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The path is a link, a folder, a device or a pipe.
    #[error("cannot replace {}: it is {what}, not a regular file", shown(path))]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is, with an article.
        what: &'static str,
    },
    /// The file belongs to another user.
    #[error("cannot replace {}: it belongs to the user with ID {owner}", shown(path))]
    OfAnotherUser {
        /// The path.
        path: PathBuf,
        /// The ID of the owner.
        owner: u32,
    },
    /// The password file has no comment of [`PasswordFile`] in its first line.
    #[error("cannot replace {}: it is a password file that this program did not write", shown(path))]
    OfAnotherProgram {
        /// The path.
        path: PathBuf,
    },
}

impl Hint for SecretFileError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::File(error) => return error.hint(),
            Self::NotRegular { .. } => "pass the path of a regular file or of a file that does not exist".to_owned(),
            Self::OfAnotherUser { .. } => {
                "pass a path in a folder of this user, or run both programs as the same user (runAsUser)".to_owned()
            }
            Self::OfAnotherProgram { path } => {
                format!("pass another path, or move the file away: mv {0} {0}.old", shown(path))
            }
        })
    }
}

impl SecretFile {
    /// A file at this path with the mode 0600.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), mode: Mode::from_raw_mode(MODE), is_password_file: false }
    }

    /// A password file of libpq at this path. A file that is not a [`PasswordFile`] is not replaced or removed.
    pub fn password_file(path: impl Into<PathBuf>) -> Self {
        Self { is_password_file: true, ..Self::new(path) }
    }

    /// Sets the permission bits, such as `0o640`. Other bits are ignored.
    #[must_use]
    pub fn mode(self, mode: u32) -> Self {
        Self { mode: Mode::from_raw_mode(mode & 0o777), ..self }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Checks that the file can be replaced, without changing it.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn check(&self) -> Result<(), SecretFileError> {
        let (directory, name) = self.open_directory().map_err(|source| self.cannot_write(source))?;
        self.judge(&directory, name).map(|_| ())
    }

    /// Replaces the file, or creates it.
    ///
    /// # Errors
    ///
    /// [`SecretFileError::File`] if the folder does not exist or a file cannot be written there, another one if the file is
    /// not one that this program may replace.
    pub fn write(&self, bytes: &[u8]) -> Result<(), SecretFileError> {
        let (directory, name) = self.open_directory().map_err(|source| self.cannot_write(source))?;
        self.judge(&directory, name)?;
        remove_left(&directory);
        replace_at(&directory, name, bytes, NewMode::Exact(self.mode)).map_err(|source| self.cannot_write(source))
    }

    /// Removes the file, if it exists.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    pub fn remove(&self) -> Result<(), SecretFileError> {
        let (directory, name) = match self.open_directory() {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(|source| self.cannot_write(source))?,
        };
        if !self.judge(&directory, name)? {
            return Ok(());
        }
        match unlinkat(&directory, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.cannot_write(error.into())),
        }
    }

    fn cannot_write(&self, source: io::Error) -> SecretFileError {
        FileError::Write { path: self.path.clone(), source }.into()
    }

    fn open_directory(&self) -> io::Result<(OwnedFd, &OsStr)> {
        let name = self.path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Without O_PATH, because a path descriptor cannot be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok((openat(CWD, directory, flags, Mode::empty())?, name))
    }

    /// Whether the file exists, if it may be replaced.
    fn judge(&self, directory: &OwnedFd, name: &OsStr) -> Result<bool, SecretFileError> {
        let stat = match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(self.cannot_write(error.into())),
        };
        let path = || self.path.clone();
        let what = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => None,
            FileType::Symlink => Some("a symbolic link"),
            FileType::Directory => Some("a folder"),
            FileType::Fifo => Some("a named pipe"),
            FileType::Socket => Some("a socket"),
            _ => Some("a device"),
        };
        if let Some(what) = what {
            return Err(SecretFileError::NotRegular { path: path(), what });
        }
        if stat.st_uid != geteuid().as_raw() {
            return Err(SecretFileError::OfAnotherUser { path: path(), owner: stat.st_uid });
        }
        if self.is_password_file {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let read = || {
                let mut start = Vec::new();
                File::from(openat(directory, name, flags, Mode::empty())?).take(START).read_to_end(&mut start)?;
                Ok(start)
            };
            let start = read().map_err(|source: io::Error| FileError::Read { path: path(), source })?;
            if !PasswordFile::is_own(&start) {
                return Err(SecretFileError::OfAnotherProgram { path: path() });
            }
        }
        Ok(true)
    }
}

impl fmt::Debug for SecretFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mode = format!("{:04o}", self.mode.as_raw_mode());
        f.debug_struct("SecretFile")
            .field("path", &shown(&self.path))
            .field("mode", &mode)
            .field("is_password_file", &self.is_password_file)
            .finish()
    }
}

/// Removes the temporary files of this user that interrupted writes have left in a folder. Failures are ignored: the next
/// write tries again.
fn remove_left(directory: &OwnedFd) {
    let Ok(entries) = Dir::read_from(directory) else { return };
    let names = entries.flatten().map(|entry| {
        use std::os::unix::ffi::OsStringExt;
        OsString::from_vec(entry.file_name().to_bytes().to_vec())
    });
    for name in names.filter(|name| is_temporary(name)) {
        let is_left = statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
            let seconds = u64::try_from(stat.st_mtime).unwrap_or_default();
            let written = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
            let age = written.and_then(|written| written.elapsed().ok());
            stat.st_uid == geteuid().as_raw() && age.is_some_and(|age| age > LEFT_AFTER)
        });
        if is_left {
            let _ = unlinkat(directory.as_fd(), &name, AtFlags::empty());
        }
    }
}
