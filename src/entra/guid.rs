/// Whether a text is a GUID: 8, 4, 4, 4 and 12 hexadecimal digits.
pub(crate) fn is_guid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// A value of an unexpected form, which may be a secret and is not shown.
pub(crate) fn described(text: &str) -> String {
    match text.chars().count() {
        0 => "empty".to_owned(),
        1 => "a value of 1 character".to_owned(),
        count => format!("a value of {count} characters"),
    }
}
