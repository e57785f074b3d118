//! The commands, one file or folder each: arguments → checked request → library call → output.

#![expect(clippy::doc_markdown, reason = "the comments on arguments are help texts, printed as they are")]

mod answers;
mod clean;
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

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind};

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

#[derive(Debug)]
pub(crate) enum Command {
    Jwks(jwks::Jwks),
    Discovery(discovery::Discovery),
    Publish(Box<publish::Publish>),
    Status(Box<status::Status>),
    Unpublish(Box<unpublish::Unpublish>),
    Serve(serve::Serve),
    Verify(Box<verify::Verify>),
    Inspect(inspect::Inspect),
    Completions(completions::Completions),
    Man(man::Man),
}

/// By hand and not derived: the arguments of a command are worked out when it is called, and most calls are of one.
impl Subcommand for Command {
    fn augment_subcommands(command: clap::Command) -> clap::Command {
        let lazy = |name, about, arguments| clap::Command::new(name).about(about).defer(arguments);
        command.subcommand_required(true).subcommands([
            lazy("jwks", jwks::ABOUT, jwks::Jwks::augment_args),
            lazy("discovery", discovery::ABOUT, discovery::Discovery::augment_args),
            lazy("publish", publish::ABOUT, publish::Publish::augment_args),
            lazy("status", status::ABOUT, status::Status::augment_args),
            lazy("unpublish", unpublish::ABOUT, unpublish::Unpublish::augment_args),
            lazy("serve", serve::ABOUT, serve::Serve::augment_args),
            lazy("verify", verify::ABOUT, verify::Verify::augment_args),
            lazy("inspect", inspect::ABOUT, inspect::Inspect::augment_args),
            lazy("completions", completions::ABOUT, completions::Completions::augment_args),
            lazy("man", man::ABOUT, man::Man::augment_args),
        ])
    }

    fn augment_subcommands_for_update(command: clap::Command) -> clap::Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        Self::augment_subcommands(clap::Command::new("issuer")).find_subcommand(name).is_some()
    }
}

impl FromArgMatches for Command {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::from_arg_matches_mut(&mut matches.clone())
    }

    fn from_arg_matches_mut(matches: &mut ArgMatches) -> Result<Self, clap::Error> {
        let missing = || clap::Error::new(ErrorKind::MissingSubcommand);
        let (name, mut matches) = matches.remove_subcommand().ok_or_else(missing)?;
        let matches = &mut matches;
        Ok(match name.as_str() {
            "jwks" => Self::Jwks(FromArgMatches::from_arg_matches_mut(matches)?),
            "discovery" => Self::Discovery(FromArgMatches::from_arg_matches_mut(matches)?),
            "publish" => Self::Publish(FromArgMatches::from_arg_matches_mut(matches)?),
            "status" => Self::Status(FromArgMatches::from_arg_matches_mut(matches)?),
            "unpublish" => Self::Unpublish(FromArgMatches::from_arg_matches_mut(matches)?),
            "serve" => Self::Serve(FromArgMatches::from_arg_matches_mut(matches)?),
            "verify" => Self::Verify(FromArgMatches::from_arg_matches_mut(matches)?),
            "inspect" => Self::Inspect(FromArgMatches::from_arg_matches_mut(matches)?),
            "completions" => Self::Completions(FromArgMatches::from_arg_matches_mut(matches)?),
            "man" => Self::Man(FromArgMatches::from_arg_matches_mut(matches)?),
            _ => return Err(missing()),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Command {
    pub(crate) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        match self {
            Self::Jwks(command) => command.run(output),
            Self::Discovery(command) => command.run(output),
            Self::Publish(command) => command.run(output),
            Self::Status(command) => command.run(output),
            Self::Unpublish(command) => command.run(output),
            Self::Serve(command) => command.run(output),
            Self::Verify(command) => command.run(output),
            Self::Inspect(command) => command.run(output),
            Self::Completions(command) => Ok(command.run(output)),
            Self::Man(command) => command.run(output),
        }
    }
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
