use std::{
    ffi::OsString,
    io::{self, ErrorKind, Write},
};

use anstream::AutoStream;
use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind as ClapErrorKind},
};
use issuer::redacted;

use super::{
    Cli, Color, Exit, Failure,
    clean::{escaped, message},
    layout::{report, stderr_width},
    output::{choice, is_one_terminal},
};

/// Prints the error of a command line that does not parse, or the requested help or version.
pub(crate) fn usage(error: clap::Error) -> Exit {
    let error = without_first_suggestion(error);
    let OutputFlags { json, color } = OutputFlags::of(std::env::args_os().skip(1));
    let text = error.render();
    if !error.use_stderr() {
        let printed = write!(AutoStream::new(io::stdout(), choice(color)), "{}", text.ansi());
        return match printed {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Exit::Incomplete,
            _ => Exit::Yes,
        };
    }
    // clap prints arguments without escaping, so the same command line is parsed again with escaped arguments.
    let words = std::env::args_os().map(|word| message(&word.to_string_lossy()));
    let safe = Cli::try_parse_from(words).err().filter(|safe| safe.kind() == error.kind());
    let text = redacted(&text.to_string()).into_owned();
    let by_lines = || text.lines().map(message).collect::<Vec<_>>().join("\n").into();
    let text = safe.map_or_else(by_lines, |safe| without_first_suggestion(safe).render());
    let is_json = json && error.kind() != ClapErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    if !(is_json && is_one_terminal()) {
        // An error of standard error cannot be reported.
        let text = text.ansi().to_string();
        let text = stderr_width().map_or_else(|| text.clone(), |width| report(&text, width));
        let _ = write!(AutoStream::new(io::stderr(), choice(color)), "{text}");
    }
    if is_json {
        let text = text.to_string();
        let sentence: Vec<_> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
        let message = sentence.join(" ").trim_start_matches("error: ").to_owned();
        let failure = Failure::usage(message, "try --help");
        // Serialising strings into memory cannot fail.
        let json = serde_json::to_string_pretty(&failure.answer()).unwrap_or_default();
        let _ = writeln!(io::stdout(), "{}", escaped(&json));
    }
    Exit::Usage
}

/// Removes `unpublish` as the first suggestion for a mistyped command: a typo of `publish` must not suggest a removal.
fn without_first_suggestion(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::Strings(names)) = error.get(ContextKind::SuggestedSubcommand) {
        let mut names = names.clone();
        names.sort_by_key(|name| name == "unpublish");
        if names.first().is_some_and(|name| name == "unpublish") {
            error.remove(ContextKind::SuggestedSubcommand);
        } else {
            error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(names));
        }
    }
    error
}

/// The output flags of a command line that does not parse.
struct OutputFlags {
    json: bool,
    color: Color,
}

impl OutputFlags {
    fn of(words: impl Iterator<Item = OsString>) -> Self {
        let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
        let mut flags = Self { json: false, color: Color::Auto };
        for (index, word) in words.iter().enumerate() {
            let next = words.get(index + 1).map_or("", String::as_str);
            let value = |flag: &str| {
                let rest = word.strip_prefix(flag)?;
                if rest.is_empty() { Some(next) } else { rest.strip_prefix('=') }
            };
            // Only the short flags -q and -v may precede -o in one word.
            let short = word.strip_prefix('-').and_then(|rest| rest.trim_start_matches(['q', 'v']).strip_prefix('o'));
            let short = short.map(|rest| if rest.is_empty() { next } else { rest.trim_start_matches('=') });
            if let Some(format) = value("--output").or(short) {
                flags.json = format == "json";
            }
            match value("--color") {
                Some("never") => flags.color = Color::Never,
                Some("always") => flags.color = Color::Always,
                _ => {}
            }
        }
        flags
    }
}
