use std::{fmt, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tracing::{info, instrument};

use super::{
    AccessToken, AssertionSource, ClientAssertion, ExchangeError, Moment, RetryPolicy,
    cache::Key,
    endpoint::{Endpoint, Unanswered},
    flight::Entry,
    token_future::Outcome,
};
use crate::{
    clock::Clock,
    entra::{RetryAdvice, TokenAnswer, token_request},
    redact::redacted,
};

/// The time limit of one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The maximum number of requests that are sent at once because the assertion was replaced after a refusal.
const REPLACED_MAX: u32 = 2;

/// Sends token requests.
pub(super) struct Requests {
    pub(super) source: Arc<dyn AssertionSource>,
    pub(super) endpoint: Box<dyn Endpoint>,
    pub(super) clock: Arc<dyn Clock + Send + Sync>,
    pub(super) timeout: Duration,
    pub(super) propagation: Duration,
    pub(super) retry: RetryPolicy,
    /// Random bytes for the jitter.
    pub(super) random: fn() -> u8,
}

impl Requests {
    pub(super) fn now(&self) -> Moment {
        Moment::now(self.clock.as_ref())
    }

    /// Exchanges an assertion for an access token, with retries.
    #[instrument(name = "exchange", level = "debug", skip_all, fields(scope = %key.scope, client = %key.client))]
    pub(super) async fn exchange(&self, key: &Key, entry: &Entry) -> Outcome {
        let start = Instant::now();
        // An overflowing time means no limit.
        let limit = start.checked_add(self.timeout);
        let propagated = start.checked_add(self.propagation);
        let (mut attempts, mut replaced) = (0, 0);
        let mut is_propagating = false;
        loop {
            let limit = if is_propagating { later(limit, propagated) } else { limit };
            let assertion = self.assertion(limit).await?;
            // A retry must not exceed the budget. A new call may: the caller decided it.
            entry.spend();
            let error = match self.send(key, &assertion, limit).await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            attempts += 1;
            if attempts >= self.retry.attempts_max {
                return Err(error);
            }
            let advice = error.retry_advice();
            is_propagating |= advice == RetryAdvice::WhilePropagating;
            let until = match advice {
                RetryAdvice::Never if replaced < REPLACED_MAX && self.is_replaced(&error, &assertion, limit).await => {
                    replaced += 1;
                    continue;
                }
                RetryAdvice::Never => return Err(error),
                RetryAdvice::WhilePropagating => propagated,
                RetryAdvice::Soon | RetryAdvice::Slowly if is_propagating => later(limit, propagated),
                RetryAdvice::Soon | RetryAdvice::Slowly => limit,
            };
            let requested = error.retry_after().unwrap_or_default();
            let pause = self.retry.pause(advice, attempts, (self.random)());
            let pause = pause.max(requested).max(entry.budget_pause());
            if until.is_some_and(|until| until.saturating_duration_since(Instant::now()) <= pause) {
                return Err(error);
            }
            info!(cause = %redacted(&error.to_string()), "retry in {:.1} s", pause.as_secs_f64());
            sleep(pause).await;
        }
    }

    async fn assertion(&self, limit: Option<Instant>) -> Result<ClientAssertion, ExchangeError> {
        match timeout(left(limit), self.source.assertion()).await {
            Ok(assertion) => Ok(assertion?),
            Err(_) => Err(ExchangeError::TimedOut(self.timeout)),
        }
    }

    /// Whether another assertion is available than the one that Entra refused: a file may have been incomplete.
    async fn is_replaced(&self, error: &ExchangeError, refused: &ClientAssertion, limit: Option<Instant>) -> bool {
        let is_judged = error.refusal().is_some_and(|refusal| refusal.error.is_some());
        is_judged && self.assertion(limit).await.is_ok_and(|assertion| assertion != *refused)
    }

    /// Sends one request.
    async fn send(&self, key: &Key, assertion: &ClientAssertion, limit: Option<Instant>) -> Outcome {
        let authority = || key.authority.to_string();
        let form = token_request(&key.scope, &key.client, assertion.secret());
        let requested = self.now();
        let url = key.authority.token_url(&key.tenant);
        let reply = self.endpoint.post(&url, form, left(limit).min(REQUEST_TIMEOUT), requested.wall()).await;
        let reply = reply.map_err(|Unanswered { because, is_permanent }| ExchangeError::NoAnswer {
            authority: authority(),
            because: redacted(&because).into_owned(),
            is_permanent,
        })?;
        match TokenAnswer::parse(reply.status, &reply.body) {
            TokenAnswer::Issued(answer) => Ok(AccessToken::new(answer, key.scope.clone(), requested)),
            TokenAnswer::Malformed(because) => Err(ExchangeError::Malformed { authority: authority(), because }),
            TokenAnswer::Refused(refusal) => Err(ExchangeError::Refused {
                scope: key.scope.clone(),
                client: key.client.clone(),
                refusal: Arc::new(refusal),
                retry_after: reply.retry_after,
            }),
        }
    }
}

/// The later of two limits. No limit is the latest.
fn later(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    one.zip(other).map(|(one, other)| one.max(other))
}

fn left(limit: Option<Instant>) -> Duration {
    limit.map_or(Duration::MAX, |limit| limit.saturating_duration_since(Instant::now()))
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests")
            .field("source", &self.source)
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
