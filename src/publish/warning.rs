use std::time::Duration;

use crate::documents::DocumentError;

/// Something about a plan that its owner should know and that stops nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanWarning {
    /// An EC key, whose tokens Entra refuses.
    #[error("key {kid} is {kind}: Entra refuses tokens signed with it (AADSTS5002738)")]
    NotForEntra {
        /// Its key ID.
        kid: String,
        /// The key's kind, such as `P-256`.
        kind: String,
    },
    /// The published JWKS was not one.
    #[error("the published JWKS is replaced, nobody could use it: {0}")]
    JwksReplaced(DocumentError),
    /// The published discovery document was not one.
    #[error("the published discovery document is replaced, nobody could use it: {0}")]
    DiscoveryReplaced(DocumentError),
    /// The published JWKS held a private key, which everybody could read.
    #[error("the published JWKS holds the private part of key {0:?}: it is taken out; rotate that key now")]
    PrivateMembers(String),
    /// Retention is shorter than the longest token for Azure lives.
    #[error("keys are pruned after {} h, and tokens for Azure live up to 24 h", .0.as_secs() / 3600)]
    ShortRetention(Duration),
    /// A key to remove is not published.
    #[error("key {0} is not published: nothing to remove")]
    NotPublished(String),
    /// The published JWKS moves to another place on the site.
    #[error("the published jwks_uri moves from {0}; that document stays where it is and gets no new keys")]
    JwksMoves(String),
}
