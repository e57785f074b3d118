//! Publishing to Azurite, compared with curl and with the time of its round trips.

use std::{
    fs,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use issuer::KeySet;

use crate::{ISSUER, memory::peak_memory, support};

const PUBLISHES: usize = 60;

pub(crate) fn measure() {
    against_curl();
    round_trips();
}

/// A publish that changes both documents and reads them back, compared with curl sending the same bytes: two GETs and
/// two PUTs with a SAS.
fn against_curl() {
    if Command::new("curl").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("| `issuer publish` to Azurite | | curl is not installed | | ≤ 2 |");
        return;
    }
    let account = support::azurite::account();
    // The emulator has no static website, so a container with public access stands for it.
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
    // Alternately with and without a second key, which changes the algorithms of the discovery document, too.
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
    let peak = peak_memory(publish(PUBLISHES.is_multiple_of(2)));
    println!("| its peak memory | {peak} KiB | 30 MiB | {:.2} | < 1 |", peak as f64 / (30.0 * 1024.0));
}

/// The wall time of a publish with 100 ms of added latency, compared with that latency for each sequential round trip.
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
