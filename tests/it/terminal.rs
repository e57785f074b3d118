//! Output on a terminal: line width, each error once, and progress.

use crate::support::{
    issuer::{command, run, stderr},
    pty::Terminal,
    recording,
};
use tempfile::TempDir;

/// Whether a line fits, or has a single word that is too long, which is never broken.
fn fits(line: &str, width: usize) -> bool {
    line.chars().count() <= width || line.trim_start().split(' ').count() == 1
}

/// Command lines with long messages, with the start of the message.
fn cases() -> Vec<(&'static str, Vec<String>)> {
    let keys = recording("rotation").path("sa.pub").to_str().unwrap().to_owned();
    let issuer = "https://issuers.example.com/clusters/production-west-europe-1/with/a/long/path/to/wrap/at";
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        (
            "note: nothing is published",
            words(&["publish", &keys, "--issuer", issuer, "--directory", "site", "--dry-run"]),
        ),
        (
            "error: Entra cannot reach the issuer",
            words(&["publish", &keys, "--issuer", "https://issuer.internal", "--directory", "site"]),
        ),
        (
            "error: \"http://issuer.example.com/a",
            words(&["discovery", &keys, "--issuer", "http://issuer.example.com/a/long/path/that/stays/whole"]),
        ),
        (
            "error: cannot read",
            words(&["jwks", "no-such-file-with-a-long-name-that-is-a-word-of-its-own-and-longer-than-lines.pub"]),
        ),
    ]
}

#[test]
fn messages_wrap_at_the_terminal_width_between_words() {
    let folder = TempDir::new().unwrap();
    for width in [80, 120] {
        for (start, words) in cases() {
            // The same message in a pipe is one line.
            let whole = stderr(&command().args(&words).current_dir(folder.path()).output().unwrap());
            let (terminal, mut child) = Terminal::run(width, command().args(&words).current_dir(folder.path()), true);
            let seen = terminal.read_all();
            child.wait().unwrap();
            assert!(seen.contains(start), "{start:?} is not in:\n{seen}");
            for line in seen.lines() {
                assert!(fits(line, usize::from(width)), "{width} columns: {line}");
            }
            let joined = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(joined(&seen), joined(&whole), "{width} columns");
        }
    }
}

/// Only single words of reports and help texts may be wider than the terminal.
#[test]
fn reports_fit_the_terminal() {
    let folder = TempDir::new().unwrap();
    let run = recording("path-issuer");
    let path = |name: &str| run.path(name).to_str().unwrap().to_owned();
    let (keys, token, jwks) = (path("sa.pub"), path("pod-bound.jwt"), path("jwks.json"));
    let rotated = recording("rotation").path("sa.pub").to_str().unwrap().to_owned();
    let issuer = "https://issuers.example.com/clusters/prod-1";
    let published = ["--directory", "site", "--published", "site/clusters/prod-1"];
    let publish = ["publish", "--issuer", issuer];
    let reports: [&[&str]; 12] = [
        &[&publish[..], &published[..2], &[&keys]].concat(),
        &[&publish[..], &published, &[&rotated]].concat(),
        &[&publish[..], &published, &[&rotated, "--check", "-v"]].concat(),
        &[&["status", issuer][..], &published].concat(),
        &["status", issuer, "--published", "site"],
        &["verify", &token, "--published", "site/clusters/prod-1", "--at", "2026-11-22T00:40:00Z"],
        &[
            "verify",
            &token,
            "--jwks",
            &jwks,
            "--issuer",
            "https://issuers.example.com/clusters/prod-2",
            "--for",
            "oidc",
        ],
        &["verify", &token, "--published", "http://127.0.0.1:9"],
        &["inspect", &token],
        &["unpublish", "--directory", "site", "--issuer", issuer, "--dry-run", "--force"],
        &["publish", "--help"],
        &["unpublish", "--directory", "site", "--issuer", issuer, "--yes", "--force"],
    ];
    for width in [80, 120] {
        for words in reports {
            let (terminal, mut child) = Terminal::run(width, command().args(words).current_dir(folder.path()), false);
            let seen = terminal.read_all();
            child.wait().unwrap();
            assert!(seen.lines().count() > 3, "{words:?}: {seen}");
            for line in seen.lines().map(plain) {
                assert!(fits(&line, usize::from(width)), "{width} columns: {words:?}: {line}\n{seen}");
            }
        }
    }
}

/// A line without styles and without erased progress output.
fn plain(line: &str) -> String {
    let line = line.rsplit("\u{1b}[2K").next().unwrap_or_default();
    let mut plain = String::new();
    for (index, part) in line.split("\u{1b}[").enumerate() {
        plain.push_str(if index == 0 { part } else { part.split_once('m').map_or("", |(_, rest)| rest) });
    }
    plain
}

