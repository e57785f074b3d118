//! The links of the documents: files and headings exist, addresses have the right form.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use super::{documents, read, root};

/// The lines of text. Lines in code blocks are empty here, so that line numbers stay.
fn prose(text: &str) -> Vec<String> {
    let mut in_block = false;
    let lines = text.lines().map(|line| {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            return String::new();
        }
        // Text inside backticks has no links.
        let outside = line.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "x" });
        if in_block { String::new() } else { outside.collect::<Vec<_>>().join("`") }
    });
    lines.collect()
}

/// The targets of `[text](target)`.
fn targets(line: &str) -> Vec<&str> {
    line.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0)).collect()
}

/// The anchors of a page, as GitHub and mdBook make them of its headings.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        }
        let heading = line.trim_start_matches('#');
        if in_block || heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let heading = heading.trim().to_lowercase();
        let kept = heading.chars().filter(|&character| character.is_alphanumeric() || "-_ ".contains(character));
        let anchor: String = kept.map(|character| if character == ' ' { '-' } else { character }).collect();
        // A second heading of the same text gets a number.
        let mut numbered = anchor.clone();
        let mut number = 0;
        while !found.insert(numbered) {
            number += 1;
            numbered = format!("{anchor}-{number}");
        }
    }
    found
}

/// The fault of a link in a document, if it has one.
fn fault(file: &Path, target: &str) -> Option<String> {
    if target.contains("://") {
        let (scheme, rest) = target.split_once("://")?;
        let host = rest.split('/').next().unwrap_or_default();
        let is_name =
            host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
        let is_url = scheme == "https" && is_name && target.bytes().all(|byte| byte.is_ascii_graphic());
        return (!is_url).then(|| "is not an https URL".to_owned());
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let linked = if path.is_empty() { file.to_owned() } else { normal(&file.parent().unwrap().join(path)) };
    if !root().join(&linked).exists() {
        return Some("points to no file".to_owned());
    }
    if file.starts_with("docs") && !linked.starts_with("docs") {
        return Some("points out of the book".to_owned());
    }
    anchor.filter(|anchor| !anchors(&read(&linked)).contains(*anchor)).map(|_| "points to no heading".to_owned())
}

/// Removes `..` from a path.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, component| {
        match component {
            Component::ParentDir => drop(path.pop()),
            other => path.push(other),
        }
        path
    })
}

#[test]
fn links_lead_to_files_and_headings() {
    let (mut faults, mut seen) = (Vec::new(), 0);
    for file in documents() {
        for (at, line) in prose(&read(&file)).iter().enumerate() {
            for target in targets(line) {
                seen += 1;
                if let Some(fault) = fault(&file, target) {
                    faults.push(format!("{}:{}: {target} {fault}", file.display(), at + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 80, "only {seen} links were found");
}

#[test]
fn wrong_links_are_found() {
    let file = Path::new("docs/azure.md");
    for wrong in [
        "none.md",
        "verifying.md#none",
        "#none",
        "../README.md",
        "http://example.com",
        "https://example",
        "https://a.b/ c",
    ] {
        assert!(fault(file, wrong).is_some(), "{wrong}");
    }
    for right in ["verifying.md#the-checks", "json-schemas.md", "https://example.com/a?b#c", "overview.svg"] {
        assert_eq!(fault(file, right), None, "{right}");
    }
    assert_eq!(anchors("# A `b.c`\n```\n# x\n```\n## A bc\n").into_iter().collect::<Vec<_>>(), ["a-bc", "a-bc-1"]);
    assert_eq!(targets("see [a](b) and ![c](d)"), ["b", "d"]);
}

#[test]
fn every_page_is_in_the_book_summary() {
    let summary = read(Path::new("docs/SUMMARY.md"));
    let listed: BTreeSet<_> = summary.lines().flat_map(targets).map(|target| Path::new("docs").join(target)).collect();
    let pages = documents().into_iter().filter(|page| page.starts_with("docs") && !page.ends_with("SUMMARY.md"));
    assert_eq!(pages.collect::<BTreeSet<_>>(), listed);
}

/// The values of an attribute in a page of HTML.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    html.split(&format!(" {name}=\"")).skip(1).filter_map(|rest| Some(rest.split_once('"')?.0)).collect()
}

/// `scripts/mdbook build` writes the pages; without them there is nothing to check.
#[test]
fn links_of_the_built_book_lead_to_pages_and_headings() {
    let book = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from).join("book");
    let chapters = documents().into_iter().filter(|page| page.starts_with("docs") && !page.ends_with("SUMMARY.md"));
    let pages = chapters.map(|page| {
        let page = page.strip_prefix("docs").unwrap().with_extension("html");
        if page.ends_with("README.html") { page.with_file_name("index.html") } else { page }
    });
    let mut faults = Vec::new();
    for page in pages.filter(|_| book.is_dir()) {
        let html = std::fs::read_to_string(book.join(&page)).unwrap_or_else(|_| panic!("{}", page.display()));
        for target in attributes(&html, "href").into_iter().chain(attributes(&html, "src")) {
            if target.contains(':') {
                continue;
            }
            let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
            let linked = if path.is_empty() { page.clone() } else { normal(&page.parent().unwrap().join(path)) };
            let Ok(content) = std::fs::read(book.join(&linked)) else {
                faults.push(format!("{}: {target} leads to no page", page.display()));
                continue;
            };
            let content = String::from_utf8_lossy(&content);
            if anchor.is_some_and(|anchor| !anchor.is_empty() && !attributes(&content, "id").contains(&anchor)) {
                faults.push(format!("{}: {target} leads to no heading", page.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
