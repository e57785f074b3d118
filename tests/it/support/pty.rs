//! A pseudo-terminal of a given width, in which the binary runs.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Mode, OFlags, open},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Winsize, tcsetwinsize},
};

/// Time limit for an expected text or the end of the program, which may wait for input.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// The controlling side of a pseudo-terminal.
pub(crate) struct Terminal {
    master: File,
    /// Output from a reader thread, because a read from a terminal has no time limit.
    parts: Receiver<Vec<u8>>,
    seen: Vec<u8>,
}

impl Terminal {
    /// Runs a command with standard input and standard error on a terminal, and standard output too, unless it is
    /// captured.
    pub(crate) fn run(columns: u16, command: &mut Command, captures_stdout: bool) -> (Self, Child) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let side = || File::from(open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap());
        let size = Winsize { ws_row: 50, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(side(), size).unwrap();
        command.stdin(Stdio::from(side())).stderr(Stdio::from(side()));
        if captures_stdout {
            command.stdout(Stdio::piped());
        } else {
            command.stdout(Stdio::from(side()));
        }
        let child = command.spawn().unwrap();
        // Only the child keeps a descriptor of the other side, so that its end is detected.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let master = File::from(master);
        let (mut reader, (sender, parts)) = (master.try_clone().unwrap(), mpsc::channel());
        thread::spawn(move || {
            let mut part = [0; 4096];
            // Linux returns EIO when the other side is closed.
            while let Ok(count @ 1..) = reader.read(&mut part) {
                let Ok(()) = sender.send(part[..count].to_vec()) else { return };
            }
        });
        (Self { master, parts, seen: Vec::new() }, child)
    }

    /// Reads until a text appears, and returns all output until then.
    pub(crate) fn read_to(&mut self, text: &str) -> String {
        let end = Instant::now() + WAIT_MAX;
        loop {
            let seen = String::from_utf8_lossy(&self.seen).into_owned();
            if seen.contains(text) {
                return seen;
            }
            assert!(self.read(end), "{text:?} is not in:\n{seen}");
        }
    }

    /// Reads to the end, with LF line ends.
    pub(crate) fn read_all(mut self) -> String {
        let end = Instant::now() + WAIT_MAX;
        while self.read(end) {}
        String::from_utf8(self.seen).unwrap().replace("\r\n", "\n")
    }

    /// Reads some output; returns whether there was any.
    fn read(&mut self, end: Instant) -> bool {
        match self.parts.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(part) if Instant::now() < end => self.seen.extend(part),
            Err(RecvTimeoutError::Disconnected) => return false,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                panic!("no end within {WAIT_MAX:?}:\n{}", String::from_utf8_lossy(&self.seen))
            }
        }
        true
    }

    pub(crate) fn type_line(&mut self, line: &str) {
        self.type_text(&format!("{line}\n"));
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.master.write_all(text.as_bytes()).unwrap();
    }
}
