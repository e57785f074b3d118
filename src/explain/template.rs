use std::ops::Range;

use memchr::memmem;

use super::normal_text::NormalText;

/// The longest value of a placeholder, in bytes. An issuer has at most 600 characters.
const VALUE_MAX: usize = 1200;
/// The longest value at the end of a template, in bytes.
const LAST_VALUE_MAX: usize = 200;
/// Characters and words that end a value at the end of a template.
const LAST_VALUE_ENDS: [&str; 8] = ["\n", "\"", "'", "<", "]", ". ", "; ", " Trace ID"];

/// A text with placeholders, such as `issuer '{issuer}'`, split into its parts.
pub(super) struct Template {
    /// The text before the first placeholder, in lower case.
    first: String,
    /// The placeholders, each with the text after it in lower case; empty if the value ends a sentence.
    rest: Vec<(&'static str, String)>,
}

/// The place of a template in a text.
pub(super) struct Place {
    pub(super) span: Range<usize>,
    /// The names of the placeholders and the places of their values.
    pub(super) values: Vec<(&'static str, Range<usize>)>,
    /// Whether the whole template is in the text, not only its beginning.
    is_whole: bool,
}

impl Template {
    pub(super) fn new(template: &'static str) -> Self {
        let mut pieces = template.split('{');
        let first = pieces.next().unwrap_or_default().to_ascii_lowercase();
        let rest = pieces.filter_map(|piece| piece.split_once('}'));
        // A value may contain a full stop, but not one before a space.
        let literal = |text: &str| if text == "." { String::new() } else { text.to_ascii_lowercase() };
        Self { first, rest: rest.map(|(name, text)| (name, literal(text))).collect() }
    }

    /// All places of the whole template.
    pub(super) fn places<'t>(&'t self, text: &'t NormalText) -> impl Iterator<Item = Place> + 't {
        let starts = memmem::find_iter(text.lower().as_bytes(), self.first.as_bytes());
        let places = starts.filter_map(|start| self.place_at(text, start)).filter(|place| place.is_whole);
        places.filter(|place| text.is_whole(place.span.start, place.span.end))
    }

    /// The place of the template at this position, if at least the text before the first placeholder is there.
    ///
    /// Microsoft changes the end of messages more often than their beginning, so the end may be missing.
    pub(super) fn place_at(&self, text: &NormalText, start: usize) -> Option<Place> {
        let lower = text.lower();
        if !lower.get(start..)?.starts_with(&self.first) {
            return None;
        }
        let mut place = Place { span: start..start + self.first.len(), values: Vec::new(), is_whole: true };
        for (name, literal) in &self.rest {
            let from = place.span.end;
            let window = window(&lower[from..], VALUE_MAX + literal.len());
            let found = if literal.is_empty() {
                Some(last_value(&text.text()[from..]))
            } else {
                memmem::find(window.as_bytes(), literal.as_bytes())
            };
            // A quoted value may be empty: `Access denied for user ''@'10.0.0.1'`.
            let Some(length) = found.filter(|length| *length > 0 || !literal.is_empty()) else {
                place.is_whole = false;
                // The quote that ends the value may be there, but not the words after it.
                let quote = literal.chars().next().filter(char::is_ascii_punctuation);
                if let Some(length) = quote.and_then(|quote| window.find(quote)).filter(|length| *length > 0) {
                    place.values.push((name, from..from + length));
                    place.span.end = from + length;
                }
                break;
            };
            place.values.push((name, from..from + length));
            place.span.end = from + length + literal.len();
        }
        Some(place)
    }
}

/// The start of a text, with at most `max` bytes.
fn window(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The length of a value that ends the template.
fn last_value(text: &str) -> usize {
    let window = window(text, LAST_VALUE_MAX);
    let end = LAST_VALUE_ENDS.iter().filter_map(|end| window.find(end)).min();
    window[..end.unwrap_or(window.len())].trim_end_matches(['.', ',', ' ']).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &'static str, text: &str) -> Option<Vec<(&'static str, String)>> {
        let text = NormalText::new(text);
        let place = Template::new(template).places(&text).next()?;
        Some(place.values.into_iter().map(|(name, range)| (name, text.text()[range].to_owned())).collect())
    }

    #[test]
    fn values_are_taken_from_the_text() {
        let of = |pairs: &[(&'static str, &str)]| {
            Some(pairs.iter().map(|(name, value)| (*name, (*value).to_owned())).collect::<Vec<_>>())
        };
        for (template, text, expected) in [
            ("role \"{role}\" is", "for ROLE \\\"App-1\\\" is", of(&[("role", "App-1")])),
            ("a '{x}'({y}) b", "a 'X Y'(z)\n b", of(&[("x", "X Y"), ("y", "z")])),
            ("found {x}", "found https://a/b. Trace ID: 1", of(&[("x", "https://a/b")])),
            ("found {x}.", "found 08:00:00.1Z. Review", of(&[("x", "08:00:00.1Z")])),
            ("found {x}", "found ü", of(&[("x", "ü")])),
            ("found {x}", "found ", None),
            ("28P01", "(SQLSTATE 28P01)", of(&[])),
            ("28P01", "a28P012", None),
            ("a '{x}' b", "a 'c' d", None),
        ] {
            assert_eq!(values(template, text), expected, "{template} in {text}");
        }
        assert_eq!(values("a '{x}' b", &format!("a '{}' b", "ü".repeat(5000))), None);
    }

    #[test]
    fn beginning_of_a_template_gives_its_values() {
        let text = NormalText::new("issuer 'https://a/'. Another end");
        let place = Template::new("issuer '{issuer}'. Please check").place_at(&text, 0).unwrap();
        assert_eq!(&text.text()[place.values[0].1.clone()], "https://a/");
        assert!(!place.is_whole);
    }
}
