use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{runtime::Handle, sync::Semaphore, task::JoinHandle, time::timeout};
use tracing::{Instrument, debug_span, info, warn};

use super::{
    NotReady, RemoteVerifierBuilder,
    schedule::{Next, may_pass_later},
    source::{Known, Source},
};
use crate::{
    clock::Clock,
    documents::PublishedIssuer,
    issuer_url::IssuerUrl,
    published::HttpFetcher,
    redact::redacted,
    token::Token,
    verify::{Expectations, Refusal, Report, TrustedIssuer, VerifiedToken, Verifier},
};

/// The number of issuers that are read at the same time.
const IN_FLIGHT_MAX: usize = 32;
/// How long a caller waits for a refresh in flight. A refresh takes at most 20 s.
const PATIENCE: Duration = Duration::from_secs(25);

/// Verifies tokens of published issuers. It fetches their documents, caches them and keeps them up to date.
///
/// - The first token of an issuer, or [`ready`](Self::ready), fetches both documents. Later refreshes fetch the JWKS.
/// - A JWKS is cached as its Cache-Control says: at least one minute, at most one day, ten minutes without the header.
/// - After four fifths of that time the next call starts a refresh in the background. After that time a call waits
///   for the refresh.
/// - A token with an unknown `kid` causes a refresh too, at most once in 30 s.
/// - Refreshes are single-flight: one request is in flight for any number of callers.
/// - If a refresh fails, the old keys stay, and the next attempt follows after 30 s. Reports and an event of `tracing` at
///   level WARN name the cause.
/// - Keys that are missing from a newer JWKS no longer verify tokens. A JWKS that cannot verify any token, such as an empty
///   one, replaces the old keys, and the next attempt follows after 30 s.
/// - After a failure or an unknown `kid` the discovery document is fetched again too: the JWKS may have moved.
///
/// It needs a Tokio runtime with I/O and time; without one nothing is fetched. Clones share their cache.
///
/// ```no_run
/// use issuer::{Expectations, RemoteVerifier};
/// # async fn serve(token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let verifier = RemoteVerifier::new("https://issuer.example.com".parse()?);
/// verifier.ready().await?; // fails at start rather than at the first token
/// let verified = verifier.verify(token, &Expectations::entra()).await?;
/// println!("{}/{}", verified.namespace(), verified.name());
///
/// let report = verifier.examine(token, &Expectations::entra()).await;
/// assert!(report.refusal().is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RemoteVerifier {
    shared: Arc<Shared>,
}

struct Shared {
    /// The cached keys of all issuers. A refresh replaces the whole value, so that a token never sees half of a refresh.
    current: RwLock<Arc<Verifier>>,
    sources: HashMap<String, Source>,
    fetcher: HttpFetcher,
    clock: Box<dyn Clock + Send>,
    in_flight: Semaphore,
}

impl RemoteVerifier {
    /// A verifier for one issuer whose documents are at its own URL.
    pub fn new(issuer: IssuerUrl) -> Self {
        Self::builder().trust(issuer).build()
    }

    /// A verifier for several issuers, or with another clock or fetcher.
    pub fn builder() -> RemoteVerifierBuilder {
        RemoteVerifierBuilder::default()
    }

    pub(super) fn assemble(builder: RemoteVerifierBuilder) -> Self {
        let RemoteVerifierBuilder { sources, fetcher, clock } = builder;
        let sources: HashMap<_, _> =
            sources.into_iter().map(|source| (source.issuer.as_str().to_owned(), source)).collect();
        let unread = sources.values().map(|source| TrustedIssuer::unread(source.issuer.clone()));
        let current = RwLock::new(Arc::new(unread.collect::<Verifier>()));
        Self { shared: Arc::new(Shared { current, sources, fetcher, clock, in_flight: Semaphore::new(IN_FLIGHT_MAX) }) }
    }

    /// Reads the documents of every issuer that cannot verify any token yet.
    ///
    /// # Errors
    ///
    /// [`NotReady`] for the first issuer, in the order of the URLs, whose documents cannot be used. Its next token causes another
    /// attempt.
    pub async fn ready(&self) -> Result<(), NotReady> {
        let current = self.shared.current();
        let unusable = current.issuers().filter_map(|issuer| Some((issuer.url().as_str(), issuer.usable().err()?)));
        let started: Vec<_> = unusable.filter_map(|(name, refusal)| self.start(name, Some(&refusal))).collect();
        for (_, task) in started {
            // The task ends early only when the runtime ends.
            let _ = task.await;
        }
        let current = self.shared.current();
        let unready = current.issuers().filter_map(|issuer| Some((issuer.url(), issuer.usable().err()?)));
        let first = unready.min_by_key(|(issuer, _)| issuer.as_str());
        first.map_or(Ok(()), |(issuer, refusal)| Err(NotReady { issuer: issuer.clone(), refusal }))
    }

