//! `issuer federate delete`: deletes a federated credential.

use std::{
    io::{self, IsTerminal, Write},
    path::PathBuf,
};

use clap::Args;
use issuer::{Assertion, FederatedCredential, HttpFetcher, Timestamp, Token};
use serde::Serialize;

use super::stored::Values;
use crate::cli::{
    Exit, Failure, Output,
    azure_args::{AzureArgs, Requests},
    clean::printable,
    output::{GOOD, STRONG},
    runtime,
    token_input::TokenInput,
    values::{self, given},
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Delete a federated credential of an identity";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Delete a federated credential of a managed identity or app registration.

On a terminal the command asks for the name of the credential. A deleted credential takes effect after some minutes; access \
tokens that were issued stay valid until they expire.",
    after_help = "Examples:
  issuer federate delete shop-orders-3c09ede0 --identity orders \\
    --resource-group identities
  issuer federate delete shop-orders-3c09ede0 --identity orders \\
    --token token.jwt --yes"
)]
pub(crate) struct Delete {
    /// Delete the credential with this name
    name: String,
    #[command(flatten)]
    azure: AzureArgs,
    /// Refuse to delete a credential that this token matches while it is valid
    #[arg(long, value_name = "FILE")]
    token: Option<PathBuf>,
    /// Delete the credential although the token of --token matches it
    #[arg(long, requires = "token")]
    force: bool,
    /// Delete the credential without asking
    #[arg(long)]
    yes: bool,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
    /// Set the total time limit for requests, including retries
    #[arg(long, value_name = "DURATION", default_value = "2m")]
    timeout: String,
}

/// The deleted credential.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Deleted {
    /// The identity: its kind, and its name or client ID.
    identity: String,
    /// Whether this run deleted the credential. Another program may have done it at the same time.
    #[serde(rename = "deleted")]
    is_done: bool,
    /// The credential as it was.
    credential: Values,
    /// The number of credentials that are left.
    used: usize,
}

impl Delete {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let timeout = values::seconds("--timeout", &self.timeout)?;
        let requests = Requests { fetcher: HttpFetcher::new(&self.ca_file)?, timeout };
        let token = self.token.clone().map(|path| TokenInput::read(Some(path), Some(output))).transpose()?;
        let asks = !self.yes && io::stdin().is_terminal() && io::stderr().is_terminal();
        if !asks && !self.yes {
            let hint = "pass --yes to delete the credential without asking";
            return Err(Failure::usage("standard input is no terminal, so the command cannot ask", hint));
        }
        // One runtime for all requests; the question is asked between two of them.
        let (identity, existing) = runtime::block_on(output.steps().without_warnings(async {
            let identity = self.azure.identity(&requests).await?;
            let identity =
                identity.ok_or_else(|| Failure::usage("no identity is given", "pass --identity or --app"))?;
            let existing = identity.credentials.list().await?;
            Ok::<_, Failure>((identity, existing))
        }))??;
        let name = identity.credentials.name();
        let has_name = |found: &&FederatedCredential| {
            found.name.as_deref().is_some_and(|found| found.eq_ignore_ascii_case(&self.name))
        };
        let Some(credential) = existing.iter().find(has_name) else {
            let message = format!("{name} has no federated credential {}", given(&self.name));
            let hint = "list the credentials: issuer federate list";
            return Err(Failure::new(Exit::No, message, Some(hint.to_owned())));
        };
        if let Some(token) = token.as_ref().filter(|_| !self.force)
            && is_used_by(token, credential)?
        {
            let message =
                format!("the token of --token is valid and matches {}; nothing was deleted", given(&self.name));
            let hint = "create the credential for the new issuer first, or pass --force";
            return Err(Failure::new(Exit::No, message, Some(hint.to_owned())));
        }
        let values = Values::from(credential);
        if asks && !is_typed(&values, &name) {
            let hint = "type the name of the credential, or pass --yes";
            return Err(Failure::new(Exit::No, "the name was not typed; nothing was deleted", Some(hint.to_owned())));
        }
        let delete = identity.credentials.delete(&values.name);
        let is_done = runtime::block_on(output.steps().without_warnings(delete))??;
        let used = existing.len().saturating_sub(usize::from(is_done));
        let answer = Deleted { identity: name, is_done, credential: values, used };
        if output.is_json() {
            output.json(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(Exit::Yes)
    }
}

/// Whether a token is valid now and matches the credential.
fn is_used_by(input: &TokenInput, credential: &FederatedCredential) -> Result<bool, Failure> {
    let mut buffer = Vec::new();
    let token = Token::parse(&input.text, &mut buffer)
        .map_err(|source| issuer::Error::Token { input: input.name.clone(), source })?;
    let is_valid = token.claims.exp.is_some_and(|exp| exp > Timestamp::now());
    Ok(is_valid && Assertion::from(&token.claims).find(std::slice::from_ref(credential)).is_ok())
}

/// Asks the user on the terminal to type the name, because a pod loses its access.
fn is_typed(credential: &Values, identity: &str) -> bool {
    let mut stderr = io::stderr();
    let lines = credential.lines(None).join("\n");
    let question = format!(
        "This deletes a federated credential of {}:\n{lines}\nIts workload then gets no new access tokens. Type the name of the credential to continue:\n  {}\n> ",
        printable(identity),
        printable(&credential.name)
    );
    // Without standard error the user cannot confirm.
    if write!(stderr, "{question}").and_then(|()| stderr.flush()).is_err() {
        return false;
    }
    let mut line = String::new();
    let is_read = io::stdin().read_line(&mut line).is_ok();
    if !line.ends_with('\n') {
        let _ = writeln!(stderr);
    }
    is_read && line.trim_end_matches(['\r', '\n']) == credential.name
}

impl Deleted {
    fn to_text(&self) -> String {
        let name = printable(&self.credential.name);
        let verdict = if self.is_done { "deleted" } else { "was already deleted:" };
        let left = match self.used {
            1 => "1 credential is left".to_owned(),
            used => format!("{used} credentials are left"),
        };
        format!("{STRONG}identity{STRONG:#}  {}, {left}\n{GOOD}{verdict}{GOOD:#} {name}\n", printable(&self.identity))
    }
}
