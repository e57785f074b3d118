use std::io::{self, ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use indicatif::ProgressBar;
use issuer::{
    Error, ExchangeError, Hint, PublishError, RetryAdvice, Timestamp,
    federate::FederateError,
    kubernetes::{ClusterError, NoKubeconfig},
    site::SiteError,
};
use serde::Serialize;
use serde_json::Value;

use super::{
    Color, Format, Global,
    answers::{ErrorAnswer, ErrorDetails, Interruption, Service},
    clean::{escaped, json_without_secrets, message},
    layout::{labelled, report, stderr_width, stdout_width},
    spinner::Spinner,
    steps::Steps,
};

pub(super) const GOOD: Style = AnsiColor::Green.on_default();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const WARN: Style = AnsiColor::Yellow.on_default();
pub(super) const STRONG: Style = Style::new().bold();
pub(super) const FAINT: Style = Style::new().dimmed();

/// The meaning of an exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Success, or the answer is yes.
    Yes = 0,
    /// The answer is no.
    No = 1,
    /// The command line is not valid.
    Usage = 2,
    /// The command did not complete.
    Incomplete = 3,
}

/// An error of a command: one sentence, the next step, the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) exit: Exit,
    /// The error response of a service: status, error code, request ID.
    pub(super) service: Option<Box<Service>>,
    /// The changes that were made before a signal ended the command.
    pub(super) interruption: Option<Box<Interruption>>,
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        let error = error.into();
        let exit = match &error {
            Error::Publish(PublishError::Refused { .. })
            | Error::Federate(FederateError::Full(_) | FederateError::Different { .. }) => Exit::No,
            Error::Federate(FederateError::Invalid(_))
            | Error::Exchange(ExchangeError::Configuration(_))
            | Error::Scope(_)
            | Error::Identity(_)
            | Error::ServiceAccount(_)
            | Error::Federation(_)
            | Error::ConnectionString(_)
            | Error::PasswordFile(_)
            | Error::Cluster(
                ClusterError::NoContext { .. }
                | ClusterError::NoKubeconfig(NoKubeconfig::OfContext(_))
                | ClusterError::NotVerified { .. },
            )
            | Error::ProbeTarget(_) => Exit::Usage,
            // A final answer of Entra.
            Error::Exchange(error @ ExchangeError::Refused { .. })
                if matches!(error.retry_advice(), RetryAdvice::Never | RetryAdvice::WhilePropagating) =>
            {
                Exit::No
            }
            Error::Site(SiteError::Azure(error)) if error.problem.is_usage() => Exit::Usage,
            _ => Exit::Incomplete,
        };
        let service = match &error {
            Error::Site(SiteError::Azure(error)) if error.status.is_some() || error.code.is_some() => {
                Some(Box::new(Service {
                    status: error.status,
                    code: error.code.clone(),
                    request_id: error.request_id.clone(),
                }))
            }
            _ => None,
        };
        Self { hint: error.hint(), message: error.to_string(), exit, service, interruption: None }
    }
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>, hint: Option<String>) -> Self {
        Self { message: message.into(), hint, exit, service: None, interruption: None }
    }

    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, Some(hint.into()))
    }

    /// The error as both views print it.
    pub(super) fn answer(&self) -> ErrorAnswer {
        ErrorAnswer {
            error: ErrorDetails {
                message: message(&self.message),
                hint: self.hint.as_deref().map(message),
                exit: self.exit as u8,
                service: self.service.as_deref().cloned(),
            },
            interruption: self.interruption.as_deref().cloned(),
        }
    }
}

/// The output of a command: the result on standard output, everything else on standard error.
pub(crate) struct Output {
    format: Format,
    quiet: bool,
    verbose: bool,
    choice: ColorChoice,
    stderr: AutoStream<io::Stderr>,
    spinner: Spinner,
    steps: Steps,
    /// The first write error of standard output, except a closed pipe.
    broken: Option<io::Error>,
    /// Whether standard output is a closed pipe.
    closed: bool,
    /// Whether the JSON value was printed.
    answered: bool,
}

impl Output {
    pub(crate) fn new(global: &Global) -> Self {
        let choice = choice(global.color);
        let draws = !global.quiet && io::stderr().is_terminal();
        let spinner = Spinner::new(draws);
        let steps = Steps::new(global.verbose, global.quiet, choice, spinner.clone());
        if draws || global.verbose {
            steps.install();
        }
        Self {
            format: global.output,
            quiet: global.quiet,
            verbose: global.verbose,
            choice,
            stderr: AutoStream::new(io::stderr(), choice),
            spinner,
            steps,
            broken: None,
            closed: false,
            answered: false,
        }
    }

    /// Shows the notes and warnings of long work on standard error. Steps are shown without it.
    pub(super) fn watch(&self) -> &Steps {
        self.steps.install();
        &self.steps
    }

    /// The steps and warnings of long work, without showing them from now on.
    pub(super) fn steps(&self) -> Steps {
        self.steps.clone()
    }

