//! The code blocks of a document, with the marks that define how a test runs them.
//!
//! A block of `sh` or `console` has an HTML comment in the line above it:
//!
//! - `<!-- run: SETTING -->` runs it in a new sandbox, `<!-- run: continued -->` in that of the block before it;
//! - `<!-- run: cluster -->` needs a real API server, and is skipped without its program;
//! - `<!-- run: SETTING, exit CODE -->` expects this exit code of the last command;
//! - `<!-- setup: STEP -->` or `<!-- setup: STEP, exit CODE -->` lets the test of this setup in `tests/it/setups` run it,
//!   or read it if it is a file;
//! - `<!-- not run: REASON -->` does not run it.

use std::path::{Path, PathBuf};

/// A fenced code block.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) file: PathBuf,
    /// The number of its first line, the fence, counted from 1.
    pub(crate) line: usize,
    pub(crate) language: String,
    /// The lines between the fences, without the indentation of the fence.
    pub(crate) lines: Vec<String>,
    pub(crate) indentation: usize,
    /// `None` where no comment marks it.
    pub(crate) mark: Option<Mark>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Run(Run),
    /// A step of a setup, with the exit code of its last command.
    Setup(String, i32),
    /// With the reason.
    NotRun(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) setting: Setting,
    /// The API server of the sandbox has another issuer than the published one.
    pub(crate) is_moved: bool,
    /// The storage account does not exist.
    pub(crate) has_no_account: bool,
    pub(crate) exit_code: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Nothing is published.
    Empty,
    /// `sa.pub` is published to the account, and to directories.
    Published,
    /// Nothing is published, and the kubeconfig leads to a real API server.
    Cluster,
    /// The state that the block before left.
    Continued,
}

impl Block {
    pub(crate) fn is_command(&self) -> bool {
        matches!(self.language.as_str(), "sh" | "console")
    }

    /// File and line, for messages.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// Every code block of a document.
pub(crate) fn blocks(file: &Path, text: &str) -> Vec<Block> {
    let lines: Vec<&str> = text.lines().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < lines.len() {
        let trimmed = lines[at].trim_start();
        let Some(language) = trimmed.strip_prefix("```") else {
            at += 1;
            continue;
        };
        let indentation = lines[at].len() - trimmed.len();
        let length = lines[at + 1..].iter().position(|line| line.trim() == "```");
        let length = length.unwrap_or_else(|| panic!("{}:{}: the block does not end", file.display(), at + 1));
        let content = lines[at + 1..=at + length].iter();
        found.push(Block {
            file: file.to_owned(),
            line: at + 1,
            language: language.to_owned(),
            lines: content.map(|line| line.get(indentation..).unwrap_or_default().to_owned()).collect(),
            indentation,
            mark: at.checked_sub(1).and_then(|above| mark(lines[above].trim())),
        });
        at += length + 2;
    }
    found
}

/// The mark in a line, `None` where the line has no mark.
fn mark(line: &str) -> Option<Mark> {
    let comment = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    if let Some(reason) = comment.strip_prefix("not run: ") {
        return Some(Mark::NotRun(reason.to_owned()));
    }
    if let Some(step) = comment.strip_prefix("setup: ") {
        let (name, exit_code) = match step.split_once(", exit ") {
            Some((name, code)) => (name, code.parse().ok()?),
            None => (step, 0),
        };
        return Some(Mark::Setup(name.to_owned(), exit_code));
    }
    let mut words = comment.strip_prefix("run: ")?.split(", ");
    let setting = match words.next()? {
        "empty" => Setting::Empty,
        "published" => Setting::Published,
        "cluster" => Setting::Cluster,
        "continued" => Setting::Continued,
        _ => return None,
    };
    let mut run = Run { setting, is_moved: false, has_no_account: false, exit_code: 0 };
    for word in words {
        match word.strip_prefix("exit ") {
            Some(code) => run.exit_code = code.parse().ok()?,
            None if word == "old issuer" => run.is_moved = true,
            None if word == "no account" => run.has_no_account = true,
            None => return None,
        }
    }
    Some(Mark::Run(run))
}

#[test]
fn marks_and_blocks_are_read() {
    let text = "text\n<!-- run: empty, exit 1 -->\n```sh\na\n\n  b\n```\n- list\n\n  <!-- not run: because -->\n  ```console\n  $ c\n  ```\n```rust\n```\n";
    let found = blocks(Path::new("x.md"), text);
    assert_eq!(found.iter().map(|block| block.line).collect::<Vec<_>>(), [3, 11, 14]);
    assert_eq!(found[0].lines, ["a", "", "  b"]);
    let run = Run { setting: Setting::Empty, is_moved: false, has_no_account: false, exit_code: 1 };
    assert_eq!(found[0].mark, Some(Mark::Run(run)));
    assert_eq!((&found[1].lines[..], found[1].indentation), (&["$ c".to_owned()][..], 2));
    assert_eq!(found[1].mark, Some(Mark::NotRun("because".to_owned())));
    assert!(found[2].mark.is_none() && !found[2].is_command());
    assert_eq!(mark("<!-- setup: the role -->"), Some(Mark::Setup("the role".to_owned(), 0)));
    assert_eq!(mark("<!-- setup: log in, exit 2 -->"), Some(Mark::Setup("log in".to_owned(), 2)));
    for unknown in ["<!-- run: elsewhere -->", "<!-- run: empty, exit x -->", "<!-- runs: empty -->", "run: empty"] {
        assert_eq!(mark(unknown), None, "{unknown}");
    }
}
