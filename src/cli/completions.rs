use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use super::{Cli, Exit, Output};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Print a script that completes this command line in a shell";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer completions bash > /etc/bash_completion.d/issuer")]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self, output: &mut Output) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "issuer", &mut script);
        if output.is_json() {
            output.json(&json!({ "shell": self.shell.to_string(), "script": String::from_utf8_lossy(&script) }));
        } else {
            output.write(&script);
        }
        Exit::Yes
    }
}
