//! `docs/troubleshooting.md` shows the catalogue of AADSTS codes, for people on call.

use std::{fmt::Write as _, path::Path};

use regex_lite::Regex;

use super::{is_update, read, root};
use issuer::{Aadsts, CatalogueEntry, Evidence, Waiting};

const PAGE: &str = "docs/troubleshooting.md";

const BEGINNING: &str = "\
# Troubleshooting by AADSTS code

<!-- Generated from src/entra/catalogue by `UPDATE_DOCS=1 cargo test --test it -- docs::codes`. Change the catalogue. -->

Entra writes `AADSTS` and a number into every error of a sign-in. Find the number below.

1. If you have the token that was rejected, run `issuer verify token.jwt` outside the cluster. It names the code, the
   cause and the fix, and needs no access to Azure.
2. Read the entry. Its causes are in order: the most frequent one first.
3. Confirm the cause before you change anything. Values to replace are in capitals.

Microsoft changes codes and messages without notice. So each entry says how well it is known: *documented* by Microsoft,
from *source code* of Microsoft, *observed* in reports of others, or *inferred* from other facts.

";

#[test]
fn troubleshooting_page_matches_the_catalogue() {
    let page = page();
    if is_update() {
        std::fs::write(root().join(PAGE), &page).unwrap();
    }
    let stale = "the page differs from the catalogue; write it with UPDATE_DOCS=1 cargo test --test it -- docs::codes";
    assert!(read(Path::new(PAGE)) == page, "{stale}");
}

fn page() -> String {
    let (unknown, known): (Vec<CatalogueEntry>, Vec<CatalogueEntry>) =
        Aadsts::catalogue().partition(|entry| entry.evidence == Evidence::NumberOnly);
    let mut page = BEGINNING.to_owned();
    page += "| code | meaning | does waiting help? |\n| --- | --- | --- |\n";
    for entry in &known {
        let waits = if entry.waiting == Waiting::No { "no" } else { "yes" };
        writeln!(page, "| [{0}](#{1}) | {2} | {waits} |", entry.code, anchor(entry), escape(entry.meaning)).unwrap();
    }
    known.iter().for_each(|entry| page += &section(entry));
    page += "\n## Codes of which only the number is known\n\n";
    page += "These codes were seen in reports without their message or their cause.\n\n";
    page += "| code | meaning | how to confirm |\n| --- | --- | --- |\n";
    for entry in unknown {
        let steps: Vec<_> = entry.confirm.iter().map(|step| escape(step)).collect();
        writeln!(page, "| {} | {} | {} |", entry.code, escape(entry.meaning), steps.join("; ")).unwrap();
    }
    page
}

fn anchor(entry: &CatalogueEntry) -> String {
    entry.code.to_string().to_ascii_lowercase()
}

fn section(entry: &CatalogueEntry) -> String {
    let mut text = format!("\n## {}\n\n**{}.**", entry.code, capitalised(entry.meaning));
    if let Some(name) = entry.name {
        write!(text, " Microsoft's name: `{name}`.").unwrap();
    }
    if !entry.errors.is_empty() {
        let errors: Vec<_> = entry.errors.iter().map(|error| format!("`{error}`")).collect();
        write!(text, " Field `error`: {}.", errors.join(" or ")).unwrap();
    }
    text.push('\n');
    for template in entry.templates {
        write!(text, "\n```text\n{}: {template}\n```\n", entry.code).unwrap();
    }
    for (title, items) in [("Causes", entry.causes), ("How to confirm", entry.confirm), ("Fix", entry.fix)] {
        if !items.is_empty() {
            write!(text, "\n{title}:\n\n").unwrap();
            items.iter().for_each(|item| writeln!(text, "- {}", escape(&capitalised(item))).unwrap());
        }
    }
    // The number of hits of a code search does not help readers.
    let source = Regex::new(r" \(code search[^)]*\)").unwrap().replace_all(entry.source, "").into_owned();
    let waiting = entry.waiting.to_string();
    write!(text, "\nDoes waiting help? {}. Source ({}): {}.\n", capitalised(&waiting), entry.evidence, escape(&source))
        .unwrap();
    text
}

/// With a capital letter first, unless the first word is a name that has none, such as `kubectl` or `--flag`.
fn capitalised(clause: &str) -> String {
    let word = clause.split(' ').next().unwrap_or_default();
    let is_word = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b',');
    let mut characters = clause.chars();
    match characters.next() {
        Some(first) if is_word => first.to_ascii_uppercase().to_string() + characters.as_str(),
        _ => clause.to_owned(),
    }
}

/// Markdown that shows this text. Text in backticks is code already; a flag becomes code.
fn escape(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(at, part)| {
        let is_code = at % 2 == 1;
        let words = part.split(' ').map(|word| {
            let flag = word.trim_end_matches([',', ':', ';', ')']);
            if !is_code && flag.starts_with("--") {
                return format!("`{flag}`{}", &word[flag.len()..]);
            }
            let special: &[char] = if is_code { &['|'] } else { &['*', '_', '<', '>', '[', ']', '|'] };
            word.chars().fold(String::new(), |mut text, character| {
                if special.contains(&character) {
                    text.push('\\');
                }
                text.push(character);
                text
            })
        });
        words.collect::<Vec<_>>().join(" ")
    });
    parts.collect::<Vec<_>>().join("`")
}

#[test]
fn markdown_escapes_keep_the_text() {
    assert_eq!(escape("a_b `c_d|` <e>"), r"a\_b `c_d\|` \<e\>");
    assert_eq!(escape("in --a-b, and"), "in `--a-b`, and");
    assert_eq!(capitalised("the key"), "The key");
    assert_eq!(capitalised("`issuer inspect` shows"), "`issuer inspect` shows");
    assert_eq!(capitalised("--flag is missing"), "--flag is missing");
}
