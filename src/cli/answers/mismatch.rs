use issuer::{Aadsts, Hint, RelyingParty};
use serde::Serialize;

/// How the documents that the public reads are not usable, or not those that are stored.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Mismatch {
    /// What was found, a clause.
    pub(crate) message: String,
    /// The number of the AADSTS code that Entra answers with while the documents are like this; null where none is known, and for other relying parties.
    pub(crate) aadsts: Option<u32>,
    /// What to change.
    pub(crate) fix: String,
    #[serde(skip)]
    pub(crate) kind: MismatchKind,
}

/// What a mismatch says of the documents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MismatchKind {
    /// They could not be read, which may be the fault of this machine.
    Unreadable,
    /// No token can pass with them.
    Unusable,
    /// They are usable, but are not those that are stored.
    Different,
}

impl Mismatch {
    pub(crate) fn new(mismatch: &issuer::Mismatch, relying_party: RelyingParty) -> Self {
        let code = mismatch.aadsts().filter(|_| relying_party == RelyingParty::Entra);
        let kind = match mismatch {
            _ if mismatch.is_inconclusive() => MismatchKind::Unreadable,
            issuer::Mismatch::Refusal(_) => MismatchKind::Unusable,
            _ => MismatchKind::Different,
        };
        Self {
            message: mismatch.to_string(),
            aadsts: code.map(Aadsts::code),
            fix: mismatch.hint().unwrap_or_default(),
            kind,
        }
    }

    pub(crate) fn is_inconclusive(&self) -> bool {
        self.kind == MismatchKind::Unreadable
    }

    /// The message, with the code that Entra will answer.
    pub(crate) fn prediction(&self) -> String {
        let Self { message, aadsts, .. } = self;
        match aadsts {
            Some(code) if self.is_inconclusive() => {
                format!("{message}; if Entra cannot read it either, it will answer AADSTS{code}")
            }
            Some(code) => format!("{message}; Entra will answer AADSTS{code}"),
            None => message.clone(),
        }
    }
}
