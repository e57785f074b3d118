use percent_encoding::{CONTROLS, utf8_percent_encode};

use crate::redact::without_password;

/// The maximum length of a shown URL in characters, which is the maximum length of an issuer URL.
const SHOWN_MAX: usize = 600;

/// An untrusted URL for error messages: without credentials, in visible ASCII, and truncated.
pub(crate) fn shown(url: &str) -> String {
    let mut text = utf8_percent_encode(&without_password(url), CONTROLS).to_string();
    // Restore the mark that replaces credentials.
    text = text.replace("%E2%80%A6@", "…@");
    match text.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shown_urls_are_redacted_ascii_and_short() {
        let long = format!("https://a.example/{}", "x".repeat(900));
        for (url, expected) in [
            ("https://a.example/jwks?b=c", "https://a.example/jwks?b=c"),
            ("https://user:secret@a.example/", "https://…@a.example/"),
            ("//user:secret@a.example/", "//…@a.example/"),
            ("https://a.example/\u{1b}[31m\u{202e}\n", "https://a.example/%1B[31m%E2%80%AE%0A"),
            (&long, &format!("{}…", &long[..600])),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
