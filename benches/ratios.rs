//! What `scripts/bench` prints: each row a ratio against a named reference, both measured in this run.
//!
//! `ratios HELLO` takes the path of the hello-world binary.

use std::{
    fs,
    io::{self, Write, pipe},
    path::Path,
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

#[path = "../tests/support/mod.rs"]
mod support;

use issuer::{Documents, Expectations, KeySet, Timestamp, Verifier};

const ISSUER: &str = env!("CARGO_BIN_EXE_issuer");
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/rotation/sa.pub");
const TRAILING_SLASH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/trailing-slash");
const RUNS: usize = 400;
const SECONDS: u64 = 3;
const PUBLISHES: usize = 60;

fn main() {
    let Some(hello) = std::env::args().skip(1).find(|word| !word.starts_with('-')) else {
        eprintln!("run scripts/bench, which builds what this compares with");
        std::process::exit(2);
    };
    println!("| what | issuer | reference | ratio | goal |");
    println!("| --- | --- | --- | --- | --- |");
    start_up(&hello);
    memory(&hello);
    verification();
    publishing();
    round_trips();
}

fn start_up(hello: &str) {
    let commands: [(&str, &[&str]); 2] = [(ISSUER, &["jwks", KEYS]), (hello, &[])];
    let mut times = [Vec::with_capacity(RUNS), Vec::with_capacity(RUNS)];
    // Taken in turns, so that whatever else the machine does meets both.
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
        "| `issuer jwks`, wall time, median of {RUNS} | {issuer:.2} ms | hello world {hello:.2} ms | {:.2} | ≤ 2 |",
        issuer / hello
    );
}

fn memory(hello: &str) {
    let issuer = peak_memory(ISSUER, &["jwks", KEYS]);
    let hello = peak_memory(hello, &[]);
    println!(
        "| `issuer jwks`, peak memory | {issuer} KiB | hello world {hello} KiB | {:.2} (+{} KiB) | < +3072 KiB |",
        issuer as f64 / hello as f64,
        issuer.saturating_sub(hello)
    );
}

/// The highest resident set of a program at the moment it prints, in KiB: it waits at a pipe that is full.
fn peak_memory(program: &str, args: &[&str]) -> u64 {
    let mut command = Command::new(program);
    command.args(args);
    peak_memory_of(command)
}

fn peak_memory_of(mut command: Command) -> u64 {
    let (mut reader, mut writer) = pipe().expect("a pipe");
    writer.write_all(&vec![0; 1 << 16]).expect("the capacity of a pipe on Linux");
    let mut child = command.stdout(writer).spawn().expect("the program starts");
    // It holds the writing end too.
    drop(command);
    let status = || fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let field = |name: &str| {
        let status = status();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().unwrap_or_default().to_owned()
    };
    let mut still = 0;
    while still < 10 {
        sleep(Duration::from_millis(2));
        still = if field("State:") == "S" { still + 1 } else { 0 };
    }
    let peak = field("VmHWM:").parse().expect("VmHWM is a number of KiB");
    io::copy(&mut reader, &mut io::sink()).expect("what it prints");
    child.wait().expect("the program ends");
    peak
}

fn verification() {
    let read = |file: &str| fs::read(Path::new(TRAILING_SLASH).join(file)).expect("a fixture");
    let keys = KeySet::from_bytes(&read("sa.pub")).expect("keys");
    let recording: serde_json::Value = serde_json::from_slice(&read("recording.json")).expect("JSON");
    let issuer = recording["issuer"].as_str().expect("a string").parse().expect("an issuer");
    let verifier = Verifier::new(&Documents::new(issuer, &keys)).expect("a verifier");
    let token = String::from_utf8(read("entra.jwt")).expect("text");
    let (expectations, now) = (Expectations::entra(), Timestamp::now());
    let start = Instant::now();
    let mut verified = 0_u64;
    while start.elapsed() < Duration::from_secs(SECONDS) {
        for _ in 0..256 {
            verifier.verify(&token, &expectations, now).expect("a good token");
        }
        verified += 256;
    }
    let rate = verified as f64 / start.elapsed().as_secs_f64();
    let Some(openssl) = openssl_rate() else {
        println!("| tokens verified, RSA 2048, one thread | {rate:.0}/s | openssl is not here | | |");
        return;
    };
    println!(
        "| tokens verified, RSA 2048, one thread | {rate:.0}/s | `openssl speed rsa2048` {openssl:.0} verifications/s | {:.2} | |",
        rate / openssl
    );
}

