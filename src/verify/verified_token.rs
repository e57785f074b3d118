use jiff::Timestamp;

use crate::{Claims, ServiceAccount, token::KubernetesClaims};

/// The claims of a token that passed every check: signed by a key of the trusted issuer, meant for us, in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    pub(super) issuer: String,
    pub(super) service_account: ServiceAccount,
    pub(super) expires: Timestamp,
    pub(super) claims: Claims,
}

impl VerifiedToken {
    /// The issuer, byte for byte the trusted one.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The service account the token is of.
    pub fn service_account(&self) -> &ServiceAccount {
        &self.service_account
    }

    /// Whom the token is for.
    pub fn audiences(&self) -> &[String] {
        self.claims.aud.as_deref().unwrap_or_default()
    }

    /// When the token stops being valid.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// What the token is bound to, where it says so.
    pub fn kubernetes(&self) -> Option<&KubernetesClaims> {
        self.claims.kubernetes.as_ref()
    }

    /// The claims as they were read.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}
