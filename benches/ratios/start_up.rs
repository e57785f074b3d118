//! Start-up time and memory of a command that only computes, compared with a hello world.

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use crate::{ISSUER, memory::peak_memory};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/rotation/sa.pub");
const RUNS: usize = 1000;

pub(crate) fn measure(hello: &str) {
    start_up(hello);
    memory(hello);
}

fn start_up(hello: &str) {
    let commands: [(&str, &[&str]); 2] = [(ISSUER, &["jwks", KEYS]), (hello, &[])];
    let mut times = [Vec::with_capacity(RUNS), Vec::with_capacity(RUNS)];
    // Measured alternately, so that other load on the machine affects both.
    for _ in 0..RUNS {
        for ((program, args), times) in commands.iter().zip(&mut times) {
            let start = Instant::now();
            let status = Command::new(program).args(*args).stdout(Stdio::null()).status().expect("the program starts");
            assert!(status.success());
            times.push(start.elapsed());
        }
    }
    let [issuer, hello] = times.map(|mut times| {
        times.sort();
        times[RUNS / 2].as_secs_f64() * 1e3
    });
    println!(
        "| `issuer jwks`, wall time, median of {RUNS} | {issuer:.2} ms | hello world {hello:.2} ms | {:.2} | ≤ 1.4 |",
        issuer / hello
    );
}

fn memory(hello: &str) {
    let issuer = peak_memory(command(ISSUER, &["jwks", KEYS]));
    let hello = peak_memory(command(hello, &[]));
    println!(
        "| `issuer jwks`, peak memory | {issuer} KiB | hello world {hello} KiB | {:.2} (+{} KiB) | < +3072 KiB |",
        issuer as f64 / hello as f64,
        issuer.saturating_sub(hello)
    );
}

fn command(program: &str, args: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(args);
    command
}
