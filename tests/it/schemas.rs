//! Every JSON answer in `tests/cmd` matches its schema in `docs/schemas`.

use std::{fs, path::PathBuf};

use toml_edit::DocumentMut;

use crate::support::answer;

/// The commands that print JSON without `-o json`, too.
const PRINT_DOCUMENTS: [&str; 2] = ["discovery", "jwks"];
/// The command that prints the JSON of other programs without `-o json`.
const PRINTS_TEMPLATES: &str = "federate";
/// The minimum number of JSON answers in the cases.
const ANSWERS_MIN: usize = 59;

/// A case of `tests/cmd`.
struct Case {
    name: String,
    args: Vec<String>,
    succeeds: bool,
    stdout: String,
}

impl Case {
    fn read(path: &PathBuf) -> Self {
        let case: DocumentMut = fs::read_to_string(path).unwrap().parse().unwrap();
        let args = case["args"].as_array().unwrap().iter().map(|arg| arg.as_str().unwrap().to_owned());
        let stdout = case.get("stdout").and_then(|stdout| stdout.as_str()).unwrap_or_default();
        Self {
            name: path.display().to_string(),
            args: args.collect(),
            succeeds: case.get("status").is_none(),
            stdout: stdout.to_owned(),
        }
    }

    fn all() -> Vec<Self> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cmd");
        let folders = fs::read_dir(folder).unwrap().map(|folder| folder.unwrap().path());
        let files = folders.flat_map(|folder| fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
        files
            .filter(|file| file.extension().is_some_and(|extension| extension == "toml"))
            .map(|file| Self::read(&file))
            .collect()
    }

    /// Whether `-o json` decides the format; the last of several counts.
    fn asks_for_json(&self) -> bool {
        let mut words = self.args.iter().map(String::as_str);
        let mut format = "text";
        while let Some(word) = words.next() {
            if let Some(value) = word.strip_prefix("--output=") {
                format = value;
            } else if matches!(word, "--output" | "-o" | "-qo" | "-vo") {
                format = words.next().unwrap_or_default();
            }
        }
        format == "json"
    }

    /// The name of the schema, unless the case prints text or nothing.
    fn schema(&self) -> Option<&str> {
        let command = self.args.iter().find(|arg| answer::has_schema(arg))?;
        let is_document = self.succeeds && PRINT_DOCUMENTS.contains(&command.as_str());
        let is_help = self.args.iter().any(|arg| matches!(arg.as_str(), "-h" | "--help"));
        let is_json = self.asks_for_json() || (is_document && !is_help);
        (is_json && !self.stdout.is_empty()).then_some(command)
    }
}

/// Restores the backslashes that trycmd writes as slashes: those before a quote that does not end a string.
fn with_backslashes(stdout: &str) -> String {
    let mut text = String::with_capacity(stdout.len());
    let mut rest = stdout;
    while let Some((before, after)) = rest.split_once("/\"") {
        let ends_string = after.is_empty() || after.starts_with([',', ':', '\n', ']', '}']);
        text.push_str(before);
        text.push_str(if ends_string { "/\"" } else { "\\\"" });
        rest = after;
    }
    text + rest
}

#[test]
fn json_of_every_case_matches_its_schema() {
    let (mut answers, mut wildcards) = (0, Vec::new());
    for case in Case::all() {
        let Some(schema) = case.schema() else {
            let is_template = case.args.iter().any(|arg| arg == PRINTS_TEMPLATES);
            assert!(is_template || !case.stdout.starts_with('{'), "{} prints JSON that is not validated", case.name);
            continue;
        };
        // trycmd's wildcards stand for text that changes from run to run.
        if case.stdout.contains("[..]") || case.stdout.lines().any(|line| line == "...") {
            wildcards.push(case.name);
            continue;
        }
        let value = serde_json::from_str(&with_backslashes(&case.stdout))
            .unwrap_or_else(|error| panic!("{}: {error}", case.name));
        let is_error = serde_json::Value::get(&value, "error").is_some();
        let faults = answer::faults(if is_error { "error" } else { schema }, &value);
        assert!(faults.is_empty(), "{}: {faults:#?}", case.name);
        answers += 1;
    }
    assert_eq!(wildcards, [""; 0], "these answers are not validated");
    assert!(answers >= ANSWERS_MIN, "{answers}");
}

#[test]
fn schema_rejects_unknown_and_missing_members() {
    let answer = serde_json::json!({ "listening": "http://127.0.0.1:8080", "directory": "site" });
    assert!(answer::faults("serve", &answer).is_empty());
    let mut unknown = answer.clone();
    unknown["more"] = 1.into();
    let missing = serde_json::json!({ "listening": "http://127.0.0.1:8080" });
    let null = serde_json::json!({ "listening": "http://127.0.0.1:8080", "directory": null });
    for value in [unknown, missing, null] {
        assert_eq!(answer::faults("serve", &value).len(), 1, "{value}");
    }
}
