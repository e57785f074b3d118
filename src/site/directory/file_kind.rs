use std::fmt;

use rustix::fs::{FileType, Stat};

/// The type of a file system entry, with its name in messages.
///
/// ```
/// use issuer::site::FileKind;
/// assert_eq!(FileKind::SymbolicLink.to_string(), "a symbolic link");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link, whatever it points to.
    SymbolicLink,
    /// A named pipe (FIFO).
    NamedPipe,
    /// A Unix domain socket.
    Socket,
    /// A character device or block device.
    Device,
    /// A type that this platform does not define.
    Unknown,
}

impl FileKind {
    pub(super) fn of(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Self::Regular,
            FileType::Directory => Self::Directory,
            FileType::Symlink => Self::SymbolicLink,
            FileType::Fifo => Self::NamedPipe,
            FileType::Socket => Self::Socket,
            FileType::CharacterDevice | FileType::BlockDevice => Self::Device,
            FileType::Unknown => Self::Unknown,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Regular => "a regular file",
            Self::Directory => "a directory",
            Self::SymbolicLink => "a symbolic link",
            Self::NamedPipe => "a named pipe",
            Self::Socket => "a socket",
            Self::Device => "a device",
            Self::Unknown => "an entry of unknown type",
        })
    }
}
