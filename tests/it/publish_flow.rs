//! `issuer publish` while it runs: the order of its output, and the report of an interrupted run.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use crate::support::{
    answer::answer,
    azurite::account,
    issuer::command,
    proxy::{Fault, Proxy},
    recording,
};
use serde_json::Value;
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";

/// A publish that waits, because it reads back from an empty directory.
fn waiting(site: &Path, elsewhere: &Path, format: &str) -> Child {
    let mut command = command();
    command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--issuer", ISSUER]);
    command.args(["--directory", site.to_str().unwrap(), "--published", elsewhere.to_str().unwrap()]);
    command.args(["--wait", "1m", "-o", format]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Reads lines up to the first that starts with a word.
fn read_to(lines: &mut impl BufRead, start: &str) -> String {
    let mut text = String::new();
    loop {
        let before = text.len();
        assert_ne!(lines.read_line(&mut text).unwrap(), 0, "no line starts with {start:?}:\n{text}");
        if text[before..].starts_with(start) {
            return text;
        }
    }
}

#[test]
fn publish_prints_plan_writes_and_state_when_interrupted() {
    for name in ["-INT", "-TERM"] {
        let (site, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let mut child = waiting(site.path(), elsewhere.path(), "text");
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let text = read_to(&mut stdout, "written");
        let (plan, written) = text.split_once("\n\nwritten").unwrap();
        assert!(plan.starts_with("issuer   ") && plan.contains("  + openid/v1/jwks  "), "{text}");
        assert_eq!(written, "  openid/v1/jwks, then .well-known/openid-configuration\n");
        assert!(site.path().join("openid/v1/jwks").exists());
        // The process is still running, and prints the reason.
        let told = read_to(&mut stderr, "note: not read back yet");
        assert!(told.contains("waiting up to 60 s: ") && told.ends_with("does not exist\n"), "{told}");
        assert_eq!(child.try_wait().unwrap(), None);
        signal(&child, name);
        let said = read_to(&mut stderr, "hint:");
        let both = "openid/v1/jwks and .well-known/openid-configuration were written";
        assert!(said.contains(&format!("error: interrupted; {both}; nothing was read back\n")), "{said}");
        assert_eq!(child.wait().unwrap().code(), Some(3), "{name}");
    }
}

#[test]
fn interruption_is_reported_in_json() {
    let (site, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let mut child = waiting(site.path(), elsewhere.path(), "json");
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    read_to(&mut stderr, "note: not read back yet");
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    let value = answer("publish", &output);
    assert_eq!((output.status.code(), &value["error"]["exit"]), (Some(3), &Value::from(3)));
    assert_eq!(value["written"], serde_json::json!(["openid/v1/jwks", ".well-known/openid-configuration"]));
    assert_eq!(value["proven"], false);
}

#[test]
fn interruption_reports_the_state_of_each_document() {
    let account = account();
    for (at, expected) in [
        (
            "jwks",
            "interrupted; openid/v1/jwks may have been written, .well-known/openid-configuration was not written; nothing was read back",
        ),
        (
            "openid-configuration",
            "interrupted; openid/v1/jwks was written, .well-known/openid-configuration may have been written; nothing was read back",
        ),
    ] {
        let child: Arc<Mutex<Option<Child>>> = Arc::default();
        let stopped = Arc::clone(&child);
        let stop: Arc<dyn Fn() + Send + Sync> =
            Arc::new(move || signal(stopped.lock().unwrap().as_ref().unwrap(), "-TERM"));
        let proxy = Proxy::start(account.address(), move |seen| {
            let is_it = seen.method == "PUT" && seen.path.ends_with(at) && !seen.path.contains("restype");
            if is_it { Fault::DropAnswerThen(Arc::clone(&stop)) } else { Fault::Pass }
        });
        let container = format!("stop-{}", if at == "jwks" { "first" } else { "second" });
        let mut command = command();
        command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--issuer", ISSUER]);
        command.args(["--account", &account.name, "--container", &container, "--no-fetch-back"]);
        command.env("AZURE_STORAGE_CONNECTION_STRING", account.through(&proxy.address).connection_string());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut guard = child.lock().unwrap();
        *guard = Some(command.spawn().unwrap());
        let mut stderr = BufReader::new(guard.as_mut().unwrap().stderr.take().unwrap());
        drop(guard);
        let said = read_to(&mut stderr, "hint:");
        assert!(said.contains(expected), "{at}: {said}");
        assert_eq!(child.lock().unwrap().as_mut().unwrap().wait().unwrap().code(), Some(3), "{at}");
    }
}

#[test]
fn configuration_values_are_printed_when_new_or_requested() {
    let site = TempDir::new().unwrap();
    let run = |more: &[&str]| {
        let mut command = command();
        command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--issuer", ISSUER]);
        let output = command.args(["--directory", site.path().to_str().unwrap()]).args(more).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().contains("--service-account-issuer=")
    };
    assert!(!run(&["--dry-run"]));
    assert!(run(&[]));
    assert!(!run(&[]));
    assert!(run(&["--verbose"]));
    assert!(!run(&["--cache-control", "no-store"]));
    std::fs::remove_dir_all(site.path()).unwrap();
    assert!(!run(&["--quiet"]));
}
