use std::fmt;

use super::login::Login;

/// An API server and the user who connects to it, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Server {
    /// The URL, without user information.
    pub(super) url: String,
    /// The context of the kubeconfig; `None` inside a pod.
    pub(super) context: Option<String>,
    /// The name of the user in the kubeconfig; `None` if the context names none.
    pub(super) user: Option<String>,
    pub(super) login: Login,
    /// Whether the kubeconfig was named by the caller, so that a kubectl command must name it, too.
    pub(super) kubeconfig: Option<String>,
}

impl Server {
    /// The user as messages name it.
    pub(super) fn shown_user(&self) -> String {
        match (&self.login, &self.user, &self.context) {
            (Login::InCluster, _, _) => "the service account of this pod".to_owned(),
            (_, Some(user), Some(context)) => format!("the user {user} of the context {context}"),
            (_, None, Some(context)) => format!("the context {context}, which has no user"),
            _ => "a user without credentials".to_owned(),
        }
    }

    /// The start of a kubectl command for this cluster.
    pub(super) fn kubectl(&self) -> String {
        let mut command = "kubectl".to_owned();
        for (flag, value) in [("--kubeconfig", &self.kubeconfig), ("--context", &self.context)] {
            if let Some(value) = value {
                command = format!("{command} {flag} {}", quoted(value));
            }
        }
        command
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the API server {}", self.url)
    }
}

/// An argument of a shell command. One with other characters is quoted, so that it cannot start another command.
pub(super) fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/:@%+=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
