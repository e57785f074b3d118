//! Checks the chain from the pod to Entra: at a desk from manifests, or inside a pod.

mod answer;
mod claims;
mod cluster;
mod live_objects;
mod pod;
mod probe;
mod text;
mod token;
mod token_file;
mod variables;

use std::path::PathBuf;

pub(super) use answer::Answer;
use answer::{Check, Verdict, Workloads};
use clap::Args;
use cluster::Gathered;
use issuer::{FederatedCredential, HttpFetcher, Manifest, ManifestContext, Timestamp, kubernetes::ClusterOptions};
use live_objects::Scope;
use probe::Probes;
use token::Verification;
use token_file::TokenFile;
use variables::Variables;

use super::{
    Exit, Failure, Output,
    azure_args::{AksArgs, AzureArgs, Requests},
    cluster_args::{CLUSTER, ClusterArgs, namespaced},
    credentials::CredentialInputs,
    inputs::{self, is_stdin, name, stdin_twice},
    runtime,
    token_input::TokenInput,
    values::{self, given},
    verify::trust::{Trust, Trusted},
};

/// The longest manifest that is read, in bytes. `kubectl get` of a large cluster prints some ten megabytes.
const MANIFEST_MAX: usize = 256 << 20;

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Check a pod or its manifests for workload identity";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Check the chain from a pod to Microsoft Entra ID, and name the fix for each fault.

With --manifest, the workloads and service accounts in Kubernetes manifests are checked, as `helm template` and `kubectl get \
-o yaml` print them. Nothing is fetched, except the documents of an issuer that --issuer or --token names.

With --from-cluster, the live objects of a cluster are checked the same way, and the webhook, the issuer of the API server and \
a fresh token. Pods and service accounts are read, their namespaces, the mutating webhooks and the Deployment of the webhook. \
A check without its objects, because the user may not read them, is skipped.

Without both, the command checks the pod that it runs in: the variables, the token file, the token and the documents \
of its issuer. --network also sends a request to the authority host, and --probe one with an access token to a resource.

A warning does not change the exit code.",
    after_help = "Examples:
  issuer doctor
  issuer doctor --probe https://NAME.vault.azure.net/secrets/NAME
  issuer doctor --manifest rendered.yaml --credential fic.json
  issuer doctor --manifest rendered.yaml --namespace shop \\
    --issuer https://issuer.example.com
  issuer doctor --from-cluster --namespace shop --credential fic.json"
)]
pub(crate) struct Doctor {
    /// Check these Kubernetes manifests; - means standard input (repeatable)
    #[arg(long, value_name = "FILE")]
    manifest: Vec<PathBuf>,
    #[command(flatten)]
    credentials: CredentialInputs,
    #[command(flatten)]
    azure: AzureArgs,
    #[command(flatten)]
    aks: AksArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Check the pods of every namespace of the cluster
    #[arg(long, requires = "from_cluster", help_heading = CLUSTER)]
    all_namespaces: bool,
    /// Check this pod of the cluster
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "from_cluster", help_heading = CLUSTER)]
    pod: Option<String>,
    /// Check the pods of this service account of the cluster
    ///
    /// A fresh token of this service account is requested and verified. Otherwise it is one of the first service account
    /// with the annotation of the webhook.
    #[arg(long, value_name = "NAMESPACE/NAME", requires = "from_cluster", help_heading = CLUSTER)]
    service_account: Option<String>,
    /// Verify this token, too; - means standard input
    ///
    /// Inside a pod it is the file that AZURE_FEDERATED_TOKEN_FILE names.
    #[arg(long, value_name = "FILE", requires = "manifest")]
    token: Option<PathBuf>,
    /// Use this issuer of the cluster [default: the issuer that the token names]
    ///
    /// Its documents are checked, and it is compared with the federated identity credentials.
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Read the documents from this URL or directory instead of the issuer URL
    #[arg(long, value_name = "URL|DIR")]
    published: Option<String>,
    /// Check this namespace; with --manifest, use it for objects without one
    ///
    /// `helm template` omits the namespace of most charts. The default is that of the kubeconfig with --from-cluster, else
    /// default.
    #[arg(long, value_name = "NAME")]
    namespace: Option<String>,
    /// Check only this container of each pod
    #[arg(long, value_name = "NAME")]
    container: Option<String>,
    /// Check that this object ID is not used in place of the client ID
    ///
    /// `az identity show` prints it as principalId.
    #[arg(long, value_name = "GUID")]
    object_id: Option<String>,
    /// Check that annotations and variables name this tenant
    #[arg(long, value_name = "GUID")]
    tenant: Option<String>,
    /// Send a request to the authority host, too
    #[arg(long, conflicts_with_all = ["manifest", "from_cluster"])]
    network: bool,
    /// Send one read-only request with an access token to this resource (repeatable)
    ///
    /// The resource is the URL of a secret in Key Vault, another https URL of Azure, or a connection string of PostgreSQL.
    /// The host must belong to a service of the cloud.
    #[arg(long, value_name = "RESOURCE", conflicts_with_all = ["manifest", "from_cluster", "no_network"])]
    probe: Vec<String>,
    /// Send the access token to a resource with another host, too
    #[arg(long, requires = "probe")]
    probe_any_host: bool,
    /// Skip all checks that need the network
    #[arg(long, conflicts_with_all = ["network", "identity", "app", "aks"])]
    no_network: bool,
    /// Trust the PEM certificates of this file too (repeatable)
    #[arg(long, value_name = "PEM")]
    ca_file: Vec<PathBuf>,
    /// Set the total time limit for network requests
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    timeout: String,
}

