use std::{fmt, str::FromStr};

use super::KnownFailure;
use crate::entra::{Aadsts, CatalogueEntry, Evidence, Waiting};

/// A failure of the workload identity chain: an AADSTS code, or a failure without one.
///
/// ```
/// use issuer::{Aadsts, ChainFailure};
/// let by_code: ChainFailure = Aadsts::TENANT_NOT_FOUND.to_string().parse()?;
/// let by_name: ChainFailure = "InvalidTenantName".parse()?;
/// assert_eq!(by_code, by_name);
/// assert_eq!(by_name.meaning(), Aadsts::TENANT_NOT_FOUND.meaning());
///
/// let known: ChainFailure = "postgresql-token-expired".parse()?;
/// assert_eq!(known.to_string(), "postgresql-token-expired");
/// assert_eq!(known.service(), "PostgreSQL");
///
/// assert!("no-such-failure".parse::<ChainFailure>().is_err());
/// assert!(!ChainFailure::from(Aadsts::new(4711)).is_known());
/// # Ok::<(), issuer::UnknownFailure>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChainFailure {
    /// A code of Entra's token endpoint, in the catalogue or not.
    Aadsts(Aadsts),
    /// A failure without an AADSTS code.
    Known(&'static KnownFailure),
}

/// A name that is neither an AADSTS code, nor a symbolic name of the catalogue, nor the ID of a known failure.
///
/// ```
/// use issuer::ChainFailure;
/// let error = "no-such-failure".parse::<ChainFailure>().unwrap_err();
/// assert_eq!(error.to_string(), "this is not an AADSTS code, nor the name of a known failure");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an AADSTS code, nor the name of a known failure")]
#[non_exhaustive]
pub struct UnknownFailure;

impl ChainFailure {
    /// All failures that this crate explains: the codes in order of their number, then the known failures by topic.
    ///
    /// ```
    /// use issuer::{Aadsts, ChainFailure, KnownFailure};
    /// assert_eq!(ChainFailure::all().count(), Aadsts::catalogue().count() + KnownFailure::all().count());
    /// ```
    pub fn all() -> impl Iterator<Item = Self> {
        let codes = Aadsts::catalogue().map(|entry| Self::Aadsts(entry.code));
        codes.chain(KnownFailure::all().map(Self::Known))
    }

    /// The code; `None` for a failure without a code.
    pub fn code(self) -> Option<Aadsts> {
        match self {
            Self::Aadsts(code) => Some(code),
            Self::Known(_) => None,
        }
    }

    /// The symbolic name of Microsoft, if it is known.
    pub fn name(self) -> Option<&'static str> {
        self.code()?.entry()?.name
    }

    /// The program or service that reports the failure.
    pub fn service(self) -> &'static str {
        match self {
            Self::Aadsts(_) => "Microsoft Entra",
            Self::Known(failure) => failure.service,
        }
    }

    /// Whether more is known about the failure than its number.
    pub fn is_known(self) -> bool {
        self.evidence().is_some_and(|evidence| evidence != Evidence::NumberOnly)
    }

    /// The meaning, as a clause.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Aadsts(code) => code.meaning(),
            Self::Known(failure) => failure.meaning,
        }
    }

    /// The possible causes, each as a clause, with the most frequent cause first.
    pub fn causes(self) -> &'static [&'static str] {
        match self {
            Self::Aadsts(code) => code.entry().map_or(&[], |entry| entry.causes),
            Self::Known(failure) => failure.causes,
        }
    }

    /// Steps that identify the cause. Commands are in backticks, values to replace in capitals.
    pub fn confirm(self) -> &'static [&'static str] {
        match self {
            Self::Aadsts(code) => code.entry().map_or(&[], |entry| entry.confirm),
            Self::Known(failure) => failure.confirm,
        }
    }

    /// Changes that fix the failure, each as an instruction.
    pub fn fix(self) -> &'static [&'static str] {
        match self {
            Self::Aadsts(code) => code.entry().map_or(&[], |entry| entry.fix),
            Self::Known(failure) => failure.fix,
        }
    }

    /// Whether the failure disappears without a change; `None` if the code is not in the catalogue.
    pub fn waiting(self) -> Option<Waiting> {
        match self {
            Self::Aadsts(code) => code.entry().map(|entry| entry.waiting),
            Self::Known(failure) => Some(failure.waiting),
        }
    }

    /// Whether a client may retry the request automatically; `None` if the code is not in the catalogue.
    pub fn is_retryable(self) -> Option<bool> {
        match self {
            Self::Aadsts(code) => code.entry().map(CatalogueEntry::is_retryable),
            Self::Known(failure) => Some(failure.is_retryable()),
        }
    }

    /// The source of the facts; empty if there is none.
    pub fn source(self) -> &'static str {
        match self {
            Self::Aadsts(code) => code.entry().map_or("", |entry| entry.source),
            Self::Known(failure) => failure.source,
        }
    }

    /// The quality of the evidence; `None` if the code is not in the catalogue.
    pub fn evidence(self) -> Option<Evidence> {
        match self {
            Self::Aadsts(code) => code.entry().map(|entry| entry.evidence),
            Self::Known(failure) => Some(failure.evidence),
        }
    }

    /// The texts of the failure. A `{placeholder}` stands for a value that varies.
    pub fn templates(self) -> &'static [&'static str] {
        match self {
            Self::Aadsts(code) => code.entry().map_or(&[], |entry| entry.templates),
            Self::Known(failure) => failure.patterns,
        }
    }
}

impl From<Aadsts> for ChainFailure {
    fn from(code: Aadsts) -> Self {
        Self::Aadsts(code)
    }
}

impl From<&'static KnownFailure> for ChainFailure {
    fn from(failure: &'static KnownFailure) -> Self {
        Self::Known(failure)
    }
}

/// Parses a code with or without `AADSTS`, a symbolic name, and the ID of a known failure; in upper or lower case.
impl FromStr for ChainFailure {
    type Err = UnknownFailure;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(code) = text.parse::<Aadsts>() {
            return Ok(Self::Aadsts(code));
        }
        let is_named = |failure: &Self| {
            let id = match failure {
                Self::Aadsts(code) => code.entry().and_then(|entry| entry.name),
                Self::Known(failure) => Some(failure.id),
            };
            id.is_some_and(|id| id.eq_ignore_ascii_case(text))
        };
        Self::all().find(is_named).ok_or(UnknownFailure)
    }
}

/// The code with `AADSTS`, or the ID of a known failure.
impl fmt::Display for ChainFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aadsts(code) => code.fmt(f),
            Self::Known(failure) => f.pad(failure.id),
        }
    }
}
