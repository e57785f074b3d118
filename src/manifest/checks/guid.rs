pub(super) use crate::entra::is_guid;

/// A value that should be a GUID, as findings show it. Other values may be secrets and are described.
pub(super) fn shown(text: &str) -> String {
    let is_placeholder = ["${", "{{", "<", "$("].iter().any(|start| text.starts_with(start)) && text.len() <= 60;
    match text {
        "" => "(empty)".to_owned(),
        text if is_guid(text) || is_placeholder => text.to_owned(),
        text => format!("a value of {}", super::counted(text.chars().count(), "character")),
    }
}
