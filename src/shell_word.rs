//! Text as one argument of a shell command.

/// Text as one argument for a POSIX shell (POSIX.1-2024, Shell Command Language, section 2.2.2), so that a name cannot start
/// another command.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_characters_are_quoted() {
        for (text, word) in [
            ("prod-1", "prod-1"),
            ("system:serviceaccount:ci:publisher", "system:serviceaccount:ci:publisher"),
            ("", "''"),
            ("a b", "'a b'"),
            ("~", "'~'"),
            ("$(id)", "'$(id)'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(quoted(text), word);
        }
    }
}
