//! The flags of the commands that read from the API server of a cluster.

use std::path::PathBuf;

use clap::Args;
use issuer::kubernetes::{Cluster, ClusterOptions, TokenRequest};

use super::{
    Failure, Output,
    api_server::{ApiServer, WithKeys},
    runtime,
    token_input::TokenInput,
    values::{self, given},
};

pub(super) const CLUSTER: &str = "Cluster";

/// Which cluster to read from.
#[derive(Debug, Args)]
pub(super) struct ClusterArgs {
    /// Read from the API server of the kubeconfig or of this pod
    ///
    /// The cluster is found as kubectl finds it: --kubeconfig, KUBECONFIG, ~/.kube/config, and inside a pod its service
    /// account.
    #[arg(long, help_heading = CLUSTER)]
    pub(super) from_cluster: bool,
    /// Use this context of the kubeconfig [default: its current context]
    #[arg(long, value_name = "NAME", help_heading = CLUSTER)]
    context: Option<String>,
    /// Use this kubeconfig [default: KUBECONFIG, else ~/.kube/config]
    #[arg(long, value_name = "FILE", help_heading = CLUSTER)]
    kubeconfig: Option<PathBuf>,
    /// Set the time limit of each request to the API server, and of the login
    #[arg(long, value_name = "DURATION", default_value = "30s", help_heading = CLUSTER)]
    request_timeout: String,
    /// Accept an API server whose certificate is not verified
    ///
    /// Another server could then answer in its place, and its keys would be published.
    #[arg(long, help_heading = CLUSTER)]
    insecure_skip_tls_verify: bool,
}

impl ClusterArgs {
    /// The options; a usage error if there are flags of a cluster although nothing is read from one.
    pub(super) fn options(&self, is_read: bool, flags: &str) -> Result<Option<ClusterOptions>, Failure> {
        let timeout = values::seconds("--request-timeout", &self.request_timeout)?;
        if timeout.is_zero() {
            let hint = "pass a time such as 30s";
            return Err(Failure::usage("--request-timeout 0 leaves no time for a request", hint));
        }
        if !is_read {
            let of_cluster = [
                ("--context", self.context.is_some()),
                ("--kubeconfig", self.kubeconfig.is_some()),
                ("--insecure-skip-tls-verify", self.insecure_skip_tls_verify),
            ];
            return match of_cluster.into_iter().find(|(_, is_given)| *is_given) {
                Some((flag, _)) => Err(Failure::usage(
                    format!("{flag} is given, but nothing is read from a cluster"),
                    format!("pass {flags}, or leave out {flag}"),
                )),
                None => Ok(None),
            };
        }
        let mut options =
            ClusterOptions::default().timeout(timeout).insecure_skip_tls_verify(self.insecure_skip_tls_verify);
        if let Some(context) = &self.context {
            options = options.context(context);
        }
        if let Some(path) = &self.kubeconfig {
            options = options.kubeconfig(path);
        }
        Ok(Some(options))
    }

    /// The options with `--from-cluster`; `None` without.
    pub(super) fn chosen(&self) -> Result<Option<ClusterOptions>, Failure> {
        self.options(self.from_cluster, "--from-cluster")
    }

    /// Warns of an API server whose certificate is not verified.
    pub(super) fn warn(&self, output: &mut Output) {
        if self.insecure_skip_tls_verify {
            output
                .warning("the certificate of the API server is not verified: another server could answer in its place");
        }
    }

    /// The issuer of the API server; `None` without `--from-cluster`.
    pub(super) fn read(&self, with_uid: bool, output: &mut Output) -> Result<Option<ApiServer>, Failure> {
        let Some(options) = self.chosen()? else { return Ok(None) };
        self.warn(output);
        let read = runtime::block_on(output.steps().without_warnings(async {
            let cluster = Cluster::connect(&options).await?;
            ApiServer::read(&cluster, with_uid).await
        }))?;
        Ok(Some(read?))
    }

    /// The same with the keys.
    pub(super) fn read_with_keys(&self, with_uid: bool, output: &mut Output) -> Result<Option<WithKeys>, Failure> {
        let Some(options) = self.chosen()? else { return Ok(None) };
        self.warn(output);
        let read = runtime::block_on(output.steps().without_warnings(async {
            let cluster = Cluster::connect(&options).await?;
            WithKeys::read(&cluster, with_uid).await
        }))??;
        read.notes.iter().for_each(|note| output.note(note));
        Ok(Some(read))
    }

    /// A fresh token of a service account as an input.
    pub(super) fn request_token(
        &self,
        options: &ClusterOptions,
        request: &TokenRequest,
        output: &mut Output,
    ) -> Result<TokenInput, Failure> {
        self.warn(output);
        let token = runtime::block_on(output.steps().without_warnings(async {
            let cluster = Cluster::connect(options).await?;
            let token = cluster.request_token(request).await?;
            let name = format!("the token of {}", cluster.url());
            Ok::<_, Failure>(TokenInput { name, text: token.secret().to_owned() })
        }))??;
        Ok(token)
    }
}

/// A namespace and a name in `NAMESPACE/NAME`.
pub(super) fn namespaced(flag: &str, text: &str) -> Result<(String, String), Failure> {
    // Secrets and pods follow the rules of service accounts: a DNS label and a DNS subdomain.
    let parsed: Result<issuer::ServiceAccount, _> = text.parse();
    match parsed {
        Ok(account) if !text.starts_with("system:") => Ok((account.namespace, account.name)),
        _ => Err(Failure::usage(
            format!("{flag} {} is not a namespace and a name", given(text)),
            format!("pass NAMESPACE/NAME, such as {flag} default/app"),
        )),
    }
}
