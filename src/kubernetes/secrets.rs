//! The secrets of a user of a kubeconfig, and texts without them.

use std::fs;

use kube::config::AuthInfo;
use serde_json::Value;

/// The shortest secret that is searched in a text: a shorter one would be found in words.
const SECRET_MIN: usize = 8;

/// The token in the kubeconfig.
pub(super) fn token_of(user: &AuthInfo) -> Option<String> {
    user.token.as_ref()?;
    member(user, "token")
}

/// The secrets that a request of a user carries, which a response may repeat.
pub(super) fn sent_by(user: &AuthInfo) -> Vec<String> {
    let of_file = || fs::read_to_string(user.token_file.as_ref()?).ok().map(|text| text.trim().to_owned());
    let password = user.password.as_ref().and_then(|_| member(user, "password"));
    [token_of(user).or_else(of_file), password].into_iter().flatten().collect()
}

/// A text without these secrets.
pub(super) fn without(text: &str, secrets: &[String]) -> String {
    let secrets = secrets.iter().filter(|secret| secret.len() >= SECRET_MIN);
    secrets.fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "…"))
}

/// Serializing is the only way to a secret of kube without another crate.
fn member(user: &AuthInfo, name: &str) -> Option<String> {
    let user = serde_json::to_value(user).ok()?;
    user.get(name).and_then(Value::as_str).map(str::to_owned)
}
