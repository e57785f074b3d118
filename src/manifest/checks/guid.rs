/// Whether a text is a GUID: 8, 4, 4, 4 and 12 hexadecimal digits.
pub(super) fn is_guid(text: &str) -> bool {
    let groups = text.split('-').map(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(group.len()));
    groups.eq([8, 4, 4, 4, 12].map(Some))
}

/// A value that should be a GUID, as findings show it. Other values may be secrets and are described.
pub(super) fn shown(text: &str) -> String {
    let is_placeholder = ["${", "{{", "<", "$("].iter().any(|start| text.starts_with(start)) && text.len() <= 60;
    match text {
        "" => "(empty)".to_owned(),
        text if is_guid(text) || is_placeholder => text.to_owned(),
        text => format!("a value of {}", super::counted(text.chars().count(), "character")),
    }
}