/// Verifications per second: the last number of the table's last line.
fn openssl_rate() -> Option<f64> {
    let output = Command::new("openssl").args(["speed", "-seconds", &SECONDS.to_string(), "rsa2048"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().rfind(|line| line.starts_with("rsa"))?.split_whitespace().last()?.parse().ok()
}

/// A publish that changes both documents, read back, against curl sending the same bytes: two GETs and two PUTs with a SAS.
fn publishing() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("| `issuer publish` to Azurite | | curl is not installed | | ≤ 2 |");
        return;
    }
    let account = support::azurite::account();
    // What the public may read, as far as the emulator goes.
    let public = [("x-ms-blob-public-access", "container")];
    assert_eq!(account.call("PUT", "/$web", "restype=container", &public, b"").status(), 201);
    account.set_properties(
        "<StorageServiceProperties><StaticWebsite><Enabled>true</Enabled></StaticWebsite></StorageServiceProperties>",
    );
    let folder = support::fixtures().join("kubernetes/mixed-keys");
    let file = |name: &str| folder.join(name).to_str().expect("text").to_owned();
    let (rsa, p256) = (file("rsa2048.pub"), file("p256.pub"));
    let elliptic = KeySet::from_bytes(&fs::read(&p256).expect("a fixture")).expect("keys");
    let kid = elliptic.iter().next().expect("a key").key_id().to_string();
    let published = format!("{}/$web", account.endpoint);
    // In turn with and without a second key, which changes the algorithms of the discovery document too.
    let publish = |both: bool| {
        let mut command = Command::new(ISSUER);
        command.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string()).stderr(Stdio::null());
        command.args(["publish", &rsa, "--issuer", "https://issuer.example.com", "--published", &published]);
        if both {
            command.arg(&p256)
        } else {
            command.args(["--remove", &kid])
        };
        command
    };
    let put = |name: &str| folder.join(name);
    let sas = account.account_sas("rwdc", "sco", 60);
    let url = |name: &str| format!("{}/$web/{name}?{sas}", account.endpoint);
    let curl = |round: usize| {
        let mut command = Command::new("curl");
        for name in ["curl/jwks", "curl/discovery"] {
            command.args(["--silent", "--fail", "--output", "/dev/null", &url(name), "--next"]);
        }
        for (name, from) in [("curl/jwks", "jwks.json"), ("curl/discovery", "openid-configuration.json")] {
            let path = put(from);
            command.args(["--silent", "--fail", "--header", "x-ms-blob-type: BlockBlob"]);
            command.args([
                "--header",
                "Content-Type: application/json",
                "--header",
                &format!("x-ms-meta-round: {round}"),
            ]);
            command.args(["--upload-file", path.to_str().expect("text"), &url(name)]);
            if name == "curl/jwks" {
                command.arg("--next");
            }
        }
        command.stdout(Stdio::null());
        command
    };
    account.put_blob("$web", "curl/jwks", b"{}", &[]);
    account.put_blob("$web", "curl/discovery", b"{}", &[]);
    let time = |command: &mut Command| {
        let start = Instant::now();
        let status = command.stdout(Stdio::null()).status().expect("the program starts");
        assert!(status.success(), "{command:?}");
        start.elapsed()
    };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for round in 0..PUBLISHES {
        ours.push(time(&mut publish(round % 2 == 0)));
        theirs.push(time(&mut curl(round)));
    }
    let [ours, theirs] = [ours, theirs].map(|mut times| {
        times.sort();
        times[PUBLISHES / 2].as_secs_f64() * 1e3
    });
    println!(
        "| `issuer publish` of changed keys to Azurite, read back, median of {PUBLISHES} | {ours:.1} ms | curl, 2 GET and 2 PUT {theirs:.1} ms | {:.2} | ≤ 2 |",
        ours / theirs
    );
    let peak = peak_memory_of(publish(PUBLISHES.is_multiple_of(2)));
    println!("| its peak memory | {peak} KiB | 30 MiB | {:.2} | < 1 |", peak as f64 / (30.0 * 1024.0));
}

/// The wall time of a publish where every request takes 100 ms longer, against that time for each sequential round trip.
fn round_trips() {
    use support::proxy::{Exchange, Fault, Proxy, depth};

    const LATENCY: Duration = Duration::from_millis(100);
    let account = support::azurite::account();
    let front = support::front::Front::start(&account);
    let folder = support::fixtures().join("kubernetes/rotation");
    let keys = [folder.join("rsa2048.pub"), folder.join("rsa4096.pub")];
    for (what, goal, keys) in [
        ("the first publish on an empty account", 6, &keys[..1]),
        ("a key added", 4, &keys[..]),
        ("nothing changed", 2, &keys[..]),
    ] {
        let slow = |_: &support::proxy::Seen| Fault::Delay(LATENCY);
        let (to_account, to_front) = (Proxy::start(account.address(), slow), Proxy::start(&front.address, slow));
        let through = account.through(&to_account.address);
        let mut command = Command::new(ISSUER);
        command.env("AZURE_STORAGE_CONNECTION_STRING", through.connection_string());
        command.arg("publish").args(keys).args(["--issuer", "https://issuer.example.com"]);
        command
            .args(["--published", &format!("http://{}", to_front.address)])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let start = Instant::now();
        assert!(command.status().expect("the program starts").success());
        let elapsed = start.elapsed().as_secs_f64() * 1e3;
        let exchanges: Vec<Exchange> = [to_account.exchanges(), to_front.exchanges()].concat();
        let trips = depth(&exchanges);
        let least = trips as f64 * LATENCY.as_secs_f64() * 1e3;
        println!(
            "| `issuer publish`, {what}, 100 ms a request | {elapsed:.0} ms | {trips} round trips (goal {goal}), {least:.0} ms | {:.2} | ≤ 1.2 |",
            elapsed / least
        );
    }
}
