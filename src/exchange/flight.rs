use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime::Handle, sync::watch, time::Instant};

use super::{AccessToken, ExchangeError, Moment, budget::Budget, token_future::Outcome};
use crate::{backoff::Backoff, entra::RetryAdvice};

/// How long an error is kept: doubles with each failure in a row. A permanent refusal is kept for the longest time at once.
const FAILURE_KEPT: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(30) };

/// The longest time that an error is kept because the server requests a pause.
const REQUESTED_MAX: Duration = Duration::from_mins(5);
/// The number of exchanges in a row that follow at once if a token has expired when it arrives: the clock may have been set.
const EXPIRED_MAX: u32 = 3;

/// The receiver of the outcome of an exchange in flight.
pub(super) type Flight = watch::Receiver<Option<Outcome>>;

/// The token of one key, and the exchange in flight. At most one is.
#[derive(Debug, Default)]
pub(super) struct Entry {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    token: Option<AccessToken>,
    flight: Option<Flight>,
    failure: Option<Failure>,
    budget: Budget,
}

#[derive(Debug)]
struct Failure {
    error: ExchangeError,
    /// The number of failures in a row.
    count: u32,
    /// The time until which callers get the error, and no exchange starts.
    until: Instant,
}

/// What a caller does.
#[derive(Debug)]
pub(super) enum Next {
    /// Return the outcome.
    Return(Outcome),
    /// Return the token, and start a refresh in the background.
    Refresh(AccessToken),
    /// Wait for an exchange.
    Wait,
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next step of a caller.
    pub(super) fn next(&self, now: Moment) -> Next {
        let state = self.lock();
        let is_held = state.failure.as_ref().filter(|failure| Instant::now() < failure.until);
        match state.token.as_ref().filter(|token| !token.is_expired(now)) {
            Some(token) if token.is_refresh_due(now) && is_held.is_none() && !state.is_in_flight() => {
                Next::Refresh(token.clone())
            }
            Some(token) => Next::Return(Ok(token.clone())),
            None if state.is_in_flight() => Next::Wait,
            None => is_held.map_or(Next::Wait, |failure| Next::Return(Err(failure.error.clone()))),
        }
    }

    /// The exchange in flight. If there is none, it starts in its own task: a cancelled caller does not cancel the exchange
    /// of the others.
    pub(super) fn join<F>(self: &Arc<Self>, exchange: impl FnOnce(Arc<Self>) -> F) -> Result<Flight, ExchangeError>
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mut state = self.lock();
        if let Some(flight) = state.flight.as_ref().filter(|_| state.is_in_flight()) {
            return Ok(flight.clone());
        }
        let runtime = Handle::try_current().map_err(|_| ExchangeError::NoRuntime)?;
        let (sender, flight) = watch::channel(None);
        state.flight = Some(flight.clone());
        drop(state);
        let (entry, exchange) = (Arc::clone(self), exchange(Arc::clone(self)));
        runtime.spawn(async move {
            let outcome = exchange.await;
            entry.land(&outcome);
            sender.send_replace(Some(outcome));
        });
        Ok(flight)
    }

    /// Records the outcome of the exchange in flight.
    fn land(&self, outcome: &Outcome) {
        let mut state = self.lock();
        state.flight = None;
        match outcome {
            Ok(token) => {
                state.token = Some(token.clone());
                state.failure = None;
                state.budget.reset();
            }
            Err(error) => {
                let count = state.failure.as_ref().map_or(0, |failure| failure.count).saturating_add(1);
                let kept = kept(error, count).max(state.budget.pause(Instant::now()));
                state.failure = Some(Failure { error: error.clone(), count, until: Instant::now() + kept });
            }
        }
    }

    /// The time until the next request is allowed.
    pub(super) fn budget_pause(&self) -> Duration {
        self.lock().budget.pause(Instant::now())
    }

    /// Counts a request.
    pub(super) fn spend(&self) {
        self.lock().budget.spend(Instant::now());
    }

    /// Whether the entry has a token, or must remember a failure.
    pub(super) fn is_in_use(&self, now: Moment) -> bool {
        let state = self.lock();
        let has_token = state.token.as_ref().is_some_and(|token| !token.is_expired(now));
        has_token
            || state.is_in_flight()
            || state.failure.as_ref().is_some_and(|failure| Instant::now() < failure.until)
    }
}

impl State {
    /// Whether an exchange is in flight. The sender is gone if the runtime of the exchange has ended.
    fn is_in_flight(&self) -> bool {
        self.flight.as_ref().is_some_and(|flight| flight.has_changed().is_ok())
    }
}

/// How long callers get an error.
fn kept(error: &ExchangeError, count: u32) -> Duration {
    let is_sent = matches!(
        error,
        ExchangeError::Refused { .. }
            | ExchangeError::Malformed { .. }
            | ExchangeError::NoAnswer { .. }
            | ExchangeError::Expired(_)
    );
    if matches!(error, ExchangeError::Expired(_)) && count < EXPIRED_MAX {
        return Duration::ZERO;
    }
    let kept = match error.retry_advice() {
        RetryAdvice::Never | RetryAdvice::Slowly if is_sent => FAILURE_KEPT.longest,
        // No request was sent, so Entra does not count it.
        _ if !is_sent => FAILURE_KEPT.first,
        _ => FAILURE_KEPT.without_jitter(count),
    };
    kept.max(error.retry_after().unwrap_or_default().min(REQUESTED_MAX))
}