impl Doctor {
    pub(super) fn run(mut self, output: &mut Output) -> Result<Exit, Failure> {
        for (flag, value) in [("--object-id", &self.object_id), ("--tenant", &self.tenant)] {
            if let Some(text) = value.as_ref().filter(|text| !pod::is_guid(text)) {
                let hint = "pass 8, 4, 4, 4 and 12 hexadecimal digits, separated by hyphens";
                return Err(Failure::usage(format!("{flag} {} is not a GUID", given(text)), hint));
            }
        }
        let files = self.manifest.iter().chain(&self.token).filter(|path| is_stdin(path)).count();
        if files + self.credentials.stdin().count() > 1 {
            return Err(stdin_twice());
        }
        let timeout = values::seconds("--timeout", &self.timeout)?;
        let requests = Requests { fetcher: HttpFetcher::new(&self.ca_file)?, timeout };
        if let Some(issuer) = self.aks.read_issuer(&self.azure, &requests, output)? {
            self.issuer = Some(issuer.to_string());
        }
        let credentials = self.credentials.read(&self.azure, &requests, output)?.map(|credentials| credentials.list);
        let cluster = self.cluster.chosen()?;
        if cluster.is_none() && self.manifest.is_empty() {
            let given = [("--namespace", self.namespace.is_some()), ("--container", self.container.is_some())];
            if let Some((flag, _)) = given.into_iter().find(|(_, is_given)| *is_given) {
                let hint = "pass --manifest FILE or --from-cluster";
                return Err(Failure::usage(format!("{flag} is not used inside a pod"), hint));
            }
        }
        let answer = if let Some(options) = cluster {
            self.in_cluster(&options, credentials.as_deref(), output)?
        } else if self.manifest.is_empty() {
            self.in_pod(credentials.as_deref(), &Variables::of_process(), output)?
        } else {
            self.at_desk(credentials.as_deref(), output)?
        };
        if output.is_json() {
            output.json(&answer);
        } else {
            output.text(&answer.to_text());
        }
        Ok(if answer.verdict == Verdict::Failed { Exit::No } else { Exit::Yes })
    }