    /// The verifier with the cached keys.
    ///
    /// ```
    /// use issuer::RemoteVerifier;
    /// let verifier = RemoteVerifier::new("https://issuer.example.com".parse()?);
    /// // For a health endpoint: which issuers cannot verify any token, and why.
    /// let snapshot = verifier.snapshot();
    /// let unusable: Vec<_> = snapshot.issuers().filter(|issuer| issuer.usable().is_err()).collect();
    /// assert_eq!(unusable[0].url().as_str(), "https://issuer.example.com");
    /// # Ok::<(), issuer::Error>(())
    /// ```
    pub fn snapshot(&self) -> Arc<Verifier> {
        self.shared.current()
    }

    /// Verifies a token; the first check that fails refuses it.
    ///
    /// # Errors
    ///
    /// [`Refusal`], the same that [`examine`](Self::examine) reports first.
    pub async fn verify(&self, token: &str, expectations: &Expectations) -> Result<VerifiedToken, Refusal> {
        self.verify_by(token, expectations, || self.shared.clock.now()).await
    }

    /// Verifies a token as of another time, with the present keys.
    ///
    /// ```no_run
    /// use issuer::{Expectations, RemoteVerifier, Timestamp};
    /// # async fn replay(token: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let verifier = RemoteVerifier::new("https://issuer.example.com".parse()?);
    /// let at: Timestamp = "2026-11-22T00:40:00Z".parse()?;
    /// println!("{}", verifier.verify_at(token, &Expectations::entra(), at).await?.subject());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`verify`](Self::verify).
    pub async fn verify_at(
        &self,
        token: &str,
        expectations: &Expectations,
        at: Timestamp,
    ) -> Result<VerifiedToken, Refusal> {
        self.verify_by(token, expectations, || at).await
    }

    async fn verify_by(
        &self,
        token: &str,
        expectations: &Expectations,
        now: impl Fn() -> Timestamp,
    ) -> Result<VerifiedToken, Refusal> {
        let current = self.shared.current();
        let verdict = current.verify(token, expectations, now());
        match &verdict {
            Ok(verified) => self.refresh(verified.issuer(), None).await,
            Err(refusal) => self.refresh_after(refusal, token).await,
        }
        let Some(newer) = self.shared.newer_than(&current) else { return verdict };
        let verdict = newer.verify(token, expectations, now());
        if let Err(Refusal::KeyNotFound { .. }) = verdict {
            // The fresh JWKS lacks the key too, so the JWKS may have moved.
            let source = issuer_of(token).and_then(|issuer| self.shared.sources.get(&issuer));
            source.into_iter().for_each(Source::distrust_discovery);
        }
        verdict
    }

    /// Runs all checks of a token and reports each.
    pub async fn examine(&self, token: &str, expectations: &Expectations) -> Report {
        let (current, now) = (self.shared.current(), self.shared.clock.now());
        let report = current.examine(token, expectations, now);
        match report.refusal() {
            None => self.refresh(&issuer_of(token).unwrap_or_default(), None).await,
            Some(refusal) => self.refresh_after(refusal, token).await,
        }
        match self.shared.newer_than(&current) {
            Some(newer) => newer.examine(token, expectations, self.shared.clock.now()),
            None => report,
        }
    }

    /// Refreshes the documents if that could change the refusal.
    async fn refresh_after(&self, refusal: &Refusal, token: &str) {
        if may_pass_later(refusal)
            && let Some(issuer) = issuer_of(token)
        {
            self.refresh(&issuer, Some(refusal)).await;
        }
    }

    /// Refreshes the documents of an issuer if they are due, and waits for it if the cached ones cannot be used.
    async fn refresh(&self, issuer: &str, refusal: Option<&Refusal>) {
        if let Some((Next::Wait, task)) = self.start(issuer, refusal) {
            // The task ends early only when the runtime ends.
            let _ = task.await;
        }
    }

