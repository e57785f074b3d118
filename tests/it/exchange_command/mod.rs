//! `issuer exchange` as a process, against the stand-ins for Entra.

mod clients;
mod endpoints;
mod formats;
mod killed;
mod refusals;
mod secrets;
mod watch;
mod watch_file;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    resources::{CLIENT, World},
    support::issuer::{command, stderr},
};

/// A test that waits longer for a line has failed.
const PATIENCE: Duration = Duration::from_secs(30);
const PGPASS: [&str; 6] =
    ["--resource", "postgres", "--format", "pgpass", "--connection", "host=localhost user=orders sslmode=verify-full"];
const POSTGRES: &str = "https://ossrdbms-aad.database.windows.net";

/// The command without variables that a shell of the developer may have.
fn bare(words: &[&str]) -> Command {
    let mut command = command();
    for name in ["KUBERNETES_EXEC_INFO", "PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGUSER", "PGSSLMODE"] {
        command.env_remove(name);
    }
    command.arg("exchange").args(words);
    command
}

/// The command in a pod.
fn in_pod(world: &World, words: &[&str]) -> Command {
    let mut command = bare(words);
    command.envs(world.pod(CLIENT)).arg("--ca-file").arg(world.ca_file());
    command
}

fn exchange(world: &World, words: &[&str]) -> Output {
    in_pod(world, words).output().unwrap()
}

/// What a successful command prints.
fn printed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The audience of a token that the stand-in issued.
fn audience_of(world: &World, token: &str) -> String {
    world.azure.controls.tokens.find(token).unwrap_or_else(|| panic!("not issued: {token:?}")).audience
}

/// `exchange --watch`, killed when it is dropped.
pub(crate) struct Watching {
    child: Child,
    lines: Receiver<String>,
    /// All of standard error until now.
    log: Arc<Mutex<String>>,
    out: PathBuf,
}

impl Watching {
    /// Starts the command with its file at this path.
    fn start(world: &World, out: &Path, words: &[&str]) -> Self {
        Self::spawn(in_pod(world, words), out)
    }

    /// Starts this command with its file at this path.
    pub(crate) fn spawn(mut command: Command, out: &Path) -> Self {
        command.arg("--watch").arg("--out").arg(out).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let (log, stderr) = (Arc::<Mutex<String>>::default(), child.stderr.take().unwrap());
        let noted = Arc::clone(&log);
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                noted.lock().unwrap().extend([line.as_str(), "\n"]);
                let _ = sender.send(line);
            }
        });
        Self { child, lines, log, out: out.to_owned() }
    }

    /// The same, when the first token is in the file.
    fn ready(world: &World, out: &Path, words: &[&str]) -> Self {
        let watching = Self::start(world, out, words);
        watching.line("wrote ");
        watching
    }

    /// Waits for a line of standard error with this text.
    pub(crate) fn line(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|_| panic!("no line with {text:?}: {}", self.log()));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// The next line of standard output.
    fn stdout_line(&mut self) -> String {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// The content of the file.
    pub(crate) fn content(&self) -> String {
        fs::read_to_string(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.log()))
    }

    fn send(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(id, signal).unwrap();
    }

    /// Stops the command with a signal. The answer is its exit status.
    fn stop(&mut self, signal: Signal) -> ExitStatus {
        self.send(signal);
        self.child.wait().unwrap()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
