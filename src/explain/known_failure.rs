use super::failures;
use crate::entra::{Evidence, Waiting};

/// The known facts about a failure of the workload identity chain that has no AADSTS code.
///
/// Such a failure comes from the API server, the webhook, an Azure SDK or the resource that the access token is for.
///
/// ```
/// use issuer::{Evidence, KnownFailure, Waiting};
/// let failure = KnownFailure::find("key-vault-role-missing").unwrap();
/// assert_eq!(failure.service, "Key Vault");
/// assert_eq!(failure.patterns[0], "Caller is not authorized to perform action on resource");
/// assert!(failure.causes[0].contains("no role"));
/// assert!(failure.fix[0].contains("az role assignment create"));
/// assert_eq!((failure.waiting, failure.is_retryable()), (Waiting::RoleAssignment, false));
/// assert_eq!(failure.evidence, Evidence::Documented);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KnownFailure {
    /// The name of this failure in this crate, such as `postgresql-token-expired`. It does not change.
    pub id: &'static str,
    /// The program or service that reports the failure.
    pub service: &'static str,
    /// The texts of the failure. A `{placeholder}` stands for a value that varies.
    ///
    /// A text may contain one of them with other upper and lower case, and with other white space.
    pub patterns: &'static [&'static str],
    /// The meaning, as a clause.
    pub meaning: &'static str,
    /// The possible causes, each as a clause, with the most frequent cause first.
    pub causes: &'static [&'static str],
    /// Steps that identify the cause. Commands are in backticks, values to replace in capitals.
    pub confirm: &'static [&'static str],
    /// Changes that fix the failure, each as an instruction.
    pub fix: &'static [&'static str],
    /// Whether the same request can succeed later without a change.
    pub waiting: Waiting,
    /// The source of the facts.
    pub source: &'static str,
    /// The quality of the evidence for the texts.
    pub evidence: Evidence,
}

impl KnownFailure {
    /// All known failures, by topic.
    ///
    /// ```
    /// use issuer::KnownFailure;
    /// assert!(KnownFailure::all().any(|failure| failure.service == "PostgreSQL"));
    /// ```
    pub fn all() -> impl Iterator<Item = &'static Self> {
        failures::TOPICS.into_iter().flatten()
    }

    /// The failure with this ID.
    pub fn find(id: &str) -> Option<&'static Self> {
        Self::all().find(|failure| failure.id == id)
    }

    /// Whether a client may retry the request automatically, with exponential backoff and jitter.
    pub const fn is_retryable(&self) -> bool {
        self.waiting.is_retryable()
    }
}
