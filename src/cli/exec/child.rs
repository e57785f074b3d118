//! The program that gets the token: it replaces this process, or runs below it.

use std::{
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, IsTerminal},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::signal::unix::{SignalKind, signal};

use super::super::{Exit, Failure, clean::printable};

/// The signals that are forwarded. The others cannot be caught, or stop and continue the whole process group.
const FORWARDED: [(SignalKind, Signal); 8] = [
    (SignalKind::terminate(), Signal::TERM),
    (SignalKind::interrupt(), Signal::INT),
    (SignalKind::quit(), Signal::QUIT),
    (SignalKind::hangup(), Signal::HUP),
    (SignalKind::user_defined1(), Signal::USR1),
    (SignalKind::user_defined2(), Signal::USR2),
    (SignalKind::alarm(), Signal::ALARM),
    (SignalKind::window_change(), Signal::WINCH),
];
/// The signals that a terminal sends to the whole process group, so that the program gets them without forwarding.
const OF_TERMINAL: [Signal; 2] = [Signal::INT, Signal::QUIT];

/// The signals to forward. From now on they do not end this process, so that it can remove its files.
pub(super) struct Signals(Vec<(tokio::signal::unix::Signal, Signal)>);

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        let listen = |(kind, sent)| Ok((signal(kind)?, sent));
        let signals = FORWARDED.into_iter().map(listen).collect::<io::Result<_>>();
        signals
            .map(Self)
            .map_err(|error| Failure::new(Exit::Incomplete, format!("cannot receive signals: {error}"), None))
    }
}

/// A program with its arguments and the variables that are set for it.
pub(super) struct Child {
    program: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(String, OsString)>,
}

impl Child {
    /// The program is the first word of the command.
    pub(super) fn new(command: &[OsString], variables: Vec<(String, OsString)>) -> Self {
        let (program, arguments) = command
            .split_first()
            .map_or((OsString::new(), Vec::new()), |(program, arguments)| (program.clone(), arguments.to_vec()));
        Self { program, arguments, variables }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Replaces this process with the program, which keeps the process ID. Returns only if the program cannot be started.
    pub(super) fn replace_process(&self) -> Failure {
        cannot_start(&self.program, &self.command().exec())
    }

    /// Runs the program, forwards signals to it, and waits for its end.
    pub(super) async fn run(&self, signals: Signals) -> Result<ExitStatus, Failure> {
        let fail =
            |error: io::Error| Failure::new(Exit::Incomplete, format!("cannot wait for the program: {error}"), None);
        let child = self.command().spawn().map_err(|error| cannot_start(&self.program, &error))?;
        let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let is_of_terminal = io::stdin().is_terminal();
        let forwarders: Vec<_> = signals
            .0
            .into_iter()
            .filter(|(_, sent)| !(is_of_terminal && OF_TERMINAL.contains(sent)))
            .map(|(mut received, sent)| {
                tokio::spawn(async move {
                    while received.recv().await.is_some() {
                        // The program may have ended meanwhile.
                        let _ = id.map(|id| kill_process(id, sent));
                    }
                })
            })
            .collect();
        let mut child = child;
        let waited = tokio::task::spawn_blocking(move || child.wait()).await;
        forwarders.iter().for_each(tokio::task::JoinHandle::abort);
        waited.map_err(io::Error::other).and_then(|status| status).map_err(fail)
    }
}

/// The exit code that a shell shows for a status: that of the program, or 128 and the number of the signal.
pub(super) fn exit_code(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

fn cannot_start(program: &OsStr, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        ErrorKind::NotFound => "check the name of the program and PATH",
        ErrorKind::PermissionDenied => "pass the path of an executable file",
        ErrorKind::ArgumentListTooLong => "set fewer or shorter variables",
        _ => "run the program without issuer exec to see whether it starts",
    };
    let message = format!("cannot start {}: {error}", printable(&program.to_string_lossy()));
    Failure::new(Exit::Incomplete, message, Some(hint.to_owned()))
}
