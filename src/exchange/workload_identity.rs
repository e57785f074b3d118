use std::{fmt, sync::Arc};

use tracing::warn;

use super::{
    ConfigurationError, ExchangeError, TokenFuture, TokenSource, WorkloadIdentityBuilder,
    cache::{Cache, Key},
    flight::{Entry, Flight, Next},
    request::Requests,
    token_future::Outcome,
};
use crate::{
    entra::{AuthorityHost, ClientId, Scope, TenantId},
    exchange::AccessToken,
    redact::redacted,
};

/// How often a caller waits again because a token had expired when it arrived.
const ROUNDS_MAX: u32 = 3;

/// Exchanges the federated token of a workload for access tokens of Microsoft Entra ID, and caches them.
///
/// - Token requests are single-flight: one is in flight for any number of callers of the same authority host, tenant,
///   client and scope. A caller that is cancelled does not cancel it.
/// - After `refresh_in`, else five minutes or a third of the lifetime before the expiry, whichever is shorter, a call
///   returns the old token at once and starts a refresh in the background. Callers wait only when there is no valid token.
/// - No caller gets an expired token, also if the wall clock is set.
/// - Transient refusals and missing answers are retried with exponential backoff and jitter within
///   [`timeout`](WorkloadIdentityBuilder::timeout). Refusals that disappear when a change has propagated are retried within
///   [`wait_for_propagation`](WorkloadIdentityBuilder::wait_for_propagation).
/// - An error is returned to all callers that waited, and to later callers for one second, which doubles with each failure
///   in a row up to 30 s. A permanent refusal is kept for 30 s. After twelve requests in five minutes without a success the
///   error is kept for the rest of these five minutes: Entra penalises a client that repeats a request
///   more than 15 times in five minutes.
///
/// Each attempt reads the assertion again. Redirects are not followed. It needs a Tokio runtime with I/O and time. Clones
/// share their cache.
///
/// ```no_run
/// use issuer::{Cloud, Resource, TokenSource, WorkloadIdentity};
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let identity = WorkloadIdentity::from_environment()?;
/// let scope = Resource::Postgres.scope(Cloud::Public);
/// let token = identity.token(&scope).await?;
/// println!("valid until {}", token.expires_at());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct WorkloadIdentity {
    authority: AuthorityHost,
    tenant: TenantId,
    client: ClientId,
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) cache: Cache,
    pub(super) requests: Requests,
}

impl WorkloadIdentity {
    /// The identity in the variables that the webhook of workload identity injects: `AZURE_CLIENT_ID`, `AZURE_TENANT_ID`,
    /// `AZURE_FEDERATED_TOKEN_FILE` and `AZURE_AUTHORITY_HOST`.
    ///
    /// # Errors
    ///
    /// [`ConfigurationError`] for missing variables and invalid values.
    pub fn from_environment() -> Result<Self, ConfigurationError> {
        Self::builder().build()
    }

    /// An identity with other settings.
    pub fn builder() -> WorkloadIdentityBuilder {
        WorkloadIdentityBuilder::default()
    }

    pub(super) fn assemble(authority: AuthorityHost, tenant: TenantId, client: ClientId, requests: Requests) -> Self {
        Self { authority, tenant, client, shared: Arc::new(Shared { cache: Cache::default(), requests }) }
    }

    /// The same workload as another application or managed identity. The cache is shared.
    #[must_use]
    pub fn with_client_id(&self, client: ClientId) -> Self {
        Self { client, ..self.clone() }
    }

    /// The same application in another tenant. The cache is shared.
    #[must_use]
    pub fn with_tenant(&self, tenant: TenantId) -> Self {
        Self { tenant, ..self.clone() }
    }

    /// The authority host.
    pub fn authority_host(&self) -> &AuthorityHost {
        &self.authority
    }

    /// The tenant.
    pub fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// The client ID.
    pub fn client_id(&self) -> &ClientId {
        &self.client
    }

