//! A scripted token endpoint, a clock that can be set, and random numbers with a seed, for tests.

use std::{
    collections::HashMap,
    fmt, iter,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use tokio::{runtime::Runtime, time::Instant};

use super::{
    AssertionError, AssertionSource, ClientAssertion, WorkloadIdentity, WorkloadIdentityBuilder,
    endpoint::{Endpoint, Reply, Unanswered},
};
use crate::{
    clock::Clock,
    entra::{Aadsts, Scope},
};

pub(super) const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
pub(super) const CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000001";
pub(super) const OTHER_CLIENT: &str = "11111111-aaaa-4bbb-8ccc-000000000002";

/// A runtime whose clock advances by itself when all tasks wait.
pub(super) fn paused() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

pub(super) fn vault() -> Scope {
    "https://vault.azure.net/.default".parse().unwrap()
}

pub(super) fn jwt(id: u64) -> String {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    format!("{}.{}.{}", encode(r#"{"alg":"RS256"}"#), encode(&format!(r#"{{"jti":"{id}"}}"#)), encode("signature"))
}

/// The assertion of [`jwt`] 0.
#[derive(Debug)]
pub(super) struct Fixed;

#[async_trait]
impl AssertionSource for Fixed {
    async fn assertion(&self) -> Result<ClientAssertion, AssertionError> {
        Ok(ClientAssertion::new(&jwt(0))?)
    }
}

/// A wall clock that follows the monotonic clock of Tokio, with a step.
#[derive(Clone, Debug)]
pub(super) struct SteppedClock {
    start: Instant,
    step: Arc<AtomicI64>,
}

impl SteppedClock {
    /// A clock that starts now, inside a runtime.
    pub(super) fn start() -> Self {
        Self { start: Instant::now(), step: Arc::default() }
    }

    pub(super) fn set(&self, seconds: i64) {
        self.step.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for SteppedClock {
    fn now(&self) -> Timestamp {
        let epoch: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let passed = SignedDuration::try_from(self.start.elapsed()).unwrap();
        epoch + passed + SignedDuration::from_secs(self.step.load(Ordering::SeqCst))
    }
}

/// What the endpoint does with a request.
#[derive(Clone, Debug)]
pub(super) enum Reaction {
    /// Issue a token with this `expires_in` and `refresh_in`.
    Issue(u64, Option<u64>),
    /// Refuse with a status and a code.
    Refuse(u16, Aadsts),
    /// Answer with a status, a body and `Retry-After`.
    Answer(u16, &'static str, Option<u64>),
    /// The connection fails.
    Fail { is_permanent: bool },
    /// No answer within the time limit.
    Hang,
}

type Behaviour = Box<dyn FnMut(&Form) -> (Duration, Reaction) + Send>;

/// The fields of a request.
pub(super) struct Form {
    pub(super) number: usize,
    pub(super) assertion: String,
}

/// A token endpoint that behaves as a test says.
#[derive(Clone)]
pub(super) struct Script(Arc<State>);

struct State {
    behaviour: Mutex<Behaviour>,
    requests: AtomicUsize,
    /// The requests in flight of each client and scope.
    in_flight: Mutex<HashMap<String, usize>>,
    in_flight_max: AtomicUsize,
    /// The true expiry of each token.
    issued: Mutex<HashMap<String, Instant>>,
    /// The times of the requests since the last success.
    since_success: Mutex<Vec<Instant>>,
    in_five_minutes_max: AtomicUsize,
}

impl Script {
    pub(super) fn new(behaviour: impl FnMut(&Form) -> (Duration, Reaction) + Send + 'static) -> Self {
        Self(Arc::new(State {
            behaviour: Mutex::new(Box::new(behaviour)),
            requests: AtomicUsize::default(),
            in_flight: Mutex::default(),
            in_flight_max: AtomicUsize::default(),
            issued: Mutex::default(),
            since_success: Mutex::default(),
            in_five_minutes_max: AtomicUsize::default(),
        }))
    }

    /// An endpoint that reacts to each request as the list says, and to all later ones as its last item says.
    pub(super) fn of(reactions: Vec<Reaction>) -> Self {
        let last = reactions.last().cloned();
        let mut reactions = reactions.into_iter().chain(iter::repeat_with(move || last.clone().unwrap()));
        Self::new(move |_| (Duration::from_secs(1), reactions.next().unwrap()))
    }

    pub(super) fn requests(&self) -> usize {
        self.0.requests.load(Ordering::SeqCst)
    }

    /// The most requests in flight for one client and scope.
    pub(super) fn in_flight_max(&self) -> usize {
        self.0.in_flight_max.load(Ordering::SeqCst)
    }

    /// The most requests in five minutes without a success.
    pub(super) fn in_five_minutes_max(&self) -> usize {
        self.0.in_five_minutes_max.load(Ordering::SeqCst)
    }

    /// Whether a token of this endpoint is valid now.
    pub(super) fn is_valid(&self, token: &str) -> bool {
        self.0.issued.lock().unwrap().get(token).is_some_and(|expiry| Instant::now() < *expiry)
    }

    /// A builder of a client of this endpoint, without jitter.
    pub(super) fn builder(&self) -> WorkloadIdentityBuilder {
        WorkloadIdentity::builder()
            .variables(|_| None)
            .tenant(TENANT.parse().unwrap())
            .client_id(CLIENT.parse().unwrap())
            .assertion_source(Fixed)
            .clock(SteppedClock::start())
            .scripted(self.clone(), || 255)
    }

    fn count(&self) {
        let now = Instant::now();
        let mut sent = self.0.since_success.lock().unwrap();
        sent.push(now);
        let recent = sent.iter().filter(|sent| now.duration_since(**sent) < Duration::from_mins(5)).count();
        self.0.in_five_minutes_max.fetch_max(recent, Ordering::SeqCst);
    }
}

#[async_trait]
impl Endpoint for Script {
    async fn post(&self, url: &str, form: String, limit: Duration, _: Timestamp) -> Result<Reply, Unanswered> {
        let field = |name: &str| {
            let mut fields = form.split('&').filter_map(|field| field.split_once('='));
            fields.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        let _in_flight = InFlight::new(&self.0, format!("{url} {} {}", field("client_id"), field("scope")));
        let number = self.0.requests.fetch_add(1, Ordering::SeqCst);
        self.count();
        let form = Form { number, assertion: field("client_assertion") };
        let (delay, reaction) = (self.0.behaviour.lock().unwrap())(&form);
        let late = || Unanswered { because: "no answer in time".to_owned(), is_permanent: false };
        let delay = if matches!(reaction, Reaction::Hang) { Duration::MAX } else { delay };
        if delay > limit {
            tokio::time::sleep(limit).await;
            return Err(late());
        }
        // Entra issues the token before the answer arrives.
        let issued_at = Instant::now() + delay / 2;
        tokio::time::sleep(delay).await;
        let reply = |status, body: String, retry_after: Option<u64>| {
            Ok(Reply { status, body: body.into_bytes(), retry_after: retry_after.map(Duration::from_secs) })
        };
        match reaction {
            Reaction::Issue(expires_in, refresh_in) => {
                let token = format!("token-{number}");
                self.0.issued.lock().unwrap().insert(token.clone(), issued_at + Duration::from_secs(expires_in));
                self.0.since_success.lock().unwrap().clear();
                let refresh_in = refresh_in.map(|seconds| format!(r#","refresh_in":{seconds}"#)).unwrap_or_default();
                let body = format!(
                    r#"{{"token_type":"Bearer","expires_in":{expires_in}{refresh_in},"access_token":"{token}"}}"#
                );
                reply(200, body, None)
            }
            Reaction::Refuse(status, code) => {
                let error =
                    format!(r#"{{"error":"e","error_description":"{code}: x","error_codes":[{}]}}"#, code.code());
                reply(status, error, None)
            }
            Reaction::Answer(status, body, retry_after) => reply(status, body.to_owned(), retry_after),
            Reaction::Fail { is_permanent } => {
                Err(Unanswered { because: "connection refused".to_owned(), is_permanent })
            }
            Reaction::Hang => Err(late()),
        }
    }
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script").finish_non_exhaustive()
    }
}

/// A request in flight, also if its future is dropped.
struct InFlight<'a>(&'a State, String);

impl<'a> InFlight<'a> {
    fn new(state: &'a State, key: String) -> Self {
        let mut in_flight = state.in_flight.lock().unwrap();
        let count = in_flight.entry(key.clone()).or_default();
        *count += 1;
        state.in_flight_max.fetch_max(*count, Ordering::SeqCst);
        Self(state, key)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        *self.0.in_flight.lock().unwrap().get_mut(&self.1).unwrap() -= 1;
    }
}

/// Random numbers from a seed (`SplitMix64`).
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below a limit.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(super) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        items[usize::try_from(self.below(items.len() as u64)).unwrap()].clone()
    }
}
