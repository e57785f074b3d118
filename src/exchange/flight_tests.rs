//! One exchange for many callers, the cache, and the retries.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use futures_util::future::join_all;
use tokio::{sync::watch, time::sleep};

use super::{
    ExchangeError, RetryPolicy, TokenSource, WorkloadIdentity,
    test_setup::{OTHER_CLIENT, Reaction, Script, SteppedClock, paused, vault},
};
use crate::entra::{Aadsts, RetryAdvice, Waiting};

const HOUR: Reaction = Reaction::Issue(3600, None);

fn throttled() -> Aadsts {
    Aadsts::catalogue().find(|entry| entry.waiting == Waiting::Throttled).unwrap().code
}

fn after(seconds: u64) -> impl Future<Output = ()> {
    sleep(Duration::from_secs(seconds))
}

#[test]
fn ten_thousand_callers_cause_one_exchange() {
    const CALLERS: usize = 10_000;
    const THREADS: usize = 8;
    // The endpoint answers after all callers have called.
    let (calls, seen) = (Arc::new(watch::channel(0).0), Arc::new(AtomicUsize::new(0)));
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let script = Script::new(|_| (Duration::ZERO, HOUR));
    let (gate, counted) = (calls.subscribe(), Arc::clone(&seen));
    let identity = runtime().block_on(async {
        script.builder().assertion_source(Gate { calls: gate, counted, callers: CALLERS }).build().unwrap()
    });
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let (identity, calls) = (identity.clone(), Arc::clone(&calls));
            scope.spawn(move || {
                runtime().block_on(async {
                    let vault = vault();
                    let callers = (0..CALLERS / THREADS).map(|_| async {
                        let mut token = identity.token(&vault);
                        // The first poll joins the exchange.
                        let polled = std::future::poll_fn(|context| Poll::Ready(pin!(&mut token).poll(context))).await;
                        calls.send_modify(|calls| *calls += 1);
                        match polled {
                            Poll::Ready(outcome) => outcome.unwrap(),
                            Poll::Pending => token.await.unwrap(),
                        }
                    });
                    for token in join_all(callers).await {
                        assert_eq!(token.secret(), "token-0");
                    }
                });
            });
        }
    });
    assert_eq!((script.requests(), seen.load(Ordering::SeqCst)), (1, 1));
}

/// A source of assertions that waits for all callers.
#[derive(Debug)]
struct Gate {
    calls: watch::Receiver<usize>,
    counted: Arc<AtomicUsize>,
    callers: usize,
}

#[async_trait::async_trait]
impl super::AssertionSource for Gate {
    async fn assertion(&self) -> Result<super::ClientAssertion, super::AssertionError> {
        self.counted.fetch_add(1, Ordering::SeqCst);
        self.calls.clone().wait_for(|calls| *calls == self.callers).await.unwrap();
        super::test_setup::Fixed.assertion().await
    }
}