    /// Checks manifests, and the token and the issuer if they are given.
    fn at_desk(self, credentials: Option<&[FederatedCredential]>, output: &mut Output) -> Result<Answer, Failure> {
        if self.published.is_some() && self.issuer.is_none() && self.token.is_none() {
            let hint = "pass --issuer URL, or a token with --token FILE";
            return Err(Failure::usage("--published names no issuer", hint));
        }
        let is_verified = self.token.is_some() || self.issuer.is_some();
        let trusted = if is_verified { Some(self.trusted()?) } else { None };
        let manifest = self.read_manifests(output)?;
        let token = self.token.clone().map(|path| TokenInput::read(Some(path), Some(output))).transpose()?;
        let named = token.as_ref().and_then(|token| token::named_issuer(&token.text));
        let report = manifest.examine(&self.context(credentials, self.issuer.clone().or(named)));
        let workloads = Workloads::from(&report);
        let mut checks: Vec<Check> = report.findings.into_iter().map(Check::from).collect();
        if report.judged == 0 {
            let files = self.manifest.iter().map(|path| name(path)).collect::<Vec<_>>();
            checks.push(nothing_to_check(&files.join(" and ")));
        }
        if let Some(trusted) = &trusted {
            let fetches = !self.no_network;
            let verification = Verification { trusted, credentials, fetches, has_proxy: false };
            checks.extend(match &token {
                Some(token) => verification.token(&token.text, Timestamp::now(), output)?,
                None if trusted.fetches() && !fetches => {
                    let object = format!("issuer {}", trusted.issuers[0]);
                    vec![Check::skipped("discovery", &object, "the documents were not fetched (--no-network)")]
                }
                None => verification.issuer(output)?,
            });
        }
        Ok(Answer::new(Some(workloads), checks))
    }

    /// Checks the live objects of a cluster, its issuer, and a fresh token.
    fn in_cluster(
        mut self,
        options: &ClusterOptions,
        credentials: Option<&[FederatedCredential]>,
        output: &mut Output,
    ) -> Result<Answer, Failure> {
        if !self.manifest.is_empty() {
            let hint = "leave out --manifest or --from-cluster";
            return Err(Failure::usage("--manifest is not used with --from-cluster", hint));
        }
        let scope = self.scope()?;
        self.cluster.warn(output);
        let gather = Box::pin(Gathered::read(options, scope, credentials));
        let gathered = runtime::block_on(output.steps().without_warnings(gather))??;
        // The namespace of the scope is not that of objects without one.
        self.namespace = None;
        let report = gathered.objects.manifest.examine(&gathered.context(self.context(credentials, None)));
        let mut checks: Vec<Check> = report.findings.iter().cloned().map(Check::from).collect();
        if report.judged == 0 {
            checks.push(nothing_to_check(&gathered.objects.place()));
        }
        checks.extend(gathered.checks(self.issuer.as_deref(), credentials));
        if let Some(token) = gathered.token() {
            let trusted = self.trusted()?;
            let verification =
                Verification { trusted: &trusted, credentials, fetches: !self.no_network, has_proxy: false };
            checks.extend(verification.token(token, Timestamp::now(), output)?);
        }
        Ok(Answer::new(Some(Workloads::from(&report)), checks))
    }

    /// The pods to check in a cluster.
    fn scope(&self) -> Result<Scope, Failure> {
        let given = [
            ("--all-namespaces", self.all_namespaces),
            ("--namespace", self.namespace.is_some()),
            ("--pod", self.pod.is_some()),
            ("--service-account", self.service_account.is_some()),
        ];
        let mut given = given.into_iter().filter_map(|(flag, is_given)| is_given.then_some(flag));
        if let (Some(first), Some(second)) = (given.next(), given.next()) {
            let message = format!("{first} and {second} are both given");
            return Err(Failure::usage(message, format!("leave out {first} or {second}")));
        }
        if let Some(pod) = &self.pod {
            let (namespace, name) = namespaced("--pod", pod)?;
            return Ok(Scope::Pod { namespace, name });
        }
        if let Some(account) = &self.service_account {
            return Ok(Scope::Account(values::service_account("--service-account", account)?));
        }
        Ok(match &self.namespace {
            _ if self.all_namespaces => Scope::All,
            Some(namespace) => Scope::Namespace(namespace.clone()),
            None => Scope::Default,
        })
    }

