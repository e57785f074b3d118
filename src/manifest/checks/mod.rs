//! The checks, a file for each part of a setup.

mod account;
mod containers;
mod credential;
mod guid;
mod host;
mod label;
mod volumes;

use std::collections::HashMap;

pub(super) use account::account;
pub(super) use credential::check as credential;

use super::{
    account::ManifestAccount, container::Container, context::ManifestContext, finding::ManifestFinding,
    report::AccountKey, workload::Workload,
};

/// A workload with the facts that its checks need.
pub(super) struct Case<'a> {
    pub(super) workload: &'a Workload,
    /// The service account; `None` if it is not in the input.
    pub(super) account: Option<&'a ManifestAccount>,
    pub(super) context: &'a ManifestContext,
    pub(super) namespace: &'a str,
}

impl<'a> Case<'a> {
    pub(super) fn new(
        workload: &'a Workload,
        accounts: &HashMap<AccountKey<'_>, &'a ManifestAccount>,
        context: &'a ManifestContext,
        default_namespace: &'a str,
    ) -> Self {
        let namespace = workload.namespace.as_deref().unwrap_or(default_namespace);
        let account = accounts.get(&(namespace, workload.pod.service_account.as_str())).copied();
        Self { workload, account, context, namespace }
    }

    /// The service account, by namespace and name.
    pub(super) fn key(&self) -> AccountKey<'a> {
        (self.namespace, self.workload.pod.service_account.as_str())
    }

    pub(super) fn is_in_scope(&self) -> bool {
        let Workload { own, pod, .. } = self.workload;
        let is_subject = |(namespace, name): AccountKey<'_>| {
            let subjects = &self.context.subjects;
            !subjects.is_empty() && subjects.contains(&format!("system:serviceaccount:{namespace}:{name}"))
        };
        !own.is_empty()
            || !pod.metadata.is_empty()
            || self.account.is_some_and(|account| !account.metadata.is_empty())
            || pod.containers.iter().any(Container::mentions_workload_identity)
            || is_subject(self.key())
    }

    /// The workload as findings name it.
    fn object(&self) -> String {
        format!("{} {}/{}", self.workload.kind, self.namespace, self.workload.name)
    }

    /// A container of the workload as findings name it.
    fn container(&self, name: &str) -> String {
        format!("{}, container {name}", self.object())
    }
}

/// How the workloads in scope use a service account.
pub(super) struct Usage {
    client_id: OwnClientId,
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
        Self { client_id: OwnClientId::All, is_namespace_missing: false }
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
        self.is_namespace_missing |= case.workload.namespace.is_none();
    }
}

/// Checks a workload.
pub(super) fn workload(case: &Case<'_>, findings: &mut Vec<ManifestFinding>) {
    label::check(case, findings);
    findings.extend(label::injection(case));
    host::check(case, findings);
    containers::check(case, findings);
    volumes::check(case, findings);
}

/// Text with the unit in singular or plural.
pub(super) fn counted(number: usize, unit: &str) -> String {
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
