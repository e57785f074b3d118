use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde::Serialize;

use super::{Cli, Exit, Output};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Print a completion script for a shell";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Print a script that completes commands, flags and values of issuer in a shell.",
    after_help = "Example:\n  issuer completions bash > /etc/bash_completion.d/issuer"
)]
pub(crate) struct Completions {
    /// Select the shell
    shell: Shell,
}

/// A completion script.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Answer {
    /// The shell.
    #[cfg_attr(test, schemars(extend("enum" = ["bash", "elvish", "fish", "powershell", "zsh"])))]
    shell: String,
    /// The script.
    script: String,
}

impl Completions {
    pub(super) fn run(self, output: &mut Output) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "issuer", &mut script);
        let answer = Answer { shell: self.shell.to_string(), script: String::from_utf8_lossy(&script).into_owned() };
        if output.is_json() {
            output.json(&answer);
        } else {
            output.write(answer.script.as_bytes());
        }
        Exit::Yes
    }
}
