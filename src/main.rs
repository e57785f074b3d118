//! The command line of `issuer`: parse, run, print, exit code.

#![warn(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod cli;

use std::{env, process::ExitCode};

use cli::{Cli, Exit, Output};

fn main() -> ExitCode {
    let cli = match Cli::parse_arguments(env::args_os().collect::<Vec<_>>().into_iter()) {
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

/// The C function `pow`, so that no start loads `libm.so.6` from the C library for it.
///
/// Only the estimate of `indicatif` calls it. The shared library takes 0.1 of the start-up time of hello world.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "an exported name must not collide; this one replaces a function with the same contract"
)]
#[unsafe(no_mangle)]
extern "C" fn pow(base: f64, exponent: f64) -> f64 {
    libm::pow(base, exponent)
}
