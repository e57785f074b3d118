//! The command line of `issuer`: parse, run, print, exit code.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Exit, Output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::usage(error).into(),
    };
    let mut output = Output::new(&cli.global);
    let exit = match cli.command.run(&mut output) {
        Ok(exit) => exit,
        Err(failure) => output.failure(&failure),
    };
    match output.finish() {
        Ok(()) => exit.into(),
        Err(failure) => output.failure(&failure).into(),
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
