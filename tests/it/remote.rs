//! The verifier that refreshes published keys, against a loopback server and with a clock that the test advances.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use crate::support::{
    Recording,
    events::Events,
    http::{Scripted, response},
    recording,
};
use issuer::{
    Clock, Documents, Expectations, IssuerUrl, Jwks, KeySet, Location, Outcome, Refusal, RemoteVerifier, Timestamp,
};
use tokio::task::JoinSet;
use tracing::Level;

const DISCOVERY: &str = "/.well-known/openid-configuration";
const JWKS: &str = "/openid/v1/jwks";

/// A clock that the test advances.
#[derive(Clone)]
struct ManualClock(Arc<AtomicI64>);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

impl ManualClock {
    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// The current response of the server.
struct ServerState {
    status: &'static str,
    cache_control: Option<&'static str>,
    jwks: Vec<u8>,
}

/// A published issuer: a server with a settable response, its verifier, and the events of its refreshes.
struct Published {
    run: Recording,
    state: Arc<Mutex<ServerState>>,
    server: Scripted,
    clock: ManualClock,
    verifier: RemoteVerifier,
    events: Events,
}

impl Published {
    fn start() -> Self {
        Self::with("rotation", Some("max-age=1000"))
    }

    fn with(name: &'static str, cache_control: Option<&'static str>) -> Self {
        let run = recording(name);
        let issuer: IssuerUrl = run.issuer.parse().unwrap();
        let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
        let documents = Documents::new(issuer.clone(), &keys);
        let state = ServerState { status: "200 OK", cache_control, jwks: documents.jwks.to_bytes() };
        let state = Arc::new(Mutex::new(state));
        let shared_state = Arc::clone(&state);
        let server = Scripted::start(move |path| {
            let state = shared_state.lock().unwrap();
            let cache_control = state.cache_control.map(|value| format!("Cache-Control: {value}"));
            let headers: Vec<_> =
                ["Content-Type: application/json"].into_iter().chain(cache_control.as_deref()).collect();
            match path {
                JWKS => response(state.status, &headers, &state.jwks),
                _ => response(state.status, &headers, &documents.discovery.to_bytes()),
            }
        });
        // A time at which every recorded token is valid. The leeway covers long waits.
        let clock = ManualClock(Arc::new(AtomicI64::new(1_795_307_700)));
        let events = Events::subscribe();
        let verifier = RemoteVerifier::builder()
            .trust_published_at(issuer, server.url().parse().unwrap())
            .clock(clock.clone())
            .build();
        Self { run, state, server, clock, verifier, events }
    }

    async fn verify(&self) -> Result<issuer::VerifiedToken, Refusal> {
        self.verifier.verify(&self.run.text("entra.jwt"), &lenient()).await
    }

    /// Waits for a successful refresh.
    async fn refreshed(&mut self) {
        let event = self.events.next().await;
        assert_eq!(event.level, Level::INFO, "{event:?}");
    }

    /// The number of requests for each document.
    fn requests(&self) -> (usize, usize) {
        let requests = self.server.requests.lock().unwrap();
        let count = |path: &str| requests.iter().filter(|request| *request == path).count();
        (count(DISCOVERY), count(JWKS))
    }

    /// Publishes the keys with these key IDs.
    fn publish(&self, keep: impl Fn(&str) -> bool) {
        let mut jwks = Jwks::parse(&self.run.bytes("jwks.json")).unwrap();
        jwks.keys.retain(|key| keep(key.kid().unwrap()));
        self.state.lock().unwrap().jwks = jwks.to_bytes();
    }

    fn kid(&self) -> String {
        crate::support::segment(&self.run.text("entra.jwt"), 0)["kid"].as_str().unwrap().to_owned()
    }
}

fn lenient() -> Expectations {
    Expectations::oidc().audience("api://AzureADTokenExchange").leeway(Duration::from_hours(1000))
}

/// Runs a future with a time limit, because the wait for an event has none.
fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(async { tokio::time::timeout(Duration::from_mins(1), future).await })
        .expect("the test ends within a minute")
}

#[test]
fn cache_lifetime_follows_max_age_within_limits() {
    let cases = [
        (Some("public, max-age=3600"), 3600),
        (Some("max-age=5"), 60),
        (Some("no-store"), 60),
        (Some("max-age=9999999"), 24 * 3600),
        (None, 600),
    ];
    for (cache_control, seconds) in cases {
        block_on(async {
            let mut issuer = Published::with("rotation", cache_control);
            issuer.verify().await.unwrap();
            let kept = issuer.events.next().await.field("kept_for_s").to_owned();
            assert_eq!(kept, seconds.to_string(), "{cache_control:?}");
        });
    }
}

