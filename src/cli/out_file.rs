use std::{
    fs::{self, File, Permissions},
    io::{self, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use issuer::Error;
use tempfile::Builder;

/// Writes a file in one step: temporary file beside it, fsync, rename. At any moment the old or the new one is there, whole.
///
/// A link to a file that is there is followed, and what is not a regular file, such as a terminal, is written to as it is.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let written = match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() && !metadata.is_dir() => {
            File::options().write(true).open(path).and_then(|mut file| file.write_all(bytes))
        }
        _ => replace(&fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), bytes),
    };
    written.map_err(|source| Error::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    };
    // Asked first, so that the error is about the directory and not about a temporary file in it.
    fs::metadata(&directory)?;
    // The umask narrows it, as it does for every other new file.
    let mode = fs::metadata(path).map_or(0o666, |metadata| metadata.permissions().mode());
    let permissions = Permissions::from_mode(mode);
    let mut file =
        Builder::new().prefix(".issuer").permissions(permissions).tempfile_in(&directory).map_err(without_path)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(&directory)?.sync_all()
}

/// The system's error alone: the name of the temporary file is nobody's business.
fn without_path(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(std::error::Error::source);
    let inner = inner.and_then(|error| error.downcast_ref::<io::Error>()).and_then(io::Error::raw_os_error);
    inner.map_or(error, io::Error::from_raw_os_error)
}
