mod answer;
mod case;
mod text;

use std::path::{Path, PathBuf};

pub(super) use answer::Answer;
use case::Case;
use clap::Args;
use issuer::{Aadsts, ChainFailure, Finding, Inspection, Token};

use super::{
    Exit, Failure, Output,
    clean::printable,
    credentials::CredentialInputs,
    inputs::{self, is_stdin, name, no_token, stdin_twice},
    token_input::{TokenInput, no_list},
};

/// The longest text that is searched, in bytes.
const TEXT_MAX: usize = 16 << 20;

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Explain errors of Entra and of workloads: causes, steps to confirm them, fixes";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Explain errors of Entra, Azure SDKs, the webhook, PostgreSQL, MySQL and Key Vault.

Every AADSTS code and every other known failure in a text is explained: the meaning, the causes, the steps that confirm a \
cause, the fixes, and whether waiting helps. No request is sent. The exit code is 1 if nothing in the text is known.",
    after_help = examples()
)]
pub(crate) struct Explain {
    /// Explain this code, name or error text; - means a text on standard input
    ///
    /// A code with or without AADSTS, a symbolic name of Microsoft, the ID of a known failure (--list), or an error text.
    #[arg(value_name = "ERROR", conflicts_with_all = ["file", "list"])]
    error: Option<String>,
    /// Read the text from this file: an error, a JSON body or a log
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    file: Option<PathBuf>,
    /// Print all codes and known failures
    #[arg(long, conflicts_with_all = ["token", "credential"])]
    list: bool,
    /// Read the token of this case from this file, and compare it with the text
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    #[command(flatten)]
    credentials: CredentialInputs,
}

fn examples() -> String {
    format!(
        "Examples:
  issuer explain {}
  issuer explain --file error.log --token token.jwt \\
    --credential credentials.json",
        Aadsts::ISSUER
    )
}

impl Explain {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        if self.list {
            return Ok(list(output));
        }
        let text = self.file.as_deref().or_else(|| self.error.as_deref().map(Path::new).filter(|path| is_stdin(path)));
        let stdin = [text, self.token.as_deref()].into_iter().flatten().filter(|path| is_stdin(path)).count();
        if stdin + self.credentials.stdin().count() > 1 {
            return Err(stdin_twice());
        }
        let (findings, source) = match (text, &self.error) {
            (Some(path), _) => (Finding::all_in(&read(path, output)?), name(path)),
            (None, Some(error)) => named(error)?,
            (None, None) => return Err(nothing_given()),
        };
        let token = self.token.clone().map(|path| TokenInput::read(Some(path), Some(output))).transpose()?;
        let case = self.case(&findings, token.as_ref(), output)?;
        let identity = token.as_ref().map(|token| identity(&token.text)).unwrap_or_default();
        let values: Vec<_> = identity.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = Answer::new(&findings, case, &values);
        if output.is_json() {
            output.json(&answer);
        } else if findings.is_empty() {
            output.text(&format!("nothing in {source} is known: no AADSTS code, and no text of a known failure\n"));
            output.note("pass the whole error text, or the response of the token endpoint; `issuer explain --list` lists what is known");
            if let Some(case) = &answer.case {
                output.text(&format!("\n{}", case.to_text()));
            }
        } else {
            output.text(&answer.to_text());
        }
        Ok(if findings.iter().any(|finding| finding.failure.is_known()) { Exit::Yes } else { Exit::No })
    }

    /// The values of this case, if a token or credentials are given.
    fn case(
        &self,
        findings: &[Finding],
        token: Option<&TokenInput>,
        output: &mut Output,
    ) -> Result<Option<Case>, Failure> {
        let credentials = self.credentials.read_files(output)?.map(|credentials| credentials.list);
        let Some(input) = token else {
            return Ok(credentials.map(|credentials| Case::of_text(findings, &credentials)));
        };
        no_list(input, "pass a file with one token, such as the first line: head -1")?;
        let mut buffer = Vec::new();
        let token = Token::parse(&input.text, &mut buffer)
            .map_err(|source| issuer::Error::Token { input: input.name.clone(), source })?;
        Ok(Some(Case::of_token(&token.claims, findings, credentials.as_deref())))
    }
}

/// The identity that an access token of Entra names, by the names of placeholders; empty for another token.
fn identity(token: &str) -> Vec<(&'static str, String)> {
    let Ok(inspection) = Inspection::parse(token) else { return Vec::new() };
    let claim = |name: &str| inspection.claims.get(name).and_then(|value| value.as_str()).map(str::to_owned);
    let names = [("principal_id", claim("oid")), ("client_id", claim("appid").or_else(|| claim("azp")))];
    names.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn nothing_given() -> Failure {
    let code = Aadsts::ISSUER;
    Failure::usage(
        "no error was given",
        format!("pass a code (issuer explain {code}), - for a text on standard input, --file FILE, or --list"),
    )
}

/// The failures that an argument names, and the name of the argument in messages.
fn named(error: &str) -> Result<(Vec<Finding>, String), Failure> {
    // An error that quotes a token is explained; a token alone stands in the wrong place.
    if !error.contains(char::is_whitespace) {
        no_token(Path::new(error)).map_err(|_| {
            let hint =
                "save the token to a file and verify it: issuer verify FILE; for an error, pass its text or its code";
            Failure::usage("the argument is a token; expected an error", hint)
        })?;
    }
    if let Ok(failure) = error.trim().parse::<ChainFailure>() {
        return Ok((vec![failure.into()], String::new()));
    }
    let findings = Finding::all_in(error);
    if findings.is_empty() && Path::new(error).is_file() {
        let hint = "to explain the text in the file, pass --file and the file";
        return Err(Failure::usage("the argument is a file; expected an error", hint));
    }
    Ok((findings, format!("\"{}\"", printable(error))))
}

fn read(path: &Path, output: &mut Output) -> Result<String, Failure> {
    if is_stdin(path) {
        output.waits_for_stdin();
    }
    let bytes = inputs::read(path, TEXT_MAX)?;
    if bytes.len() > TEXT_MAX {
        let message = format!("{} is longer than {} MiB", name(path), TEXT_MAX >> 20);
        return Err(Failure::new(Exit::Incomplete, message, Some("pass the lines around the error".to_owned())));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn list(output: &mut Output) -> Exit {
    let findings: Vec<_> = ChainFailure::all().map(Finding::from).collect();
    let answer = Answer::new(&findings, None, &[]);
    if output.is_json() {
        output.json(&answer);
    } else {
        output.text(&answer.to_list());
    }
    Exit::Yes
}
