//! The checks, a file for each part of a setup.

mod account;
mod cert_manager;
mod containers;
mod credential;
mod guid;
mod host;
mod injection;
mod label;
mod restart;
mod selection;
mod variables;
mod volumes;
mod webhook;

pub(super) use account::account;
pub(super) use cert_manager::issuers as cert_issuers;
pub(super) use credential::check as credential;
pub(super) use webhook::check as cluster;

use super::{
    account::ManifestAccount,
    cluster::Cluster,
    container::Container,
    context::ManifestContext,
    finding::ManifestFinding,
    input::{AccountKey, Input},
    owner::Owner,
    secret_store::SecretStore,
    webhook::Webhook,
    workload::Workload,
};
use crate::token::subject;

/// The number of names that a finding lists.
const NAMES_MAX: usize = 3;

/// A workload with the facts that its checks need.
pub(super) struct Case<'a> {
    pub(super) workload: &'a Workload,
    /// The service account; `None` if it is not in the input.
    pub(super) account: Option<&'a ManifestAccount>,
    /// The store of external-secrets that names the service account.
    pub(super) store: Option<&'a SecretStore>,
    pub(super) context: &'a ManifestContext,
    pub(super) namespace: &'a str,
    /// The state of the cluster; `None` for manifests.
    pub(super) cluster: Option<&'a Cluster<'a>>,
    /// The object that creates the workload in the end, and its pod template if it is in the input.
    root: Option<(&'a Owner, Option<&'a Workload>)>,
}

impl<'a> Case<'a> {
    pub(super) fn new(workload: &'a Workload, input: &'a Input<'a>, context: &'a ManifestContext) -> Self {
        let namespace = input.namespace_of(workload);
        let key = (namespace, workload.pod.service_account.as_str());
        let cluster = input.cluster.as_ref();
        let root = match cluster {
            Some(cluster) => cluster.root(workload, namespace),
            None => workload.owner.as_ref().map(|owner| (owner, None)),
        };
        Self { workload, account: input.account(key), store: input.store(key), context, namespace, cluster, root }
    }

    /// The service account, by namespace and name.
    pub(super) fn key(&self) -> AccountKey<'a> {
        (self.namespace, self.workload.pod.service_account.as_str())
    }

    pub(super) fn is_in_scope(&self) -> bool {
        let Workload { own, pod, .. } = self.workload;
        let is_subject = |(namespace, name): AccountKey<'_>| {
            let subjects = &self.context.subjects;
            !subjects.is_empty() && subjects.contains(&subject(namespace, name))
        };
        if Webhook::version_of(self.workload).is_some() {
            return false;
        }
        !own.is_empty()
            || !pod.metadata.is_empty()
            || self.account.is_some_and(|account| !account.metadata.is_empty())
            || pod.containers.iter().any(Container::mentions_workload_identity)
            || is_subject(self.key())
    }

    /// Whether the workload needs no check: a completed pod, or one of a chain of owners that is not the last.
    pub(super) fn is_left_out(&self) -> bool {
        let is_completed = self.workload.live.as_ref().is_some_and(|live| live.is_completed);
        let is_of_template = !self.workload.is_running() && self.template().is_some();
        self.cluster.is_some() && (is_completed || is_of_template)
    }

    /// Whether only the webhook can give its pods a token.
    pub(super) fn needs_webhook(&self) -> bool {
        let pod = &self.workload.pod;
        pod.is_labelled() || (pod.own_token().is_none() && self.store.is_none())
    }

    /// The object that creates the workload.
    pub(super) fn owner(&self) -> Option<&'a Owner> {
        self.root.map(|(owner, _)| owner)
    }

    /// The pod template of the owner, if it is in the input.
    fn template(&self) -> Option<&'a Workload> {
        self.root.and_then(|(_, template)| template)
    }

    /// The workload as findings name it.
    pub(super) fn object(&self) -> String {
        self.workload.shown(self.namespace)
    }

    /// A member of the metadata of the pod template that has to change, such as `labels`: that of the owner for an object that
    /// another one creates.
    fn metadata_path(&self, member: &str) -> String {
        let Workload { kind, labels_path, .. } = self.workload;
        match self.owner() {
            Some(owner) => match owner.template_path() {
                Some(path) => format!("{path}.{member} of the {owner}, which creates the {kind}"),
                None => format!("{member} in the pod template of the {owner}, which creates the {kind}"),
            },
            None => format!("{}{member} of the {kind}", labels_path.trim_end_matches("labels")),
        }
    }

    /// Whether it is the controller of cert-manager.
    pub(super) fn is_cert_manager(&self) -> bool {
        self.workload.pod.containers.iter().any(|container| container.is_image("cert-manager-controller"))
    }

    /// A clause about the ConfigMaps and Secrets of its variables that are not in the input; empty if there are none.
    fn unread(&self) -> String {
        unread(self.workload.pod.containers.iter().flat_map(|container| &container.unread))
    }

    /// A container of the workload as findings name it.
    fn container(&self, name: &str) -> String {
        format!("{}, container {name}", self.object())
    }
}

