//! JSON answers of the command line, validated against `docs/schemas`.

use std::{collections::HashMap, process::Output, sync::LazyLock};

use jsonschema::Validator;
use serde_json::Value;

/// Each schema by the name of its file.
static SCHEMAS: LazyLock<HashMap<String, Validator>> = LazyLock::new(|| {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schemas");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let schemas = files.filter(|file| file.extension().is_some_and(|extension| extension == "json"));
    let read = |file: std::path::PathBuf| {
        let schema = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
        (file.file_stem().unwrap().to_str().unwrap().to_owned(), validator)
    };
    schemas.map(read).collect()
});

/// Whether a command has a schema.
pub(crate) fn has_schema(command: &str) -> bool {
    SCHEMAS.contains_key(command)
}

/// The differences between a value and its schema; empty if it matches.
pub(crate) fn faults(schema: &str, value: &Value) -> Vec<String> {
    let validator = SCHEMAS.get(schema).unwrap_or_else(|| panic!("docs/schemas/{schema}.json does not exist"));
    validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// The JSON text of a command: its answer, or an error in its place.
pub(crate) fn parse(schema: &str, text: &str) -> Value {
    let value: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let schema = if value.get("error").is_some() { "error" } else { schema };
    let faults = faults(schema, &value);
    assert!(faults.is_empty(), "the JSON does not match docs/schemas/{schema}.json: {faults:#?}\n{value:#}");
    value
}

/// The answer that a command printed with `-o json`, or its error.
pub(crate) fn answer(schema: &str, output: &Output) -> Value {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    assert!(!text.is_empty(), "no answer: {output:?}");
    let value = parse(schema, text);
    if let Some(error) = value.get("error") {
        assert_eq!(error["exit"].as_i64(), output.status.code().map(i64::from), "{output:?}");
    }
    value
}

/// The verdicts of `issuer verify --batch`, one a line.
pub(crate) fn verdicts(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| parse("verify-batch", line)).collect()
}
