use std::{borrow::Cow, fmt};

use issuer::{Aadsts, CheckName, Checked, Hint, RelyingParty, Report, Token};
use serde::Serialize;

use super::super::{answers::Warning, clean::without_secrets};

/// The result of verifying a token, check by check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    pub(super) verdict: Verdict,
    /// The issuer that the token names, not verified; null if it names none.
    pub(super) issuer: Option<String>,
    /// The subject that the token names, not verified; null if it names none.
    pub(super) subject: Option<String>,
    /// How the input differs from what Entra evaluates, each a clause. Empty if it does not differ, and for other relying parties.
    pub(super) limits: Vec<String>,
    /// Properties that the relying party may reject.
    pub(super) warnings: Vec<Warning>,
    /// The checks, in the order in which they are made.
    pub(super) checks: Vec<Check>,
    /// Why the token is refused or undecided: the first check that failed; null if the token is accepted.
    pub(super) refusal: Option<TokenRefusal>,
    /// Whether the token could be parsed.
    #[serde(skip)]
    pub(super) is_parsed: bool,
    /// The pod that the token names.
    #[serde(skip)]
    pub(super) pod: Option<String>,
    #[serde(skip)]
    pub(super) sources: Sources,
    #[serde(skip)]
    pub(super) relying_party: RelyingParty,
}

/// What a verdict rests on.
pub(super) struct Sources {
    /// The source of the keys, if it is not the issuer URL.
    pub(super) keys: Option<String>,
    /// The source of the credentials, if credentials are given.
    pub(super) credentials: Option<String>,
}

/// Whether the token is accepted; undecided if a document of the issuer could not be read.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum Verdict {
    Accepted,
    Refused,
    Undecided,
}

/// One check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Check {
    #[serde(rename = "check")]
    pub(super) name: CheckId,
    #[serde(flatten)]
    pub(super) outcome: CheckOutcome,
}

/// The outcome of a check.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(super) enum CheckOutcome {
    /// The check passed.
    Passed {
        /// The value that was seen, a phrase.
        seen: String,
    },
    /// The check failed.
    Failed {
        /// What failed and why, a clause.
        message: String,
        /// The value that was expected; absent if the check does not compare two values.
        #[serde(skip_serializing_if = "Option::is_none")]
        expected: Option<String>,
        /// The value that was seen; absent if the check does not compare two values.
        #[serde(skip_serializing_if = "Option::is_none")]
        seen: Option<String>,
        /// How the two values differ, a clause; absent if the difference has no name.
        #[serde(skip_serializing_if = "Option::is_none")]
        near_miss: Option<String>,
    },
    /// The check was not made.
    Skipped {
        /// Why, a clause.
        because: String,
    },
}

/// Why a token is refused.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct TokenRefusal {
    pub(super) check: CheckId,
    /// What failed and why, a clause.
    pub(super) message: String,
    /// The number of the AADSTS code that Entra will return; null if none is known, and for other relying parties.
    pub(super) aadsts: Option<u32>,
    /// The meaning of the code, a clause; null if `aadsts` is null.
    pub(super) meaning: Option<&'static str>,
    /// The fix, a clause.
    pub(super) fix: String,
    /// The codes of other checks that failed. Microsoft does not document the order in which Entra checks, so that it may
    /// return one of these. Absent if there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) others: Vec<u32>,
}

/// The name of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(extend("enum" = [
    "token", "issuer", "discovery", "key_set", "key", "signature", "lifetime", "credential", "audience", "subject", "time"
])))]
pub(super) struct CheckId(String);

impl Answer {
    pub(super) fn new(
        token: Option<&Token<'_>>,
        report: &Report,
        limits: Vec<String>,
        sources: Sources,
        relying_party: RelyingParty,
    ) -> Self {
        let claims = token.map(|token| &token.claims);
        let pod = claims.and_then(|claims| claims.kubernetes.as_ref()?.pod.as_ref());
        let refusal = report.refusal();
        Self {
            verdict: match refusal {
                None => Verdict::Accepted,
                Some(refusal) if refusal.is_inconclusive() => Verdict::Undecided,
                Some(_) => Verdict::Refused,
            },
            issuer: claims.and_then(|claims| claims.iss.as_ref()).map(ToString::to_string),
            subject: claims.and_then(|claims| claims.sub.as_ref()).map(ToString::to_string),
            limits,
            warnings: report.warnings.iter().map(|warning| Warning::new(warning, relying_party)).collect(),
            checks: report.checks.iter().map(Check::from).collect(),
            refusal: refusal.map(|refusal| TokenRefusal {
                others: others(report, relying_party),
                ..TokenRefusal::new(refusal, relying_party)
            }),
            is_parsed: token.is_some(),
            pod: pod.map(|pod| pod.name.to_string()),
            sources,
            relying_party,
        }
    }
}

/// The codes of the failed checks after the first, if the order of the checks is not known. Entra judges the form of a token
/// and the issuer of the credentials before everything else.
fn others(report: &Report, relying_party: RelyingParty) -> Vec<u32> {
    let mut failed = report.checks.iter().filter_map(|checked| match &checked.outcome {
        issuer::Outcome::Failed(refusal) => Some(refusal),
        _ => None,
    });
    let Some(first) = failed.next().filter(|_| relying_party == RelyingParty::Entra) else { return Vec::new() };
    let is_early = match first {
        issuer::Refusal::Credential(mismatch) => mismatch.is_before_fetching(),
        first => matches!(first.check(), CheckName::Token | CheckName::Issuer),
    };
    let mut codes: Vec<u32> = failed.filter_map(|refusal| refusal.aadsts().map(Aadsts::code)).collect();
    codes.retain(|code| !is_early && first.aadsts().map(Aadsts::code) != Some(*code));
    codes.dedup();
    codes
}

impl TokenRefusal {
    pub(super) fn new(refusal: &issuer::Refusal, relying_party: RelyingParty) -> Self {
        let code = refusal.aadsts().filter(|_| relying_party == RelyingParty::Entra);
        Self {
            check: refusal.check().into(),
            message: refusal.to_string(),
            aadsts: code.map(Aadsts::code),
            meaning: code.map(Aadsts::meaning),
            fix: refusal.hint().unwrap_or_default(),
            others: Vec::new(),
        }
    }

    /// Redacts secrets in its texts.
    pub(super) fn without_secrets(mut self) -> Self {
        for text in [&mut self.message, &mut self.fix] {
            if let Cow::Owned(clean) = without_secrets(text) {
                *text = clean;
            }
        }
        self
    }
}

impl From<&Checked> for Check {
    fn from(checked: &Checked) -> Self {
        let outcome = match &checked.outcome {
            issuer::Outcome::Passed(seen) => CheckOutcome::Passed { seen: seen.clone() },
            issuer::Outcome::Failed(refusal) => {
                let (expected, seen) = refusal.expected_and_seen().unzip();
                let near_miss = refusal.near_miss().map(|near_miss| near_miss.to_string());
                CheckOutcome::Failed { message: refusal.to_string(), expected, seen, near_miss }
            }
            issuer::Outcome::Skipped(because) => CheckOutcome::Skipped { because: because.clone() },
        };
        Self { name: checked.name.into(), outcome }
    }
}

impl From<CheckName> for CheckId {
    fn from(name: CheckName) -> Self {
        Self(name.to_string().replace(' ', "_"))
    }
}

/// The name in text output.
impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.replace('_', " "))
    }
}
