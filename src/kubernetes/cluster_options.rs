use std::{path::PathBuf, time::Duration};

/// The time limit of one request to the API server, with its retries.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest time limit, which is none in practice. Adding it to a time cannot overflow.
const TIMEOUT_MAX: Duration = Duration::from_hours(365 * 24);

/// Which cluster to connect to, and how.
///
/// Without a kubeconfig, the files of `KUBECONFIG` are read, else `~/.kube/config`, and if there is none, the service
/// account of the pod is used, as kubectl does.
///
/// ```
/// use issuer::kubernetes::ClusterOptions;
/// let options = ClusterOptions::default().context("prod-1").timeout(std::time::Duration::from_secs(10));
/// ```
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) is_insecure: bool,
    pub(super) timeout: Duration,
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, is_insecure: false, timeout: TIMEOUT }
    }
}

impl ClusterOptions {
    /// Sets the kubeconfig file. `KUBECONFIG` is not read.
    #[must_use]
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.kubeconfig = Some(path.into());
        self
    }

    /// Sets the context of the kubeconfig; by default its current context is used.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.context = Some(name.into());
        self
    }

    /// Accepts an API server whose certificate is not verified. Another server could then answer in its place, and its
    /// keys would be published.
    #[must_use]
    pub fn insecure_skip_tls_verify(mut self, is_insecure: bool) -> Self {
        self.is_insecure = is_insecure;
        self
    }

    /// Sets the time limit of one request with its retries, and of the login; by default 30 seconds, at most a year.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.min(TIMEOUT_MAX);
        self
    }
}
