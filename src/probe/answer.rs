use crate::{explain::Finding, redact::redacted_start};

/// The longest text of a refusal that is kept, in characters.
const TEXT_MAX: usize = 600;

/// The answer of a resource to a request with an access token.
///
/// ```
/// use issuer::{Probe, ProbeAnswer};
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let target = "https://localhost:1/secrets/db-password".parse()?;
/// let answer = Probe::default().send(&target, "an access token").await?;
/// assert!(matches!(answer, ProbeAnswer::NoAnswer { .. }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProbeAnswer {
    /// The resource accepts the token.
    Accepted {
        /// What the resource answered, as a clause, such as `HTTP 200`. It contains nothing of the content.
        seen: String,
    },
    /// The resource accepts the token, but has no object of this name.
    NotFound {
        /// What the resource answered.
        text: String,
    },
    /// The resource refuses the token.
    Refused {
        /// What the resource answered, without secrets.
        text: String,
        /// The known failures in the answer; empty if the answer is not known.
        findings: Vec<Finding>,
    },
    /// The answer does not tell whether the resource accepts the token: a redirect, a malformed request or a fault.
    NotJudged {
        /// What the resource answered.
        text: String,
    },
    /// The resource did not answer, or its certificate could not be verified.
    NoAnswer {
        /// The cause, as a clause.
        because: String,
    },
}

impl ProbeAnswer {
    pub(super) fn refused(text: &str) -> Self {
        Self::Refused { text: shortened(text), findings: Finding::all_in(text) }
    }
}

/// A text of a resource for messages: one line, without secrets.
pub(super) fn shortened(text: &str) -> String {
    redacted_start(&text.split_whitespace().collect::<Vec<_>>().join(" "), TEXT_MAX)
}
