//! The commands, one file or folder each: arguments → checked request → library call → answer → view.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are help texts, printed as they are")]

mod answers;
mod api_server;
mod azure_args;
mod clean;
mod cluster_args;
mod command;
mod completions;
mod credentials;
mod discovery;
mod doctor;
mod exchange;
mod exec;
mod explain;
mod federate;
mod identity_args;
mod inputs;
mod inspect;
mod jwks;
mod layout;
mod listen;
mod man;
mod out_file;
mod output;
mod publish;
mod runtime;
#[cfg(test)]
mod schemas;
mod scope_args;
mod serve;
mod site;
mod site_args;
mod spinner;
mod status;
mod steps;
mod token_input;
mod topics;
mod unpublish;
mod usage;
mod values;
mod verify;

use std::ffi::OsString;

use clap::{Args, FromArgMatches, Parser, ValueEnum};

use command::Command;
pub(crate) use output::{Exit, Failure, Output};
pub(crate) use usage::usage;

/// Make a Kubernetes cluster a trusted identity provider for Microsoft Entra ID
///
/// The commands publish the OIDC discovery document and the JWKS of a self-managed cluster, check what relying parties
/// fetch, and verify service account tokens against it.
#[derive(Debug, Parser)]
#[command(name = "issuer", version = env!("ISSUER_VERSION"), arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Help topics:
  issuer help environment  Show the environment variables and their effects
  issuer help exit-codes   Show the exit codes and their meanings")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Cli {
    /// Parses the arguments of a process, whose first is the name of the program.
    pub(crate) fn parse_arguments(arguments: impl Iterator<Item = OsString> + Clone) -> Result<Self, clap::Error> {
        Self::parse_named_command(arguments.clone()).map_or_else(|| Self::try_parse_from(arguments), Ok)
    }

    /// Parses with the command that the first argument names, or returns `None` for help, errors and all else.
    ///
    /// clap clones the global flags for every command that it has. Without the other commands, `issuer jwks` uses half
    /// of the heap to parse its arguments.
    fn parse_named_command(arguments: impl Iterator<Item = OsString> + Clone) -> Option<Self> {
        let command =
            Command::add_named(&arguments.clone().nth(1)?, Global::augment_args(clap::Command::new("issuer")))?;
        let mut matches = command.try_get_matches_from(arguments).ok()?;
        let global = Global::from_arg_matches_mut(&mut matches).ok()?;
        Some(Self { global, command: Command::from_arg_matches_mut(&mut matches).ok()? })
    }
}

/// The flags of all commands.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Select the output format
    ///
    /// json prints one JSON value on standard output. The value of each command has a JSON Schema.
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "FORMAT", default_value = "text")]
    pub(crate) output: Format,
    /// Suppress notes and progress
    #[arg(short, long, global = true, help_heading = GLOBAL)]
    pub(crate) quiet: bool,
    /// Log each step and its duration to standard error
    #[arg(short, long, global = true, help_heading = GLOBAL, conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// Set when to use colours
    ///
    /// auto uses colours on a terminal, unless NO_COLOR is set.
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

const GLOBAL: &str = "Global options";

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// The verbs that a help text may start with.
    const VERBS: [&str; 36] = [
        "Accept",
        "Add",
        "Allow",
        "Check",
        "Create",
        "Delete",
        "Exchange",
        "Explain",
        "Keep",
        "List",
        "Listen",
        "Log",
        "Make",
        "Overwrite",
        "Print",
        "Publish",
        "Read",
        "Record",
        "Refuse",
        "Remove",
        "Replace",
        "Request",
        "Require",
        "Run",
        "Select",
        "Send",
        "Serve",
        "Set",
        "Show",
        "Skip",
        "Suppress",
        "Trust",
        "Use",
        "Verify",
        "Wait",
        "Write",
    ];
    const HELP_MAX: usize = 80;

    fn built() -> clap::Command {
        let mut command = Cli::command();
        command.build();
        command
    }

    fn visible(command: &clap::Command) -> impl Iterator<Item = &clap::Command> {
        command.get_subcommands().filter(|command| command.get_name() != "help" && !command.is_hide_set())
    }

    #[test]
    fn command_line_is_consistent() {
        built().debug_assert();
    }

    #[test]
    fn every_example_parses() {
        let command = built();
        for command in visible(&command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            // A terminal of 80 columns wraps a longer line, and a part of the example is then pasted as a command.
            let is_example = |line: &str| line.starts_with("  issuer ") || line.starts_with("    -");
            let is_long = |line: &&str| is_example(line) && line.chars().count() > 80;
            assert_eq!(help.lines().find(is_long), None, "an example is longer than 80 columns");
            let joined = help.replace("\\\n", "");
            let examples: Vec<_> = joined.lines().filter_map(|line| line.trim().strip_prefix("issuer ")).collect();
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for example in examples {
                let words = std::iter::once("issuer").chain(example.split_whitespace());
                let is_argument = |word: &&str| !matches!(*word, ">" | "|");
                let parsed = Cli::try_parse_from(words.clone().take_while(is_argument));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
                let arguments = words.take_while(is_argument).map(OsString::from);
                let named = Cli::parse_named_command(arguments).map(|cli| format!("{cli:?}"));
                assert_eq!(named, parsed.ok().map(|cli| format!("{cli:?}")));
            }
        }
    }

    #[test]
    fn every_help_text_is_short_and_starts_with_a_verb() {
        let root = built();
        let mut texts = Vec::new();
        for command in
            std::iter::once(&root).chain(root.get_subcommands().filter(|command| command.get_name() != "help"))
        {
            let name = command.get_name().to_owned();
            texts.push((name.clone(), command.get_about().map(ToString::to_string)));
            for argument in command.get_arguments() {
                texts.push((format!("{name} {}", argument.get_id()), argument.get_help().map(ToString::to_string)));
            }
        }
        for (place, text) in texts {
            let text = text.unwrap_or_default();
            let verb = text.split(' ').next().unwrap_or_default();
            assert!(VERBS.contains(&verb), "{place}: {text:?} starts with no known verb");
            assert!(text.chars().count() <= HELP_MAX, "{place}: {text:?} is longer than {HELP_MAX} characters");
            assert!(
                !text.ends_with('.') && !text.contains('\n'),
                "{place}: {text:?} is not one line without a full stop"
            );
        }
    }

    #[test]
    fn help_finds_every_topic() {
        for name in ["environment", "exit-codes"] {
            let help = Cli::try_parse_from(["issuer", "help", name]).unwrap_err();
            assert_eq!(help.exit_code(), 0, "{name}");
            let text = help.to_string();
            let known = if name == "environment" { "AZURE_STORAGE_KEY" } else { "\n  3  " };
            assert!(text.contains(known), "{text}");
            let root = Cli::command().render_help().to_string();
            assert!(root.contains(&format!("issuer help {name}")), "{root}");
        }
    }
}
