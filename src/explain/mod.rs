//! Explains failures of the workload identity chain: finds them in a text, and says what causes and what fixes them.

mod chain_failure;
mod codes;
mod failures;
mod finding;
mod ids;
mod known_failure;
mod normal_text;
mod placeholders;
mod template;

pub use chain_failure::{ChainFailure, UnknownFailure};
pub use finding::Finding;
pub use known_failure::KnownFailure;
