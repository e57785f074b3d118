//! Truncates strings of untrusted tokens and documents for refusals.

/// The maximum length of a shown string in characters, which is enough for every issuer URL and subject.
const SHOWN_MAX: usize = 600;
/// The maximum number of shown list items.
const LISTED_MAX: usize = 10;

/// The string, truncated if it is too long.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first items of a list, and the number of omitted items.
pub(super) fn first_of<T: AsRef<str>>(list: &[T]) -> Vec<String> {
    let mut shown: Vec<_> = list.iter().take(LISTED_MAX).map(|text| clipped(text.as_ref())).collect();
    if list.len() > LISTED_MAX {
        shown.push(format!("and {} more", list.len() - LISTED_MAX));
    }
    shown
}
