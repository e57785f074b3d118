//! Runs the commands of the documents unchanged.

use std::{collections::BTreeMap, path::PathBuf};

use regex_lite::Regex;

use super::{
    blocks::{Block, Mark, Run, Setting, blocks},
    documents, is_update, read, root,
    sandbox::{Sandbox, World},
};

#[test]
fn every_command_block_is_marked() {
    let mut faults = Vec::new();
    for file in documents() {
        for block in blocks(&file, &read(&file)).iter().filter(|block| block.is_command()) {
            match &block.mark {
                None => {
                    faults.push(format!("{}: no `<!-- run: … -->` or `<!-- not run: … -->` above it", block.place()));
                }
                Some(Mark::NotRun(reason)) if reason.len() < 10 => faults.push(format!("{}: no reason", block.place())),
                Some(_) => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// `UPDATE_DOCS=1 cargo test --test it -- docs::` writes the current output of the commands into the documents. Read
/// the diff before you commit it.
#[test]
fn commands_in_the_docs_work_as_shown() {
    let world = World::new();
    let (mut faults, mut ran) = (Vec::new(), 0);
    let mut updates: BTreeMap<PathBuf, Vec<(usize, usize, Vec<String>)>> = BTreeMap::new();
    for file in documents() {
        let mut sandbox = None;
        for block in blocks(&file, &read(&file)).iter().filter(|block| block.is_command()) {
            let Some(Mark::Run(run)) = &block.mark else { continue };
            if run.setting != Setting::Continued {
                // The one before it goes first: both have the same account.
                drop(sandbox.take());
                sandbox = Some(world.sandbox(run.setting, run.is_moved));
            }
            let Some(sandbox) = &sandbox else {
                faults.push(format!("{}: there is no block to continue", block.place()));
                continue;
            };
            ran += 1;
            match outcome(block, run, sandbox) {
                Ok(lines) if same(&lines, &block.lines) => {}
                Ok(lines) if is_update() => {
                    let lines = keep_times(lines, &block.lines);
                    updates.entry(file.clone()).or_default().push((
                        block.line,
                        block.lines.len(),
                        indent(block, lines),
                    ));
                }
                Ok(lines) => faults.push(format!("{}: prints\n{}", block.place(), lines.join("\n"))),
                Err(fault) => faults.push(format!("{}: {fault}", block.place())),
            }
        }
    }
    for (file, replacements) in updates {
        let text = read(&file);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        for (start, length, new) in replacements.into_iter().rev() {
            lines.splice(start..start + length, new);
        }
        std::fs::write(root().join(file), lines.join("\n") + "\n").unwrap();
    }
    assert!(faults.is_empty(), "{}\n(Azurite was process {})", faults.join("\n\n"), world.azurite());
    assert!(ran > 30, "only {ran} blocks ran");
}

fn indent(block: &Block, lines: Vec<String>) -> Vec<String> {
    let indentation = " ".repeat(block.indentation);
    lines.into_iter().map(|line| if line.is_empty() { line } else { format!("{indentation}{line}") }).collect()
}

/// The block with the current output of its commands.
fn outcome(block: &Block, run: &Run, sandbox: &Sandbox<'_>) -> Result<Vec<String>, String> {
    if block.language == "sh" {
        execute(sandbox, &block.lines.join("\n"), run.exit_code)?;
        return Ok(block.lines.clone());
    }
    let commands = commands(block)?;
    let mut lines = Vec::new();
    for (at, command) in commands.iter().enumerate() {
        let exit_code = if at + 1 == commands.len() { run.exit_code } else { 0 };
        let printed = execute(sandbox, &command.join("\n"), exit_code)?;
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

fn execute(sandbox: &Sandbox<'_>, script: &str, exit_code: i32) -> Result<String, String> {
    let output = sandbox.run(script);
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
fn same(one: &[String], other: &[String]) -> bool {
    timeless(&one.join("\n")) == timeless(&other.join("\n"))
}

fn timeless(text: &str) -> String {
    let time = Regex::new(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z|\b[12]\d{9}\b|in \d+\.\d s \(\d+/s\)").unwrap();
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
