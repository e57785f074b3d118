use std::collections::{HashMap, HashSet};

use super::{
    Manifest, UnreadableDocument,
    checks::{self, Case, Usage},
    context::ManifestContext,
    custom_resource::CustomResource,
    finding::{ManifestCheck, ManifestFinding, ManifestOutcome},
    input::{AccountKey, Input},
    same_findings::SameFindings,
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
    /// The results, in the order of the workloads. Those of a service account follow its first workload. In a cluster, those
    /// of the webhook come first, and those of pods follow those of pod templates.
    pub findings: Vec<ManifestFinding>,
    /// The number of workloads that use workload identity.
    pub judged: usize,
    /// The number of other workloads.
    pub not_judged: usize,
    /// The number of custom resources that mention workload identity, but in which no pod template was found. Each has a
    /// skipped check.
    pub without_pod_template: usize,
    /// The number of workloads of a cluster that need no check: completed pods, and objects such as a `ReplicaSet` whose
    /// owner is checked in their place.
    pub left_out: usize,
}

impl ManifestReport {
    /// Whether a check failed.
    pub fn is_failed(&self) -> bool {
        self.findings.iter().any(|finding| finding.outcome == ManifestOutcome::Failed)
    }
}

impl Manifest {
    /// Checks every workload that uses workload identity, and every service account that is annotated for it.
    ///
    /// A workload uses workload identity if
    ///
    /// - it or its pod template has a label or annotation of the webhook,
    /// - its service account has one, or is the subject of a federated identity credential, or
    /// - a container mentions a variable or the token path of the webhook.
    ///
    /// In a cluster ([`ManifestContext::live`]), the webhook and the state of running pods are checked, too. Several pods of one
    /// owner with the same result have one finding, and a fault of their pod template is reported once.
    ///
    /// Other workloads are counted, and custom resources without a known pod template are named. The time is proportional to
    /// the size of the manifests, for a given number of credentials.
    pub fn examine(&self, context: &ManifestContext) -> ManifestReport {
        let input = Input::new(self, context);
        let mut report = ManifestReport::default();
        report.findings.extend(self.unreadable.iter().map(UnreadableDocument::finding));
        let workloads: Vec<_> = self.workloads.iter().map(|workload| input.resolved(workload)).collect();
        let (mut cases, mut usages): (Vec<Case<'_>>, HashMap<AccountKey<'_>, Usage>) = (Vec::new(), HashMap::new());
        for workload in &workloads {
            let case = Case::new(workload, &input, context);
            if case.is_left_out() {
                report.left_out += 1;
            } else if case.is_in_scope() {
                usages.entry(case.key()).or_default().add(&case);
                cases.push(case);
            } else {
                report.not_judged += 1;
            }
        }
        report.judged = cases.len();
        if let Some(cluster) = &input.cluster {
            checks::cluster(cluster, cases.iter().any(Case::needs_webhook), context, &mut report.findings);
            // The findings of pods are compared with those of pod templates.
            cases.sort_by_key(|case| case.workload.is_running());
        }
        let mut same = SameFindings::default();
        let (mut done, mut matched) = (HashSet::new(), HashSet::new());
        for case in &cases {
            match &input.cluster {
                Some(_) => same.add(case, checks::workload(case), &mut report.findings),
                None => report.findings.extend(checks::workload(case)),
            }
            if done.insert(case.key()) {
                checks::account(case.key(), usages.get(&case.key()), &input, context, &mut report.findings);
            }
            checks::credential(case, &mut matched, &mut report.findings);
        }
        same.finish(&mut report.findings);
        for account in &self.service_accounts {
            let key = input.key(account);
            if !account.metadata.is_empty() && done.insert(key) {
                checks::account(key, None, &input, context, &mut report.findings);
            }
        }
        if cases.iter().any(Case::is_cert_manager) {
            checks::cert_issuers(&input, context, &mut report.findings);
        }
        let resources = self.custom_resources.iter().map(|resource| resource.finding(input.namespace));
        report.findings.extend(resources);
        report.without_pod_template = self.custom_resources.len();
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

impl CustomResource {
    fn finding(&self, namespace: &str) -> ManifestFinding {
        let message = "it mentions workload identity, but has no known pod template, so it is not checked";
        let own = checks::word(self.namespace.as_deref().unwrap_or(namespace), "NAMESPACE");
        let fix = format!(
            "pass the workloads that its controller creates, too: kubectl get deployments,pods --namespace {own} -o yaml | issuer doctor --manifest - --manifest FILE"
        );
        ManifestFinding::skipped(ManifestCheck::PodTemplate, self.shown(namespace), message).fix(fix)
    }
}