/// How the workloads in scope use a service account.
pub(super) struct Usage {
    client_id: OwnClientId,
    /// Whether each is a controller of cert-manager, which takes the client ID from an Issuer.
    is_cert_manager: bool,
    /// The clause about variables that are not in the input, of the first workload that has one.
    unread: String,
    /// Whether a manifest names no namespace for the workloads.
    is_namespace_missing: bool,
}

/// Which containers set a client ID of their own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum OwnClientId {
    /// None of a workload: it needs that of the webhook.
    None,
    /// Some of each workload, but not all of every one.
    Some,
    All,
}

impl Default for Usage {
    fn default() -> Self {
        let unread = String::new();
        Self { client_id: OwnClientId::All, is_cert_manager: true, unread, is_namespace_missing: false }
    }
}

impl Usage {
    pub(super) fn add(&mut self, case: &Case<'_>) {
        let pod = &case.workload.pod;
        let named = case.context.container.as_deref();
        let is_relevant = |container: &&Container| named.map_or(!container.is_init, |name| container.name == name);
        let relevant = || pod.containers.iter().filter(is_relevant);
        let own = relevant().filter(|container| container.variable("AZURE_CLIENT_ID").is_some()).count();
        let client_id = match own {
            _ if !pod.is_labelled() && pod.own_token().is_some() => OwnClientId::All,
            0 => OwnClientId::None,
            own if own == relevant().count() => OwnClientId::All,
            _ => OwnClientId::Some,
        };
        self.client_id = self.client_id.min(client_id);
        self.is_cert_manager &= case.is_cert_manager();
        if self.unread.is_empty() {
            self.unread = case.unread();
        }
        self.is_namespace_missing |= case.workload.namespace.is_none();
    }

    /// Whether only an Issuer of cert-manager can name the client ID, if the service account does not.
    fn needs_issuer(&self) -> bool {
        self.is_cert_manager && self.client_id == OwnClientId::None
    }
}

/// Checks a workload.
pub(super) fn workload(case: &Case<'_>) -> Vec<ManifestFinding> {
    let mut found = Vec::new();
    let findings = &mut found;
    label::check(case, findings);
    let is_in_reach = host::check(case, findings);
    let is_selected = is_in_reach && selection::check(case, findings);
    injection::check(case, is_selected, findings);
    containers::check(case, findings);
    volumes::check(case, findings);
    found
}

/// The clause about ConfigMaps and Secrets that are not in the input; empty if there are none.
fn unread<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let mut names: Vec<&str> = names.map(String::as_str).collect();
    // The containers of a pod often share them.
    names.sort_unstable();
    names.dedup();
    let was = if names.len() == 1 { "was" } else { "were" };
    match listed(&names) {
        list if list.is_empty() => list,
        list => format!("; {list} {was} not read, and may set variables"),
    }
}

/// The first of several names, and the number of the others.
fn listed(names: &[&str]) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}

/// The name of an object, if a command can contain it without quoting, else a placeholder.
pub(super) fn word<'a>(name: &'a str, placeholder: &'a str) -> &'a str {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    let is_name = (1..=253).contains(&name.len()) && name.bytes().all(is_plain) && !name.starts_with('-');
    if is_name { name } else { placeholder }
}

/// Text with the unit in singular or plural.
pub(super) fn counted(number: usize, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