    /// Draws another progress bar in place of the steps from now on.
    pub(super) fn show_progress(&self, bar: ProgressBar) {
        self.spinner.replace_with(bar);
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(super) fn is_verbose(&self) -> bool {
        self.verbose
    }

    /// Whether notes and progress are printed, too.
    pub(super) fn is_talkative(&self) -> bool {
        !self.quiet
    }

    /// Prints a part of the result, byte for byte.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.write_to(io::stdout, bytes);
    }

    /// Prints lines of JSON, the result or a part of it. Returns false if the reader closed the pipe.
    pub(super) fn lines(&mut self, lines: &[u8]) -> bool {
        self.answered = true;
        self.write(lines);
        self.broken.is_none() && !self.closed
    }

    /// Prints a part of the result as text, with colours if they are on.
    pub(super) fn text(&mut self, text: &str) {
        let wrapped = stdout_width().map(|width| report(text, width));
        let text = wrapped.as_deref().unwrap_or(text);
        let choice = self.choice;
        self.write_to(|| AutoStream::new(io::stdout(), choice), text.as_bytes());
    }

    fn write_to<W: Write>(&mut self, stdout: impl FnOnce() -> W, bytes: &[u8]) {
        if self.broken.is_none() {
            let written = self.spinner.suspend(|| {
                let mut stdout = stdout();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            });
            self.closed |= written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
            self.broken = written.err().filter(|error| error.kind() != ErrorKind::BrokenPipe);
        }
    }

    /// Prints the answer of a command as JSON, with secrets redacted.
    pub(super) fn json(&mut self, answer: &impl Serialize) {
        // Serialising an answer into memory cannot fail: its maps have strings as keys.
        let value = serde_json::to_value(answer).unwrap_or_default();
        self.value(&json_without_secrets(&value));
    }

    /// Prints the answer of a command as JSON, without redaction.
    pub(super) fn json_whole(&mut self, answer: &impl Serialize) {
        self.value(&serde_json::to_value(answer).unwrap_or_default());
    }

    fn value(&mut self, value: &Value) {
        self.answered = true;
        let mut text = escaped(&serde_json::to_string_pretty(value).unwrap_or_default());
        text.push('\n');
        self.write(text.as_bytes());
    }

    /// Prints a note.
    pub(super) fn note(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.tell_labelled("note", FAINT, &message(&text.to_string()));
        }
    }

    /// Prints a note that the command waits for input, if standard input is a terminal.
    pub(super) fn waits_for_stdin(&mut self) {
        if io::stdin().is_terminal() {
            self.note("reading standard input; press Ctrl-D to end it");
        }
    }

    /// Prints a one-line summary of long work.
    pub(super) fn summary(&mut self, text: impl std::fmt::Display) {
        if !self.quiet {
            let text = message(&text.to_string());
            let wrapped = stderr_width().map(|width| report(&text, width));
            self.tell(wrapped.as_deref().unwrap_or(&text));
        }
    }

    /// Prints a warning, also with --quiet.
    pub(super) fn warning(&mut self, text: impl std::fmt::Display) {
        self.tell_labelled("warning", WARN, &message(&text.to_string()));
    }

    /// Prints an error on standard error. With `-o json` it is also the JSON value, unless an answer was printed.
    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        // A terminal that shows both streams would show the error twice.
        let is_json_enough = self.is_json() && !self.answered && is_one_terminal();
        let answer = failure.answer();
        if !is_json_enough {
            self.tell_labelled("error", BAD, &answer.error.message);
            if let Some(hint) = &answer.error.hint {
                self.tell_labelled("hint", STRONG, hint);
            }
        }
        if self.is_json() && !self.answered {
            self.json(&answer);
        }
        failure.exit
    }

    /// Reports a write error of standard output.
    pub(crate) fn finish(&mut self) -> Result<(), Failure> {
        match self.broken.take() {
            None => Ok(()),
            Some(error) => {
                Err(Failure::new(Exit::Incomplete, format!("cannot write to standard output: {error}"), None))
            }
        }
    }

    fn tell_labelled(&mut self, name: &str, style: Style, text: &str) {
        self.tell(&label(name, style, text));
    }

    fn tell(&mut self, line: &str) {
        // An error of standard error cannot be reported anywhere.
        let _ = self.spinner.suspend(|| writeln!(self.stderr, "{line}"));
    }
}

/// A sentence after its label, wrapped at the width of standard error.
pub(super) fn label(name: &str, style: Style, text: &str) -> String {
    let line = match stderr_width() {
        Some(width) => labelled(name, text, width),
        None => format!("{name}: {text}"),
    };
    let line = line.strip_prefix(name).unwrap_or(&line);
    let line = line.strip_prefix(':').unwrap_or(line);
    format!("{style}{name}:{style:#}{line}")
}

/// Whether standard output and standard error are both terminals.
pub(super) fn is_one_terminal() -> bool {
    io::stdout().is_terminal() && io::stderr().is_terminal()
}

pub(super) fn choice(color: Color) -> ColorChoice {
    match color {
        Color::Auto => ColorChoice::Auto,
        Color::Always => ColorChoice::Always,
        Color::Never => ColorChoice::Never,
    }
}

/// A time in RFC 3339, to the second.
pub(super) fn rfc3339(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A time as text, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// A time as text, to the minute.
pub(super) fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%MZ").to_string()
}
