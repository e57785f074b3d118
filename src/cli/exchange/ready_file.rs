//! `--ready-file`: a file that exists while the file with the token contains a valid one.

use std::{fs, path::PathBuf};

use issuer::{AccessToken, SecretFile, SecretFileError, Timestamp};

use super::super::{Exit, Failure, clean::printable, output::rfc3339};

/// The mode of the file, which contains no secret: the probe of another user reads it.
const MODE: u32 = 0o644;

/// The file, if there is one.
pub(super) struct ReadyFile {
    file: Option<SecretFile>,
    /// Whether the last change failed, which is reported once.
    has_failed: bool,
    exists: bool,
}

impl ReadyFile {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        let file = path.map(|path| SecretFile::new(path).mode(MODE));
        Self { file, has_failed: false, exists: true }
    }

    /// Checks that the file can be written, and removes that of a process that was killed.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        if let Some(file) = &self.file {
            file.check()?;
            let content = fs::read_to_string(file.path()).unwrap_or_default();
            let is_own = content.trim().is_empty() || content.trim().parse::<Timestamp>().is_ok();
            if !is_own {
                let path = printable(&file.path().display().to_string());
                let message = format!("--ready-file {path} is a file that this program did not write");
                return Err(Failure::new(
                    Exit::Incomplete,
                    message,
                    Some("pass another path to --ready-file".to_owned()),
                ));
            }
        }
        Ok(self.remove()?)
    }

    /// Writes when the token expires.
    pub(super) fn write(&mut self, token: &AccessToken) -> Result<(), SecretFileError> {
        let Some(file) = &self.file else { return Ok(()) };
        self.exists = true;
        file.write(format!("{}\n", rfc3339(token.expires_at())).as_bytes())
    }

    /// Removes the file, if it may exist. A failure is returned once.
    pub(super) fn remove(&mut self) -> Result<(), SecretFileError> {
        let Some(file) = self.file.as_ref().filter(|_| self.exists) else { return Ok(()) };
        match file.remove() {
            Ok(()) => {
                (self.exists, self.has_failed) = (false, false);
                Ok(())
            }
            Err(_) if self.has_failed => Ok(()),
            Err(error) => {
                self.has_failed = true;
                Err(error)
            }
        }
    }
}
