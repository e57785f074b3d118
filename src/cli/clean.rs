//! Text from outside, made safe to print: no secrets, no characters that a terminal acts on, no strings without end.

use std::{borrow::Cow, fmt::Write as _};

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};
use issuer::redacted;
use serde_json::Value;

/// The longest value that is printed whole, in characters: no issuer URL and no subject is longer.
const VALUE_MAX: usize = 600;
/// The longest message: a sentence may list a hundred key IDs.
const MESSAGE_MAX: usize = 8_000;
/// The longest word of a message, in characters: a value with quotes around it.
const WORD_MAX: usize = VALUE_MAX + 100;

/// Whether a character is not seen, or acts on a terminal: control and format characters, line separators, marks that turn the
/// direction of text, and those that are ignored by default (Unicode, `Default_Ignorable_Code_Point`, `Bidi_Control`).
fn is_hidden(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_control();
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    GeneralCategoryGroup::Control.contains(category)
        || matches!(
            category,
            GeneralCategory::Format | GeneralCategory::LineSeparator | GeneralCategory::ParagraphSeparator
        )
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(character)
        || CodePointSetData::new::<BidiControl>().contains(character)
}

/// JSON with every hidden character as an escape; such characters stand in strings only.
pub(super) fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character != '\n' && is_hidden(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to memory cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// A value from outside: without secrets, cut after 600 characters, hidden characters as escapes.
pub(super) fn printable(value: &str) -> String {
    visible(&redacted(&cut(value, VALUE_MAX)))
}

/// JSON without secrets in its strings, which are whole otherwise: they are a result.
pub(super) fn without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(redacted(text).into_owned()),
        Value::Array(values) => values.iter().map(without_secrets).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), without_secrets(value))).collect())
        }
        other => other.clone(),
    }
}

/// A sentence that values from outside stand in: without secrets, no word or sentence without end.
pub(super) fn message(text: &str) -> String {
    // Looking for secrets in megabytes takes long, and they are not printed.
    let text = redacted(&cut(text, 4 * MESSAGE_MAX)).into_owned();
    let mut words = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            words.push(' ');
        }
        words.push_str(&cut(word, WORD_MAX));
    }
    visible(&cut(&words, MESSAGE_MAX))
}

/// Text from outside that is a result: whole, with hidden characters as escapes.
pub(super) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_hidden(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

fn cut(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_become_escapes() {
        for hidden in [
            '\u{0}',
            '\u{7}',
            '\u{1b}',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{1160}',
            '\u{17b4}',
            '\u{180b}',
            '\u{180e}',
            '\u{200b}',
            '\u{200e}',
            '\u{2028}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{3164}',
            '\u{fe0f}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0000}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e01ef}',
        ] {
            let text = format!("a{hidden}b");
            let escape = format!("a{}b", hidden.escape_unicode());
            assert_eq!((printable(&text), message(&text)), (escape.clone(), escape), "U+{:04X}", u32::from(hidden));
            let json = escaped(&format!("{{\"a\":\"{hidden}\"}}"));
            assert!(json.is_ascii(), "{json}");
            let read: Value = serde_json::from_str(&json).unwrap();
            assert_eq!(read["a"], hidden.to_string(), "U+{:04X}", u32::from(hidden));
        }
        assert_eq!(printable("Zürich 東京 😀 →"), "Zürich 東京 😀 →");
        assert_eq!(message("two\nlines"), "two\\u{a}lines");
    }

    #[test]
    fn long_strings_are_cut() {
        assert_eq!(printable(&"x-".repeat(450_000)).chars().count(), VALUE_MAX + 1);
        let long = message(&format!("cannot read {}: gone", "x-".repeat(450)));
        assert!(long.starts_with("cannot read x-x") && long.ends_with("… gone"), "{long}");
        assert!(message(&"x y ".repeat(900_000)).chars().count() <= MESSAGE_MAX + 1);
    }
}
