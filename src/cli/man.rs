use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_mangen::Man as Page;
use issuer::Error;
use serde_json::json;

use super::{Cli, Exit, Failure, Output, out_file};

/// Write the manual pages
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  issuer man --out /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// The directory to write them to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

impl Man {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        fs::create_dir_all(&self.out).map_err(|source| Error::Write { path: self.out.clone(), source })?;
        let mut command = Cli::command();
        command.build();
        let subcommands = command.get_subcommands().filter(|command| command.get_name() != "help");
        let named = subcommands.map(|command| (format!("issuer-{}", command.get_name()), command.clone()));
        let pages: Vec<_> = std::iter::once(("issuer".to_owned(), command.clone())).chain(named).collect();
        let mut written = Vec::new();
        for (name, command) in pages {
            let mut page = Vec::new();
            let path = self.out.join(format!("{name}.1"));
            Page::new(command)
                .title(name)
                .render(&mut page)
                .map_err(|source| Error::Write { path: path.clone(), source })?;
            out_file::write(&path, &page)?;
            written.push(path.display().to_string());
        }
        if output.is_json() {
            output.json(&json!({ "written": written }));
        } else {
            written.iter().for_each(|path| output.write(format!("{path}\n").as_bytes()));
        }
        Ok(Exit::Yes)
    }
}