#[test]
fn cached_call_allocates_nothing() {
    paused().block_on(async {
        let script = Script::of(vec![HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        identity.token(&vault).await.unwrap();
        let source: &dyn TokenSource = &identity;
        let cost = allocation_counter::measure(|| {
            let mut context = Context::from_waker(Waker::noop());
            assert!(pin!(source.token(&vault)).poll(&mut context).is_ready());
        });
        assert_eq!((cost.count_total, script.requests()), (0, 1));
    });
}

#[test]
fn cancelled_first_caller_does_not_cancel_the_exchange() {
    paused().block_on(async {
        let script = Script::new(|_| (Duration::from_secs(10), HOUR));
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        let first = tokio::time::timeout(Duration::from_secs(2), identity.token(&vault));
        let second = async {
            after(1).await;
            identity.token(&vault).await
        };
        let (first, second) = futures_util::future::join(first, second).await;
        assert!(first.is_err() && second.is_ok());
        assert_eq!(script.requests(), 1);
    });
}

#[test]
fn exchange_of_a_runtime_that_ended_is_started_again() {
    let script = Script::new(|form| (Duration::from_secs(if form.number == 0 { 1000 } else { 1 }), HOUR));
    let first = paused();
    let (identity, vault) = first.block_on(async { (script.builder().build().unwrap(), vault()) });
    first.block_on(async { tokio::time::timeout(Duration::from_secs(1), identity.token(&vault)).await.unwrap_err() });
    drop(first);
    assert!(paused().block_on(async { identity.token(&vault).await }).is_ok());
    assert_eq!(script.requests(), 2);
}

#[test]
fn call_outside_of_a_runtime_is_an_error() {
    let script = Script::of(vec![HOUR]);
    let identity = paused().block_on(async { script.builder().build().unwrap() });
    let vault = vault();
    let mut context = Context::from_waker(Waker::noop());
    let polled = pin!(identity.token(&vault)).poll(&mut context);
    assert!(matches!(polled, Poll::Ready(Err(ExchangeError::NoRuntime))), "{polled:?}");
}

#[test]
fn siblings_share_the_cache_and_have_tokens_of_their_own() {
    paused().block_on(async {
        let script = Script::of(vec![HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        let other = identity.with_client_id(OTHER_CLIENT.parse().unwrap());
        let elsewhere = identity.with_tenant("contoso.com".parse().unwrap());
        let storage = "https://storage.azure.com/.default".parse().unwrap();
        let mut secrets = Vec::new();
        for source in [&identity, &other, &elsewhere] {
            for scope in [&vault, &storage] {
                let token = source.token(scope).await.unwrap();
                assert_eq!(token.scope(), scope);
                secrets.push(token.secret().to_owned());
            }
        }
        secrets.sort();
        secrets.dedup();
        assert_eq!((secrets.len(), script.requests()), (6, 6));
        let again = other.with_client_id(identity.client_id().clone());
        assert_eq!(again.token(&vault).await.unwrap().secret(), "token-0");
        assert_eq!(script.requests(), 6);
    });
}

#[test]
fn refresh_runs_in_the_background_before_the_expiry() {
    paused().block_on(async {
        let script = Script::of(vec![HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        let secret = async || identity.token(&vault).await.unwrap().secret().to_owned();
        assert_eq!(secret().await, "token-0");
        after(3290).await;
        assert_eq!((secret().await.as_str(), script.requests()), ("token-0", 1));
        after(20).await;
        // 200 callers get the old token at once, and cause one request.
        for _ in 0..200 {
            let token = pin!(identity.token(&vault)).poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(token, Poll::Ready(Ok(token)) if token.secret() == "token-0"));
        }
        after(2).await;
        assert_eq!((secret().await.as_str(), script.requests()), ("token-1", 2));
    });
}

#[test]
fn failed_refresh_backs_off_and_keeps_the_token() {
    paused().block_on(async {
        let refuse = Reaction::Refuse(401, Aadsts::ISSUER);
        let script = Script::of(vec![HOUR, refuse.clone(), refuse.clone(), refuse, HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        identity.token(&vault).await.unwrap();
        after(3310).await;
        let mut sent = Vec::new();
        for second in 0..20 {
            assert_eq!(
                identity.token(&vault).await.unwrap().secret(),
                if sent.len() < 5 { "token-0" } else { "token-4" }
            );
            if script.requests() > sent.len() {
                sent.push(second);
            }
            after(1).await;
        }
        // The first entry is the request for the first token.
        let pauses: Vec<_> = sent[1..].windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.is_sorted() && *pauses.last().unwrap() >= 4, "{sent:?}");
        assert_eq!(script.requests(), 5);
    });
}

#[test]
fn error_is_shared_and_kept_for_a_short_time() {
    paused().block_on(async {
        let script = Script::of(vec![Reaction::Refuse(401, Aadsts::SIGNATURE), HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        for outcome in join_all((0..100).map(|_| identity.token(&vault))).await {
            assert_eq!(outcome.unwrap_err().aadsts(), Some(Aadsts::SIGNATURE));
        }
        after(29).await;
        assert_eq!(identity.token(&vault).await.unwrap_err().aadsts(), Some(Aadsts::SIGNATURE));
        assert_eq!(script.requests(), 1);
        after(1).await;
        assert!(identity.token(&vault).await.is_ok());
    });
}

#[test]
fn refresh_ignores_the_cache_and_the_last_error() {
    paused().block_on(async {
        let script = Script::of(vec![Reaction::Refuse(401, Aadsts::SIGNATURE), HOUR]);
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        assert!(identity.refresh(&vault).await.is_err());
        assert_eq!(identity.refresh(&vault).await.unwrap().secret(), "token-1");
        let (one, other) = futures_util::future::join(identity.refresh(&vault), identity.refresh(&vault)).await;
        assert_eq!((one.unwrap().secret(), other.unwrap().secret()), ("token-2", "token-2"));
        assert_eq!(identity.token(&vault).await.unwrap().secret(), "token-2");
    });
}

/// The outcome of the first call, the number of requests, and the seconds that it took.
fn first_call(
    reactions: Vec<Reaction>,
    configure: impl FnOnce(super::WorkloadIdentityBuilder) -> super::WorkloadIdentityBuilder,
) -> (Result<String, ExchangeError>, usize, u64) {
    paused().block_on(async {
        let script = Script::of(reactions);
        let identity: WorkloadIdentity = configure(script.builder()).build().unwrap();
        let start = tokio::time::Instant::now();
        let outcome = identity.token(&vault()).await.map(|token| token.secret().to_owned());
        assert_eq!(script.in_flight_max(), 1);
        (outcome, script.requests(), start.elapsed().as_secs())
    })
}

#[test]
fn retries_follow_the_advice_for_each_answer() {
    let busy = Reaction::Answer(503, "<html>", None);
    let later = |seconds| Reaction::Answer(429, "{}", Some(seconds));
    let refuse = |code| Reaction::Refuse(401, code);
    let (fails, broken) = (Reaction::Fail { is_permanent: false }, Reaction::Fail { is_permanent: true });
    for (what, reactions, wait, is_ok, requests, seconds) in [
        ("success", vec![HOUR], 0, true, 1, 1..2),
        ("gateway", vec![busy.clone(), HOUR], 0, true, 2, 2..4),
        ("gateway twice", vec![busy.clone(), busy.clone(), HOUR], 0, true, 3, 3..6),
        ("gateway until the limit", vec![busy], 0, false, 7, 30..60),
        ("Retry-After", vec![later(20), HOUR], 0, true, 2, 22..23),
        ("Retry-After beyond the limit", vec![later(100), HOUR], 0, false, 1, 1..2),
        ("no answer", vec![Reaction::Hang, HOUR], 0, true, 2, 31..33),
        ("no connection", vec![fails.clone(), HOUR], 0, true, 2, 2..4),
        ("no connection until the limit", vec![fails], 0, false, 7, 30..60),
        ("certificate", vec![broken], 0, false, 1, 1..2),
        ("malformed", vec![Reaction::Answer(200, "<html>", None)], 0, false, 1, 1..2),
        ("redirect", vec![Reaction::Answer(302, "", None)], 0, false, 1, 1..2),
        ("throttled", vec![refuse(throttled()), HOUR], 0, false, 1, 1..2),
        ("signature", vec![refuse(Aadsts::SIGNATURE), HOUR], 300, false, 1, 1..2),
        ("propagation without waiting", vec![refuse(Aadsts::ISSUER), HOUR], 0, false, 1, 1..2),
        ("propagation", vec![refuse(Aadsts::ISSUER), refuse(Aadsts::SUBJECT), HOUR], 120, true, 3, 10..20),
        ("key cache", vec![refuse(Aadsts::KEY_NOT_FOUND), HOUR], 120, true, 2, 5..10),
        ("propagation until the limit", vec![refuse(Aadsts::NO_CREDENTIAL)], 120, false, 6, 60..120),
        ("gateway while waiting", vec![refuse(Aadsts::ISSUER), later(70), HOUR], 120, true, 3, 70..90),
    ] {
        let (outcome, sent, took) =
            first_call(reactions, |builder| builder.wait_for_propagation(Duration::from_secs(wait)));
        assert_eq!((outcome.is_ok(), sent), (is_ok, requests), "{what}: {outcome:?} after {took} s");
        assert!(seconds.contains(&took), "{what}: {took} s");
    }
}

#[test]
fn policy_without_retries_sends_one_request() {
    let busy = Reaction::Answer(503, "<html>", None);
    let (outcome, sent, _) = first_call(vec![busy], |builder| builder.retry(RetryPolicy::never()));
    assert_eq!((outcome.unwrap_err().retry_advice(), sent), (RetryAdvice::Soon, 1));
}

#[test]
fn throttled_tenant_is_asked_again_slowly() {
    let (outcome, sent, took) =
        first_call(vec![Reaction::Refuse(400, throttled()), HOUR], |builder| builder.timeout(Duration::from_mins(5)));
    assert_eq!((outcome.is_ok(), sent), (true, 2));
    assert!((55..63).contains(&took), "{took}");
}

#[test]
fn busy_caller_of_a_failing_endpoint_keeps_the_budget() {
    for reaction in [
        Reaction::Answer(503, "<html>", None),
        Reaction::Refuse(400, Aadsts::SIGNATURE),
        Reaction::Refuse(400, Aadsts::ISSUER),
        Reaction::Fail { is_permanent: false },
    ] {
        paused().block_on(async {
            let script = Script::of(vec![reaction.clone()]);
            let (identity, vault) = (script.builder().build().unwrap(), vault());
            for _ in 0..20_000 {
                assert!(identity.token(&vault).await.is_err());
                sleep(Duration::from_millis(100)).await;
            }
            assert!(script.in_five_minutes_max() <= 15, "{reaction:?}: {}", script.in_five_minutes_max());
            assert!(script.requests() >= 40, "{reaction:?}: {}", script.requests());
        });
    }
}

#[test]
fn token_that_expired_on_its_way_is_not_returned() {
    paused().block_on(async {
        // Each answer takes longer than the token lives.
        let script = Script::new(|_| (Duration::from_secs(10), Reaction::Issue(5, None)));
        let (identity, vault) = (script.builder().build().unwrap(), vault());
        for _ in 0..2000 {
            assert!(matches!(identity.token(&vault).await, Err(ExchangeError::Expired(_))));
            sleep(Duration::from_millis(100)).await;
        }
        assert!((4..=12).contains(&script.requests()), "{}", script.requests());
    });
}

#[test]
fn token_expires_when_either_clock_says_so() {
    paused().block_on(async {
        let script = Script::of(vec![HOUR]);
        let clock = SteppedClock::start();
        let (identity, vault) = (script.builder().clock(clock.clone()).build().unwrap(), vault());
        let secret = async || identity.token(&vault).await.unwrap().secret().to_owned();
        assert_eq!(secret().await, "token-0");
        clock.set(7200);
        assert_eq!(secret().await, "token-1", "the clock was set forward");
        clock.set(-7200);
        assert_eq!(secret().await, "token-1", "the clock was set back");
        after(3600).await;
        assert_eq!(secret().await, "token-2", "the token has expired, but not by the wall clock");
    });
}
