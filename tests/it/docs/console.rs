//! The outputs in a document compared with what the commands print now.

use std::{collections::BTreeMap, path::PathBuf, process::Output};

use regex_lite::Regex;

use super::{blocks::Block, read, root};

/// New contents of blocks, by their document: the line of the fence, the number of old lines, and the new lines.
#[derive(Default)]
pub(crate) struct Updates(BTreeMap<PathBuf, Vec<(usize, usize, Vec<String>)>>);

impl Updates {
    /// Replaces the content of a block. Lines that differ in times only stay as they are.
    pub(crate) fn add(&mut self, block: &Block, lines: Vec<String>) {
        let lines = indent(block, keep_times(lines, &block.lines));
        self.0.entry(block.file.clone()).or_default().push((block.line, block.lines.len(), lines));
    }

    /// Writes the documents.
    pub(crate) fn write(self) {
        for (file, replacements) in self.0 {
            let text = read(&file);
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            for (start, length, new) in replacements.into_iter().rev() {
                lines.splice(start..start + length, new);
            }
            std::fs::write(root().join(file), lines.join("\n") + "\n").unwrap();
        }
    }
}

fn indent(block: &Block, lines: Vec<String>) -> Vec<String> {
    let indentation = " ".repeat(block.indentation);
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("{indentation}{line}") }).collect()
}

/// The block with the current output of its commands, which `run` executes.
pub(crate) fn outcome(block: &Block, exit_code: i32, run: &dyn Fn(&str) -> Output) -> Result<Vec<String>, String> {
    if block.language == "sh" {
        execute(run, &block.lines.join("\n"), exit_code)?;
        return Ok(block.lines.clone());
    }
    let commands = commands(block)?;
    let mut lines = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        let exit_code = if at + 1 == commands.len() { exit_code } else { 0 };
        let printed = execute(run, &command.join("\n"), exit_code)?;
        let shown =
            command.iter().enumerate().map(|(at, line)| if at == 0 { format!("$ {line}") } else { line.clone() });
        lines.extend(shown.chain(printed.lines().map(|line| line.trim_end().to_owned())));
    }
    Ok(lines)
}

/// The commands after `$`, each with the lines that continue it: after a backslash, and the text of `<<'EOF'`.
fn commands(block: &Block) -> Result<Vec<Vec<String>>, String> {
    let mut commands: Vec<Vec<String>> = Vec::new();
    let (mut continues, mut is_text) = (false, false);
    for line in &block.lines {
        if is_text {
            commands.last_mut().unwrap().push(line.clone());
            is_text = line != "EOF";
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(vec![command.to_owned()]);
        } else if continues {
            commands.last_mut().unwrap().push(line.clone());
        } else if commands.is_empty() {
            return Err("a console block starts with a command".to_owned());
        } else {
            continue;
        }
        continues = line.ends_with('\\');
        is_text = line.ends_with("<<'EOF'");
    }
    Ok(commands)
}

fn execute(run: &dyn Fn(&str) -> Output, script: &str, exit_code: i32) -> Result<String, String> {
    let output = run(script);
    let text = String::from_utf8(output.stdout).unwrap();
    if output.status.code() == Some(exit_code) {
        Ok(text)
    } else {
        Err(format!("{:?} instead of exit code {exit_code}\n{script}\n{text}", output.status))
    }
}

/// The lines, with the times of those lines that differ from the old ones in times only.
fn keep_times(lines: Vec<String>, old: &[String]) -> Vec<String> {
    let mut old: Vec<_> = old.iter().map(|line| (timeless(line), line)).collect();
    let keep = |line: String| {
        let same = old.iter().position(|(text, _)| *text == timeless(&line));
        same.map_or(line, |at| old.remove(at).1.clone())
    };
    lines.into_iter().map(keep).collect()
}

/// Whether two outputs differ in times only.
pub(crate) fn same(one: &[String], other: &[String]) -> bool {
    timeless(&one.join("\n")) == timeless(&other.join("\n"))
}

fn timeless(text: &str) -> String {
    let time = Regex::new(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z|\b[12]\d{9}\b|in \d+\.\d s \(\d+/s\)|after \d+ s\b")
        .unwrap();
    time.replace_all(text, "TIME").into_owned()
}

#[test]
fn only_times_may_differ() {
    let line = |text: &str| [text.to_owned()];
    assert!(same(&line("at 2026-11-22 00:33Z, 1795307622"), &line("at 2026-11-23 10:33:59Z, 1895307622")));
    assert!(!same(&line("code 700211"), &line("code 700212")));
    let [new, old] = ["23", "22"].map(|day| ["new".to_owned(), format!("at 2026-11-{day} 00:33Z")]);
    assert_eq!(keep_times(new.to_vec(), &old[1..]), old);
}
