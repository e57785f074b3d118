use std::fmt;

use super::{Refusal, VerifyWarning};

/// The checks a token goes through, in their order.
///
/// ```
/// use issuer::CheckName;
/// assert!(CheckName::Token < CheckName::Signature && CheckName::Signature < CheckName::Time);
/// assert_eq!(CheckName::KeySet.to_string(), "key set");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CheckName {
    /// The shape of the token: three segments, algorithm, key ID, type, nothing that must be understood and is not.
    Token,
    /// The issuer in the token is the trusted one, and an issuer URL.
    Issuer,
    /// The discovery document is there, is JSON, and names the same issuer.
    Discovery,
    /// The JWKS is there and usable: no private members, no key ID for two keys, not too many keys.
    KeySet,
    /// The key the token names is in the JWKS.
    Key,
    /// The signature is one of that key.
    Signature,
    /// The token lives no longer than the relying party accepts. Only Entra has a limit.
    Lifetime,
    /// The token is for an expected audience.
    Audience,
    /// The token is of a service account, and the expected one.
    Subject,
    /// The token is in its time of validity.
    Time,
}

impl fmt::Display for CheckName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Token => "token",
            Self::Issuer => "issuer",
            Self::Discovery => "discovery",
            Self::KeySet => "key set",
            Self::Key => "key",
            Self::Signature => "signature",
            Self::Lifetime => "lifetime",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Time => "time",
        })
    }
}

/// How one check ended.
///
/// ```
/// use issuer::{CheckName, Expectations, Outcome, Verifier};
/// let report = Verifier::default().examine("", &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// assert!(matches!(&report.checks[0].outcome, Outcome::Failed(refusal) if refusal.to_string() == "not a token: it is empty"));
/// assert_eq!(report.checks[1].outcome, Outcome::Skipped("the token cannot be read".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It holds; the text is what was seen.
    Passed(String),
    /// It does not hold.
    Failed(Refusal),
    /// It was not made; the text says why.
    Skipped(String),
}

/// One check and how it ended.
///
/// ```
/// use issuer::{CheckName, Checked, Expectations, Outcome, Verifier};
/// let report = Verifier::default().examine("a.b", &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// let Checked { name, outcome } = &report.checks[0];
/// assert!(*name == CheckName::Token && matches!(outcome, Outcome::Failed(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// The check.
    pub name: CheckName,
    /// How it ended.
    pub outcome: Outcome,
}

/// Every check of one token; the first that failed decides what a relying party will answer.
///
/// ```
/// use issuer::{Aadsts, Documents, Expectations, KeySet, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let verifier = Verifier::new(&Documents::new("https://issuer.example.com".parse()?, &keys))?;
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let report = verifier.examine(&token, &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// assert_eq!(report.checks.len(), 10);
/// assert_eq!(report.refusal().and_then(|refusal| refusal.aadsts()), Some(Aadsts::ISSUER));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The checks in their order.
    pub checks: Vec<Checked>,
    /// What the relying party may reject although no check fails for it.
    pub warnings: Vec<VerifyWarning>,
}

impl Report {
    /// The first failure; `None` when the token was accepted.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.checks.iter().find_map(|checked| match &checked.outcome {
            Outcome::Failed(refusal) => Some(refusal),
            _ => None,
        })
    }
}
