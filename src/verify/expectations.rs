use std::time::Duration;

use crate::{
    entra::{self, FederatedCredential},
    token::ServiceAccount,
};

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
/// # Ok::<(), issuer::ServiceAccountError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectations {
    pub(crate) relying_party: RelyingParty,
    pub(crate) audiences: Vec<String>,
    pub(crate) service_account: Option<ServiceAccount>,
    pub(super) credentials: Option<Vec<FederatedCredential>>,
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
        Self {
            relying_party,
            audiences: Vec::new(),
            service_account: None,
            credentials: None,
            leeway: Duration::from_mins(1),
        }
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

    /// Sets the federated identity credentials of the application or managed identity. Only Entra compares them.
    ///
    /// Without a call of [`audience`](Self::audience), their audiences take the place of the default audience.
    ///
    /// ```
    /// use issuer::{Aadsts, Expectations, FederatedCredential, Jwks, Verifier};
    /// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/";
    /// let jwks = Jwks::parse(&std::fs::read("fixtures/kubernetes/rotation/jwks.json")?)?;
    /// let verifier = Verifier::from_jwks(issuer.parse()?, &jwks);
    /// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
    ///
    /// let credential = FederatedCredential::new(issuer, "system:serviceaccount:default:another-app");
    /// let expectations = Expectations::entra().credentials([credential]);
    /// let refusal = verifier.verify(&token, &expectations, "2026-11-22T00:40:00Z".parse()?).unwrap_err();
    /// assert_eq!(refusal.aadsts(), Some(Aadsts::SUBJECT));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn credentials(mut self, credentials: impl IntoIterator<Item = FederatedCredential>) -> Self {
        self.credentials = Some(credentials.into_iter().collect());
        self
    }

    /// Sets the allowed clock skew between issuer and relying party.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// The credentials that the relying party compares; `None` if none are given.
    pub(super) fn compared(&self) -> Option<&[FederatedCredential]> {
        self.credentials.as_deref().filter(|_| self.relying_party == RelyingParty::Entra)
    }

    /// The expected audiences; empty if every audience is accepted.
    pub(super) fn audiences(&self) -> impl Iterator<Item = &str> {
        let is_default = self.audiences.is_empty() && self.relying_party == RelyingParty::Entra;
        let of_credentials = self.compared().filter(|_| is_default).into_iter().flatten();
        let of_credentials = of_credentials.flat_map(|credential| &credential.audiences);
        let default = is_default && self.compared().is_none_or(<[_]>::is_empty);
        let default = default.then_some(entra::TOKEN_EXCHANGE_AUDIENCE);
        default.into_iter().chain(self.audiences.iter().chain(of_credentials).map(String::as_str))
    }
}