#[test]
fn jwks_is_refreshed_in_the_background_before_it_expires() {
    block_on(async {
        let mut issuer = Published::start();
        for _ in 0..3 {
            issuer.verify().await.unwrap();
        }
        assert_eq!(issuer.requests(), (1, 1));
        issuer.refreshed().await;
        issuer.clock.advance(799);
        issuer.verify().await.unwrap();
        assert!(issuer.events.is_empty());
        issuer.clock.advance(1);
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (1, 1), "the caller waited for a request");
        issuer.verify().await.unwrap();
        issuer.refreshed().await;
        assert_eq!(issuer.requests(), (1, 2));
    });
}

#[test]
fn removed_key_stops_verifying_at_the_next_refresh() {
    block_on(async {
        let mut issuer = Published::start();
        issuer.verify().await.unwrap();
        issuer.events.next().await;
        let kid = issuer.kid();
        issuer.publish(|other| other != kid);
        issuer.clock.advance(800);
        issuer.verify().await.unwrap();
        issuer.refreshed().await;
        assert!(matches!(issuer.verify().await, Err(Refusal::KeyNotFound { .. })));
    });
}

#[test]
fn caller_after_expiry_waits_for_a_fresh_jwks() {
    block_on(async {
        let issuer = Published::start();
        issuer.verify().await.unwrap();
        issuer.publish(|_| false);
        issuer.clock.advance(1000);
        assert_eq!(issuer.verify().await, Err(Refusal::KeySetEmpty));
        assert_eq!(issuer.requests(), (1, 2));
    });
}

#[test]
fn unknown_kid_refreshes_at_most_once_in_30_seconds() {
    block_on(async {
        let issuer = Published::start();
        let kid = issuer.kid();
        issuer.publish(|other| other != kid);
        let refused = |verdict| matches!(verdict, Err(Refusal::KeyNotFound { .. }));
        assert!(refused(issuer.verify().await));
        assert_eq!(issuer.requests(), (1, 1), "the JWKS was read just now");
        issuer.clock.advance(29);
        assert!(refused(issuer.verify().await));
        assert_eq!(issuer.requests(), (1, 1));
        issuer.clock.advance(1);
        assert!(refused(issuer.verify().await));
        assert!(refused(issuer.verify().await));
        assert_eq!(issuer.requests(), (1, 2));
        issuer.publish(|_| true);
        issuer.clock.advance(30);
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (2, 3), "discovery was not read again, and the JWKS may have moved");
    });
}

#[test]
fn moved_jwks_is_found_while_the_old_url_still_answers() {
    block_on(async {
        let run = recording("rotation");
        let issuer: IssuerUrl = run.issuer.parse().unwrap();
        let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
        let kid = crate::support::segment(&run.text("entra.jwt"), 0)["kid"].as_str().unwrap().to_owned();
        let (all, mut old) = (Jwks::from_keys(keys.iter()), Jwks::from_keys(keys.iter()));
        old.keys.retain(|key| key.kid() != Some(&kid));
        let moved = Arc::new(AtomicI64::new(0));
        let has_moved = Arc::clone(&moved);
        let server = Scripted::start(move |path| {
            let uri = format!(
                "{}/{}",
                issuer.as_str().trim_end_matches('/'),
                if has_moved.load(Ordering::SeqCst) == 0 { "old" } else { "new" }
            );
            let discovery = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{uri}"}}"#);
            let body = match path {
                "/old" => old.to_bytes(),
                "/new" => all.to_bytes(),
                _ => discovery.into_bytes(),
            };
            response("200 OK", &["Content-Type: application/json"], &body)
        });
        let clock = ManualClock(Arc::new(AtomicI64::new(1_795_307_700)));
        let verifier = RemoteVerifier::builder()
            .trust_published_at(run.issuer.parse().unwrap(), server.url().parse().unwrap())
            .clock(clock.clone())
            .build();
        let token = run.text("entra.jwt");
        assert!(verifier.verify(&token, &lenient()).await.is_err());
        moved.store(1, Ordering::SeqCst);
        clock.advance(30);
        assert!(verifier.verify(&token, &lenient()).await.is_err(), "the old JWKS URL was not read again");
        clock.advance(30);
        verifier.verify(&token, &lenient()).await.unwrap();
    });
}

