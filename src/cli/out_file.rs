use std::{
    fs::{self, File, Metadata},
    io::{self, ErrorKind, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use issuer::{FileError, replace_file};
use rustix::{fs::OFlags, process::geteuid};

use super::{Exit, Failure};

/// The maximum number of symbolic links in a path, as in Linux (`path_resolution(7)`).
const LINKS_MAX: usize = 40;
/// The directory of the kernel's links. `/dev/stdout` leads there, and so does `>(…)` of a shell.
const KERNEL_LINKS: &str = "/proc";

/// Replaces a file atomically, or writes to a terminal, pipe or device.
///
/// Symbolic links are followed and named pipes are written, except those that another user may have planted. The rule is that
/// of Linux's `fs.protected_symlinks` and `fs.protected_fifos`, which not every system sets: in a world-writable directory
/// only links of this user and of root are followed. For root this holds in every directory.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |source| FileError::Write { path: path.to_owned(), source };
    let target = match resolve(path).map_err(fail)? {
        Target::File(target) => target,
        Target::Suspect { entry, what, owner } => {
            let message =
                format!("cannot write {}: {} is {what} of the user with ID {owner}", path.display(), entry.display());
            let hint = format!("pass a path without {what} of another user");
            return Err(Failure::new(Exit::Incomplete, message, Some(hint)));
        }
    };
    let target = match fs::metadata(&target) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            return Ok(write_through(&target, bytes).map_err(fail)?);
        }
        _ if target.starts_with(KERNEL_LINKS) => fs::canonicalize(&target).unwrap_or(target),
        _ => target,
    };
    replace_file(&target, bytes).map_err(|error| match error {
        // Errors name the path as it was given.
        FileError::Write { source, .. } => fail(source).into(),
        other => other.into(),
    })
}

/// The target of a path.
enum Target {
    /// A path without links, except those of the kernel.
    File(PathBuf),
    /// The path leads through an entry that another user may have planted.
    Suspect { entry: PathBuf, what: &'static str, owner: u32 },
}

/// Follows the links of a path one by one, and checks each.
fn resolve(path: &Path) -> io::Result<Target> {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Some((entry, metadata)) = first_link_or_last(&path)? else { return Ok(Target::File(path)) };
        if entry.starts_with(KERNEL_LINKS) {
            return Ok(Target::File(path));
        }
        let (is_link, is_pipe) = (metadata.is_symlink(), metadata.file_type().is_fifo());
        if (is_link || is_pipe) && is_suspect(&entry, &metadata) {
            let what = if is_link { "a symbolic link" } else { "a named pipe" };
            return Ok(Target::Suspect { entry, what, owner: metadata.uid() });
        }
        if !is_link {
            return Ok(Target::File(path));
        }
        let rest = path.strip_prefix(&entry).unwrap_or(Path::new("")).to_owned();
        path = entry.parent().unwrap_or(Path::new("/")).join(fs::read_link(&entry)?);
        if !rest.as_os_str().is_empty() {
            path.push(rest);
        }
    }
    Err(io::Error::from(rustix::io::Errno::LOOP))
}

/// The first entry of a path that is a link, or else its last entry; `None` if the file does not exist.
fn first_link_or_last(path: &Path) -> io::Result<Option<(PathBuf, Metadata)>> {
    let mut entry = PathBuf::new();
    let mut last = None;
    for component in path.components() {
        entry.push(component);
        match fs::symlink_metadata(&entry) {
            Ok(metadata) if metadata.is_symlink() => return Ok(Some((entry, metadata))),
            Ok(metadata) => last = Some((entry.clone(), metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    Ok(last)
}

/// Whether another user without privileges may have planted an entry.
fn is_suspect(entry: &Path, metadata: &Metadata) -> bool {
    let user = geteuid();
    let is_foreign = metadata.uid() != user.as_raw() && metadata.uid() != 0;
    let is_open = || {
        let directory = fs::symlink_metadata(directory_of(entry));
        directory.is_ok_and(|directory| directory.mode() & 0o002 != 0)
    };
    is_foreign && (user.is_root() || is_open())
}

/// Writes to a terminal, pipe or device.
fn write_through(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = File::options();
    options.write(true);
    if !path.starts_with(KERNEL_LINKS) {
        // A link that replaces the entry meanwhile is not followed (TOCTOU).
        options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path)?.write_all(bytes)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
