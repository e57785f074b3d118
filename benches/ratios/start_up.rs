//! Start-up time and memory of a command that only computes, compared with a hello world.

use std::process::Command;

use crate::{ISSUER, alternate::medians, memory::peak_memory};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/rotation/sa.pub");
const RUNS: usize = 1000;

pub(crate) fn measure(hello: &str) {
    start_up(hello);
    memory(hello);
}

fn start_up(hello: &str) {
    let times = medians(&[(ISSUER, &["jwks", KEYS], 0), (hello, &[], 0)], RUNS);
    let (issuer, hello) = (times[0], times[1]);
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
