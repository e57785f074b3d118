use issuer::{Aadsts, Hint, ManifestFinding, ManifestOutcome, ManifestReport, Refusal};
use serde::Serialize;

/// The results of all checks of a setup.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    pub(super) verdict: Verdict,
    /// The workloads in the manifests; null inside a pod.
    pub(super) workloads: Option<Workloads>,
    /// The checks, grouped by object.
    pub(super) checks: Vec<Check>,
}

/// Whether a check failed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Passed,
    Failed,
}

/// The numbers of workloads in the manifests.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Workloads {
    /// The workloads that use workload identity.
    pub(super) judged: usize,
    /// The other workloads, which are not checked.
    pub(super) not_judged: usize,
    /// The custom resources that mention workload identity, but have no known pod template. They are not checked.
    pub(super) without_pod_template: usize,
    /// In a cluster, the completed pods and the templates whose pods or owners are checked instead.
    pub(super) left_out: usize,
}

impl From<&ManifestReport> for Workloads {
    fn from(report: &ManifestReport) -> Self {
        let ManifestReport { judged, not_judged, without_pod_template, left_out, .. } = *report;
        Self { judged, not_judged, without_pod_template, left_out }
    }
}

/// One check of an object.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Check {
    /// The name of the check, such as `label`.
    #[serde(rename = "check")]
    pub(super) name: String,
    /// The object, such as `Deployment shop/orders, container app`, `variable AZURE_CLIENT_ID` or `token`.
    pub(super) object: String,
    pub(super) outcome: Outcome,
    /// The value that was seen; null if the check does not compare two values.
    pub(super) seen: Option<String>,
    /// The value that was expected; null if the check does not compare two values.
    pub(super) expected: Option<String>,
    /// The result, a clause.
    pub(super) message: String,
    /// The fix, a clause; null if nothing has to be done.
    pub(super) fix: Option<String>,
    /// The number of the AADSTS code that Entra returns; null if none is known.
    pub(super) aadsts: Option<u32>,
}

/// The outcome of a check. A warning does not change the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Passed,
    Warning,
    Failed,
    Skipped,
}

impl Answer {
    pub(super) fn new(workloads: Option<Workloads>, checks: Vec<Check>) -> Self {
        let is_failed = checks.iter().any(|check| check.outcome == Outcome::Failed);
        Self { verdict: if is_failed { Verdict::Failed } else { Verdict::Passed }, workloads, checks }
    }

    pub(super) fn count(&self, outcome: Outcome) -> usize {
        self.checks.iter().filter(|check| check.outcome == outcome).count()
    }
}

impl Check {
    fn new(name: &str, object: &str, outcome: Outcome, message: impl Into<String>) -> Self {
        let (name, object) = (name.to_owned(), object.to_owned());
        Self { name, object, outcome, seen: None, expected: None, message: message.into(), fix: None, aadsts: None }
    }

    pub(super) fn passed(name: &str, object: &str, message: impl Into<String>) -> Self {
        Self::new(name, object, Outcome::Passed, message)
    }

    pub(super) fn warning(name: &str, object: &str, message: impl Into<String>) -> Self {
        Self::new(name, object, Outcome::Warning, message)
    }

    pub(super) fn failed(name: &str, object: &str, message: impl Into<String>) -> Self {
        Self::new(name, object, Outcome::Failed, message)
    }

    pub(super) fn skipped(name: &str, object: &str, message: impl Into<String>) -> Self {
        Self::new(name, object, Outcome::Skipped, message)
    }

    pub(super) fn compared(mut self, seen: impl Into<String>, expected: impl Into<String>) -> Self {
        (self.seen, self.expected) = (Some(seen.into()), Some(expected.into()));
        self
    }

    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }

    pub(super) fn aadsts(mut self, code: Option<Aadsts>) -> Self {
        self.aadsts = code.map(Aadsts::code);
        self
    }

    /// A failed check of a token or an issuer.
    pub(super) fn refused(name: &str, object: &str, refusal: &Refusal) -> Self {
        let mut failed = Self::failed(name, object, refusal.to_string()).aadsts(refusal.aadsts());
        (failed.expected, failed.seen) = refusal.expected_and_seen().unzip();
        failed.fix = refusal.hint();
        failed
    }
}

impl From<ManifestFinding> for Check {
    fn from(finding: ManifestFinding) -> Self {
        Self {
            name: finding.check.id().to_owned(),
            object: finding.object,
            outcome: match finding.outcome {
                ManifestOutcome::Passed => Outcome::Passed,
                ManifestOutcome::Warning => Outcome::Warning,
                ManifestOutcome::Failed => Outcome::Failed,
                ManifestOutcome::Skipped => Outcome::Skipped,
            },
            seen: finding.seen,
            expected: finding.expected,
            message: finding.message,
            fix: finding.fix,
            aadsts: finding.aadsts.map(Aadsts::code),
        }
    }
}
