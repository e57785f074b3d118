use std::{
    fs::{self, File},
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use clap::Args;
use issuer::{FileError, KeyReader, KeySet};
use tracing::info_span;

use super::{Failure, Output};

const STDIN: &str = "standard input";

/// The flags that name the public keys of an API server.
#[derive(Debug, Args)]
pub(super) struct KeyInputs {
    /// Read public keys from these files; - means standard input
    ///
    /// PEM, DER, SSH public keys, JWK, JWKS, Key Vault keys, Kubernetes Secrets and ConfigMaps, kops keysets and Talos
    /// secrets are accepted. Of a private key only the public part is used.
    #[arg(value_name = "KEYS", required = true)]
    keys: Vec<PathBuf>,
    /// Read only this entry of a Secret or ConfigMap (repeatable)
    #[arg(long, value_name = "NAME")]
    entry: Vec<String>,
}

impl KeyInputs {
    /// Reads all files, and prints notes about what was skipped.
    pub(super) fn read(&self, output: &mut Output) -> Result<KeySet, Failure> {
        if self.keys.iter().filter(|path| is_stdin(path)).count() > 1 {
            return Err(stdin_twice());
        }
        let mut reader = KeyReader::default().only_entries(self.entry.iter().cloned());
        for path in &self.keys {
            if is_stdin(path) {
                output.waits_for_stdin();
            }
            let bytes = read(path, KeyReader::INPUT_MAX)?;
            reader.read(&name(path), &bytes)?;
        }
        let (keys, notes) = reader.finish()?;
        notes.iter().for_each(|note| output.note(note));
        Ok(keys)
    }

    /// Whether a path leads to one of the input files.
    pub(super) fn holds(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|path| {
            path.is_file() && self.keys.iter().any(|key| fs::canonicalize(key).is_ok_and(|key| key == path))
        })
    }
}

/// Whether an input is `-`.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The error for `-` given twice.
pub(super) fn stdin_twice() -> Failure {
    Failure::usage("standard input is given twice, but can be read only once", "pass - once, and files for the rest")
}

/// The name of an input in messages.
pub(super) fn name(path: &Path) -> String {
    if is_stdin(path) { STDIN.to_owned() } else { path.display().to_string() }
}

/// Rejects a token that was given in place of its file. The error does not contain it, because errors are logged.
pub(super) fn no_token(path: &Path) -> Result<(), Failure> {
    if path.to_str().is_some_and(|text| text.contains("eyJ") && text.matches('.').count() >= 2) && !path.exists() {
        let hint = "pass the file that contains the token, or - to read it from standard input";
        return Err(Failure::usage("an argument is a token; expected a file", hint));
    }
    Ok(())
}

/// Reads a file, or standard input for `-`; of a longer one, one byte more than the limit.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    read_as(None, path, limit)
}

/// Reads a file as [`read`] does, and calls it so in errors.
pub(super) fn read_as(shown: Option<&str>, path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    if shown.is_none() {
        no_token(path)?;
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let called = shown.map_or_else(|| name(path), str::to_owned);
    let result = if is_stdin(path) {
        let mut read = || io::stdin().take(limit).read_to_end(&mut bytes);
        // Nothing is drawn over what somebody types.
        if io::stdin().is_terminal() { read() } else { info_span!("read", file = called).in_scope(read) }
    } else {
        let read = || File::open(path).and_then(|file| file.take(limit).read_to_end(&mut bytes));
        info_span!("read", file = called).in_scope(read)
    };
    match result {
        Ok(_) => Ok(bytes),
        Err(source) => Err(FileError::Read { path: called.into(), source }.into()),
    }
}
