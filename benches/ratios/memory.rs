//! The memory of other processes.

use std::{
    fs,
    io::{self, Write, pipe},
    process::{Child, Command},
    thread::sleep,
    time::Duration,
};

/// The highest resident set of a program at the moment it prints, in KiB: it waits at a pipe that is full.
pub(crate) fn peak_memory(mut command: Command) -> u64 {
    let (mut reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![0; 1 << 16]).expect("the capacity of a pipe on Linux");
    let mut child = command.stdout(writer).spawn().expect("the program starts");
    // It holds the writing end too.
    drop(command);
    let mut still = 0;
    while still < 10 {
        sleep(Duration::from_millis(2));
        still = if field(&child, "State:") == "S" { still + 1 } else { 0 };
    }
    let peak = high_water_mark(&child).expect("it waits at the pipe");
    io::copy(&mut reader, &mut io::sink()).expect("what it prints");
    child.wait().expect("the program ends");
    peak
}

/// The highest resident set of a program so far, in KiB, while it runs.
pub(crate) fn high_water_mark(child: &Child) -> Option<u64> {
    field(child, "VmHWM:").parse().ok()
}

fn field(child: &Child, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
    line.split_whitespace().next().unwrap_or_default().to_owned()
}