    /// Starts a refresh in its own task if one is due. A cancelled caller does not cancel the refresh: the next caller would
    /// start the same request again.
    fn start(&self, issuer: &str, refusal: Option<&Refusal>) -> Option<(Next, JoinHandle<()>)> {
        let (name, source) = self.shared.sources.get_key_value(issuer)?;
        let (next, after) = source.next(self.shared.clock.as_ref(), refusal);
        if next == Next::Answer {
            return None;
        }
        let (shared, name) = (Arc::clone(&self.shared), name.clone());
        let span = debug_span!("refresh", issuer = %name);
        let read = async move { shared.read(&name, after).await };
        let task = Handle::try_current().ok()?.spawn(read.instrument(span));
        Some((next, task))
    }
}

impl Shared {
    /// Nothing that holds it can panic.
    fn current(&self) -> Arc<Verifier> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The cached verifier, if it is newer than `then`.
    fn newer_than(&self, then: &Arc<Verifier>) -> Option<Arc<Verifier>> {
        let now = self.current();
        (!Arc::ptr_eq(&now, then)).then_some(now)
    }

    /// Refreshes the documents of an issuer, unless another caller did so since attempt `after`.
    async fn read(&self, name: &str, after: u64) {
        let Some(source) = self.sources.get(name) else { return };
        // The refresh in flight may belong to a runtime that no thread drives any more.
        let Ok(mut discovery) = timeout(PATIENCE, source.discovery.lock()).await else { return };
        if source.schedule().attempts != after {
            return;
        }
        // The same holds for the refreshes that hold the permits.
        let permit = timeout(PATIENCE, self.in_flight.acquire()).await;
        let known = discovery.take();
        let is_fresh = known.is_none();
        let published = source.fetch(known, &self.fetcher).await;
        drop(permit);
        let trusted = TrustedIssuer::from_published(source.issuer.clone(), &published);
        let (failure, usable) = (trusted.unreadable().cloned(), trusted.usable());
        let keeps_keys = failure.is_some() && source.schedule().has_keys();
        // Store the keys before the attempt is counted: a caller that sees the new number must see its keys.
        self.exchange(trusted, failure.as_ref().filter(|_| keeps_keys));
        let outcome = if let Some(failure) = failure {
            source.schedule().failed(self.clock.as_ref());
            Err(failure)
        } else {
            let page = published.jwks.as_ref().and_then(|jwks| jwks.outcome.as_ref().ok());
            // A JWKS that cannot verify any token is not cached.
            let fresh_for = page.and_then(|page| page.fresh_for).filter(|_| usable.is_ok());
            let fresh_for = fresh_for.or(usable.is_err().then_some(Duration::ZERO));
            *discovery = Some(Known { published: PublishedIssuer { jwks: None, ..published }, is_fresh });
            let kept = source.schedule().succeeded(self.clock.as_ref(), fresh_for);
            usable.map(|()| kept)
        };
        drop(discovery);
        report(&source.issuer, &outcome, keeps_keys);
    }

    /// Replaces the cached issuer with the one that was read, or after a failure with the old keys and the failure.
    fn exchange(&self, trusted: TrustedIssuer, failure: Option<&Refusal>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut next = Verifier::clone(&current);
        let kept = failure.zip(next.issuer(trusted.url()));
        let trusted = kept.map_or(trusted, |(failure, known)| known.kept_after(failure));
        next.replace(Arc::new(trusted));
        *current = Arc::new(next);
    }
}

/// Records the outcome of a refresh as an event.
fn report(issuer: &IssuerUrl, outcome: &Result<Duration, Refusal>, keeps_keys: bool) {
    let text = |refusal: &Refusal| redacted(&refusal.to_string()).into_owned();
    match outcome {
        Ok(kept) => {
            let kept_for_s = kept.as_secs();
            info!(%issuer, kept_for_s, "read the keys of {issuer}; next read after {kept_for_s} s");
        }
        Err(refusal) => {
            let cause = text(refusal);
            if keeps_keys {
                warn!(%issuer, cause, keeps_keys, "cannot read the keys of {issuer} again; the old keys stay");
            } else {
                warn!(%issuer, cause, keeps_keys, "cannot verify any token of {issuer}");
            }
        }
    }
}

/// The issuer in a token.
fn issuer_of(token: &str) -> Option<String> {
    Some(Token::parse(token, &mut Vec::new()).ok()?.claims.iss?.into_owned())
}
