//! Arbitrary text with a token in it.
//!
//! - The search for failures ends without a panic.
//! - Each failure is found once, and its values are short.
//! - The token is in no value.
//! - The same text inside a string of JSON has the same codes.
#![no_main]

use arbitrary::Arbitrary;
use issuer::{ChainFailure, Finding};
use libfuzzer_sys::fuzz_target;

const SIGNATURE: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LXNlZXM";
/// The longest value, in characters, with `…` at its end.
const VALUE_MAX: usize = 601;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// The position of the token.
    at: u16,
    text: &'a [u8],
}

fuzz_target!(|input: Input| {
    let text = String::from_utf8_lossy(input.text);
    let mut at = usize::from(input.at).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    let text = format!("{} eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.{SIGNATURE} {}", &text[..at], &text[at..]);
    let findings = Finding::all_in(&text);
    let _ = text.parse::<ChainFailure>();
    for (index, finding) in findings.iter().enumerate() {
        assert!(findings[..index].iter().all(|earlier| earlier.failure != finding.failure), "{text}");
        for (name, value) in &finding.values {
            assert!(value.chars().count() <= VALUE_MAX, "{name}: {value}");
            assert!(!value.contains(SIGNATURE), "{name}: {value}");
        }
    }
    let codes =
        |text: &str| -> Vec<_> { Finding::all_in(text).iter().filter_map(|finding| finding.failure.code()).collect() };
    if text.contains("AADSTS") && !text.contains('\\') {
        let escaped = serde_json::to_string(&text).unwrap();
        assert_eq!(codes(&escaped), codes(&text), "{text}");
    }
});
