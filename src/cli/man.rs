use std::{fmt::Write, fs, path::PathBuf};

use clap::{Args, CommandFactory, builder::Resettable};
use clap_mangen::Man as Page;
use issuer::FileError;
use serde::Serialize;
use tracing::info_span;

use super::{
    Cli, Exit, Failure, Output,
    clean::printable,
    out_file,
    topics::{EXIT_CODES, variables},
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Write the manual pages";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Write the manual pages of issuer and of each of its commands, in roff.",
    after_help = "Example:\n  issuer man --out /usr/local/share/man/man1"
)]
pub(crate) struct Man {
    /// Write the pages to this directory, which is created if needed
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The manual pages that were written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Answer {
    /// The paths of the files; each starts with the directory as given by --out.
    written: Vec<String>,
}

impl Man {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        fs::create_dir_all(&self.out).map_err(|source| FileError::Write { path: self.out.clone(), source })?;
        let mut answer = Answer { written: Vec::new() };
        for (name, page) in pages() {
            let path = self.out.join(format!("{name}.1"));
            let page = page.map_err(|source| FileError::Write { path: path.clone(), source })?;
            let write = || out_file::write(&path, &page);
            info_span!("write", file = %path.display()).in_scope(write)?;
            answer.written.push(path.display().to_string());
        }
        if output.is_json() {
            output.json(&answer);
        } else {
            answer.written.iter().for_each(|path| output.text(&format!("{}\n", printable(path))));
        }
        Ok(Exit::Yes)
    }
}

/// Every page with its name, without the section number.
fn pages() -> Vec<(String, std::io::Result<Vec<u8>>)> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let commands = root.get_subcommands().filter(|command| !command.is_hide_set());
    let mut pages: Vec<_> = commands
        .map(|command| (format!("issuer-{}", command.get_name()), Some(command.get_name().to_owned()), command.clone()))
        .collect();
    pages.insert(0, ("issuer".to_owned(), None, root.clone()));
    pages.into_iter().map(|(name, command, page)| (name.clone(), render(name, command.as_deref(), page))).collect()
}

/// One page in roff; `name` is `None` for the page of `issuer` itself.
fn render(title: String, name: Option<&str>, command: clap::Command) -> std::io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (examples, notes) = match after.split_once('\n') {
        Some(("Example:" | "Examples:", rest)) => rest.split_once("\n\n").unwrap_or((rest, "")),
        _ => (ROOT_EXAMPLES, ""),
    };
    let command = command.after_help(Resettable::Reset);
    let source = concat!("issuer ", env!("CARGO_PKG_VERSION"));
    let man = Page::new(command).title(title).source(source).manual("issuer manual");
    // Flags and variables are not hyphenated at the end of a line.
    let mut page = b".nh\n".to_vec();
    man.render(&mut page)?;
    let mut text = String::new();
    section(&mut text, "EXIT STATUS");
    EXIT_CODES.iter().for_each(|(code, meaning)| item(&mut text, &(*code as u8).to_string(), meaning));
    section(&mut text, "ENVIRONMENT");
    variables(name).for_each(|variable| item(&mut text, variable.name, variable.effect));
    let files = files(name);
    if !files.is_empty() {
        section(&mut text, "FILES");
        files.iter().for_each(|(path, content)| item(&mut text, path, content));
    }
    if !notes.is_empty() {
        section(&mut text, "NOTES");
        lines(&mut text, notes);
    }
    section(&mut text, "EXAMPLES");
    text.push_str(".nf\n");
    lines(&mut text, examples);
    text.push_str(".fi\n");
    page.extend(text.into_bytes());
    Ok(page)
}

const ROOT_EXAMPLES: &str = "  issuer publish sa.pub --account acct\n  issuer verify token.jwt";

/// The files that a command reads or writes besides those in its arguments, with their content.
fn files(command: Option<&str>) -> Vec<(&'static str, &'static str)> {
    let keys = ("/etc/kubernetes/pki/sa.pub", "The API server's public keys, on a control plane node of kubeadm.");
    let documents =
        [("DIR/.well-known/openid-configuration", "The discovery document."), ("DIR/openid/v1/jwks", "The JWKS.")];
    let state = [
        ("DIR/openid/v1/.jwks.retention.json", "The retention record. Keep it between runs."),
        ("DIR/openid/v1/.jwks.cache-control", "The Cache-Control header of the JWKS, if it is not the default."),
        (
            "DIR/.well-known/.openid-configuration.cache-control",
            "The Cache-Control header of the discovery document, if it is not the default.",
        ),
        ("DIR/.issuer.lock", "The lock that publishers hold while they write."),
    ];
    let token =
        ("/var/run/secrets/azure/tokens/azure-identity-token", "The token that workload identity mounts in a pod.");
    match command {
        None => [&[keys][..], &documents, &state, &[token]].concat(),
        Some("jwks" | "discovery") => vec![keys],
        Some("publish") => [&[keys][..], &documents, &state].concat(),
        Some("status" | "unpublish") => [&documents[..], &state].concat(),
        Some("serve") => [&documents[..], &state[1..3]].concat(),
        Some("doctor" | "exchange" | "exec" | "explain" | "inspect" | "verify") => vec![token],
        Some("man") => vec![("DIR/issuer.1, DIR/issuer-COMMAND.1", "The manual pages.")],
        Some(_) => Vec::new(),
    }
}

fn section(page: &mut String, title: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, ".SH {title:?}");
}

fn item(page: &mut String, term: &str, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, ".TP\n\\fB{}\\fR\n{}", escaped(term), escaped(text));
}

fn lines(page: &mut String, text: &str) {
    for line in text.lines() {
        let _ = writeln!(page, "{}", escaped(line));
    }
}

/// Text as roff prints it: no hyphen becomes a dash, and no line starts a request.
fn escaped(text: &str) -> String {
    let escaped = text.replace('\\', "\\e").replace('-', "\\-");
    if escaped.starts_with(['.', '\'']) { format!("\\&{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_the_usual_sections() {
        let pages = pages();
        assert!(pages.len() > 10);
        for (name, page) in pages {
            let page = String::from_utf8(page.unwrap()).unwrap();
            let sections: Vec<_> = page.lines().filter_map(|line| line.strip_prefix(".SH ")).collect();
            let is_there = |title: &str| sections.iter().any(|section| section.trim_matches('"') == title);
            for title in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "ENVIRONMENT", "EXIT STATUS"] {
                assert!(is_there(title), "{name}: no {title} in {sections:?}");
            }
            assert!(is_there("FILES") || ["issuer-completions", "issuer-federate"].contains(&&*name), "{name}");
            assert!(!is_there("EXTRA"), "{name}");
        }
    }

    #[test]
    fn pages_list_what_applies_to_their_command() {
        let page = |name: &str| {
            let page = pages().into_iter().find(|(page, _)| page == name).unwrap().1.unwrap();
            String::from_utf8(page).unwrap()
        };
        let (publish, jwks) = (page("issuer-publish"), page("issuer-jwks"));
        assert!(publish.contains("\n\\fBAZURE_STORAGE_KEY\\fR\n") && !jwks.contains("AZURE_"));
        assert!(publish.contains("retention.json") && jwks.contains("\n\\fBNO_COLOR\\fR\n"));
        assert!(jwks.contains(".nf\n  issuer jwks /etc/kubernetes/pki/sa.pub\n.fi\n"), "{jwks}");
    }
}
