//! Atomic replacement of a file: temporary file, fsync, rename, fsync of the directory.

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, ErrorKind, Write},
    os::{fd::AsFd, unix::ffi::OsStrExt},
    path::Path,
};

use aws_lc_rs::rand;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, fchmod, fstat, fsync, openat, renameat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};

use crate::file_error::FileError;

/// The start and the end of a temporary file's name; 128 random bits in base64url are between them.
const TEMPORARY: (&str, &str) = (".issuer-", ".tmp");
const RANDOM_CHARACTERS: usize = 22;

/// The mode of the new file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum NewMode {
    /// Exactly this mode, independent of the umask.
    Exact(Mode),
    /// This mode, narrowed by the umask.
    Narrowed(Mode),
}

/// Replaces a file atomically: a reader sees the old content or the new content, never a part of it.
///
/// The content is written to a temporary file in the same directory, synced to disk and renamed. A file that does not exist
/// is created. A symbolic link at `path` is replaced, not followed.
///
/// The new file keeps the permissions of the file that it replaces if that file belongs to this user. Otherwise it gets
/// mode 0664. In both cases the umask applies, and the new file is never writable by all users.
///
/// # Errors
///
/// [`FileError::Write`] if the directory does not exist, or if the file cannot be created, written or renamed.
///
/// # Examples
///
/// ```
/// # let directory = tempfile::tempdir()?;
/// let path = directory.path().join("jwks.json");
/// issuer::replace_file(&path, b"{\"keys\":[]}")?;
/// assert_eq!(std::fs::read(&path)?, b"{\"keys\":[]}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let replaced = || {
        let name = path.file_name().ok_or(ErrorKind::IsADirectory)?;
        let directory = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Without O_PATH, because a path descriptor cannot be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, directory, flags, Mode::empty())?;
        let mode = match statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat)
                if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
                    && stat.st_uid == geteuid().as_raw() =>
            {
                Mode::from_raw_mode(stat.st_mode) & Mode::from_raw_mode(0o775)
            }
            _ => Mode::from_raw_mode(0o664),
        };
        replace_at(&directory, name, bytes, NewMode::Narrowed(mode))
    };
    replaced().map_err(|source: io::Error| FileError::Write { path: path.to_owned(), source })
}

/// Replaces a file of an open directory atomically.
pub(crate) fn replace_at(directory: impl AsFd, name: &OsStr, bytes: &[u8], mode: NewMode) -> io::Result<()> {
    let temporary = temporary_name()?;
    // The name is random, so another process can take it only on purpose.
    let mut file = create_at(&directory, OsStr::new(&temporary), mode)?.ok_or(ErrorKind::AlreadyExists)?;
    let mut write = || {
        file.write_all(bytes)?;
        file.sync_all()?;
        renameat(&directory, temporary.as_str(), &directory, name)?;
        fsync(&directory)?;
        Ok(())
    };
    write().inspect_err(|_: &io::Error| {
        let _ = unlinkat(&directory, temporary.as_str(), AtFlags::empty());
    })
}

/// Creates a file in an open directory; `None` if the name is taken.
pub(crate) fn create_at(directory: impl AsFd, name: &OsStr, mode: NewMode) -> io::Result<Option<File>> {
    // With O_EXCL a link with this name is not followed.
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let (NewMode::Exact(bits) | NewMode::Narrowed(bits)) = mode;
    let file = match openat(directory, name, flags, bits) {
        Ok(file) => file,
        Err(Errno::EXIST) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if let NewMode::Exact(mode) = mode {
        set_mode(&file, mode)?;
    }
    Ok(Some(File::from(file)))
}

/// Sets exactly these permission bits, which the umask or a default ACL may have changed. Inherited set-group-ID bits stay.
pub(crate) fn set_mode(descriptor: impl AsFd, mode: Mode) -> rustix::io::Result<()> {
    let found = Mode::from_raw_mode(fstat(&descriptor)?.st_mode);
    let permissions = Mode::RWXU | Mode::RWXG | Mode::RWXO;
    if found & permissions == mode {
        return Ok(());
    }
    match fchmod(&descriptor, (found - permissions) | mode) {
        // A file system without modes, such as FAT: mount options determine them.
        Err(Errno::PERM | Errno::NOTSUP) => Ok(()),
        other => other,
    }
}

/// Whether a file name is that of a temporary file, which an interrupted [`replace_at`] leaves behind.
pub(crate) fn is_temporary(name: &OsStr) -> bool {
    let (start, end) = TEMPORARY;
    let random = name.as_bytes().strip_prefix(start.as_bytes()).and_then(|rest| rest.strip_suffix(end.as_bytes()));
    let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    random.is_some_and(|random| random.len() == RANDOM_CHARACTERS && random.iter().all(is_base64url))
}

fn temporary_name() -> io::Result<String> {
    let mut random = [0; 16];
    rand::fill(&mut random).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let (start, end) = TEMPORARY;
    Ok(format!("{start}{}{end}", BASE64_URL_SAFE_NO_PAD.encode(random)))
}
