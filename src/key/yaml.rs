//! Recognises YAML that holds keys.

pub(super) use crate::yaml::{IS_READ, documents};

/// Whether text may be YAML that holds keys, such as a manifest or a file of Talos or SOPS.
pub(super) fn looks_like(text: &str) -> bool {
    let has = |word: &str| text.contains(word);
    // A YAML object has a colon. Base64 has none, and may contain any word.
    if !has(":") {
        return false;
    }
    (has("apiVersion") && has("kind"))
        || has("k8sserviceaccount")
        || has("serviceAccount:")
        || has("sops:")
        || text.starts_with("#cloud-config")
        || holds_block_of_pem(text)
        || text.lines().any(|line| line.starts_with("kind:"))
}

/// Whether a member has PEM as a block scalar: `sa.pub: |`, then an indented `-----BEGIN …`.
fn holds_block_of_pem(text: &str) -> bool {
    let mut before = "";
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let is_block = before.split_once(':').is_some_and(|(_, rest)| rest.trim_start().starts_with(['|', '>']));
        if is_block && line.starts_with([' ', '\t']) && line.trim_start().starts_with("-----BEGIN ") {
            return true;
        }
        before = line;
    }
    false
}

/// Whether text has the member `apiVersion` or `kind`, or indented PEM as in a block scalar.
pub(super) fn is_manifest(text: &str) -> bool {
    let is_member = |line: &str| {
        ["apiVersion", "kind"].iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let is_whole = !line[..at].ends_with(|before: char| before.is_alphanumeric());
                let rest = line[at + name.len()..].trim_start_matches(['"', '\'', '\\']).trim_start();
                is_whole && rest.starts_with(':')
            })
        })
    };
    let is_indented_pem = |line: &str| line.starts_with([' ', '\t']) && line.trim_start().starts_with("-----BEGIN ");
    text.lines().any(|line| is_member(line) || is_indented_pem(line))
}
