//! What a person sees on a terminal: lines that fit, each error once, and what is waited for.

mod support;

use support::{
    issuer::{command, run, stderr},
    pty::Terminal,
    recording,
};
use tempfile::TempDir;

/// Whether a line is longer than a terminal only for one word, which is never broken.
fn fits(line: &str, width: usize) -> bool {
    line.chars().count() <= width || line.trim_start().split(' ').count() == 1
}

/// A command line whose messages are long, by what is said first.
fn cases() -> Vec<(&'static str, Vec<String>)> {
    let keys = recording("rotation").path("sa.pub").to_str().unwrap().to_owned();
    let issuer = "https://issuers.example.com/clusters/production-west-europe-1/with/a/long/path/to/wrap/at";
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    vec![
        (
            "note: nothing was published",
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
fn messages_wrap_at_the_width_of_the_terminal_and_never_within_a_word() {
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

#[test]
fn an_error_in_json_is_seen_once() {
    for words in [&["jwks", "no-such-file", "-o", "json"][..], &["jwks", "-o", "json", "--nope"]] {
        let (terminal, mut child) = Terminal::run(80, command().args(words), false);
        let seen = terminal.read_all();
        child.wait().unwrap();
        assert!(seen.contains("\"message\": ") && !seen.contains("error: "), "{seen}");
        // In a pipe both streams say it.
        let output = run(words);
        assert!(stderr(&output).starts_with("error: ") && output.stdout.starts_with(b"{"), "{output:?}");
    }
}

#[test]
fn who_sits_at_a_terminal_is_told_that_it_reads_from_there() {
    for command_name in ["jwks", "verify", "inspect"] {
        let (mut terminal, mut child) = Terminal::run(80, command().args([command_name, "-"]), false);
        terminal.read_to("note: reading from standard input; end it with Ctrl-D");
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
