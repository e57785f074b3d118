use std::collections::{HashMap, HashSet};

use super::{
    Manifest, UnreadableDocument,
    account::ManifestAccount,
    checks::{self, Case, Usage},
    context::ManifestContext,
    finding::{ManifestCheck, ManifestFinding, ManifestOutcome},
};

/// The results of all checks of manifests.
///
/// ```
/// use issuer::{Manifest, ManifestContext};
/// let mut manifest = Manifest::default();
/// manifest.add("pod.json", br#"{ "kind": "Pod", "metadata": { "name": "web" }, "spec": { "containers": [] } }"#);
/// let report = manifest.examine(&ManifestContext::default());
/// assert_eq!((report.judged, report.not_judged, report.is_failed()), (0, 1, false));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ManifestReport {
    /// The results, in the order of the workloads. Those of a service account follow its first workload.
    pub findings: Vec<ManifestFinding>,
    /// The number of workloads that use workload identity.
    pub judged: usize,
    /// The number of other workloads.
    pub not_judged: usize,
}

impl ManifestReport {
    /// Whether a check failed.
    pub fn is_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.outcome == ManifestOutcome::Failed)
    }
}

/// A service account, by namespace and name.
pub(super) type AccountKey<'a> = (&'a str, &'a str);

impl Manifest {
    /// Checks every workload that uses workload identity, and every service account that is annotated for it.
    ///
    /// A workload uses workload identity if
    ///
    /// - it or its pod template has a label or annotation of the webhook,
    /// - its service account has one, or is the subject of a federated identity credential, or
    /// - a container mentions a variable or the token path of the webhook.
    ///
    /// Other workloads are counted. The time is proportional to the size of the manifests, for a given number of credentials.
    pub fn examine(&self, context: &ManifestContext) -> ManifestReport {
        let namespace = context.namespace.as_deref().unwrap_or("default");
        let key = |own: &'_ Option<String>| own.as_deref().unwrap_or(namespace).to_owned();
        let keys: Vec<String> = self.service_accounts.iter().map(|account| key(&account.namespace)).collect();
        let accounts: HashMap<AccountKey<'_>, &ManifestAccount> = keys
            .iter()
            .zip(&self.service_accounts)
            .map(|(namespace, account)| ((namespace.as_str(), account.name.as_str()), account))
            .collect();
        let mut report = ManifestReport::default();
        report.findings.extend(self.unreadable.iter().map(UnreadableDocument::finding));
        let (mut cases, mut usages): (Vec<Case<'_>>, HashMap<AccountKey<'_>, Usage>) = (Vec::new(), HashMap::new());
        for workload in &self.workloads {
            let case = Case::new(workload, &accounts, context, namespace);
            if case.is_in_scope() {
                usages.entry(case.key()).or_default().add(&case);
                cases.push(case);
            } else {
                report.not_judged += 1;
            }
        }
        report.judged = cases.len();
        let (mut done, mut matched) = (HashSet::new(), HashSet::new());
        for case in &cases {
            checks::workload(case, &mut report.findings);
            if done.insert(case.key()) {
                checks::account(case.key(), case.account, usages.get(&case.key()), context, &mut report.findings);
            }
            checks::credential(case, &mut matched, &mut report.findings);
        }
        for (namespace, account) in keys.iter().zip(&self.service_accounts) {
            let key = (namespace.as_str(), account.name.as_str());
            if !account.metadata.is_empty() && done.insert(key) {
                checks::account(key, Some(account), None, context, &mut report.findings);
            }
        }
        report
    }
}

impl UnreadableDocument {
    fn finding(&self) -> ManifestFinding {
        let line = self.line.map(|line| format!(", line {line}")).unwrap_or_default();
        let object = format!("{}{line}", self.input);
        ManifestFinding::failed(
            ManifestCheck::Document,
            object,
            "this document cannot be parsed; the others are checked",
        )
        .fix("correct the document: the API server rejects it, too")
    }
}