    /// Requests a new token, also if the cached one is valid, and caches it. A request in flight is joined.
    ///
    /// Unlike [`token`](TokenSource::token) it does not return an error of an earlier request, so call it on a schedule,
    /// such as that of a [`Watch`](super::Watch). If it fails, the cached token stays.
    ///
    /// ```no_run
    /// # async fn refresh() -> Result<(), Box<dyn std::error::Error>> {
    /// let identity = issuer::WorkloadIdentity::from_environment()?;
    /// let token = identity.refresh(&"https://vault.azure.net/.default".parse()?).await?;
    /// assert!(token.lifetime() > std::time::Duration::from_secs(60));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ExchangeError`] if there is no new token.
    pub async fn refresh(&self, scope: &Scope) -> Result<AccessToken, ExchangeError> {
        let entry = self.entry(scope);
        for _ in 0..ROUNDS_MAX {
            let flight = self.join(scope, &entry)?;
            if let Some(outcome) = self.landed(flight).await {
                return outcome;
            }
        }
        Err(ExchangeError::Expired(scope.clone()))
    }

    /// The outcome that is known without waiting. It needs no allocation unless it starts a refresh.
    pub(super) fn cached(&self, scope: &Scope) -> Option<Outcome> {
        let entry = self.shared.cache.get(&self.key(scope))?;
        match entry.next(self.shared.requests.now()) {
            Next::Return(outcome) => Some(outcome),
            Next::Refresh(token) => {
                // Without a runtime the next caller starts the refresh.
                let _ = self.join(scope, &entry);
                Some(Ok(token))
            }
            Next::Wait => None,
        }
    }

    /// Waits for a token.
    pub(super) async fn wait(&self, scope: &Scope) -> Outcome {
        let entry = self.entry(scope);
        for _ in 0..ROUNDS_MAX {
            match entry.next(self.shared.requests.now()) {
                Next::Return(outcome) => return outcome,
                Next::Refresh(token) => {
                    let _ = self.join(scope, &entry);
                    return Ok(token);
                }
                Next::Wait => {}
            }
            let flight = self.join(scope, &entry)?;
            if let Some(outcome) = self.landed(flight).await {
                return outcome;
            }
        }
        Err(ExchangeError::Expired(scope.clone()))
    }

    fn join(&self, scope: &Scope, entry: &Arc<Entry>) -> Result<Flight, ExchangeError> {
        entry.join(|entry| {
            let (shared, key) = (Arc::clone(&self.shared), self.key(scope));
            async move {
                let outcome = shared.requests.exchange(&key, &entry).await;
                let is_expired = |token: &AccessToken| token.is_expired(shared.requests.now());
                let outcome = match outcome {
                    Ok(token) if is_expired(&token) => Err(ExchangeError::Expired(key.scope.clone())),
                    outcome => outcome,
                };
                if let Err(error) = &outcome {
                    let cause = || redacted(&error.to_string()).into_owned();
                    warn!(scope = %key.scope, client = %key.client, cause = cause(), "no new access token for {}", key.scope);
                }
                outcome
            }
        })
    }

    /// The outcome of an exchange; `None` if its runtime ended, or if its token has expired.
    async fn landed(&self, mut flight: Flight) -> Option<Outcome> {
        let outcome = flight.wait_for(Option::is_some).await.ok()?.clone()?;
        let is_expired = match &outcome {
            Ok(token) => token.is_expired(self.shared.requests.now()),
            Err(error) => matches!(error, ExchangeError::Expired(_)),
        };
        (!is_expired).then_some(outcome)
    }

    fn key(&self, scope: &Scope) -> Key {
        let Self { authority, tenant, client, .. } = self.clone();
        Key { authority, tenant, client, scope: scope.clone() }
    }

    fn entry(&self, scope: &Scope) -> Arc<Entry> {
        self.shared.cache.get_or_insert(&self.key(scope), self.shared.requests.now())
    }
}

impl TokenSource for WorkloadIdentity {
    fn token<'a>(&'a self, scope: &'a Scope) -> TokenFuture<'a> {
        TokenFuture::of(self, scope)
    }
}

impl fmt::Debug for WorkloadIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkloadIdentity")
            .field("authority", &self.authority)
            .field("tenant", &self.tenant)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
