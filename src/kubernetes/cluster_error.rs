use std::fmt;

use jiff::Timestamp;

use super::{connect_failure::ConnectFailure, grant::Grant, login::Login, server::Server};
use crate::{hint::Hint, key::KeyError};

/// A request to the API server of a cluster failed.
///
/// ```
/// use issuer::{Hint, kubernetes::{Cluster, ClusterError, ClusterOptions}};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let options = ClusterOptions::default().kubeconfig("no/such/file");
/// let error = Cluster::connect(&options).await.unwrap_err();
/// assert_eq!(error.to_string(), "cannot use no/such/file: No such file or directory (os error 2)");
/// assert!(error.hint().unwrap().starts_with("pass a kubeconfig with --kubeconfig FILE"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClusterError {
    /// There is no kubeconfig, and this is no pod.
    #[error("{0}")]
    NoKubeconfig(NoKubeconfig),
    /// A kubeconfig cannot be used.
    #[error("cannot use {from}: {because}")]
    Kubeconfig {
        /// The name of the file.
        from: String,
        /// The cause.
        because: String,
    },
    /// The kubeconfig does not have the context.
    #[error("{}", no_context(context, from))]
    NoContext {
        /// The name of the context; empty if there is no current context.
        context: String,
        /// The name of the kubeconfig.
        from: String,
        /// The contexts of the kubeconfig.
        known: Vec<String>,
    },
    /// The kubeconfig does not verify the certificate of the API server.
    #[error(
        "{from} does not verify the certificate of the API server {server}, so another server could answer in its place"
    )]
    NotVerified {
        /// The URL of the API server.
        server: String,
        /// The name of the kubeconfig.
        from: String,
    },
    /// The login of the user failed before a request was sent.
    #[error("cannot log in as {user}: {because}")]
    Login {
        /// The user.
        user: String,
        /// The cause.
        because: String,
        /// The next step.
        fix: String,
    },
    /// There is no connection to the API server, or no response.
    #[error("no response from the API server {server}: {}", failure.because)]
    Unreachable {
        /// The URL of the API server.
        server: String,
        /// The cause.
        failure: ConnectFailure,
    },
    /// The API server does not accept the credentials (401).
    #[error("the API server {server} does not accept the credentials of {user} (401 Unauthorized){}", expired(*expired_at))]
    Unauthorized {
        /// The URL of the API server.
        server: String,
        /// The user.
        user: String,
        /// The time when the credentials expired, if that is the cause.
        expired_at: Option<Timestamp>,
        /// The next step.
        fix: String,
    },
    /// The user lacks a permission (403).
    #[error("{user} may not {request} at the API server {server} (403 Forbidden)")]
    Forbidden {
        /// The URL of the API server.
        server: String,
        /// The user, as the API server names it.
        user: String,
        /// The request, as a verb with an object.
        request: String,
        /// The permission that is missing.
        grant: Box<Grant>,
        /// The next step.
        fix: String,
    },
    /// The API server does not have the object (404).
    #[error("the API server {server} has no {object}")]
    NotFound {
        /// The URL of the API server.
        server: String,
        /// The object, such as `service account default/app`.
        object: String,
        /// The next step.
        fix: String,
    },
    /// The API server returned another error.
    #[error("the API server {server} returned {status} to {path}{}", message(text))]
    Refused {
        /// The URL of the API server.
        server: String,
        /// The path of the request.
        path: String,
        /// The HTTP status.
        status: u16,
        /// The message of the API server; may be empty.
        text: String,
    },
    /// The response of the API server cannot be used.
    #[error("the API server {server} returned a response to {path} that cannot be used: {because}")]
    Response {
        /// The URL of the API server.
        server: String,
        /// The path of the request.
        path: String,
        /// The cause.
        because: String,
    },
    /// The keys of the API server or of a Secret cannot be used.
    #[error(transparent)]
    Keys(#[from] std::sync::Arc<KeyError>),
}

