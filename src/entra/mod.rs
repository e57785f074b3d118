//! What Microsoft Entra ID asks and answers.

mod aadsts;
mod cloud;

pub use aadsts::Aadsts;
pub use cloud::Cloud;

/// The audience a federated credential has unless told otherwise, and the token of a workload is projected for.
///
/// ```
/// use issuer::{TOKEN_EXCHANGE_AUDIENCE, Token};
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// assert_eq!(Token::parse(&text, &mut Vec::new())?.claims.aud.unwrap(), [TOKEN_EXCHANGE_AUDIENCE]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const TOKEN_EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// How many signing keys Entra stores of an issuer: the first of its JWKS (Microsoft Learn, "Workload identity federation").
///
/// ```
/// use issuer::{Jwks, KEYS_MAX};
/// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// assert!(jwks.keys.len() <= KEYS_MAX);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const KEYS_MAX: usize = 100;
