//! What Microsoft Entra ID asks and answers.

mod aadsts;
mod cloud;

pub use aadsts::Aadsts;
pub use cloud::Cloud;

/// The audience a federated credential has unless told otherwise, and the token of a workload is projected for.
pub const TOKEN_EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// How many signing keys Entra stores of an issuer: the first of its JWKS (Microsoft Learn, "Workload identity federation").
pub const KEYS_MAX: usize = 100;