/// Why no kubeconfig was found.
///
/// ```
/// use issuer::kubernetes::NoKubeconfig;
/// let missing = NoKubeconfig::Missing("/home/jane/prod.yaml".to_owned());
/// assert_eq!(missing.to_string(), "KUBECONFIG names no file that exists: /home/jane/prod.yaml");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoKubeconfig {
    /// No variable and no default file, and this is no pod.
    Nowhere,
    /// `KUBECONFIG` names files that do not exist.
    Missing(String),
    /// There is no kubeconfig in which the named context could be.
    OfContext(String),
}

impl fmt::Display for NoKubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("no kubeconfig was found, and this is not a pod with a service account"),
            Self::OfContext(context) => write!(f, "no kubeconfig was found for the context {context:?}"),
            Self::Missing(names) => write!(f, "KUBECONFIG names no file that exists: {names}"),
        }
    }
}

fn no_context(context: &str, from: &str) -> String {
    if context.is_empty() {
        format!("{from} has no current context")
    } else {
        format!("{from} has no context {context:?}")
    }
}

fn expired(at: Option<Timestamp>) -> String {
    at.map(|at| format!("; they expired at {at}")).unwrap_or_default()
}

fn message(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

impl ClusterError {
    pub(super) fn unauthorized(server: &Server, now: Timestamp) -> Self {
        Self::Unauthorized {
            server: server.url.clone(),
            user: server.shown_user(),
            expired_at: server.login.expired(now),
            fix: server.login.hint(&server.kubectl()),
        }
    }

    pub(super) fn forbidden(server: &Server, user: Option<String>, request: &str, grant: Grant) -> Self {
        let is_anonymous = user.as_deref() == Some("system:anonymous");
        let fix = if is_anonymous && server.login == Login::None {
            server.login.hint(&server.kubectl())
        } else {
            let commands = grant.commands(user.as_deref().unwrap_or("USER"));
            format!("as an administrator of this cluster, grant the role {}: {}", grant.role(), commands.join(" && "))
        };
        let user = user.unwrap_or_else(|| server.shown_user());
        Self::Forbidden { server: server.url.clone(), user, request: request.to_owned(), grant: Box::new(grant), fix }
    }
}

impl Hint for ClusterError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKubeconfig(_) | Self::Kubeconfig { .. } => Some(
                "pass a kubeconfig with --kubeconfig FILE or KUBECONFIG, and check it: kubectl config view --minify"
                    .to_owned(),
            ),
            Self::NoContext { known, .. } => Some(match known.as_slice() {
                [] => "pass a kubeconfig with --kubeconfig FILE or KUBECONFIG".to_owned(),
                known => {
                    let shown: Vec<_> = known.iter().take(10).map(String::as_str).collect();
                    let more = if known.len() > shown.len() { ", …" } else { "" };
                    format!("pass --context with one of: {}{more}", shown.join(", "))
                }
            }),
            Self::NotVerified { .. } => Some(
                "in the cluster of the kubeconfig, set an https server and certificate-authority-data, and remove insecure-skip-tls-verify; or pass --insecure-skip-tls-verify if no other server can answer at this address"
                    .to_owned(),
            ),
            Self::Login { fix, .. }
            | Self::Unauthorized { fix, .. }
            | Self::Forbidden { fix, .. }
            | Self::NotFound { fix, .. } => Some(fix.clone()),
            Self::Unreachable { failure, .. } => failure.fix.clone(),
            Self::Refused { status: 410, .. } => {
                Some("run the command again: the list expired between two of its pages".to_owned())
            }
            Self::Refused { status: 429 | 500..=504, .. } => {
                Some("run the command again when the API server has recovered".to_owned())
            }
            Self::Refused { .. } | Self::Response { .. } => Some(
                "check with the same kubeconfig and context that the server is an API server: kubectl get --raw /version"
                    .to_owned(),
            ),
            Self::Keys(error) => error.hint(),
        }
    }
}
