//! Makes untrusted text safe to print: secrets are redacted, control characters are escaped, long strings are cut.

use std::{borrow::Cow, fmt::Write as _, sync::LazyLock};

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{BidiControl, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};
use issuer::redacted;
use serde_json::Value;

/// The longest value that is printed whole, in characters. Issuer URLs and subjects are shorter.
const VALUE_MAX: usize = 600;
/// The longest message, in characters. A message may list a hundred key IDs.
const MESSAGE_MAX: usize = 8_000;
/// How many characters of a text are searched for secrets. More are never printed, and searching megabytes is slow.
const LOOKED_AT_MAX: usize = 4 * MESSAGE_MAX;
/// The longest word of a message, in characters: a quoted value.
const WORD_MAX: usize = VALUE_MAX + 100;

/// Whether a character is invisible or controls a terminal: control and format characters, line separators, and those with the
/// Unicode properties `Default_Ignorable_Code_Point` or `Bidi_Control`.
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

/// JSON with every hidden character escaped. Such characters occur only in strings.
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

/// An untrusted value that is public, such as a key ID: cut, with hidden characters escaped.
pub(super) fn public(value: &str) -> String {
    visible(&cut(value, VALUE_MAX))
}

/// The variables whose whole value is a secret. A service may repeat it in an error response.
const SECRET_VARIABLES: [&str; 7] = [
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "AZURE_CLIENT_SECRET",
    "AZURE_STORAGE_CONNECTION_STRING",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "IDENTITY_HEADER",
    "MSI_SECRET",
];
/// The shortest secret that is redacted, in bytes. A shorter one may be part of any word.
const SECRET_MIN: usize = 8;

/// Redacts everything that looks like a secret, and the secrets in the environment variables of this process.
pub(super) fn without_secrets(text: &str) -> Cow<'_, str> {
    static SECRETS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let values = SECRET_VARIABLES.iter().filter_map(|name| std::env::var(name).ok());
        values.map(|value| value.trim().to_owned()).filter(|value| value.len() >= SECRET_MIN).collect()
    });
    SECRETS.iter().fold(redacted(text), |text, secret| {
        if text.contains(secret.as_str()) { Cow::Owned(text.replace(secret.as_str(), "…")) } else { text }
    })
}

/// An untrusted value: secrets redacted, cut after 600 characters, hidden characters escaped.
pub(super) fn printable(value: &str) -> String {
    visible(&cut(&without_secrets(&cut(value, LOOKED_AT_MAX)), VALUE_MAX))
}

/// JSON with secrets in its strings redacted. The strings are not cut, because they are a result.
pub(super) fn json_without_secrets(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_secrets(text).into_owned()),
        Value::Array(values) => values.iter().map(json_without_secrets).collect(),
        Value::Object(members) => {
            // A key ID is public, and users need it whole to choose the key, whatever it looks like.
            let clean =
                |name: &str, value: &Value| if name == "kid" { value.clone() } else { json_without_secrets(value) };
            Value::Object(members.iter().map(|(name, value)| (name.clone(), clean(name, value))).collect())
        }
        other => other.clone(),
    }
}

/// A sentence that contains untrusted values: secrets redacted, long words and long sentences cut.
pub(super) fn message(text: &str) -> String {
    let text = with_short_quotes(&without_secrets(&cut(text, LOOKED_AT_MAX)));
    let mut words = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            words.push(' ');
        }
        words.push_str(&cut(word, WORD_MAX));
    }
    visible(&cut(&words, MESSAGE_MAX))
}

/// A sentence whose long quoted values, as `{:?}` writes them, are cut.
fn with_short_quotes(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, quoted)) = rest.split_once('"') {
        shown.push_str(before);
        shown.push('"');
        let mut is_escaped = false;
        let end = quoted.find(|character| {
            let is_end = character == '"' && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else {
            rest = quoted;
            break;
        };
        shown.push_str(&cut(&quoted[..end], WORD_MAX));
        shown.push('"');
        rest = &quoted[end + 1..];
    }
    shown + rest
}

/// An untrusted text that is a result: whole, with hidden characters escaped.
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
    fn hidden_characters_are_escaped() {
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
    fn secrets_are_redacted_before_strings_are_cut() {
        let claims = "eyJzdWIiOiJzeXN0ZW0ifQ".repeat(50);
        let token = format!("eyJhbGciOiJSUzI1NiJ9.{claims}.c2lnbmF0dXJl");
        assert_eq!(printable(&format!("https://x.example/{token}")), "https://x.example/…");
        assert_eq!(message(&format!("no issuer {token:?}")), "no issuer \"…\"");
        assert_eq!(printable(&token.repeat(50)), "…");
    }

    #[test]
    fn long_strings_are_cut() {
        assert_eq!(printable(&"x-".repeat(450_000)).chars().count(), VALUE_MAX + 1);
        let long = message(&format!("cannot read {}: gone", "x-".repeat(450)));
        assert!(long.starts_with("cannot read x-x") && long.ends_with("… gone"), "{long}");
        let quoted = message(&format!("the subject {:?} is not {:?}", "x \" ".repeat(900), "y z".repeat(9)));
        assert!(quoted.ends_with(&format!("…\" is not {:?}", "y z".repeat(9))) && quoted.len() < 800, "{quoted}");
        assert!(message(&"x y ".repeat(900_000)).chars().count() <= MESSAGE_MAX + 1);
    }
}
