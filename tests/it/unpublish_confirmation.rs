//! `issuer unpublish`: confirmation and dry run.

use std::process::Command;

use crate::support::{
    answer::answer,
    issuer::{command, run, stderr, stdout},
    pty::Terminal,
    recording,
};
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";

fn site() -> TempDir {
    let site = TempDir::new().unwrap();
    let keys = recording("rotation").path("sa.pub");
    let args = ["publish", keys.to_str().unwrap(), "--issuer", ISSUER, "--directory", site.path().to_str().unwrap()];
    assert!(run(args).status.success());
    site
}

fn unpublish(site: &TempDir, more: &[&str]) -> Command {
    let mut command = command();
    command.args(["unpublish", "--directory", site.path().to_str().unwrap(), "--force"]).args(more);
    command
}

fn is_there(site: &TempDir) -> bool {
    site.path().join(".well-known/openid-configuration").exists() && site.path().join("openid/v1/jwks").exists()
}

#[test]
fn unpublish_dry_run_lists_documents_and_removes_nothing() {
    let site = site();
    let output = unpublish(&site, &["--dry-run"]).output().unwrap();
    assert!(output.status.success());
    let text = stdout(&output);
    assert!(text.contains("\n  - .well-known/openid-configuration\n  - openid/v1/jwks\n"), "{text}");
    assert!(text.ends_with("\nplanned: nothing was removed\n"), "{text}");
    let output = unpublish(&site, &["--dry-run", "-o", "json"]).output().unwrap();
    let value = answer("unpublish", &output);
    assert_eq!(value["planned"], serde_json::json!([".well-known/openid-configuration", "openid/v1/jwks"]));
    assert_eq!(value["removed"], serde_json::json!([]));
    assert!(is_there(&site));
    // A dry run has the same refusals.
    let output = unpublish(&site, &["--dry-run", "--issuer", "https://other.example.com"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("those of the issuer"), "{output:?}");
}

#[test]
fn terminal_confirmation_requires_typing_the_issuer() {
    for (typed, removes) in [(ISSUER, true), ("https://issuer.example.com/", false), ("yes", false), ("", false)] {
        let site = site();
        let (mut terminal, mut child) = Terminal::run(80, &mut unpublish(&site, &[]), false);
        let prompt = terminal.read_to("> ");
        let words = prompt.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains("This removes .well-known/openid-configuration and openid/v1/jwks from "), "{prompt}");
        assert!(prompt.lines().all(|line| line.trim_end().chars().count() <= 80), "{prompt}");
        assert!(is_there(&site));
        terminal.type_line(typed);
        let seen = terminal.read_all();
        assert_eq!(child.wait().unwrap().code(), Some(i32::from(!removes)), "{typed:?}: {seen}");
        assert_eq!(is_there(&site), !removes, "{typed:?}: {seen}");
        assert_eq!(seen.contains("error: the issuer was not typed; nothing was removed"), !removes, "{seen}");
    }
    // There is no prompt with --yes, without a terminal, or with nothing to remove.
    let site = site();
    let (terminal, mut child) = Terminal::run(80, &mut unpublish(&site, &["--yes"]), false);
    assert!(!terminal.read_all().contains("Type the issuer"));
    assert!(child.wait().unwrap().success() && !is_there(&site));
    let (terminal, mut child) = Terminal::run(80, &mut unpublish(&site, &["--issuer", ISSUER]), false);
    assert!(terminal.read_all().contains("nothing was published there"));
    assert!(child.wait().unwrap().success());
}

#[test]
fn unpublish_is_never_the_first_typo_suggestion() {
    for typed in ["publsh", "publis", "publishh", "unpublsh", "unpublis", "npublish", "upublish", "pubish"] {
        let output = run([typed]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        let tip = said.lines().find(|line| line.contains("tip:")).unwrap_or_default();
        let first = tip.split('\'').nth(1).unwrap_or_default();
        assert!(!tip.is_empty() && first == "publish", "{said}");
    }
}
