use std::fmt;

use super::{Refusal, VerifyWarning};

/// The checks of a token, in their order.
///
/// ```
/// use issuer::CheckName;
/// assert!(CheckName::Token < CheckName::Signature && CheckName::Signature < CheckName::Time);
/// assert_eq!(CheckName::KeySet.to_string(), "key set");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum CheckName {
    /// The form of the token: three segments, algorithm, key ID, type, no unsupported critical extension.
    Token,
    /// The issuer in the token is the trusted issuer.
    Issuer,
    /// The discovery document can be fetched and parsed, and names the same issuer.
    Discovery,
    /// The JWKS can be fetched and is usable: no private members, no key ID shared by two keys, not too many keys.
    KeySet,
    /// The JWKS contains the key named by `kid`.
    Key,
    /// The signature is valid for that key.
    Signature,
    /// The lifetime of the token is within the limit of the relying party. Only Entra has a limit.
    Lifetime,
    /// A federated identity credential matches the token. The check is made only if credentials are given. If no credential
    /// has the issuer, the check comes before `Discovery`, because Entra then fetches no document.
    Credential,
    /// The token has an expected audience.
    Audience,
    /// The subject is a service account, and the expected service account if one is given.
    Subject,
    /// The token has not expired and is already valid.
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
            Self::Credential => "credential",
            Self::Audience => "audience",
            Self::Subject => "subject",
            Self::Time => "time",
        })
    }
}

/// The outcome of a check.
///
/// ```
/// use issuer::{CheckName, Expectations, Outcome, Verifier};
/// let report = Verifier::default().examine("", &Expectations::entra(), "2026-11-22T00:40:00Z".parse()?);
/// assert!(matches!(&report.checks[0].outcome, Outcome::Failed(refusal) if refusal.to_string() == "not a token: it is empty"));
/// assert_eq!(report.checks[1].outcome, Outcome::Skipped("the token cannot be parsed".to_owned()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The check passed; the text describes what was seen.
    Passed(String),
    /// The check failed.
    Failed(Refusal),
    /// The check was not run; the text gives the reason.
    Skipped(String),
}

/// A check and its outcome.
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
    /// The outcome.
    pub outcome: Outcome,
}

/// The outcomes of all checks of a token. The first failed check decides the response of a relying party.
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
    /// Reasons why the relying party may reject the token although no check failed.
    pub warnings: Vec<VerifyWarning>,
}

impl Report {
    /// The first failure; `None` when the token is accepted.
    pub fn refusal(&self) -> Option<&Refusal> {
        self.checks.iter().find_map(|checked| match &checked.outcome {
            Outcome::Failed(refusal) => Some(refusal),
            _ => None,
        })
    }
}
