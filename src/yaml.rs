//! Converts YAML streams to JSON values, one for each document.

use serde_json::Value;
#[cfg(feature = "yaml")]
use serde_saphyr::{DuplicateKeyPolicy, Options};

/// Whether this build reads YAML. Without the feature `yaml`, a YAML manifest is recognised and rejected.
pub(crate) const IS_READ: bool = cfg!(feature = "yaml");

/// The documents of a stream; for a malformed document, the line of the error.
#[cfg(feature = "yaml")]
pub(crate) fn documents(text: &str) -> Vec<Result<Value, Option<u64>>> {
    documents_with(text, &Options::default())
}

#[cfg(not(feature = "yaml"))]
pub(crate) fn documents(_: &str) -> Vec<Result<Value, Option<u64>>> {
    Vec::new()
}

/// The documents of a stream as Helm and kubectl read them: the last of several members with the same name counts, as in
/// `sigs.k8s.io/yaml`, and a document may hold all the objects of a cluster.
#[cfg(feature = "yaml")]
pub(crate) fn kubernetes_documents(text: &str) -> Vec<Result<Value, Option<u64>>> {
    // A node is at least one byte of the text, so that the length of the text is the limit.
    let (max_nodes, max_events) = (text.len().max(1), text.len().saturating_mul(2).max(1_000));
    let budget = serde_saphyr::budget! {
        max_nodes: max_nodes,
        max_events: max_events,
        max_total_scalar_bytes: usize::MAX,
    };
    let options = serde_saphyr::options! { budget: budget, duplicate_keys: DuplicateKeyPolicy::LastWins };
    documents_with(text, &options)
}

#[cfg(not(feature = "yaml"))]
pub(crate) fn kubernetes_documents(_: &str) -> Vec<Result<Value, Option<u64>>> {
    Vec::new()
}

#[cfg(feature = "yaml")]
fn documents_with(text: &str, options: &Options) -> Vec<Result<Value, Option<u64>>> {
    let mut documents = Vec::new();
    for (first_line, document) in split(text) {
        let read: Result<Value, _> = serde_saphyr::from_str_with_options(document, options.clone());
        documents.push(match read {
            Ok(Value::Null) => continue,
            Ok(value) => Ok(value),
            // Drop the message of the parser: it may quote the document, which may hold secrets.
            Err(error) => Err(error.location().map(|at| first_line + at.line())),
        });
    }
    documents
}

/// Splits a stream at lines of `---`, so that a malformed document does not hide others; also returns the number of
/// lines before each document.
#[cfg(feature = "yaml")]
fn split(text: &str) -> Vec<(u64, &str)> {
    let mut documents = Vec::new();
    let (mut start, mut start_line, mut at, mut line) = (0, 0, 0, 0);
    for full in text.split_inclusive('\n') {
        let mark = full.trim_end();
        if mark == "---" || mark.starts_with("--- ") {
            documents.push((start_line, &text[start..at]));
            (start, start_line) = (at, line);
        } else if mark == "..." {
            documents.push((start_line, &text[start..at]));
            (start, start_line) = (at + full.len(), line + 1);
        }
        at += full.len();
        line += 1;
    }
    documents.push((start_line, &text[start..]));
    // A document of comments and directives (`%YAML 1.2`) has no value.
    let has_value =
        |document: &str| document.lines().any(|line| !line.trim().is_empty() && !line.starts_with(['#', '%']));
    documents.retain(|(_, document)| has_value(document));
    documents
}
