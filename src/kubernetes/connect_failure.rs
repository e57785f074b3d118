use std::error::Error;

use kube::client::AuthError;

use crate::redact::redacted_start;

pub(super) const INVALID_TOKEN: &str = "the token has a character that an HTTP header cannot have";
/// The longest text of a cause, in characters.
const CAUSE_MAX: usize = 300;

const NAME: &str = "check the server of the kubeconfig: kubectl config view --minify";
const CLOSED: &str =
    "check that the API server runs and that this machine reaches its address: kubectl get --raw /livez";
pub(super) const PROXY: &str =
    "check HTTPS_PROXY, and proxy-url of the cluster in the kubeconfig: kubectl config view --minify";
const DISTRUSTED: &str = "check certificate-authority-data of the cluster in the kubeconfig; an old one is replaced with the tool of the cluster";
const CA_AS_SERVER: &str =
    "give the API server a certificate with basicConstraints CA:FALSE, which the certificate authority signs";

/// Why there was no response from an API server.
///
/// ```
/// use issuer::{Hint, kubernetes::{Cluster, ClusterError, ClusterOptions}};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// # let file = folder.path().join("kubeconfig");
/// # std::fs::write(&file, "{current-context: c, contexts: [{name: c, context: {cluster: c}}], clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}]}").unwrap();
/// let cluster = Cluster::connect(&ClusterOptions::default().kubeconfig(file)).await.unwrap();
/// let Err(ClusterError::Unreachable { failure, .. }) = cluster.jwks().await else { panic!() };
/// assert!(failure.because.contains("refused"));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConnectFailure {
    /// The cause, as a clause.
    pub because: String,
    /// The next step, if one is known.
    pub fix: Option<&'static str>,
}

impl ConnectFailure {
    /// The failure of a request that got no response within the time limit.
    pub(super) fn late(limit: std::time::Duration) -> Self {
        Self { because: format!("no answer within {} s", limit.as_secs_f64()), fix: Some(CLOSED) }
    }

    pub(super) fn of(error: &kube::Error) -> Self {
        let innermost = innermost(error);
        let text = redacted_start(&innermost.to_string(), CAUSE_MAX);
        if text.contains("lookup address") || text.contains("dns error") {
            return Self { because: text, fix: Some(NAME) };
        }
        // rustls reports only this word, and another client may accept the server.
        if text.contains("CaUsedAsEndEntity") {
            return Self {
                because: "its certificate is that of a certificate authority".to_owned(),
                fix: Some(CA_AS_SERVER),
            };
        }
        if text.contains("certificate") || text.contains("UnknownIssuer") {
            return Self { because: text, fix: Some(DISTRUSTED) };
        }
        if text.contains("tunnel error") {
            return Self { because: format!("the proxy did not connect: {text}"), fix: Some(PROXY) };
        }
        Self { because: text, fix: Some(CLOSED) }
    }
}

/// The innermost cause.
fn innermost<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause
}

/// Why a login failed; `None` for an error that is no failure of a login. The output of a command may hold a token, so it
/// is never shown.
pub(super) fn login_failure(error: &kube::Error) -> Option<String> {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(cause) = next {
        if let Some(cause) = cause.downcast_ref::<AuthError>() {
            return Some(because(cause));
        }
        next = cause.source();
    }
    None
}

fn because(error: &AuthError) -> String {
    match error {
        AuthError::AuthExecStart(source) => format!("the command of the auth provider cannot be started: {source}"),
        AuthError::AuthExecRun { out, .. } => format!("the command of the auth provider failed with {}", out.status),
        AuthError::InvalidBasicAuth(_) | AuthError::InvalidBearerToken(_) => INVALID_TOKEN.to_owned(),
        other => redacted_start(&other.to_string(), CAUSE_MAX),
    }
}
