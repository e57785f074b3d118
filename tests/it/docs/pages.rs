//! Rules for single pages.

use std::path::Path;

use super::{read, root};
use issuer::{Cloud, Resource};
use serde_json::Value;

#[test]
fn readme_stays_within_its_limits() {
    let readme = read(Path::new("README.md"));
    assert!(readme.lines().count() <= 150, "{} lines", readme.lines().count());
    let long: Vec<_> = readme.lines().filter(|line| line.chars().count() > 120).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn overview_picture_has_a_title_and_a_description() {
    let svg = read(Path::new("docs/overview.svg"));
    for part in ["role=\"img\"", "<title id=\"title\">", "<desc id=\"description\">", "prefers-color-scheme: dark"] {
        assert!(svg.contains(part), "{part}");
    }
}

#[test]
fn json_chapter_names_every_member() {
    let chapter = read(Path::new("docs/json.md"));
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("docs/schemas")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        // These schemas describe the published documents.
        if path.extension().is_none_or(|extension| extension != "json")
            || ["jwks", "discovery"].contains(&name.as_str())
        {
            continue;
        }
        let schema: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for member in answers(&schema).iter().flat_map(|answer| answer["properties"].as_object().unwrap().keys()) {
            seen += 1;
            assert!(chapter.contains(&format!("`{member}`")), "{name}: {member}");
        }
    }
    assert!(seen > 30, "{seen}");
}

/// The schema of an answer, or those of its alternatives.
fn answers(schema: &Value) -> Vec<&Value> {
    let Some(alternatives) = schema["anyOf"].as_array() else { return vec![schema] };
    let of =
        |alternative: &Value| alternative["$ref"].as_str().and_then(|path| path.strip_prefix('#')).unwrap().to_owned();
    alternatives.iter().map(|alternative| schema.pointer(&of(alternative)).unwrap()).collect()
}

#[test]
fn tokens_chapter_has_the_scopes_of_each_cloud() {
    let chapter = read(Path::new("docs/tokens.md"));
    for resource in Resource::ALL {
        let name = format!("`{}`", resource.name());
        let row = chapter.lines().rfind(|line| line.split('|').nth(1).is_some_and(|cell| cell.contains(&name)));
        let cells: Vec<_> = row.unwrap().split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        let scopes = Cloud::ALL.map(|cloud| resource.scope(cloud).to_string());
        assert_eq!(cells[2..5], scopes, "{name}");
    }
}

#[test]
fn changelog_has_this_version() {
    let changelog = read(Path::new("CHANGELOG.md"));
    assert!(
        changelog.contains(concat!("## [", env!("CARGO_PKG_VERSION"), "]")) || changelog.contains("## [Unreleased]")
    );
}
