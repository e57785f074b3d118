use std::{error::Error, time::Duration};

use kube::client::AuthError;

use super::kubeconfig_files::INVALID_TOKEN;
use crate::redact::redacted_start;

/// The longest text of a cause, in characters.
const CAUSE_MAX: usize = 300;

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
    pub fix: Option<String>,
}

impl ConnectFailure {
    /// The failure of a request that got no response within the time limit; `kubectl` starts a command for the cluster.
    pub(super) fn late(limit: Duration, kubectl: &str) -> Self {
        Self { because: format!("no answer within {} s", limit.as_secs_f64()), fix: Some(check_address(kubectl)) }
    }

    pub(super) fn of(error: &kube::Error, kubectl: &str) -> Self {
        let text = cause(error);
        if text.contains("lookup address") || text.contains("dns error") {
            let fix = format!("check the server of the kubeconfig: {kubectl} config view --minify");
            return Self { because: text, fix: Some(fix) };
        }
        // rustls reports only this word. Other clients accept such a server.
        if text.contains("CaUsedAsEndEntity") {
            let because = "its certificate is that of a certificate authority".to_owned();
            return Self { because, fix: Some(CA_AS_SERVER.to_owned()) };
        }
        if text.contains("certificate") || text.contains("UnknownIssuer") {
            return Self { because: text, fix: Some(DISTRUSTED.to_owned()) };
        }
        if text.contains("tunnel error") {
            return Self { because: format!("the proxy did not connect: {text}"), fix: Some(check_proxy(kubectl)) };
        }
        Self { because: text, fix: Some(check_address(kubectl)) }
    }
}

fn check_address(kubectl: &str) -> String {
    format!("check that the API server runs and that this machine reaches its address: {kubectl} get --raw /livez")
}

pub(super) fn check_proxy(kubectl: &str) -> String {
    format!("check HTTPS_PROXY, and proxy-url of the cluster in the kubeconfig: {kubectl} config view --minify")
}

/// The innermost cause, without secrets.
pub(super) fn cause(error: &kube::Error) -> String {
    redacted_start(&innermost(error).to_string(), CAUSE_MAX)
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
