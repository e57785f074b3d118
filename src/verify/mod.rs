//! Verifies tokens against a published issuer with one ordered list of checks.

mod checks;
mod clipped;
mod expectations;
mod fix;
mod key_ring;
mod refusal;
mod report;
mod scratch;
mod trusted_issuer;
mod verified_token;
mod verifier;
mod warning;
#[cfg(test)]
mod wycheproof;

pub use expectations::{Expectations, RelyingParty};
pub(crate) use key_ring::is_signed_by;
pub use refusal::Refusal;
pub use report::{CheckName, Checked, Outcome, Report};
pub use trusted_issuer::TrustedIssuer;
pub use verified_token::VerifiedToken;
pub use verifier::Verifier;
pub use warning::VerifyWarning;
