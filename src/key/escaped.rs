//! PEM whose line ends are written as `\n`: in files of environment variables, and in strings that were copied out of JSON.

use super::manifest::Entry;

/// Text with real line ends in place of escaped ones; `None` where PEM has none.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let (_, block) = text.split_once("-----BEGIN ")?;
    let label_end = block.find("-----")?;
    let body = &block[label_end + "-----".len()..];
    // A value in quotes inside of quotes has its backslashes doubled.
    let is_escaped = body.trim_start_matches('\\').starts_with(['n', 'r']) && body.starts_with('\\');
    is_escaped.then(|| {
        let single = text.replace("\\\\", "\\");
        single.replace("\\r\\n", "\n").replace("\\n", "\n").replace("\\r", "\n").replace("\\\"", "\"")
    })
}

/// The variables of a file of them that hold escaped PEM, by their names; `None` for any other text.
pub(super) fn entries(text: &str) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    // A block with real line ends is no value of a variable.
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
