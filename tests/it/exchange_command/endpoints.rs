//! `--listen`: probes and metrics.

use std::{fs, io::Write, net::TcpStream};

use rustix::process::Signal;

use super::Watching;
use crate::{
    resources::World,
    support::{
        entra_controls::fault,
        http::{get, request},
    },
};

/// The value of a sample.
fn sample(address: &str, name: &str) -> Option<i64> {
    let answer = get(address, "/metrics");
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let text = String::from_utf8(answer.body).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.map(|value| value.parse().unwrap())
}

fn listening(watching: &mut Watching) -> String {
    let line = watching.stdout_line();
    let address = line.strip_prefix("listening at http://").unwrap_or_else(|| panic!("{line:?}: {}", watching.log()));
    address.to_owned()
}

#[test]
fn probes_and_metrics_follow_the_token() {
    let world = World::new();
    let controls = &world.azure.controls;
    let out = world.folder.path().join("access");
    controls.hold();
    let mut watching = Watching::start(&world, &out, &["--resource", "aks", "--listen", "127.0.0.1:0"]);
    let address = listening(&mut watching);
    assert!(address.starts_with("127.0.0.1:"), "{address}");
    let statuses = || ["/healthz", "/readyz", "/"].map(|path| get(&address, path).status);
    assert_eq!(statuses(), [200, 503, 404], "before the first token");
    assert_eq!(sample(&address, "issuer_token_ready"), Some(0));
    assert_eq!(sample(&address, "issuer_token_expiry_timestamp_seconds"), None);

    controls.release();
    watching.line("wrote ");
    assert_eq!(statuses(), [200, 200, 404]);
    let now = controls.tokens.now();
    let time = |name| sample(&address, name).unwrap() - now;
    assert!((3590..=3600).contains(&time("issuer_token_expiry_timestamp_seconds")));
    assert!((-9..=1).contains(&time("issuer_token_last_success_timestamp_seconds")));
    assert_eq!(sample(&address, "issuer_token_ready"), Some(1));

    controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    watching.send(Signal::HUP);
    watching.line("no new token");
    assert_eq!(statuses()[1], 200, "the last token is valid");
    watching.line("wrote ");
    controls.fail(fault::gateway(404));
    watching.send(Signal::HUP);
    watching.line("no new token");
    watching.line("wrote ");
    for (outcome, count) in
        [("success", 3), ("refused", 2), ("no_answer", 0), ("invalid_answer", 0), ("not_sent", 0), ("not_written", 0)]
    {
        let name = format!("issuer_exchanges_total{{outcome=\"{outcome}\"}}");
        assert_eq!(sample(&address, &name), Some(count), "{outcome}");
    }
    assert_eq!(sample(&address, "issuer_token_failures"), Some(0));
    fs::remove_file(&out).unwrap();
    assert_eq!(statuses()[1], 503, "the file was removed by another");
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    assert!(TcpStream::connect(&address).is_err());
}

#[test]
fn readiness_ends_with_the_token() {
    let world = World::new();
    let controls = &world.azure.controls;
    controls.lifetime(3);
    let out = world.folder.path().join("access");
    let mut watching = Watching::start(&world, &out, &["--resource", "aks", "--listen", "0"]);
    let address = listening(&mut watching);
    watching.line("wrote ");
    assert_eq!(get(&address, "/readyz").status, 200);
    controls.hold();
    controls.wait_for_held(1);
    watching.line("the token has expired");
    assert_eq!(["/healthz", "/readyz"].map(|path| get(&address, path).status), [200, 503]);
    controls.release();
}

#[test]
fn server_answers_only_what_it_knows() {
    let world = World::new();
    let out = world.folder.path().join("access");
    let mut watching = Watching::start(&world, &out, &["--resource", "aks", "--listen", "[::1]:0"]);
    let line = watching.stdout_line();
    let address = line.strip_prefix("listening at http://").unwrap().to_owned();
    assert!(address.starts_with("[::1]:"), "{line}");
    watching.line("wrote ");
    let post = request(&address, "POST", "/metrics", &["Content-Length: 0"]);
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
    assert_eq!(request(&address, "HEAD", "/healthz", &[]).status, 200);
    for path in ["/healthz/", "/readyz?x=1", "/metrics/../token", "//healthz"] {
        let status = get(&address, path).status;
        assert!(status == 404 || path == "/readyz?x=1" && status == 200, "{path}: {status}");
    }
    // Clients that send nothing do not stop the others for long.
    let silent: Vec<_> = (0..100).map(|_| TcpStream::connect(&address).unwrap()).collect();
    assert_eq!(get(&address, "/healthz").status, 200);
    silent.iter().for_each(|mut stream| drop(stream.write_all(b"GET /")));
}
