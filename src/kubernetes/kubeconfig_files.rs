//! The files that a kubeconfig names: the token, the certificates and the key.

use std::{fs, path::Path};

use http::HeaderValue;
use kube::config::AuthInfo;

use super::secrets::token_of;

/// The longest file that a kubeconfig may name, in bytes. HTTP servers accept no token of this length.
const FILE_MAX: u64 = 1 << 20;

pub(super) const INVALID_TOKEN: &str = "the token has a character that an HTTP header cannot have";

/// Checks the token of a user, and reads its token file where kube 5 reads it in another way than client-go.
///
/// client-go trims a token file, and prefers it to a token. kube 5 sends it as it is, prefers the token, and panics on a
/// token that HTTP rejects.
pub(super) fn read_token(user: &mut AuthInfo) -> Result<(), String> {
    if let Some(path) = user.token_file.clone() {
        if !is_readable(Path::new(&path)) {
            return Err("the tokenFile of the user is not a file with a token".to_owned());
        }
        let text = fs::read_to_string(path).unwrap_or_default();
        let token = text.trim();
        if !token.is_empty() && (token != text || user.token.is_some()) {
            user.token = Some(token.to_owned().into());
        }
    }
    let is_invalid = |token: String| HeaderValue::try_from(format!("Bearer {token}")).is_err();
    if token_of(user).is_some_and(is_invalid) { Err(INVALID_TOKEN.to_owned()) } else { Ok(()) }
}

/// Checks the certificates and the key before kube reads them, which has no limit.
pub(super) fn check_files(authority: Option<&str>, user: Option<&AuthInfo>) -> Result<(), String> {
    let files = [
        ("certificate-authority of the cluster", authority),
        ("client-certificate of the user", user.and_then(|user| user.client_certificate.as_deref())),
        ("client-key of the user", user.and_then(|user| user.client_key.as_deref())),
    ];
    let unreadable = files.into_iter().find(|(_, path)| path.is_some_and(|path| !is_readable(Path::new(path))));
    unreadable
        .map_or(Ok(()), |(name, _)| Err(format!("the {name} is not a file, or it is longer than {FILE_MAX} bytes")))
}

/// Whether reading the file ends: a pipe would block, and a device may have no end. For what cannot be opened, the reader
/// has the better error.
fn is_readable(path: &Path) -> bool {
    let ends = |found: fs::Metadata| found.is_dir() || found.is_file() && found.len() <= FILE_MAX;
    fs::metadata(path).map_or(true, ends)
}
