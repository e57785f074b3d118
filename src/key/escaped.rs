//! PEM with line breaks escaped as `\n`, in files of environment variables and in strings copied from JSON.

use super::manifest::Entry;

/// The text with its escaped line breaks replaced by real ones; `None` if the first PEM block has no escaped line
/// break.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let (_, block) = text.split_once("-----BEGIN ")?;
    let label_end = block.find("-----")?;
    let body = &block[label_end + "-----".len()..];
    // A quoted value inside another quoted value has doubled backslashes.
    let is_escaped = body.trim_start_matches('\\').starts_with(['n', 'r']) && body.starts_with('\\');
    is_escaped.then(|| {
        let single = text.replace("\\\\", "\\");
        single.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\r", "\n").replace("\\\"", "\"")
    })
}

/// The variables that hold escaped PEM, by name; `None` if the text has no such variable.
pub(super) fn entries(text: &str) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    // The value of a variable cannot hold a block with real line breaks.
    if text.lines().any(|line| line.trim_start().starts_with("-----")) {
        return None;
    }
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let assignment = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = assignment.split_once('=') else { continue };
        let (name, value) = (name.trim(), value.trim());
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_name) {
            continue;
        }
        if let Some(pem) = unescaped(value.trim_matches(['"', '\''])) {
            entries.push(Entry { name: name.to_owned(), bytes: Ok(pem.into_bytes()) });
        }
    }
    (!entries.is_empty()).then_some(entries)
}
