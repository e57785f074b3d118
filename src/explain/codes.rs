use memchr::memmem;

use super::normal_text::NormalText;
use crate::entra::Aadsts;

/// A code in a text.
pub(super) struct FoundCode {
    pub(super) code: Aadsts,
    /// The position of the code.
    pub(super) at: usize,
    /// The position of the text that follows the code; `None` for a number in JSON.
    pub(super) text_at: Option<usize>,
}

/// Members of JSON that list numbers of codes: in responses of Entra, and in errors of MSAL.
const LISTS: [&str; 2] = ["error_codes", "errorcodes"];
/// The end of the address at which Microsoft explains a code.
const LOOK_UP: &str = "/error?code=";
/// The member of a sign-in log, which other services use too.
const SIGN_IN: &str = "errorcode";

/// All codes of a text, in order.
pub(super) fn all_in(text: &NormalText) -> Vec<FoundCode> {
    let mut found = Vec::new();
    for at in places(text, "aadsts") {
        // Some tools write a space, a colon or a dash before the number.
        let start = at + "aadsts".len();
        let separator = text.lower()[start..].bytes().take_while(|byte| b" :-".contains(byte)).count();
        let (number, after) = number(text, start + if separator <= 2 { separator } else { 0 });
        if let Some(code) = number {
            let skipped = text.text()[after..].len() - text.text()[after..].trim_start_matches([':', ' ', '\n']).len();
            found.push(FoundCode { code, at, text_at: Some(after + skipped) });
        }
    }
    for at in LISTS.iter().flat_map(|name| places(text, name).map(move |at| at + name.len())) {
        // Other services have errors with such members and addresses, too.
        found.extend(list(text, at).into_iter().filter(|found| found.code.entry().is_some()));
    }
    for at in places(text, LOOK_UP).map(|at| at + LOOK_UP.len()) {
        let code = number(text, at).0.filter(|code| code.entry().is_some());
        found.extend(code.map(|code| FoundCode { code, at, text_at: None }));
    }
    for at in places(text, SIGN_IN).map(|at| at + SIGN_IN.len()) {
        let start = text.text()[at..].trim_start_matches(['"', '\'', ':', '=', ' ']);
        let code = number(text, text.text().len() - start.len()).0;
        let code = code.filter(|code| code.entry().is_some());
        found.extend(code.map(|code| FoundCode { code, at, text_at: None }));
    }
    found.sort_by_key(|found| found.at);
    found
}

fn places<'t>(text: &'t NormalText, word: &'t str) -> impl Iterator<Item = usize> + 't {
    memmem::find_iter(text.lower().as_bytes(), word.as_bytes())
}

/// The number at a position, and the position after its digits.
fn number(text: &NormalText, at: usize) -> (Option<Aadsts>, usize) {
    let digits = text.lower().get(at..).unwrap_or_default();
    let length = digits.bytes().take_while(u8::is_ascii_digit).count();
    (digits[..length].parse().ok().map(Aadsts::new), at + length)
}

/// The numbers of a JSON array that follows the name of its member.
fn list(text: &NormalText, at: usize) -> Vec<FoundCode> {
    let Some(numbers) = text.text()[at..].trim_start_matches(['"', '\'', ':', '=', ' ', '\n']).strip_prefix('[') else {
        return Vec::new();
    };
    let is_part = |character: char| character.is_ascii_digit() || matches!(character, ',' | ' ' | '\n' | '"' | '\'');
    let numbers = &numbers[..numbers.find(|character| !is_part(character)).unwrap_or(numbers.len())];
    let numbers = numbers.split(|character: char| !character.is_ascii_digit());
    let codes = numbers.filter_map(|number| number.parse().ok().map(Aadsts::new));
    codes.map(|code| FoundCode { code, at, text_at: None }).collect()
}
