//! Exchanges the federated token of a workload for access tokens of Microsoft Entra ID, and caches them.

mod access_token;
mod access_token_claims;
mod assertion;
mod assertion_file;
mod budget;
mod builder;
mod cache;
mod configuration_error;
mod endpoint;
mod exchange_error;
#[cfg(test)]
mod fault_tests;
mod flight;
#[cfg(test)]
mod flight_tests;
mod moment;
mod request;
mod retry_policy;
#[cfg(test)]
mod test_setup;
mod token_future;
mod token_source;
mod watch;
mod workload_identity;

pub use access_token::AccessToken;
pub use access_token_claims::AccessTokenClaims;
pub use assertion::{AssertionError, AssertionProblem, AssertionSource, ClientAssertion};
pub use assertion_file::AssertionFile;
pub use builder::WorkloadIdentityBuilder;
pub use configuration_error::ConfigurationError;
pub use exchange_error::ExchangeError;
pub use moment::Moment;
pub use retry_policy::RetryPolicy;
pub use token_future::TokenFuture;
pub use token_source::TokenSource;
pub use watch::{Watch, WatchStep};
pub use workload_identity::WorkloadIdentity;
