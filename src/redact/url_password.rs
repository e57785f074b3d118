/// Removes the credentials from a URL, in every spelling in which a URL parser finds credentials (WHATWG URL section
/// 4.4), and also if the password contains characters that end the host.
pub(crate) fn without_password(text: &str) -> String {
    let is_slash = |character: char| matches!(character, '/' | '\\');
    let is_ignored = |character: char| matches!(character, '\t' | '\n' | '\r' | ' ');
    let after_scheme = match text.find(':') {
        Some(colon) if !text[..colon].contains(['/', '\\', '?', '#', '@']) => colon + 1,
        _ => 0,
    };
    let rest = &text[after_scheme..];
    let authority = rest.trim_start_matches(|character| is_slash(character) || is_ignored(character));
    let slashes = rest[..rest.len() - authority.len()].matches(is_slash).count();
    if after_scheme == 0 && slashes < 2 {
        return text.to_owned();
    }
    let start = text.len() - authority.len();
    let end = authority.find(['/', '\\', '?', '#']).unwrap_or(authority.len());
    let port = authority[..end].rsplit_once(':').map_or("", |(_, port)| port);
    let has_odd_port = !port.is_empty() && !port.ends_with(']') && port.bytes().any(|byte| !byte.is_ascii_digit());
    let at = match authority[..end].rfind('@') {
        None if has_odd_port => authority.rfind('@'),
        at => at,
    };
    at.map_or_else(|| text.to_owned(), |at| format!("{}…{}", &text[..start], &authority[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_url_loses_its_password() {
        for (url, expected) in [
            ("https://user:secret@a.example/x@y", "https://…@a.example/x@y"),
            ("https://user@a.example", "https://…@a.example"),
            ("https://user:sec@ret@a.example:1/", "https://…@a.example:1/"),
            ("https:user:secret@a.example", "https:…@a.example"),
            ("https:/user:secret@a.example", "https:/…@a.example"),
            ("https:\\\\user:secret@a.example\\x", "https:\\\\…@a.example\\x"),
            ("ht\ntps:/\n/user:secret@a.example", "ht\ntps:/\n/…@a.example"),
            (" https://user:secret@a.example", " https://…@a.example"),
            ("//user:secret@a.example", "//…@a.example"),
            ("user:secret@a.example", "user:…@a.example"),
            ("https://user:sec/ret@a.example", "https://…@a.example"),
            ("https://user:sec#ret@a.example", "https://…@a.example"),
            ("https://a.example:8443/x@y", "https://a.example:8443/x@y"),
            ("https://[::1]/x@y", "https://[::1]/x@y"),
            ("/x:y@z", "/x:y@z"),
            ("a.example", "a.example"),
            ("", ""),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
