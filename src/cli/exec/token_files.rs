//! Files with tokens for the program that `exec` runs, removed when the program has ended.

use std::path::{Path, PathBuf};

use issuer::SecretFile;
use tempfile::TempDir;

use super::super::{Exit, Failure};

/// The folder in memory where the files are made, if it exists.
const MEMORY: &str = "/dev/shm";

/// The files, in a folder that only this user can enter.
#[derive(Default)]
pub(super) struct TokenFiles {
    folder: Option<TempDir>,
}

impl TokenFiles {
    /// Writes a file with this name and content, and returns its path.
    pub(super) fn write(&mut self, name: &str, content: &str) -> Result<PathBuf, Failure> {
        let folder = match &self.folder {
            Some(folder) => folder,
            None => self.folder.insert(folder()?),
        };
        let file = SecretFile::new(folder.path().join(name));
        file.write(content.as_bytes())?;
        Ok(file.path().to_owned())
    }
}

/// A new folder with the mode 0700.
fn folder() -> Result<TempDir, Failure> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("issuer-");
    let in_memory = Path::new(MEMORY).is_dir().then(|| builder.tempdir_in(MEMORY).ok()).flatten();
    match in_memory {
        Some(folder) => Ok(folder),
        None => builder.tempdir().map_err(|error| {
            let message = format!("cannot create a folder for the token: {error}");
            Failure::new(Exit::Incomplete, message, Some("set TMPDIR to a folder that this user can write".to_owned()))
        }),
    }
}
