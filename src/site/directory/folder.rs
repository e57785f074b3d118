use std::{
    ffi::OsStr,
    fs::{DirBuilder, File},
    io::{self, ErrorKind, Read},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, fs::DirBuilderExt},
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, Dir, Mode, OFlags, Stat, fstat, fsync, lstat, mkdirat, open, openat, stat, statat, unlinkat},
    io::Errno,
    process::geteuid,
};

use super::FileKind;
use crate::{
    documents::Documents,
    file_error::FileError,
    replace_file::{NewMode, create_at, is_temporary, replace_at, set_mode},
    site::SiteError,
};

/// The mode of documents, which are public.
pub(super) const PUBLIC: Mode = Mode::from_raw_mode(0o644);
/// The mode of the retention record and the lock, which only their owner may open.
pub(super) const PRIVATE: Mode = Mode::from_raw_mode(0o600);
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);
/// The maximum length of a file that is read or written, in bytes.
const FILE_MAX: u64 = Documents::BYTES_MAX as u64;

/// An open directory of a site.
///
/// Entries are opened relative to the descriptor (`openat`), so that no other process can replace the directory during
/// a publish. Symbolic links are not followed: in a directory that another user can write, a link would redirect the
/// write (CWE-59, CWE-377).
#[derive(Debug)]
pub(super) struct Folder {
    descriptor: OwnedFd,
    path: PathBuf,
    access: Access,
}

/// The access for which a folder is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Access {
    fn flags(self) -> OFlags {
        // `O_PATH` needs no permission to list the directory. `fsync` rejects a descriptor with `O_PATH`.
        let flags = if self == Self::Read { OFlags::PATH } else { OFlags::RDONLY };
        flags | OFlags::DIRECTORY | OFlags::CLOEXEC
    }

    fn operation(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    fn error(self, path: PathBuf, source: impl Into<io::Error>) -> SiteError {
        let source = source.into();
        match self {
            Self::Read => FileError::Read { path, source }.into(),
            Self::Write => FileError::Write { path, source }.into(),
        }
    }
}

