//! What tokens and documents say, as far as a refusal shows it: strangers choose how much it is.

/// The longest string that is shown whole, in characters: no issuer URL and no subject is longer.
const SHOWN_MAX: usize = 600;
/// The longest list.
const LISTED_MAX: usize = 10;

/// The beginning of a long string.
pub(super) fn clipped(text: &str) -> String {
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// The first of a list, and how many more there are.
pub(super) fn first_of<T: AsRef<str>>(list: &[T]) -> Vec<String> {
    let mut shown: Vec<_> = list.iter().take(LISTED_MAX).map(|text| clipped(text.as_ref())).collect();
    if list.len() > LISTED_MAX {
        shown.push(format!("and {} more", list.len() - LISTED_MAX));
    }
    shown
}
