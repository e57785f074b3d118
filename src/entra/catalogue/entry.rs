use std::fmt;

use super::super::Aadsts;

/// Everything known about one error code of Entra's token endpoint.
///
/// Microsoft changes codes and texts without notice ("Microsoft Entra authentication and authorization error codes"):
/// show an entry to people, and decide in code by the `error` field of the answer.
///
/// ```
/// use issuer::{Aadsts, Evidence, Waiting};
/// let entry = Aadsts::ISSUER.entry().unwrap();
/// assert_eq!(entry.code, Aadsts::ISSUER);
/// assert_eq!(entry.errors, ["invalid_client"]);
/// assert!(entry.templates[0].contains("presented assertion issuer '{issuer}'"));
/// assert_eq!(entry.meaning, "no federated credential matches this issuer");
/// assert!(entry.causes.iter().any(|cause| cause.contains("slash")));
/// assert!(entry.confirm.iter().any(|step| step.contains("`issuer inspect")));
/// assert_eq!((entry.waiting, entry.is_retryable()), (Waiting::Propagation, false));
/// assert_eq!(entry.evidence, Evidence::Documented);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CatalogueEntry {
    /// The code.
    pub code: Aadsts,
    /// Microsoft's symbolic name, such as `InvalidTenantName`, where one is known.
    pub name: Option<&'static str>,
    /// The values of the `error` field that the code was seen with (RFC 6749 section 5.2); empty where none is known.
    pub errors: &'static [&'static str],
    /// The texts that follow the code, as Entra writes them; empty where none is known.
    ///
    /// A value that differs from answer to answer is a `{placeholder}`. An answer may go on after the text. Several codes
    /// share a text, and one text may be the beginning of another: the number decides, then the longest text.
    pub templates: &'static [&'static str],
    /// The meaning, as a clause.
    pub meaning: &'static str,
    /// What causes it, the most frequent cause first, each as a clause.
    pub causes: &'static [&'static str],
    /// How to find out which cause it is. Commands stand in backticks, values to replace in capitals.
    pub confirm: &'static [&'static str],
    /// What to change, each as an instruction.
    pub fix: &'static [&'static str],
    /// Whether the same request succeeds later without a change.
    pub waiting: Waiting,
    /// Where the facts come from.
    pub source: &'static str,
    /// How well they are known.
    pub evidence: Evidence,
}

impl CatalogueEntry {
    /// Whether a client may send the same request again by itself, with exponential backoff and jitter.
    ///
    /// That is so for passing faults of Entra only. Where a change takes time to arrive, [`waiting`](Self::waiting) says
    /// so: only a person knows that there was a change.
    pub const fn is_retryable(&self) -> bool {
        matches!(self.waiting, Waiting::Transient | Waiting::Throttled)
    }
}

/// Whether an error of Entra goes away by itself.
///
/// ```
/// use issuer::{Aadsts, Waiting};
/// let waiting = |code: u32| Aadsts::from(code).entry().unwrap().waiting;
/// assert_eq!(waiting(90033), Waiting::Transient);
/// assert_eq!(waiting(7000272), Waiting::KeyCache);
/// assert_eq!(Waiting::No.to_string(), "no");
/// assert!(Waiting::Propagation.to_string().starts_with("yes, for some minutes"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Waiting {
    /// It stays until something is changed.
    No,
    /// It goes away within minutes if the federated credential was created or changed just now.
    Propagation,
    /// It goes away if the key was published just now, once Entra reads the JWKS of the issuer again.
    ///
    /// Microsoft does not document how long Entra caches keys; half an hour was observed.
    KeyCache,
    /// It goes away within seconds if it is a passing fault.
    Transient,
    /// It goes away within minutes; earlier requests make it last longer.
    Throttled,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "no",
            Self::Propagation => "yes, for some minutes after a federated credential was created or changed",
            Self::KeyCache => "yes, after the key was published, until Entra reads the JWKS of the issuer again",
            Self::Transient => "yes, for seconds, if it is a passing fault: retry with exponential backoff",
            Self::Throttled => "yes, for minutes: send fewer requests",
        })
    }
}

/// How well the facts of a [`CatalogueEntry`] are known.
///
/// ```
/// use issuer::{Aadsts, Evidence};
/// assert_eq!(Aadsts::LIFETIME.entry().unwrap().evidence, Evidence::Observed);
/// assert_eq!(Evidence::Observed.to_string(), "observed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// Documentation of Microsoft has the code, and what it means.
    Documented,
    /// Source code or tests of Microsoft have the code and its text.
    Source,
    /// Issues or public files of others have an answer of Entra with this code.
    Observed,
    /// Concluded from other facts.
    Inferred,
    /// Only the number is known.
    NumberOnly,
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Documented => "documented",
            Self::Source => "source code",
            Self::Observed => "observed",
            Self::Inferred => "inferred",
            Self::NumberOnly => "number only",
        })
    }
}
