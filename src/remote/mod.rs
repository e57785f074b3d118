//! A verifier for published issuers that keeps their keys up to date.

mod builder;
mod schedule;
mod source;
mod unready;
mod verifier;

pub use builder::RemoteVerifierBuilder;
pub use unready::NotReady;
pub use verifier::RemoteVerifier;
