//! The program that gets the token: it replaces this process, or runs below it.

use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, ErrorKind},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Command, ExitStatus},
    thread,
};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use signal_hook::{
    iterator::{SignalsInfo, exfiltrator::origin::WithOrigin},
    low_level::siginfo::Cause,
};

use super::super::{Exit, Failure, clean::printable};

/// The signals that are forwarded. The others cannot be caught, or stop and continue the whole process group.
const FORWARDED: [Signal; 8] =
    [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP, Signal::USR1, Signal::USR2, Signal::ALARM, Signal::WINCH];
/// The signals that a terminal sends to the whole process group, so that the program gets them without forwarding. A
/// process sends them to one process only.
const OF_TERMINAL: [Signal; 4] = [Signal::INT, Signal::QUIT, Signal::HUP, Signal::WINCH];

/// The signals to forward. From now on they do not end this process, so that it can remove its files.
pub(super) struct Signals(SignalsInfo<WithOrigin>);

impl Signals {
    /// A signal that this process ignores, such as SIGHUP after `nohup`, stays ignored here and in the program.
    pub(super) fn listen() -> Result<Self, Failure> {
        let ignored = ignored();
        let numbers = FORWARDED.map(Signal::as_raw).into_iter().filter(|number| ignored >> (number - 1) & 1 == 0);
        SignalsInfo::new(numbers)
            .map(Self)
            .map_err(|error| Failure::new(Exit::Incomplete, format!("cannot receive signals: {error}"), None))
    }

    /// Forwards each signal to the program until the handle is closed.
    fn forward(mut self, program: Pid) {
        for origin in self.0.forever() {
            let Some(signal) = FORWARDED.into_iter().find(|signal| signal.as_raw() == origin.signal) else { continue };
            if !(matches!(origin.cause, Cause::Kernel) && OF_TERMINAL.contains(&signal)) {
                // The program may have ended meanwhile.
                let _ = kill_process(program, signal);
            }
        }
    }
}

/// The signals that this process ignores, a bit for each (proc(5), `SigIgn` in `/proc/PID/status`). No bits on a system
/// without this file.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
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
    pub(super) fn run(&self, signals: Signals) -> Result<ExitStatus, Failure> {
        let fail =
            |error: io::Error| Failure::new(Exit::Incomplete, format!("cannot wait for the program: {error}"), None);
        let mut child = self.command().spawn().map_err(|error| cannot_start(&self.program, &error))?;
        let program = Pid::from_child(&child);
        let handle = signals.0.handle();
        let forwarder = thread::Builder::new().spawn(move || signals.forward(program)).map_err(fail)?;
        // The status is left, so that no other process gets this ID while signals are forwarded.
        while let Err(rustix::io::Errno::INTR) =
            waitid(WaitId::Pid(program), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)
        {}
        handle.close();
        let _ = forwarder.join();
        child.wait().map_err(fail)
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
