use memchr::memmem;

use super::normal_text::NormalText;

/// The number of bytes after a code in which its IDs are searched.
const WINDOW: usize = 4000;
/// The length of an ID: a GUID.
const LENGTH: usize = 36;

/// The ID with one of these names after a position, before the text of another code.
pub(super) fn after(text: &NormalText, at: usize, end: usize, names: [&str; 2]) -> Option<String> {
    let lower = &text.lower().as_bytes()[at..end.min(at + WINDOW)];
    let found = names.iter().filter_map(|name| Some(memmem::find(lower, name.as_bytes())? + name.len())).min()?;
    let value = text.text().get(at + found..)?.trim_start_matches(['"', '\'', ':', '=', ' ', '\n']);
    let id = value.get(..LENGTH)?;
    let is_id = id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    is_id.then(|| id.to_owned())
}
