//! A program that keeps database connections open: a script of psycopg or of Ruby's pg.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use super::{pod::Pod, world::World};
use crate::support::clients::RUBY;

/// The scripts, which have the same commands.
pub(super) const PYTHON: &str = concat!("python3 '", env!("CARGO_MANIFEST_DIR"), "/tests/it/python/connections.py'");
pub(super) fn ruby() -> String {
    format!("{RUBY} '{}/tests/it/ruby/connections.rb'", env!("CARGO_MANIFEST_DIR"))
}

/// A running program, killed when it is dropped.
pub(super) struct Connections {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Connections {
    /// Starts a command in a pod, which runs one of the scripts.
    pub(super) fn start(world: &World, pod: &Pod, command: &str) -> Self {
        let mut shell = Command::new("bash");
        world.prepare(&mut shell);
        shell.args(["-c", &format!("exec timeout 60 {command}")]).envs(&pod.variables);
        let mut child = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, input, output }
    }

    /// Opens a connection and queries it: the current user, or an error.
    pub(super) fn open(&mut self, name: &str) -> String {
        self.send("open", name)
    }

    /// The current user of an open connection.
    pub(super) fn query(&mut self, name: &str) -> String {
        self.send("query", name)
    }

    pub(super) fn close(&mut self, name: &str) {
        assert_eq!(self.send("close", name), "closed");
    }

    fn send(&mut self, command: &str, name: &str) -> String {
        writeln!(self.input, "{command} {name}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

impl Drop for Connections {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
