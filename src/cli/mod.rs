//! The commands, one file or folder each: arguments → checked request → library call → output.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are help texts, printed as they are")]

mod answers;
mod clean;
mod command;
mod completions;
mod discovery;
mod inputs;
mod inspect;
mod jwks;
mod layout;
mod man;
mod out_file;
mod output;
mod publish;
mod runtime;
#[cfg(test)]
mod schemas;
mod serve;
mod site;
mod site_args;
mod spinner;
mod status;
mod steps;
mod token_input;
mod unpublish;
mod usage;
mod values;
mod verify;

use clap::{Args, Parser, ValueEnum};

use command::Command;
pub(crate) use output::{Exit, Failure, Output};
pub(crate) use usage::usage;

/// Make a self-managed Kubernetes cluster a trusted identity provider for Microsoft Entra ID, and prove it.
#[derive(Debug, Parser)]
#[command(name = "issuer", version = env!("ISSUER_VERSION"), arg_required_else_help = true, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, or yes; 1 no; 2 wrong command line; 3 could not be completed.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Print text for people, or one JSON value
    #[arg(
        short,
        long,
        global = true,
        help_heading = "Global options",
        value_name = "FORMAT",
        default_value = "text",
        hide_default_value = true
    )]
    pub(crate) output: Format,
    /// Leave out notes and progress
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// Tell what is done and how long each step takes
    #[arg(short, long, global = true, help_heading = "Global options", conflicts_with = "quiet")]
    pub(crate) verbose: bool,
    /// When to use colour [default: auto; NO_COLOR is obeyed]
    #[arg(
        long,
        global = true,
        help_heading = "Global options",
        value_name = "WHEN",
        default_value = "auto",
        hide_default_value = true
    )]
    pub(crate) color: Color,
}

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

    #[test]
    fn command_line_definition_is_consistent() {
        let mut command = Cli::command();
        command.build();
        command.debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_that_parses() {
        let mut command = Cli::command();
        command.build();
        for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<_> = help.lines().filter_map(|line| line.trim().strip_prefix("issuer ")).collect();
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for example in examples {
                let words = std::iter::once("issuer").chain(example.split_whitespace());
                let parsed = Cli::try_parse_from(words.take_while(|word| !matches!(*word, ">" | "|")));
                assert!(parsed.is_ok(), "{example}: {}", parsed.unwrap_err());
            }
        }
    }
}
