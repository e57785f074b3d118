use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory, builder::Resettable};
use clap_mangen::Man as Page;
use issuer::FileError;
use serde::Serialize;
use tracing::info_span;

use super::{Cli, Exit, Failure, Output, clean::printable, out_file};

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Write the manual pages";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer man --out /usr/local/share/man/man1")]
pub(crate) struct Man {
    /// The directory to write them to; made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// The manual pages that were written.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Answer {
    /// The paths of the files, as --out gives their directory.
    written: Vec<String>,
}

impl Man {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        fs::create_dir_all(&self.out).map_err(|source| FileError::Write { path: self.out.clone(), source })?;
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        let named =
            command.get_subcommands().map(|command| (format!("issuer-{}", command.get_name()), command.clone()));
        let pages: Vec<_> = std::iter::once(("issuer".to_owned(), command.clone())).chain(named).collect();
        let mut answer = Answer { written: Vec::new() };
        for (name, command) in pages {
            let path = self.out.join(format!("{name}.1"));
            let page = page(name, command).map_err(|source| FileError::Write { path: path.clone(), source })?;
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

/// One page in roff, with the sections people look for.
fn page(name: String, command: clap::Command) -> std::io::Result<Vec<u8>> {
    let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (title, rest) = after.split_once('\n').unwrap_or_default();
    let (examples, notes) = match title {
        "Example:" | "Examples:" => rest.split_once("\n\n").unwrap_or((rest, "")),
        _ => ("", after.as_str()),
    };
    let [examples, notes] = [examples, notes].map(|text| text.replace('-', "\\-"));
    let command = command.after_help(Resettable::Reset);
    let source = concat!("issuer ", env!("CARGO_PKG_VERSION"));
    let man = Page::new(command).title(name).source(source).manual("issuer manual");
    // Flags and variables are not hyphenated at the end of a line.
    let mut page = b".nh\n".to_vec();
    man.render(&mut page)?;
    if !examples.is_empty() {
        page.extend(format!(".SH EXAMPLES\n.nf\n{examples}\n.fi\n").into_bytes());
    }
    if !notes.is_empty() {
        page.extend(format!(".SH NOTES\n{notes}\n").into_bytes());
    }
    let codes = [
        "0  done, or the answer is yes",
        "1  the answer is no",
        "2  the command line is wrong",
        "3  it could not be completed",
    ];
    page.extend(format!(".SH EXIT STATUS\n.nf\n{}\n.fi\n", codes.join("\n")).into_bytes());
    Ok(page)
}
