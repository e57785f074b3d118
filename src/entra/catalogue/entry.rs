use std::fmt;

use super::super::Aadsts;

/// The known facts about an error code of Entra's token endpoint.
///
/// Microsoft changes codes and texts without notice ("Microsoft Entra authentication and authorization error codes"):
/// show an entry to users, but base decisions of a program on the `error` field of the response.
///
/// ```
/// use issuer::{Aadsts, Evidence, Waiting};
/// let entry = Aadsts::ISSUER.entry().unwrap();
/// assert_eq!(entry.code, Aadsts::ISSUER);
/// assert_eq!(entry.errors, ["invalid_client"]);
/// assert!(entry.templates[0].contains("presented assertion issuer '{issuer}'"));
/// assert_eq!(entry.meaning, "no federated identity credential matches this issuer");
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
    /// Microsoft's symbolic name, such as `InvalidTenantName`, if it is known.
    pub name: Option<&'static str>,
    /// The values of the `error` field in responses with this code (RFC 6749 section 5.2); empty if none is known.
    pub errors: &'static [&'static str],
    /// The texts of Entra after the code; empty if none is known.
    ///
    /// A `{placeholder}` stands for a value that varies. A response may contain more text after the template. Several
    /// codes share a text, and one text may be the start of another: match the number first, then the longest text.
    pub templates: &'static [&'static str],
    /// The meaning, as a clause.
    pub meaning: &'static str,
    /// The possible causes, each as a clause, with the most frequent cause first.
    pub causes: &'static [&'static str],
    /// Steps that identify the cause. Commands are in backticks, values to replace in capitals.
    pub confirm: &'static [&'static str],
    /// Changes that fix the error, each as an instruction.
    pub fix: &'static [&'static str],
    /// Whether the same request can succeed later without a change.
    pub waiting: Waiting,
    /// The source of the facts.
    pub source: &'static str,
    /// The quality of the evidence.
    pub evidence: Evidence,
}

impl CatalogueEntry {
    /// Whether a client may retry the request automatically, with exponential backoff and jitter.
    ///
    /// Only transient faults and throttling are retryable. An error that disappears after a recent change has taken
    /// effect is not retryable, because a client cannot detect the change; see [`waiting`](Self::waiting).
    pub const fn is_retryable(&self) -> bool {
        self.waiting.is_retryable()
    }
}

/// Whether an error disappears without a change.
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
    /// The error stays until its cause is fixed.
    No,
    /// The error disappears within minutes if the federated identity credential was created or changed recently.
    Propagation,
    /// The error disappears if the key was published recently, as soon as Entra fetches the JWKS of the issuer again.
    ///
    /// Microsoft does not document how long Entra caches keys; half an hour was observed.
    KeyCache,
    /// The error disappears within minutes if a role was assigned to the identity recently.
    RoleAssignment,
    /// The error disappears within seconds if it is a transient fault.
    Transient,
    /// The error disappears within minutes; requests during this time extend it.
    Throttled,
}

impl Waiting {
    /// Whether a client may retry automatically, with exponential backoff and jitter.
    ///
    /// ```
    /// use issuer::Waiting;
    /// assert!(Waiting::Transient.is_retryable() && !Waiting::Propagation.is_retryable());
    /// ```
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Throttled)
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "no",
            Self::Propagation => "yes, for some minutes after a federated identity credential was created or changed",
            Self::KeyCache => "yes, after the key was published, until Entra fetches the JWKS of the issuer again; Microsoft documents no time",
            Self::RoleAssignment => "yes, for up to ten minutes after a role was assigned",
            Self::Transient => "yes, for some seconds, if the fault is transient: retry with exponential backoff",
            Self::Throttled => "yes, for some minutes: send fewer requests",
        })
    }
}

/// The quality of the evidence for a [`CatalogueEntry`] or a known failure.
///
/// ```
/// use issuer::{Aadsts, Evidence};
/// assert_eq!(Aadsts::LIFETIME.entry().unwrap().evidence, Evidence::Observed);
/// assert_eq!(Evidence::Observed.to_string(), "observed");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Evidence {
    /// Microsoft documents the code and its meaning.
    Documented,
    /// Source code or tests of Microsoft contain the code and its text.
    Source,
    /// Public issues or files contain a response of Entra with this code.
    Observed,
    /// Inferred from other facts.
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
