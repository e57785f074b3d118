use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use tracing::info_span;

use super::{
    Exit, Failure, Output,
    inputs::{KeyInputs, is_stdin},
    out_file,
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print the JWKS of public keys, with the key IDs that the API server uses";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Print the JSON Web Key Set (JWKS) of public keys, with the key IDs that the API server uses.\n\n\
        A bare key gets the key ID that the API server computes. A key of a JWKS keeps its key ID.",
    after_help = "Example:\n  issuer jwks /etc/kubernetes/pki/sa.pub"
)]
pub(crate) struct Jwks {
    #[command(flatten)]
    keys: KeyInputs,
    /// Print the exact bytes that the API server serves
    ///
    /// This is compact JSON without a newline at the end. By default the JSON is indented.
    #[arg(long)]
    compact: bool,
    /// Write to this file instead of standard output
    ///
    /// The file is replaced atomically: a reader sees the old content or the new content.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A JWKS that was written to a file.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Written {
    /// The key IDs of the JWKS, in its order.
    keys: Vec<String>,
    /// The path of the file.
    out: String,
}

impl Jwks {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let keys = self.keys.read(output)?;
        let jwks = issuer::Jwks::from_keys(keys.iter());
        let bytes = if self.compact { jwks.to_bytes() } else { jwks.to_pretty() };
        let kids = keys.iter().map(|key| key.key_id().to_string()).collect();
        print_or_write(output, &bytes, &self.keys, self.out, |out| Written { keys: kids, out })
    }
}

/// Prints a JSON document, or writes it to a file that is not an input. `answer` makes the answer from the path.
pub(super) fn print_or_write<A: Serialize>(
    output: &mut Output,
    bytes: &[u8],
    inputs: &KeyInputs,
    out: Option<PathBuf>,
    answer: impl FnOnce(String) -> A,
) -> Result<Exit, Failure> {
    let Some(path) = out.filter(|path| !is_stdin(path)) else {
        output.write(bytes);
        return Ok(Exit::Yes);
    };
    if inputs.holds(&path) {
        let message = format!("--out {} is one of the inputs and would be overwritten", path.display());
        return Err(Failure::usage(message, "pass another file"));
    }
    let write = || out_file::write(&path, bytes);
    info_span!("write", file = %path.display()).in_scope(write)?;
    output.note(format!("wrote {}", path.display()));
    // A document that went to a pipe or terminal by its path is the only JSON value there.
    if output.is_json() && path.is_file() {
        output.json(&answer(path.display().to_string()));
    }
    Ok(Exit::Yes)
}
