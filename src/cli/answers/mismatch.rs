use issuer::{Aadsts, Hint, RelyingParty};
use serde::Serialize;

/// Why the documents that relying parties fetch are not usable, or how they differ from the stored ones.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Mismatch {
    /// The mismatch, a clause.
    pub(crate) message: String,
    /// The number of the AADSTS code that Entra returns for such documents; null if none is known, and for other relying parties.
    pub(crate) aadsts: Option<u32>,
    /// The fix, a clause.
    pub(crate) fix: String,
    #[serde(skip)]
    pub(crate) kind: MismatchKind,
}

/// The effect of a mismatch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MismatchKind {
    /// The documents could not be read, perhaps because of the network of this machine.
    Unreadable,
    /// Relying parties reject every token with these documents.
    Unusable,
    /// The documents are usable, but differ from the stored ones.
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

    /// The message, with the code that Entra will return.
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
