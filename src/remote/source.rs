use std::sync::{Mutex, MutexGuard, PoisonError};

use super::schedule::{Next, Schedule};
use crate::{
    clock::Clock,
    documents::{Location, PublishedIssuer},
    issuer_url::IssuerUrl,
    published::HttpFetcher,
    verify::Refusal,
};

/// One published issuer: its location and its refresh schedule.
pub(super) struct Source {
    pub(super) issuer: IssuerUrl,
    location: Location,
    schedule: Mutex<Schedule>,
    /// The cached discovery document. The lock is held while a request is in flight (single-flight).
    pub(super) discovery: tokio::sync::Mutex<Option<Known>>,
}

/// A cached discovery document.
pub(super) struct Known {
    pub(super) published: PublishedIssuer,
    /// Whether it was read together with the cached JWKS.
    pub(super) is_fresh: bool,
}

impl Source {
    pub(super) fn new(issuer: IssuerUrl, location: Location) -> Self {
        Self { issuer, location, schedule: Mutex::default(), discovery: tokio::sync::Mutex::default() }
    }

    /// The next step for a token, and the number of attempts when it was decided.
    pub(super) fn next(&self, clock: &dyn Clock, refusal: Option<&Refusal>) -> (Next, u64) {
        let schedule = self.schedule();
        match schedule.next(clock, refusal) {
            // A refresh is in flight.
            Next::Refresh if self.discovery.try_lock().is_err() => (Next::Answer, schedule.attempts),
            next => (next, schedule.attempts),
        }
    }

    /// Fetches the documents; the discovery document only if it is not cached.
    pub(super) async fn fetch(&self, known: Option<Known>, fetcher: &HttpFetcher) -> PublishedIssuer {
        match known {
            Some(known) => known.published.fetch_jwks(&self.issuer, &self.location, fetcher).await,
            None => PublishedIssuer::fetch_documents(&self.issuer, &self.location, fetcher).await,
        }
    }

    /// Discards the cached discovery document, unless the last refresh has just read it.
    pub(super) fn distrust_discovery(&self) {
        if let Ok(mut discovery) = self.discovery.try_lock() {
            *discovery = discovery.take().filter(|known| known.is_fresh);
        }
    }

    /// Nothing that holds it can panic.
    pub(super) fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
