use issuer::{Evidence, Finding, Waiting};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Case;

/// The failures in the input, explained.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    /// The failures, each once, in order of their first place in the input; empty if nothing in it is known.
    pub(super) findings: Vec<Explanation>,
    /// The token and the credentials of this case; absent if none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) case: Option<Case>,
}

/// A failure and what is known about it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Explanation {
    /// The code with `AADSTS`, or the ID of a known failure.
    pub(super) id: String,
    /// The number of the AADSTS code; null for a failure without a code.
    pub(super) aadsts: Option<u32>,
    /// The symbolic name of Microsoft; null if none is known.
    pub(super) name: Option<&'static str>,
    /// The program or service that reports the failure.
    pub(super) service: &'static str,
    /// Whether more is known about the failure than its number.
    pub(super) known: bool,
    /// The meaning, a clause.
    pub(super) meaning: &'static str,
    /// The possible causes, each a clause, with the most frequent cause first.
    pub(super) causes: &'static [&'static str],
    /// Steps that identify the cause. Commands are in backticks, values that are not known in capitals.
    pub(super) confirm: Vec<String>,
    /// Changes that fix the failure, each an instruction.
    pub(super) fix: Vec<String>,
    /// Why waiting helps, or `no`; null if it is not known.
    pub(super) waiting: Option<WaitingName>,
    /// Whether a program may retry the request with exponential backoff; null if it is not known.
    pub(super) retryable: Option<bool>,
    /// The texts of the failure, with placeholders.
    pub(super) templates: &'static [&'static str],
    /// The source of the facts; null if there is none.
    pub(super) source: Option<&'static str>,
    /// The quality of the evidence; null if the code is not in the catalogue.
    pub(super) evidence: Option<EvidenceName>,
    /// The values that the input has in place of placeholders, by the name of the placeholder.
    pub(super) values: Map<String, Value>,
    /// The trace ID in the response of Entra; null if the input has none.
    pub(super) trace_id: Option<String>,
    /// The correlation ID in the response of Entra; null if the input has none.
    pub(super) correlation_id: Option<String>,
    #[serde(skip)]
    pub(super) waits: Option<Waiting>,
}

/// Why waiting helps.
#[derive(Clone, Copy, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum WaitingName {
    /// The failure stays until its cause is fixed.
    No,
    /// A federated identity credential was created or changed recently.
    Propagation,
    /// A key was published recently.
    KeyCache,
    /// A role was assigned recently.
    RoleAssignment,
    /// The fault may be transient.
    Transient,
    /// Fewer requests must be sent.
    Throttled,
}

/// The quality of the evidence.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum EvidenceName {
    /// Documented by the vendor.
    Documented,
    /// In source code or tests of the vendor.
    SourceCode,
    /// In public reports.
    Observed,
    /// Inferred from other facts.
    Inferred,
    /// Only the number is known.
    NumberOnly,
}

impl Answer {
    /// The failures with the values of the access token, by the names of placeholders.
    pub(super) fn new(findings: &[Finding], case: Option<Case>, values: &[(&str, &str)]) -> Self {
        Self { findings: findings.iter().map(|finding| Explanation::new(finding, values)).collect(), case }
    }
}

impl Explanation {
    fn new(finding: &Finding, more: &[(&str, &str)]) -> Self {
        let filled = |steps: &[&str]| steps.iter().map(|step| finding.filled(step, more)).collect();
        let failure = finding.failure;
        let values = finding.values.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into()));
        Self {
            id: failure.to_string(),
            aadsts: failure.code().map(issuer::Aadsts::code),
            name: failure.name(),
            service: failure.service(),
            known: failure.is_known(),
            meaning: failure.meaning(),
            causes: failure.causes(),
            confirm: filled(failure.confirm()),
            fix: filled(failure.fix()),
            waiting: failure.waiting().map(WaitingName::from),
            retryable: failure.is_retryable(),
            templates: failure.templates(),
            source: Some(failure.source()).filter(|source| !source.is_empty()),
            evidence: failure.evidence().map(EvidenceName::from),
            values: values.collect(),
            trace_id: finding.trace_id.clone(),
            correlation_id: finding.correlation_id.clone(),
            waits: failure.waiting(),
        }
    }
}

impl EvidenceName {
    /// The words in text output.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::SourceCode => "source code",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::NumberOnly => "number only",
        }
    }
}

impl From<Waiting> for WaitingName {
    fn from(waiting: Waiting) -> Self {
        match waiting {
            Waiting::Propagation => Self::Propagation,
            Waiting::KeyCache => Self::KeyCache,
            Waiting::RoleAssignment => Self::RoleAssignment,
            Waiting::Transient => Self::Transient,
            Waiting::Throttled => Self::Throttled,
            // `No`, and reasons that this version of the command line does not know.
            _ => Self::No,
        }
    }
}

impl From<Evidence> for EvidenceName {
    fn from(evidence: Evidence) -> Self {
        match evidence {
            Evidence::Documented => Self::Documented,
            Evidence::Source => Self::SourceCode,
            Evidence::Observed => Self::Observed,
            Evidence::Inferred => Self::Inferred,
            _ => Self::NumberOnly,
        }
    }
}