#[test]
fn concurrent_callers_share_one_request() {
    block_on(async {
        let issuer = Published::start();
        let kid = issuer.kid();
        issuer.publish(|other| other != kid);
        // The first request fetches the documents, the second refreshes for the `kid`, which is published by then.
        for requests in [(1, 1), (1, 2)] {
            let mut callers = JoinSet::new();
            for _ in 0..100 {
                let (verifier, token) = (issuer.verifier.clone(), issuer.run.text("entra.jwt"));
                callers.spawn(async move { verifier.verify(&token, &lenient()).await.is_ok() });
            }
            let verdicts = callers.join_all().await;
            assert_eq!(issuer.requests(), requests);
            assert_eq!(verdicts, [requests.1 == 2; 100]);
            issuer.publish(|_| true);
            issuer.clock.advance(30);
        }
    });
}

#[test]
fn failed_refresh_keeps_the_old_keys_and_is_retried() {
    block_on(async {
        let mut issuer = Published::start();
        issuer.verify().await.unwrap();
        issuer.refreshed().await;
        issuer.state.lock().unwrap().status = "503 Service Unavailable";
        issuer.clock.advance(5000);
        issuer.verify().await.unwrap();
        let refresh = issuer.events.next().await;
        assert_eq!((refresh.level, refresh.field("keeps_keys")), (Level::WARN, "true"));
        assert!(refresh.field("message").ends_with(" again; the old keys stay"), "{refresh:?}");
        let cause = refresh.field("cause").to_owned();
        assert!(cause.starts_with("cannot fetch the JWKS: ") && cause.ends_with("returned status 503"), "{cause}");
        let report = issuer.verifier.examine(&issuer.run.text("entra.jwt"), &lenient()).await;
        let Outcome::Passed(seen) = &report.checks[3].outcome else { panic!("{report:?}") };
        assert_eq!(*seen, format!("2 keys, kept because the refresh failed: {cause}"));

        // Callers do not wait for a site that is down: retries run in the background.
        issuer.clock.advance(29);
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (1, 2));
        issuer.state.lock().unwrap().status = "200 OK";
        issuer.clock.advance(1);
        issuer.verify().await.unwrap();
        let refresh = issuer.events.next().await;
        assert_eq!((refresh.level, refresh.field("kept_for_s")), (Level::INFO, "1000"));
        assert_eq!(issuer.requests(), (2, 3), "the discovery document was not read again after a failure");
    });
}

#[test]
fn failed_first_fetch_is_retried_after_a_second() {
    block_on(async {
        let mut issuer = Published::start();
        issuer.state.lock().unwrap().status = "404 Not Found";
        let refusal = issuer.verifier.ready().await.unwrap_err().refusal;
        assert!(matches!(refusal, Refusal::DiscoveryFetch(_)), "{refusal}");
        assert!(issuer.events.next().await.field("keeps_keys") == "false");
        issuer.state.lock().unwrap().status = "200 OK";
        assert_eq!(issuer.verify().await, Err(refusal));
        assert_eq!(issuer.requests(), (1, 0));
        issuer.clock.advance(1);
        issuer.verify().await.unwrap();
        issuer.verifier.ready().await.unwrap();
        assert_eq!(issuer.requests(), (2, 1));
    });
}

#[test]
fn unusable_documents_are_reported_and_not_cached() {
    block_on(async {
        let mut issuer = Published::start();
        issuer.publish(|_| false);
        let unready = issuer.verifier.ready().await.unwrap_err();
        assert_eq!(unready.to_string(), format!("{}: the JWKS holds no usable key", issuer.run.issuer));
        assert_eq!(issuer.events.next().await.field("cause"), Refusal::KeySetEmpty.to_string());
        issuer.publish(|_| true);
        issuer.clock.advance(29);
        assert_eq!(issuer.verify().await, Err(Refusal::KeySetEmpty));
        issuer.clock.advance(1);
        issuer.verify().await.unwrap();
        issuer.verifier.ready().await.unwrap();
        assert_eq!(issuer.requests(), (1, 2));
    });
}

