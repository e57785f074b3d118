use super::login::Login;
use crate::shell_word::quoted;

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
