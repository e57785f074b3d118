//! The rules and error codes of Microsoft Entra ID.

mod aadsts;
mod arm_template;
mod catalogue;
mod cloud;
mod credential;
mod credential_error;
mod credential_file;
mod credential_mismatch;
mod credential_plan;
mod description;
mod guid;
mod identity;
mod matching;
mod near_miss;
mod resource;
mod retry_advice;
mod scope;
mod terraform;
mod token_answer;
#[cfg(feature = "remote")]
mod token_request;

pub use aadsts::Aadsts;
pub use catalogue::{CatalogueEntry, Evidence, Waiting};
pub use cloud::Cloud;
pub use credential::{CredentialProblem, FederatedCredential};
pub use credential_error::CredentialError;
pub use credential_mismatch::{CredentialMismatch, Nearest};
pub use credential_plan::{CREDENTIALS_MAX, CredentialPlan};
#[cfg_attr(not(feature = "azure"), allow(unused_imports, reason = "the tokens of Azure credentials"))]
pub(crate) use description::Description;
pub(crate) use guid::is_guid;
pub use identity::{AuthorityHost, ClientId, IdentityError, TenantId};
pub use matching::Assertion;
pub use near_miss::NearMiss;
pub use resource::Resource;
pub use retry_advice::RetryAdvice;
pub use scope::{Scope, ScopeError};
pub use token_answer::{IssuedToken, TokenAnswer, TokenRefusal};
#[cfg(feature = "remote")]
pub(crate) use token_request::token_request;

use std::time::Duration;

/// The default audience of a federated identity credential and of the projected token of a workload.
///
/// ```
/// use issuer::{TOKEN_EXCHANGE_AUDIENCE, Token};
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// assert_eq!(Token::parse(&text, &mut Vec::new())?.claims.aud.unwrap(), [TOKEN_EXCHANGE_AUDIENCE]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const TOKEN_EXCHANGE_AUDIENCE: &str = "api://AzureADTokenExchange";

/// The audience of tokens for the proxy of identity bindings, which Entra does not accept (Microsoft Learn, "Identity
/// bindings for AKS").
///
/// ```
/// assert_eq!(issuer::IDENTITY_BINDING_AUDIENCE, "api://AKSIdentityBinding");
/// ```
pub const IDENTITY_BINDING_AUDIENCE: &str = "api://AKSIdentityBinding";

/// The maximum number of signing keys that Entra stores for an issuer: the first keys of its JWKS (Microsoft Learn,
/// "Workload identity federation").
///
/// ```
/// use issuer::{Jwks, KEYS_MAX};
/// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
/// assert!(jwks.keys.len() <= KEYS_MAX);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub const KEYS_MAX: usize = 100;

/// The maximum lifetime of a token that Entra accepts, from `iat` to `exp`. Entra treats a missing `iat` as 0, the year
/// 1970.
///
/// The message of AADSTS70023 gives the limit as `1.01:00:00`: one day and one hour (reported in
/// MicrosoftDocs/azure-docs#86916 and #116275).
///
/// ```
/// assert_eq!(issuer::LIFETIME_MAX, std::time::Duration::from_secs(25 * 3600));
/// ```
pub const LIFETIME_MAX: Duration = Duration::from_hours(25);