impl Folder {
    /// Opens the directory of a site for reading; `None` if it does not exist. The path may be a link: the caller chose
    /// it.
    pub(super) fn open(path: &Path) -> Result<Option<Self>, SiteError> {
        check_link(path)?;
        match open(non_empty(path), Access::Read.flags(), Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, path: path.to_owned(), access: Access::Read })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(Access::Read.error(path.to_owned(), error)),
        }
    }

    /// Opens the directory of a site for writing, and creates the directory if it does not exist.
    pub(super) fn create(path: &Path) -> Result<Self, SiteError> {
        check_link(path)?;
        let opened = || {
            create_directories(path)?;
            open(non_empty(path), Access::Write.flags(), Mode::empty()).map_err(io::Error::from)
        };
        let descriptor = opened().map_err(|source| Access::Write.error(path.to_owned(), source))?;
        Ok(Self { descriptor, path: path.to_owned(), access: Access::Write })
    }

    /// Opens a directory in this one, with the same access; `None` if it does not exist.
    pub(super) fn folder(&self, name: &str) -> Result<Option<Self>, SiteError> {
        match openat(&self.descriptor, name, self.access.flags() | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(descriptor) => Ok(Some(Self { descriptor, path: self.path.join(name), access: self.access })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => match self.stat(name)?.as_ref().map(FileKind::of) {
                Some(found) if found != FileKind::Directory => Err(self.unexpected(name, "a directory", found)),
                _ => Err(self.error(name, error)),
            },
        }
    }

    /// Creates a directory in this one, unless another process has created it, and opens the directory.
    pub(super) fn create_folder(&self, name: &str) -> Result<Self, SiteError> {
        let created = match mkdirat(&self.descriptor, name, DIRECTORY_MODE) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => return Err(self.error(name, error)),
        };
        let folder = self.folder(name)?.ok_or_else(|| self.error(name, Errno::NOENT))?;
        if created {
            let made = || {
                set_mode(&folder.descriptor, DIRECTORY_MODE)?;
                fsync(&self.descriptor)
            };
            made().map_err(|error| self.error(name, error))?;
        }
        Ok(folder)
    }

    /// Reads a regular file; `None` if it does not exist.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, SiteError> {
        let Some((file, stat)) = self.open_file(name, OFlags::RDONLY)? else { return Ok(None) };
        let too_long = || SiteError::TooLong { operation: "read", path: self.path.join(name), limit: FILE_MAX };
        if u64::try_from(stat.st_size).is_ok_and(|size| size > FILE_MAX) {
            return Err(too_long());
        }
        let mut bytes = Vec::new();
        file.take(FILE_MAX + 1).read_to_end(&mut bytes).map_err(|error| self.error(name, error))?;
        // The file may have grown since `fstat`.
        if bytes.len() as u64 > FILE_MAX { Err(too_long()) } else { Ok(Some(bytes)) }
    }

    /// Opens a regular file; `None` if it does not exist. Does not follow a link or wait for a pipe or device.
    pub(super) fn open_file(&self, name: &str, flags: OFlags) -> Result<Option<(File, Stat)>, SiteError> {
        // Check the type before opening the entry, because opening a device may have side effects.
        let Some(before) = self.stat(name)? else { return Ok(None) };
        self.expect_regular(name, &before)?;
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.descriptor, name, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(self.unexpected(name, "a regular file", FileKind::SymbolicLink)),
            Err(error) => return Err(self.error(name, error)),
        };
        let stat = fstat(&file).map_err(|error| self.error(name, error))?;
        self.expect_regular(name, &stat)?;
        Ok(Some((File::from(file), stat)))
    }

    /// Creates a new file; `None` if it exists already.
    pub(super) fn create_file(&self, name: &str, mode: Mode) -> Result<Option<File>, SiteError> {
        create_at(&self.descriptor, name.as_ref(), NewMode::Exact(mode)).map_err(|error| self.error(name, error))
    }

    /// Replaces a file atomically.
    ///
    /// The new file has exactly this mode, whatever the umask and the mode of the replaced file are.
    pub(super) fn replace(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), SiteError> {
        if bytes.len() as u64 > FILE_MAX {
            return Err(SiteError::TooLong { operation: "write", path: self.path.join(name), limit: FILE_MAX });
        }
        if let Some(found) = self.stat(name)? {
            self.expect_regular(name, &found)?;
        }
        let replaced = replace_at(&self.descriptor, name.as_ref(), bytes, NewMode::Exact(mode));
        replaced.map_err(|error| self.error(name, error))
    }

    /// Removes a file durably, if it exists.
    pub(super) fn remove(&self, name: &str) -> Result<(), SiteError> {
        match unlinkat(&self.descriptor, name, AtFlags::empty()) {
            Ok(()) => fsync(&self.descriptor).map_err(|error| self.error(name, error)),
            Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.error(name, error)),
        }
    }

    /// Removes the temporary files that killed publishers of this user left behind. The caller holds the lock.
    ///
    /// Best effort: readers ignore a remaining temporary file.
    pub(super) fn remove_leftovers(&self, document: &str) {
        // Earlier versions used fixed names.
        let mut names = vec![format!(".{document}.tmp"), format!("..{document}.retention.json.tmp")];
        for entry in Dir::read_from(&self.descriptor).into_iter().flatten().flatten() {
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if is_temporary(name) {
                names.extend(name.to_str().map(str::to_owned));
            }
        }
        for name in names {
            let is_own = |stat: &Stat| FileKind::of(stat) == FileKind::Regular && stat.st_uid == geteuid().as_raw();
            if self.stat(&name).is_ok_and(|stat| stat.as_ref().is_some_and(is_own)) {
                let _ = unlinkat(&self.descriptor, name.as_str(), AtFlags::empty());
            }
        }
    }

    /// The type, owner and mode of an entry, or of the directory itself as `.`; `None` if they cannot be read.
    pub(super) fn stat_of(&self, name: &str) -> Option<Stat> {
        self.stat(name).ok().flatten()
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn stat(&self, name: &str) -> Result<Option<Stat>, SiteError> {
        match statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.error(name, error)),
        }
    }

    fn expect_regular(&self, name: &str, stat: &Stat) -> Result<(), SiteError> {
        match FileKind::of(stat) {
            FileKind::Regular => Ok(()),
            found => Err(self.unexpected(name, "a regular file", found)),
        }
    }

    fn unexpected(&self, name: &str, expected: &'static str, found: FileKind) -> SiteError {
        SiteError::FileKind { operation: self.access.operation(), path: self.path.join(name), expected, found }
    }

    fn error(&self, name: &str, source: impl Into<io::Error>) -> SiteError {
        self.access.error(self.path.join(name), source)
    }
}

/// Rejects a site whose path is a link that another user may have created.
///
/// In a world-writable directory, the link must belong to this user, to root or to the owner of that directory. This is
/// the rule of `fs.protected_symlinks` in Linux, which is not enabled on every system.
fn check_link(path: &Path) -> Result<(), SiteError> {
    let Ok(link) = lstat(non_empty(path)) else { return Ok(()) };
    if FileKind::of(&link) != FileKind::SymbolicLink {
        return Ok(());
    }
    let Ok(parent) = stat(non_empty(path.parent().unwrap_or(Path::new("/")))) else { return Ok(()) };
    let is_open = Mode::from_raw_mode(parent.st_mode).contains(Mode::WOTH);
    if is_open && ![geteuid().as_raw(), 0, parent.st_uid].contains(&link.st_uid) {
        return Err(SiteError::Owner { operation: "follow", path: path.to_owned(), owner: link.st_uid });
    }
    Ok(())
}

/// Creates a directory and its parents, and syncs each entry before the next. The umask may restrict the mode.
fn create_directories(path: &Path) -> io::Result<()> {
    if non_empty(path).is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    create_directories(parent)?;
    match DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(non_empty(parent))?.sync_all(),
    }
}

fn non_empty(path: &Path) -> &Path {
    if path.as_os_str().as_bytes().is_empty() { Path::new(".") } else { path }
}
