//! `issuer verify --batch` on a million tokens, compared with the library on the same cores.

use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    process::{Command, Stdio},
    thread::{available_parallelism, sleep},
    time::{Duration, Instant},
};

use issuer::Timestamp;

use crate::{
    ISSUER,
    memory::high_water_mark,
    rate,
    verification::{AUDIENCE, Recorded, expectations},
};

const TOKENS: usize = 1_000_000;

pub(crate) fn measure() {
    let recorded = Recorded::read();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp/tokens.txt");
    fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/target/tmp")).expect("a folder");
    let mut tokens = BufWriter::new(File::create(file).expect("a file"));
    (0..TOKENS).for_each(|_| writeln!(tokens, "{}", recorded.token).expect("a String accepts all text"));
    drop(tokens);

    let threads = available_parallelism().map_or(1, usize::from);
    let (verifier, expectations, now) = (recorded.verifier(), expectations(), Timestamp::now());
    let library = || {
        rate::of_threads(threads, || drop(verifier.verify(&recorded.token, &expectations, now).expect("a good token")))
    };
    let before = library();
    let (batch, peak) = run(&recorded, file);
    let library = before.midpoint(library());
    fs::remove_file(file).expect("the file exists");
    println!(
        "| `issuer verify --batch` of {TOKENS} tokens, {threads} cores | {batch:.0}/s | the library {library:.0}/s | {:.2} | ≥ 0.90 |",
        batch / library
    );
    println!("| its peak memory | {peak} KiB | 64 MiB | {:.2} | < 1 |", peak as f64 / f64::from(64 << 10));
}

/// Tokens per second, and the peak resident set size in KiB.
fn run(recorded: &Recorded, file: &str) -> (f64, u64) {
    let mut command = Command::new(ISSUER);
    command.args(["verify", "--batch", file, "--for", "oidc", "--audience", AUDIENCE]);
    command.args(["--issuer", &recorded.issuer, "--jwks"]);
    command.arg(recorded.folder.join("jwks.json")).stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let mut child = command.spawn().expect("the program starts");
    let mut peak = 0;
    let status = loop {
        peak = high_water_mark(&child).unwrap_or_default().max(peak);
        if let Some(status) = child.try_wait().expect("the child process can be polled") {
            break status;
        }
        sleep(Duration::from_millis(10));
    };
    assert!(status.success());
    (TOKENS as f64 / start.elapsed().as_secs_f64(), peak)
}