#[test]
fn waiting_for_the_lock_is_shown() {
    let folder = TempDir::new().unwrap();
    let keys = recording("rotation").path("sa.pub").to_str().unwrap().to_owned();
    let publish = ["publish", &keys, "--issuer", "https://issuer.example.com", "--directory", "."];
    assert!(command().args(publish).current_dir(folder.path()).status().unwrap().success());
    let lock = std::fs::File::open(folder.path().join(".issuer.lock")).unwrap();
    lock.lock().unwrap();
    let mut changing = command();
    changing.args(publish).args(["--cache-control", "max-age=5"]).current_dir(folder.path());
    let (mut terminal, mut child) = Terminal::run(80, &mut changing, false);
    terminal.read_to("write openid/v1/jwks … ");
    terminal.read_to(": another publisher holds the lock");
    lock.unlock().unwrap();
    let seen = terminal.read_all();
    assert!(child.wait().unwrap().success(), "{seen}");
    // Progress output is erased before other output, with NO_COLOR, too.
    assert!(seen.contains("\r\u{1b}[2K") && !seen.contains("lockwritten"), "{seen}");
}

#[test]
fn batch_waiting_for_input_is_shown() {
    let folder = TempDir::new().unwrap();
    let run = recording("path-issuer");
    let (pipe, jwks) = (folder.path().join("tokens"), run.path("jwks.json").to_str().unwrap().to_owned());
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut verify = command();
    verify.args(["verify", "--batch", pipe.to_str().unwrap(), "--issuer", &run.issuer, "--jwks", &jwks]);
    verify.args(["--at", "2026-11-22T00:40:00Z"]);
    let (mut terminal, mut child) = Terminal::run(80, &mut verify, false);
    // Opening a FIFO for reading and writing does not block, even if the reader has ended.
    let mut writer = std::fs::File::options().read(true).write(true).open(&pipe).unwrap();
    terminal.read_to(" 0 B ");
    std::io::Write::write_all(&mut writer, format!("{}\n", run.text("entra-1h.jwt").trim()).as_bytes()).unwrap();
    terminal.read_to("\"verdict\":\"accepted\"");
    terminal.read_to(" KiB  1 token: 1 accepted, 0 refused");
    drop(writer);
    let seen = terminal.read_all();
    assert!(child.wait().unwrap().success() && seen.contains("1 token: 1 accepted, 0 refused, in "), "{seen}");
}

#[test]
fn each_command_logs_its_steps_with_verbose() {
    let folder = TempDir::new().unwrap();
    let run = recording("path-issuer");
    let path = |name: &str| run.path(name).to_str().unwrap().to_owned();
    let (keys, token, jwks) = (path("sa.pub"), path("entra-1h.jwt"), path("jwks.json"));
    let issuer = "https://issuers.example.com/clusters/prod-1";
    let site = "site/clusters/prod-1";
    let cases: [(&[&str], &[&str]); 9] = [
        (&["jwks", &keys, "--out", "keys.json"], &["read /", "write keys.json"]),
        (&["discovery", &keys, "--issuer", issuer], &["read /"]),
        (&["publish", &keys, "--issuer", issuer, "--directory", "site"], &["read /", "write clusters/prod-1/openid"]),
        (&["status", issuer, "--directory", "site", "--published", site], &["read clusters/", "read from site"]),
        (&["verify", &token, "--published", site], &["read /", "read the documents in site"]),
        (&["verify", &token, "--jwks", &jwks], &["read /"]),
        (&["inspect", &token], &["read /"]),
        (&["man", "--out", "man"], &["write man/issuer.1"]),
        (&["unpublish", "--directory", "site", "--issuer", issuer, "--force"], &["remove clusters/"]),
    ];
    for (words, steps) in cases {
        let told = stderr(&command().args(words).arg("-v").current_dir(folder.path()).output().unwrap());
        for step in steps {
            assert!(told.contains(&format!(" s  {step}")), "{words:?}: {step:?} is not in {told}");
        }
        let quiet = stderr(&command().args(words).current_dir(folder.path()).output().unwrap());
        assert!(!quiet.contains(" s  "), "{quiet}");
    }
}

#[test]
fn json_error_is_shown_once() {
    for words in [&["jwks", "no-such-file", "-o", "json"][..], &["jwks", "-o", "json", "--nope"]] {
        let (terminal, mut child) = Terminal::run(80, command().args(words), false);
        let seen = terminal.read_all();
        child.wait().unwrap();
        assert!(seen.contains("\"message\": ") && !seen.contains("error: "), "{seen}");
        // In a pipe both streams have the error.
        let output = run(words);
        assert!(stderr(&output).starts_with("error: ") && output.stdout.starts_with(b"{"), "{output:?}");
    }
}

#[test]
fn reading_from_a_terminal_prints_a_note() {
    for command_name in ["jwks", "verify", "inspect"] {
        let (mut terminal, mut child) = Terminal::run(80, command().args([command_name, "-"]), false);
        terminal.read_to("note: reading standard input; press Ctrl-D to end it");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
