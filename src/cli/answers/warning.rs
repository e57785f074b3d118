use std::fmt;

use issuer::{Aadsts, Hint, RelyingParty, VerifyWarning};
use serde::Serialize;

/// A warning about a token or its published issuer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Warning {
    /// The warning, a clause.
    pub(crate) message: String,
    /// The number of the AADSTS code that Entra returns if it rejects this; null if none is known, and for other relying parties.
    pub(crate) aadsts: Option<u32>,
    /// The fix, a clause.
    pub(crate) fix: String,
}

impl Warning {
    pub(crate) fn new(warning: &VerifyWarning, relying_party: RelyingParty) -> Self {
        let code = warning.aadsts().filter(|_| relying_party == RelyingParty::Entra);
        Self { message: warning.to_string(), aadsts: code.map(Aadsts::code), fix: warning.hint().unwrap_or_default() }
    }
}

/// The warning as text, with the code and the fix.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { message, aadsts, fix } = self;
        match aadsts {
            Some(code) => write!(f, "{message}; Entra may reject this with AADSTS{code}: {fix}"),
            None => write!(f, "{message}: {fix}"),
        }
    }
}