    fn read_manifests(&self, output: &mut Output) -> Result<Manifest, Failure> {
        let mut manifest = Manifest::default();
        for path in &self.manifest {
            if is_stdin(path) {
                output.waits_for_stdin();
            }
            let bytes = inputs::read(path, MANIFEST_MAX)?;
            if bytes.len() > MANIFEST_MAX {
                let message = format!("cannot read {}: it is longer than {MANIFEST_MAX} bytes", name(path));
                return Err(Failure::new(Exit::Incomplete, message, None));
            }
            manifest.add(&name(path), &bytes);
        }
        if manifest.workloads.is_empty() && manifest.custom_resources.is_empty() {
            let names: Vec<_> = self.manifest.iter().map(|path| name(path)).collect();
            let first = manifest.unreadable.first().and_then(|document| document.line);
            let line = first.map(|line| format!(" (line {line})")).unwrap_or_default();
            let unreadable = match manifest.unreadable.len() {
                0 => String::new(),
                1 => format!("; a document cannot be parsed{line}"),
                count => format!("; {count} documents cannot be parsed{line}"),
            };
            let message = format!("there is no workload in {}{unreadable}", names.join(" and "));
            let hint = "pass objects with a pod template, such as the output of `helm template` or `kubectl get deployments,serviceaccounts -o yaml`";
            return Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())));
        }
        if let Some(container) = &self.container {
            let mut containers = manifest.workloads.iter().flat_map(issuer::Workload::containers);
            if !containers.any(|known| known == container) {
                let message = format!("no workload has a container {}", given(container));
                return Err(Failure::new(Exit::Incomplete, message, Some("check --container".to_owned())));
            }
        }
        Ok(manifest)
    }

    /// Checks the pod that this process runs in.
    fn in_pod(
        self,
        credentials: Option<&[FederatedCredential]>,
        variables: &Variables,
        output: &mut Output,
    ) -> Result<Answer, Failure> {
        let expected = pod::Expected { object_id: self.object_id.as_deref(), tenant: self.tenant.as_deref() };
        let mut checks = pod::check(variables, &expected);
        let trusted = self.trusted()?;
        let now = Timestamp::now();
        match TokenFile::read(variables) {
            None => {}
            Some(Err(unreadable)) => checks.push(unreadable),
            Some(Ok(file)) => {
                checks.extend(file.check(now));
                checks.extend(claims::check(file.token(), variables));
                let has_proxy = variables.get("AZURE_KUBERNETES_TOKEN_PROXY").is_some();
                let verification =
                    Verification { trusted: &trusted, credentials, fetches: !self.no_network, has_proxy };
                checks.extend(verification.token(file.token(), now, output)?);
            }
        }
        if self.network {
            let (host, tenant) = (variables.get("AZURE_AUTHORITY_HOST"), variables.get("AZURE_TENANT_ID"));
            checks.push(token::authority(&trusted, host, tenant)?);
        }
        let probes = Probes {
            targets: self.probe,
            is_any_host: self.probe_any_host,
            ca_files: self.ca_file,
            timeout: values::seconds("--timeout", &self.timeout)?,
        };
        checks.extend(probes.check(variables)?);
        Ok(Answer::new(None, checks))
    }

    fn trusted(&self) -> Result<Trusted, Failure> {
        let (issuer, published) = (self.issuer.clone(), self.published.clone());
        Trust::of(issuer, published, self.ca_file.clone(), self.timeout.clone()).check()
    }

    fn context(&self, credentials: Option<&[FederatedCredential]>, issuer: Option<String>) -> ManifestContext {
        let mut context = ManifestContext::default();
        if let Some(credentials) = credentials {
            context = context.credentials(credentials.iter().cloned());
        }
        if let Some(issuer) = issuer {
            context = context.issuer(issuer);
        }
        if let Some(namespace) = &self.namespace {
            context = context.namespace(namespace);
        }
        if let Some(container) = &self.container {
            context = context.container(container);
        }
        if let Some(object_id) = &self.object_id {
            context = context.object_id(object_id);
        }
        if let Some(tenant) = &self.tenant {
            context = context.tenant(tenant);
        }
        context
    }
}

/// The warning for manifests or a cluster in which no workload uses workload identity.
fn nothing_to_check(object: &str) -> Check {
    let message = "no workload uses workload identity: no label, annotation, variable or subject of it was found";
    let fix =
        "set the label azure.workload.identity/use: \"true\" on the pod template, and annotate its service account";
    Check::warning("scope", object, message).fix(fix)
}
