//! `--watch`: refreshes, failures, expiry and signals.

use std::{sync::mpsc::RecvTimeoutError, time::Duration};

use rustix::process::Signal;

use super::{PGPASS, POSTGRES, Watching, audience_of, exchange};
use crate::{
    resources::World,
    support::{
        answer::parse,
        entra_controls::fault,
        issuer::{stderr, stdout},
        other_user::mode,
    },
};

#[test]
fn file_always_has_a_fresh_token_for_three_lifetimes() {
    let world = World::new();
    let controls = &world.azure.controls;
    controls.lifetime(4);
    let out = world.folder.path().join("pgpass");
    let mut watching = Watching::ready(&world, &out, &PGPASS);
    let (mut reads, mut writes) = (0, 0);
    // After two thirds of each lifetime: the sixth token is written when three lifetimes are over.
    while writes < 5 {
        match watching.lines.recv_timeout(Duration::from_millis(5)) {
            Ok(line) => writes += usize::from(line.contains("wrote ")),
            Err(error) => assert_eq!(error, RecvTimeoutError::Timeout, "{}", watching.log()),
        }
        let now = controls.tokens.now();
        let text = watching.content();
        let token = text.trim_end().rsplit(':').next().unwrap();
        let issued = controls.tokens.find(token).unwrap_or_else(|| panic!("{text:?}"));
        assert!(issued.expires_at > now && issued.audience == POSTGRES, "{text:?}");
        assert_eq!(mode(&out), 0o600);
        reads += 1;
    }
    assert!(reads > 10 && controls.exchanges() == 6, "{reads} reads, {} exchanges", controls.exchanges());
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    let log = watching.log();
    assert!(
        !log.contains("warning: ") && log.lines().last().unwrap().starts_with("note: stopped; the token in "),
        "{log}"
    );
    let last = watching.content();
    assert_eq!(audience_of(&world, last.trim_end().rsplit(':').next().unwrap()), POSTGRES, "the last token is left");
}

#[test]
fn refresh_is_at_the_time_that_entra_names() {
    let world = World::new();
    world.azure.controls.refresh_in(Some(1));
    let out = world.folder.path().join("access");
    let watching = Watching::ready(&world, &out, &["--resource", "aks"]);
    let first = watching.content();
    watching.line("wrote ");
    assert_ne!(watching.content(), first);
}

#[test]
fn failure_keeps_the_token_until_it_expires() {
    let world = World::new();
    let controls = &world.azure.controls;
    controls.lifetime(6);
    let (out, ready) = (world.folder.path().join("access"), world.folder.path().join("ready"));
    let words = ["--resource", "aks", "--ready-file", ready.to_str().unwrap()];
    let watching = Watching::ready(&world, &out, &words);
    let first = watching.content();
    assert!(ready.is_file() && mode(&ready) == 0o644);
    // The refresh after four seconds fails, and so do its repetitions, until after the expiry.
    for _ in 0..30 {
        controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    }
    let line = watching.line("no new token");
    for part in
        ["warning: no new token; next attempt in 1 s; the last token expires 20", "AADSTS7000215", "trace ID", "fix: "]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(watching.content(), first);
    watching.line("the token has expired; removed ");
    assert!(!out.exists());
    let line = watching.line("no new token");
    assert!(line.contains("no valid token is left"), "{line}");
    assert!(!ready.exists());
    controls.fail_no_more();
    watching.line("wrote ");
    assert_ne!(watching.content(), first);
    audience_of(&world, watching.content().trim_end());
    watching.line("wrote ");
    assert!(ready.is_file());
}

#[test]
fn slow_exchange_does_not_keep_an_expired_token() {
    let world = World::new();
    let controls = &world.azure.controls;
    controls.lifetime(3);
    let out = world.folder.path().join("access");
    let watching = Watching::ready(&world, &out, &["--resource", "aks"]);
    controls.hold();
    controls.wait_for_held(1);
    watching.line("the token has expired; removed ");
    assert!(!out.exists());
    controls.release();
    watching.line("wrote ");
    audience_of(&world, watching.content().trim_end());
}

