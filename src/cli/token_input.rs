use std::path::PathBuf;

use issuer::{Aadsts, Token};

use super::{
    Failure, Output,
    inputs::{self, is_stdin, name},
};

/// The longest file that is read as a token, in bytes. A longer file is rejected.
pub(super) const TOKEN_FILE_MAX: usize = 1 << 20;

pub(super) const VARIABLE: &str = "AZURE_FEDERATED_TOKEN_FILE";

/// The text of a token and where it came from.
pub(super) struct TokenInput {
    pub(super) name: String,
    pub(super) text: String,
}

impl TokenInput {
    /// Reads this file, or the file that workload identity mounts in a pod. Prints a note about a newline at the end.
    pub(super) fn read(path: Option<PathBuf>, mut output: Option<&mut Output>) -> Result<Self, Failure> {
        let (path, shown) = match (path, std::env::var_os(VARIABLE).filter(|path| !path.is_empty())) {
            (Some(path), _) => (path, None),
            // The variable may contain the token itself, so errors do not show its value.
            (None, Some(path)) => (PathBuf::from(path), Some(format!("the file that {VARIABLE} names"))),
            (None, None) => {
                let hint = format!("pass a file or - for standard input, or set {VARIABLE}");
                return Err(Failure::usage("no token was given", hint));
            }
        };
        if let Some(output) = output.as_deref_mut().filter(|_| is_stdin(&path)) {
            output.waits_for_stdin();
        }
        let bytes = inputs::read_as(shown.as_deref(), &path, TOKEN_FILE_MAX)?;
        let name = name(&path);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let trimmed = text.trim_end_matches(['\r', '\n']);
        if let Some(output) = output
            && trimmed.len() < text.len()
            && Token::parse(trimmed, &mut Vec::new()).is_ok()
        {
            let sent = format!("remove it from a file that an Azure SDK reads: Entra answers {}", Aadsts::MALFORMED);
            output.note(format!("{name} ends in a newline, which is not part of the token; {sent}"));
        }
        Ok(Self { name, text: trimmed.to_owned() })
    }
}

/// Rejects a file with several tokens, one a line.
pub(super) fn no_list(input: &TokenInput, hint: &str) -> Result<(), Failure> {
    let is_token = |line: &str| line.starts_with("eyJ") && line.matches('.').count() == 2;
    let mut lines = input.text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.clone().count() > 1 && lines.all(is_token) {
        return Err(Failure::usage(format!("{} contains several tokens", input.name), hint));
    }
    Ok(())
}
