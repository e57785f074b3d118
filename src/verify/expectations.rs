use std::time::Duration;

use crate::{entra, token::ServiceAccount};

/// Whose rules a token and its issuer are held to.
///
/// ```
/// use issuer::{Expectations, RelyingParty};
/// assert_eq!(Expectations::of(RelyingParty::Entra), Expectations::entra());
/// assert_eq!(RelyingParty::default(), RelyingParty::Entra);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RelyingParty {
    /// Microsoft Entra ID: RS256, `"use":"sig"` on every key it takes, the first 100 keys.
    #[default]
    Entra,
    /// Any OpenID Connect relying party: RS256 and the ES algorithms.
    Oidc,
}

/// What a token must say, beyond being signed by a key of the trusted issuer.
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
    /// What Entra asks: its rules, and the audience `api://AzureADTokenExchange` until another is named.
    pub fn entra() -> Self {
        Self::of(RelyingParty::Entra)
    }

    /// What OpenID Connect asks. Name an audience: without one a token for anybody is as good as one for you.
    pub fn oidc() -> Self {
        Self::of(RelyingParty::Oidc)
    }

    /// The expectations of a relying party, with a leeway of 60 s.
    pub fn of(relying_party: RelyingParty) -> Self {
        Self { relying_party, audiences: Vec::new(), service_account: None, leeway: Duration::from_mins(1) }
    }

    /// An audience the token may be for; of several named, any one is enough.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// The service account the token must be of.
    #[must_use]
    pub fn service_account(mut self, service_account: ServiceAccount) -> Self {
        self.service_account = Some(service_account);
        self
    }

    /// How far the clocks of issuer and relying party may be apart.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The audiences in force; empty when any will do.
    pub(super) fn audiences(&self) -> impl Iterator<Item = &str> {
        let entra = self.audiences.is_empty() && self.relying_party == RelyingParty::Entra;
        entra.then_some(entra::TOKEN_EXCHANGE_AUDIENCE).into_iter().chain(self.audiences.iter().map(String::as_str))
    }
}