#[test]
fn refresh_under_load_is_one_request() {
    // On the system clock, with four threads and a runtime each: one request serves all threads.
    let published = Published::start();
    let verifier = RemoteVerifier::builder()
        .trust_published_at(published.run.issuer.parse().unwrap(), published.server.url().parse().unwrap())
        .build();
    let token = published.run.text("entra.jwt");
    let verify = || {
        block_on(async {
            for _ in 0..200 {
                verifier.verify(&token, &lenient()).await.unwrap();
            }
        });
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(verify))));
    assert_eq!(published.requests(), (1, 1));
}

#[test]
fn small_backward_clock_step_keeps_the_cache() {
    block_on(async {
        let issuer = Published::start();
        issuer.verify().await.unwrap();
        issuer.clock.advance(-5);
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (1, 1));
        // After a large backward step the age of the cache is unknown, so the JWKS is fetched again.
        issuer.clock.advance(-500);
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (1, 2));
    });
}

#[test]
fn stalled_refresh_does_not_block_other_callers() {
    let issuer = Published::start();
    let stalled = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let token = issuer.run.text("entra.jwt");
    stalled.block_on(issuer.verify()).unwrap();
    issuer.clock.advance(900);
    // The runtime starts a refresh of the JWKS and then stalls.
    stalled.block_on(async {
        issuer.verify().await.unwrap();
        tokio::task::yield_now().await;
    });
    issuer.clock.advance(900);
    // tokio's paused clock advances when all tasks wait.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let verified = runtime.block_on(issuer.verifier.verify(&token, &lenient())).unwrap();
    assert_eq!(verified.name(), "workload-identity-sa");
    drop(stalled);
}

#[test]
fn dropped_caller_does_not_cancel_the_request() {
    block_on(async {
        let mut issuer = Published::start();
        {
            let mut caller = pin!(issuer.verify());
            assert!(caller.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        issuer.refreshed().await;
        issuer.verify().await.unwrap();
        assert_eq!(issuer.requests(), (1, 1));
    });
}

#[test]
fn only_trusted_issuers_get_requests() {
    block_on(async {
        let (one, other, untrusted) = (
            Published::with("rotation", None),
            Published::with("path-issuer", None),
            Published::with("no-trailing-slash", None),
        );
        let verifier = RemoteVerifier::builder()
            .trust_published_at(one.run.issuer.parse().unwrap(), one.server.url().parse().unwrap())
            .trust_published_at(other.run.issuer.parse().unwrap(), other.server.url().parse().unwrap())
            .clock(one.clock.clone())
            .build();
        let verify = async |issuer: &Published| verifier.verify(&issuer.run.text("entra.jwt"), &lenient()).await;
        assert_eq!(verify(&one).await.unwrap().issuer(), one.run.issuer);
        assert_eq!((one.requests(), other.requests()), ((1, 1), (0, 0)));
        assert_eq!(verify(&other).await.unwrap().issuer(), other.run.issuer);
        let refusal = verify(&untrusted).await.unwrap_err();
        assert!(matches!(refusal, Refusal::Issuer { .. }), "a slash less: {refusal}");
        assert_eq!((one.requests(), other.requests(), untrusted.requests()), ((1, 1), (1, 1), (0, 0)));
    });
}

#[test]
fn remote_verifier_reads_a_directory() {
    let run = recording("rotation");
    let folder = tempfile::TempDir::new().unwrap();
    let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
    let documents = Documents::new(run.issuer.parse().unwrap(), &keys);
    for (path, bytes) in [(DISCOVERY, documents.discovery.to_bytes()), (JWKS, documents.jwks.to_bytes())] {
        let path = folder.path().join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let verifier = RemoteVerifier::builder()
        .trust_published_at(run.issuer.parse().unwrap(), Location::Directory(folder.path().to_owned()))
        .build();
    block_on(verifier.verify(&run.text("entra.jwt"), &lenient())).unwrap();
}

#[test]
fn no_fetch_and_no_panic_outside_a_runtime() {
    let run = recording("rotation");
    let verifier = RemoteVerifier::new(run.issuer.parse().unwrap());
    let token = run.text("entra.jwt");
    let expectations = lenient();
    let verify = pin!(verifier.verify(&token, &expectations));
    let Poll::Ready(Err(refusal)) = verify.poll(&mut Context::from_waker(Waker::noop())) else { panic!("it waits") };
    assert!(refusal.to_string().ends_with(": the document has not been fetched yet"), "{refusal}");
}