#[test]
fn each_refresh_reads_and_checks_the_token_file() {
    let world = World::new();
    let out = world.folder.path().join("access");
    let words = ["--resource", "aks", "--check", "--published", world.site_url()];
    let mut watching = Watching::ready(&world, &out, &words);
    let first = watching.content();
    // The kubelet has not renewed the token.
    world.write_assertion("token", "", 9000);
    watching.send(Signal::HUP);
    let line = watching.line("no new token");
    for part in ["fails the check time", "AADSTS700024", "no token request was sent; fix: "] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!((watching.content(), world.azure.controls.requests()), (first.clone(), 1));
    let renewed = std::fs::read_to_string(world.write_assertion("token", "", -1)).unwrap();
    watching.line("wrote ");
    assert_ne!(watching.content(), first);
    let request = world.azure.entra.requests().pop().unwrap();
    assert!(request.form().contains(&("client_assertion".to_owned(), renewed)));
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn hang_up_refreshes_now() {
    let world = World::new();
    let controls = &world.azure.controls;
    let out = world.folder.path().join("access");
    let mut watching = Watching::ready(&world, &out, &["--resource", "aks"]);
    let first = watching.content();
    watching.send(Signal::HUP);
    watching.line("wrote ");
    let second = watching.content();
    assert!(first != second && controls.exchanges() == 2);
    // The server asks for a pause of a minute, which the signal ends.
    controls.fail(fault::throttled(60));
    watching.send(Signal::HUP);
    let line = watching.line("no new token");
    assert!(line.contains("next attempt in 60 s") && line.contains("AADSTS90055"), "{line}");
    assert_eq!(watching.content(), second);
    watching.send(Signal::HUP);
    watching.line("wrote ");
    assert_ne!(watching.content(), second);
    assert_eq!(watching.stop(Signal::INT).code(), Some(0));
}

#[test]
fn signal_during_the_first_exchange_ends_it() {
    let world = World::new();
    world.azure.controls.hold();
    let out = world.folder.path().join("access");
    let mut watching = Watching::start(&world, &out, &["--resource", "aks"]);
    world.azure.controls.wait_for_held(1);
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    assert!(!out.exists());
    world.azure.controls.release();
    watching.line("stopped");
}

#[test]
fn failed_start_has_its_exit_code_and_leaves_no_file() {
    let world = World::new();
    let out = world.folder.path().join("access");
    let words = ["--resource", "aks", "--watch", "--out", out.to_str().unwrap(), "--timeout", "5"];
    let controls = &world.azure.controls;
    controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    let output = exchange(&world, &words);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    assert!(stderr(&output).starts_with("error: Entra refused the token request"), "{output:?}");
    controls.fail(fault::throttled(0));
    assert_eq!(exchange(&world, &words).status.code(), Some(3));
    let ready = world.folder.path().join("missing/ready");
    let output = exchange(&world, &[&words[..], &["--ready-file", ready.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("missing/ready"), "{output:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = exchange(&world, &[&words[..], &["--listen", &port]].concat());
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains(&format!("cannot listen on 127.0.0.1:{port}")), "{output:?}");
    assert!(!out.exists());
    // Transient failures of the first exchange are retried within --timeout.
    controls.fail(fault::gateway(503));
    Watching::ready(&world, &out, &["--resource", "aks"]);
}

#[test]
fn json_answer_is_printed_with_the_first_token() {
    let world = World::new();
    let out = world.folder.path().join("access");
    let mut watching = Watching::start(&world, &out, &["--resource", "aks", "-o", "json", "--listen", "0"]);
    watching.line("wrote ");
    watching.send(Signal::HUP);
    watching.line("wrote ");
    assert_eq!(watching.stop(Signal::TERM).code(), Some(0));
    let mut text = String::new();
    std::io::Read::read_to_string(watching.child.stdout.as_mut().unwrap(), &mut text).unwrap();
    let value = parse("exchange", &text);
    assert_eq!(value["out"].as_str(), out.to_str());
    assert!(value["listening"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{value}");
    assert!(value.get("access_token").is_none() && !text.contains("eyJ"), "{text}");
}
