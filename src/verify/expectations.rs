use std::time::Duration;

use crate::{entra, token::ServiceAccount};

/// The relying party whose rules apply to a token and its issuer.
///
/// ```
/// use issuer::{Expectations, RelyingParty};
/// assert_eq!(Expectations::of(RelyingParty::Entra), Expectations::entra());
/// assert_eq!(RelyingParty::default(), RelyingParty::Entra);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RelyingParty {
    /// Microsoft Entra ID: only RS256, only keys with `"use":"sig"`, only the first 100 keys.
    #[default]
    Entra,
    /// Any OpenID Connect relying party: RS256 and the ES algorithms.
    Oidc,
}

/// The expected claims of a token, in addition to a valid signature of the trusted issuer.
///
/// ```
/// use issuer::Expectations;
/// let expectations = Expectations::entra().service_account("default/workload-identity-sa".parse()?);
/// let others = Expectations::oidc().audience("vault").leeway(std::time::Duration::from_secs(5));
/// # Ok::<(), String>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    pub(crate) relying_party: RelyingParty,
    pub(crate) audiences: Vec<String>,
    pub(crate) service_account: Option<ServiceAccount>,
    pub(crate) leeway: Duration,
}

impl Expectations {
    /// The rules of Entra, and by default the audience `api://AzureADTokenExchange`.
    pub fn entra() -> Self {
        Self::of(RelyingParty::Entra)
    }

    /// The rules of OpenID Connect. Always add an audience: without an audience, a token for any service is accepted.
    pub fn oidc() -> Self {
        Self::of(RelyingParty::Oidc)
    }

    /// The expectations of a relying party, with a leeway of 60 s.
    pub fn of(relying_party: RelyingParty) -> Self {
        Self { relying_party, audiences: Vec::new(), service_account: None, leeway: Duration::from_mins(1) }
    }

    /// Adds an expected audience. A token with any of the expected audiences is accepted.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets the expected service account.
    #[must_use]
    pub fn service_account(mut self, service_account: ServiceAccount) -> Self {
        self.service_account = Some(service_account);
        self
    }

    /// Sets the allowed clock skew between issuer and relying party.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The expected audiences; empty if every audience is accepted.
    pub(super) fn audiences(&self) -> impl Iterator<Item = &str> {
        let entra = self.audiences.is_empty() && self.relying_party == RelyingParty::Entra;
        entra.then_some(entra::TOKEN_EXCHANGE_AUDIENCE).into_iter().chain(self.audiences.iter().map(String::as_str))
    }
}
