//! The memory of other processes.

use std::{
    fs,
    io::{self, Write, pipe},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

/// The peak resident set size of a program in KiB, measured while it prints and blocks on a full pipe.
pub(crate) fn peak_memory(mut command: Command) -> u64 {
    let (mut reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![0; 1 << 16]).expect("the capacity of a pipe on Linux");
    let mut child = command.stdout(writer).spawn().expect("the program starts");
    // The command holds a copy of the write end.
    drop(command);
    let mut still = 0;
    while still < 10 {
        sleep(Duration::from_millis(2));
        still = if field(&child, "State:") == "S" { still + 1 } else { 0 };
    }
    let peak = high_water_mark(&child).expect("the program blocks on the pipe");
    io::copy(&mut reader, &mut io::sink()).expect("the output can be read");
    child.wait().expect("the program ends");
    peak
}

/// The peak resident set size of a running program until now, in KiB.
pub(crate) fn high_water_mark(child: &Child) -> Option<u64> {
    field(child, "VmHWM:").parse().ok()
}

fn field(child: &Child, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().to_owned()
}
