//! Commands, flags and variables in the documents exist.

use std::collections::{BTreeMap, BTreeSet};

use super::{documents, read};
use crate::support::issuer::{run, stdout};

/// Flags of other programs that the documents name outside a command.
const FOREIGN: [&str; 12] = [
    "--allow-blob-public-access",
    "--allow-shared-key-access",
    "--api-audiences",
    "--duration",
    "--enable-oidc-issuer",
    "--service-account-issuer",
    "--service-account-jwks-uri",
    "--service-account-key-file",
    "--service-account-private-key-file",
    "--service-account-signing-endpoint",
    "--service-account-signing-key-file",
    "--test",
];

/// The flags of each command, from its help text. The name of a command below another one has both words.
fn commands() -> BTreeMap<String, BTreeSet<String>> {
    let help = |args: &[&str]| stdout(&run(args.iter().chain(&["--help"])));
    let names = listed(&help(&[]));
    assert!(names.len() > 9, "{names:?}");
    let mut commands = BTreeMap::from([("help".to_owned(), BTreeSet::new())]);
    for name in names.iter().filter(|name| *name != "help") {
        let text = help(&[name]);
        commands.insert(name.clone(), flags(&text));
        for below in listed(&text).iter().filter(|below| *below != "help") {
            commands.insert(format!("{name} {below}"), flags(&help(&[name, below])));
        }
    }
    commands
}

/// The commands in a help text.
fn listed(help: &str) -> Vec<String> {
    let list = help.split("\nCommands:\n").nth(1).unwrap_or_default().split("\n\n").next().unwrap_or_default();
    let names = list.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// The long and short flags in a text.
fn flags(text: &str) -> BTreeSet<String> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let words = text.split(|character: char| !is_part(character));
    let is_flag = |word: &&str| word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic());
    words.filter(|word| word.starts_with('-')).filter(is_flag).map(str::to_owned).collect()
}

/// The code in a document: blocks without their outputs, and text in backticks.
fn code(text: &str) -> Vec<String> {
    let mut code = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        match (&mut block, trimmed.strip_prefix("```")) {
            (Some(_), Some(_)) => code.extend(block.take()),
            (None, Some(language)) => block = Some(format!("{language}\n")),
            (Some(block), None) => {
                let is_output =
                    block.starts_with("console\n") && !trimmed.starts_with("$ ") && !block.ends_with("\\\n");
                if !is_output {
                    block.push_str(trimmed.trim_start_matches("$ "));
                    block.push('\n');
                }
            }
            (None, None) => code.extend(line.split('`').skip(1).step_by(2).map(str::to_owned)),
        }
    }
    code
}

/// The arguments of every call of `issuer` in code, up to the end of the command.
fn calls(code: &str) -> Vec<Vec<String>> {
    // `$(` starts another command.
    let code = code.replace("\\\n", " ").replace("$(", ";");
    let code = code.lines().map(|line| line.split(" # ").next().unwrap_or_default());
    let commands = code.flat_map(|line| line.split(['|', ';', '&', '>']).map(str::to_owned).collect::<Vec<_>>());
    let calls = commands.filter_map(|command| {
        let words: Vec<_> = command.split_whitespace().map(|word| word.trim_matches(['(', ')']).to_owned()).collect();
        let at = words.iter().position(|word| word == "issuer")?;
        // `issuer = …` is a dependency, and `issuer URL` in a drawing is not a command. A call may follow `- run:` in
        // YAML.
        let before: Vec<_> = words[..at].iter().map(String::as_str).collect();
        let name = words.get(at + 1).filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'));
        (name.is_some() && matches!(before.as_slice(), [] | ["-", "run:"])).then(|| words[at + 1..].to_vec())
    });
    calls.collect()
}

#[test]
fn commands_and_flags_in_the_docs_exist() {
    let commands = commands();
    let all: BTreeSet<_> = commands.values().flatten().map(String::as_str).chain(FOREIGN).collect();
    let (mut faults, mut seen) = (Vec::new(), 0);
    for file in documents() {
        for code in code(&read(&file)) {
            for call in calls(&code) {
                seen += 1;
                let Some(name) = call.first().filter(|name| !name.starts_with('-')) else { continue };
                let below = call.iter().take(2).map(String::as_str).collect::<Vec<_>>().join(" ");
                match commands.get(&below).or_else(|| commands.get(name)) {
                    None => faults.push(format!("{}: there is no command `issuer {name}`", file.display())),
                    Some(known) => {
                        let unknown = flags(&call[1..].join(" "));
                        let unknown = unknown.difference(known).filter(|flag| *flag != "-");
                        faults.extend(unknown.map(|flag| format!("{}: issuer {name} has no {flag}", file.display())));
                    }
                }
            }
            if code.starts_with("--") {
                let unknown = flags(&code).into_iter().filter(|flag| !all.contains(flag.as_str()));
                faults.extend(unknown.map(|flag| format!("{}: no command has the flag {flag}", file.display())));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 50, "only {seen} calls were found");
}

#[test]
fn calls_and_flags_are_found() {
    let text = "`issuer status --x` and\n```console\n$ a | issuer b --c \\\n    --d\n$ e\nissuer output --o\n```\n";
    let code = code(text);
    assert_eq!(code[0], "issuer status --x");
    let found: Vec<_> = code.iter().flat_map(|code| calls(code)).collect();
    assert_eq!(found, [vec!["status", "--x"], vec!["b", "--c", "--d"]]);
    assert_eq!(flags("-o json, --a-b=c a--d - --").into_iter().collect::<Vec<_>>(), ["--a-b", "-o"]);
}

/// Variables in the documents that this program reads.
#[test]
fn azure_variables_in_the_docs_are_read() {
    let known = ["AZURE_ACCESS_TOKEN", "AZURE_STORAGE_ACCOUNT"]
        .into_iter()
        .chain(issuer::Environment::NAMES)
        .collect::<BTreeSet<_>>();
    for file in documents() {
        let text = read(&file);
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && character != '_');
        for word in words.filter(|word| word.starts_with("AZURE_")) {
            let is_foreign = file.ends_with("troubleshooting.md");
            assert!(is_foreign || known.contains(word), "{}: {word}", file.display());
        }
    }
}
