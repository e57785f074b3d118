use std::sync::{Mutex, MutexGuard, PoisonError};

use super::schedule::{Next, Schedule};
use crate::{
    clock::Clock,
    documents::{Location, PublishedIssuer},
    issuer_url::IssuerUrl,
    published::HttpFetcher,
    verify::Refusal,
};

/// One published issuer: where it is read, and when.
pub(super) struct Source {
    pub(super) issuer: IssuerUrl,
    location: Location,
    schedule: Mutex<Schedule>,
    /// Held while a request is in flight. The discovery document that was last read well, which is not asked for again.
    pub(super) discovery: tokio::sync::Mutex<Option<Known>>,
}

/// A discovery document that was read.
pub(super) struct Known {
    pub(super) published: PublishedIssuer,
    /// Whether it was read together with the JWKS of now.
    pub(super) is_fresh: bool,
}

impl Source {
    pub(super) fn new(issuer: IssuerUrl, location: Location) -> Self {
        Self { issuer, location, schedule: Mutex::default(), discovery: tokio::sync::Mutex::default() }
    }

    /// What is to be done for a token that was judged a moment ago, and the number of the attempt it was decided after.
    pub(super) fn next(&self, clock: &dyn Clock, refusal: Option<&Refusal>) -> (Next, u64) {
        let schedule = self.schedule();
        match schedule.next(clock, refusal) {
            // It is being read already.
            Next::Refresh if self.discovery.try_lock().is_err() => (Next::Answer, schedule.attempts),
            next => (next, schedule.attempts),
        }
    }

    /// Fetches the documents, the discovery document only where it is not known.
    pub(super) async fn fetch(&self, known: Option<Known>, fetcher: &HttpFetcher) -> PublishedIssuer {
        match known {
            Some(known) => known.published.fetch_jwks(&self.issuer, &self.location, fetcher).await,
            None => PublishedIssuer::fetch_documents(&self.issuer, &self.location, fetcher).await,
        }
    }

    /// Has the discovery document read again with the next refresh, unless it was with the last one.
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
