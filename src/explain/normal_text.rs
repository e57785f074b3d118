use std::borrow::Cow;

use memchr::memmem;
use percent_encoding::percent_decode_str;

/// A text as patterns are matched against it: without the escapes of JSON, with single spaces between words.
///
/// The lines of a text may be wrapped, a JSON body may be a string inside another JSON body, and Terraform draws a box
/// around errors.
pub(super) struct NormalText {
    /// The text. A run of white space with a line break is one line break, any other run is one space.
    text: String,
    /// The text in lower case (ASCII only, so that positions are the same), with spaces for line breaks.
    lower: String,
}

impl NormalText {
    pub(super) fn new(raw: &str) -> Self {
        let raw = form_decoded(raw);
        let mut text = String::with_capacity(raw.len());
        let mut rest = raw.as_ref();
        while let Some(character) = rest.chars().next() {
            let (character, length) = match character {
                '\\' => unescaped(rest),
                other => (plain(other), other.len_utf8()),
            };
            rest = &rest[length..];
            match character {
                '\n' if text.ends_with('\n') => {}
                '\n' if text.ends_with(' ') => {
                    text.pop();
                    text.push('\n');
                }
                ' ' if text.ends_with([' ', '\n']) => {}
                other => text.push(other),
            }
        }
        let lower = text.to_ascii_lowercase().replace('\n', " ");
        Self { text, lower }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn lower(&self) -> &str {
        &self.lower
    }

    /// Whether a match from `start` to `end` does not begin or end inside a word.
    pub(super) fn is_whole(&self, start: usize, end: usize) -> bool {
        let bytes = self.lower.as_bytes();
        let is_word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        let is_inside = |at: usize| at > 0 && is_word(at - 1) && is_word(at);
        !is_inside(start) && !is_inside(end)
    }
}

/// The text without the encoding of a form or of the query of a URL, in which a redirect returns an error.
fn form_decoded(raw: &str) -> Cow<'_, str> {
    let has = |part: &str| memmem::find(raw.as_bytes(), part.as_bytes()).is_some();
    if has("AADSTS") && (has("%3a+") || has("%3A+") || has("%3a%20") || has("%3A%20")) {
        Cow::Owned(percent_decode_str(&raw.replace('+', " ")).decode_utf8_lossy().into_owned())
    } else {
        Cow::Borrowed(raw)
    }
}

/// The character that an escape at the start of a text stands for, and the length of the escape.
///
/// JSON inside JSON is escaped several times: any number of backslashes before a letter is one escape.
fn unescaped(rest: &str) -> (char, usize) {
    let slashes = rest.bytes().take_while(|byte| *byte == b'\\').count();
    let Some(escaped) = rest[slashes..].chars().next() else { return ('\\', slashes) };
    match escaped {
        'b' | 'f' | 'r' | 't' => (' ', slashes + 1),
        'n' => ('\n', slashes + 1),
        '"' | '\'' | '/' => (escaped, slashes + 1),
        'u' => match rest.get(slashes + 1..slashes + 5).and_then(|digits| u32::from_str_radix(digits, 16).ok()) {
            Some(number) => (char::from_u32(number).map_or('\u{fffd}', plain), slashes + 5),
            None => ('\\', slashes),
        },
        _ => ('\\', slashes),
    }
}

/// A character as it is compared: white space and the lines of a box are spaces, typographic quotes are plain.
fn plain(character: char) -> char {
    match character {
        '\n' | '\u{2028}' => '\n',
        '│' | '┃' | '╷' | '╵' => ' ',
        '‘' | '’' => '\'',
        '“' | '”' => '"',
        other if other.is_whitespace() || other.is_control() => ' ',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_white_space_are_removed() {
        for (raw, text) in [
            ("a  b\t c", "a b c"),
            ("a \r\n  b", "a\nb"),
            (r"a\r\n\\r\\nb", "a\nb"),
            (r"a\b\fb", "a b"),
            (r#"{\"a\": \\\"b\\\"}"#, r#"{"a": "b"}"#),
            (r"issuer \u0027x\u0027 \\u003ca", "issuer 'x' <a"),
            ("│ Error: a\n│ b\n╵", "Error: a\nb\n"),
            ("‘a’ “b”", "'a' \"b\""),
            (r"C:\a \u12 \", r"C:\a \u12 \"),
            ("", ""),
        ] {
            assert_eq!(NormalText::new(raw).text().trim_start_matches(' '), text, "{raw}");
        }
        assert_eq!(NormalText::new("AÄ\nB").lower(), "aÄ b");
    }
}
