//! Placeholders in steps, such as `ROLE`, replaced by the values of a case.

use std::borrow::Cow;

/// The step with the values in place of the placeholders with their names in upper case. A value that is not plain, so that a
/// command or a statement would need quotes, is not used.
pub(super) fn filled<'s>(step: &'s str, values: &[(&str, &str)]) -> Cow<'s, str> {
    let value = |word: &str| {
        let named = |(name, value): &(&str, &str)| name.eq_ignore_ascii_case(word) && is_plain(value);
        values.iter().copied().find(named).map(|(_, value)| value)
    };
    let mut filled = String::new();
    let mut rest = step;
    while let Some(start) = rest.find(is_of_placeholder) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|character| !is_of_placeholder(character)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        filled.push_str(before);
        // A part of a longer word, such as the start of `Role`, is no placeholder.
        let is_whole = !before.ends_with(|character: char| character.is_ascii_alphanumeric())
            && !after.starts_with(|character: char| character.is_ascii_alphanumeric());
        filled.push_str(value(word).filter(|_| is_whole).unwrap_or(word));
        rest = after;
    }
    if filled.is_empty() {
        return Cow::Borrowed(step);
    }
    filled.push_str(rest);
    Cow::Owned(filled)
}

fn is_of_placeholder(character: char) -> bool {
    character.is_ascii_uppercase() || character == '_'
}

fn is_plain(value: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
    !value.is_empty() && value.len() <= 100 && value.bytes().all(is_plain) && !value.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::filled;

    #[test]
    fn only_whole_placeholders_with_plain_values_are_replaced() {
        let values = [("role", "orders"), ("principal_id", "2f6a"), ("group", "a'; drop"), ("name", "-x"), ("id", "")];
        let cases = [
            ("create('ROLE', 'PRINCIPAL_ID')", "create('orders', '2f6a')"),
            ("ROLE", "orders"),
            ("a Role, ROLES, XROLE, ROLE2, ROLE_A", "a Role, ROLES, XROLE, ROLE2, ROLE_A"),
            ("--group GROUP --name NAME ID", "--group GROUP --name NAME ID"),
            ("no placeholder", "no placeholder"),
        ];
        for (step, expected) in cases {
            assert_eq!(filled(step, &values), expected);
        }
    }
}
