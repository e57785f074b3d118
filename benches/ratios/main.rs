//! The table of `scripts/bench`: each row is a ratio to a named reference, both measured in this run.
//!
//! `ratios HELLO` takes the path of the hello-world binary.

mod alternate;
mod batch;
mod diagnose;
mod memory;
mod peers;
mod publishing;
mod rate;
mod start_up;
mod token;
mod verification;

#[allow(dead_code, reason = "the benchmarks use a part of the tests' shared code")]
#[path = "../../tests/it/support/mod.rs"]
mod support;

const ISSUER: &str = env!("CARGO_BIN_EXE_issuer");

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with('-'));
    let Some(hello) = words.next() else {
        eprintln!("run scripts/bench, which builds the programs for the comparison");
        std::process::exit(2);
    };
    // An optional second argument names one part of the table.
    let only = words.next();
    let desired = |part: &str| only.as_deref().is_none_or(|only| only == part);
    println!("| what | issuer | reference | ratio | goal |");
    println!("| --- | --- | --- | --- | --- |");
    if desired("start-up") {
        start_up::measure(&hello);
    }
    if desired("diagnose") {
        diagnose::measure(&hello);
    }
    if desired("verification") {
        verification::measure();
    }
    if desired("batch") {
        batch::measure();
    }
    if desired("publishing") {
        publishing::measure();
    }
    if desired("token") {
        token::measure();
    }
}
