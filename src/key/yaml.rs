//! Converts YAML streams to JSON values, one for each document.

use serde_json::Value;

/// Whether this build reads YAML. Without the feature `yaml`, a YAML manifest is recognised and rejected.
pub(super) const IS_READ: bool = cfg!(feature = "yaml");

/// Whether text may be YAML that holds keys, such as a manifest or a file of Talos or SOPS.
pub(super) fn looks_like(text: &str) -> bool {
    let has = |word: &str| text.contains(word);
    (has("apiVersion") && has("kind"))
        || has("k8sserviceaccount")
        || has("serviceAccount:")
        || has("sops:")
        || text.starts_with("#cloud-config")
        || holds_block_of_pem(text)
        || text.lines().any(|line| line.starts_with("kind:"))
}

/// Whether a member has PEM as a block scalar: `sa.pub: |`, then an indented `-----BEGIN …`.
fn holds_block_of_pem(text: &str) -> bool {
    let mut before = "";
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let is_block = before.split_once(':').is_some_and(|(_, rest)| rest.trim_start().starts_with(['|', '>']));
        if is_block && line.starts_with([' ', '\t']) && line.trim_start().starts_with("-----BEGIN ") {
            return true;
        }
        before = line;
    }
    false
}

/// Whether text has the member `apiVersion` or `kind`, or indented PEM as in a block scalar.
pub(super) fn is_manifest(text: &str) -> bool {
    let is_member = |line: &str| {
        ["apiVersion", "kind"].iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let is_whole = !line[..at].ends_with(|before: char| before.is_alphanumeric());
                let rest = line[at + name.len()..].trim_start_matches(['"', '\'', '\\']).trim_start();
                is_whole && rest.starts_with(':')
            })
        })
    };
    let is_indented_pem = |line: &str| line.starts_with([' ', '\t']) && line.trim_start().starts_with("-----BEGIN ");
    text.lines().any(|line| is_member(line) || is_indented_pem(line))
}

/// The documents of a stream; for a malformed document, the line of the error.
#[cfg(feature = "yaml")]
pub(super) fn documents(text: &str) -> Vec<Result<Value, Option<u64>>> {
    let mut documents = Vec::new();
    for (first_line, document) in split(text) {
        let read: Result<Value, _> = serde_saphyr::from_str(document);
        documents.push(match read {
            Ok(Value::Null) => continue,
            Ok(value) => Ok(value),
            // Drop the message of the parser: it may quote the document, which may hold secrets.
            Err(error) => Err(error.location().map(|at| first_line + at.line())),
        });
    }
    documents
}

#[cfg(not(feature = "yaml"))]
pub(super) fn documents(_: &str) -> Vec<Result<Value, Option<u64>>> {
    Vec::new()
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
    documents.retain(|(_, document)| !document.trim().is_empty());
    documents
}
