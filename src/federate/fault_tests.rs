//! Fault schedules with seeds, on a controlled clock: conflicts, throttling, failures, lost requests and answers, and
//! several callers at once.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::time::{Instant, sleep};

use super::{Applied, CredentialChange, CredentialStore, FederateError, FederatedIdentity, StoreError};
use crate::{azure::AzureProblem, entra::FederatedCredential};

const SEEDS: u64 = 1_000;

/// The service: credentials by name, and what happened to them.
#[derive(Default)]
struct State {
    random: u64,
    /// Faults happen to one of so many requests; 0 means none.
    one_fault_in: u64,
    /// Whether a write of a name that exists replaces its values, as in Azure Resource Manager.
    replaces: bool,
    credentials: BTreeMap<String, FederatedCredential>,
    in_flight: usize,
    /// The values that a write without permission replaced.
    overwritten: Vec<FederatedCredential>,
    writes: Vec<Instant>,
}

impl State {
    fn next(&mut self, limit: u64) -> u64 {
        // SplitMix64
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

#[derive(Clone, Default)]
struct Service(Arc<Mutex<State>>);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    LostRequest,
    LostAnswer,
    Status(u16, u64),
}

fn failed(status: u16, seconds: u64) -> StoreError {
    let error = AzureProblem::Busy(status.to_string()).during("cannot test");
    StoreError { error: Box::new(error), retry_after: Some(Duration::from_secs(seconds)) }
}

fn refused() -> StoreError {
    let error = AzureProblem::Unexpected("400".to_owned()).during("cannot test");
    StoreError { error: Box::new(error), retry_after: None }
}

impl Service {
    fn fault(&self) -> Fault {
        let mut state = self.0.lock().unwrap();
        let one_in = state.one_fault_in;
        if one_in == 0 || state.next(one_in) != 0 {
            return Fault::None;
        }
        match state.next(6) {
            0 => Fault::LostRequest,
            1 | 2 => Fault::LostAnswer,
            3 => Fault::Status(429, state.next(20)),
            4 => Fault::Status(409, 0),
            _ => Fault::Status(503, 0),
        }
    }

    /// A write: only one may be in flight, as in Azure.
    async fn write<T>(&self, change: impl FnOnce(&mut State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let fault = self.fault();
        if let Fault::Status(status, seconds) = fault {
            return Err(failed(status, seconds));
        }
        let delay = {
            let mut state = self.0.lock().unwrap();
            state.writes.push(Instant::now());
            if state.in_flight > 0 {
                return Err(failed(409, 0));
            }
            state.in_flight += 1;
            state.next(500)
        };
        sleep(Duration::from_millis(delay)).await;
        let mut state = self.0.lock().unwrap();
        state.in_flight -= 1;
        if fault == Fault::LostRequest {
            return Err(failed(0, 0));
        }
        let done = change(&mut state);
        if fault == Fault::LostAnswer { done.and(Err(failed(0, 0))) } else { done }
    }
}

#[async_trait]
impl CredentialStore for Service {
    fn name(&self) -> String {
        "the identity".to_owned()
    }

    async fn list(&self) -> Result<Vec<FederatedCredential>, StoreError> {
        let delay = self.0.lock().unwrap().next(500);
        sleep(Duration::from_millis(delay)).await;
        match self.fault() {
            Fault::None => Ok(self.0.lock().unwrap().credentials.values().cloned().collect()),
            Fault::Status(status, seconds) => Err(failed(status, seconds)),
            Fault::LostRequest | Fault::LostAnswer => Err(failed(0, 0)),
        }
    }

    async fn create(&self, credential: &FederatedCredential) -> Result<bool, StoreError> {
        self.write(|state| {
            let name = credential.name.clone().unwrap();
            let is_same =
                |found: &FederatedCredential| found.issuer == credential.issuer && found.subject == credential.subject;
            if state.credentials.iter().any(|(found, values)| *found != name && is_same(values)) {
                return Err(failed(400, 0));
            }
            let current = state.credentials.get(&name).cloned();
            match current {
                Some(_) if !state.replaces => return Err(failed(409, 0)),
                Some(current) if current != *credential => state.overwritten.push(current),
                _ => {}
            }
            Ok(state.credentials.insert(name, credential.clone()).is_none())
        })
        .await
    }

    async fn replace(&self, credential: &FederatedCredential) -> Result<(), StoreError> {
        self.write(|state| {
            let name = credential.name.clone().unwrap();
            if !state.credentials.contains_key(&name) {
                return Err(refused());
            }
            state.credentials.insert(name, credential.clone());
            Ok(())
        })
        .await
    }

    async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        self.write(|state| Ok(state.credentials.remove(name).is_some())).await
    }
}

fn credential(name: &str, subject: &str) -> FederatedCredential {
    FederatedCredential {
        name: Some(name.to_owned()),
        ..FederatedCredential::new("https://issuer.example.com", subject)
    }
}

/// A runtime whose clock advances by itself when all tasks wait.
fn on_paused_clock<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap().block_on(future)
}

fn identity(service: &Service) -> FederatedIdentity {
    FederatedIdentity::new(service.clone()).timeout(Duration::from_hours(2))
}

#[test]
fn callers_at_once_create_each_credential_once() {
    for seed in 0..SEEDS {
        let service = Service::default();
        {
            let mut state = service.0.lock().unwrap();
            state.random = seed;
            state.one_fault_in = 2 + seed % 4;
            state.replaces = seed % 2 == 0;
            let by_hand = credential("by-hand", "kept");
            state.credentials.insert("by-hand".to_owned(), by_hand);
        }
        // Two programs and, in each, two callers; the name says which values belong to it.
        let subjects = ["one", "two", "one", "kept"];
        let identities = [identity(&service), identity(&service)];
        let outcomes = on_paused_clock(async {
            let calls = subjects.iter().enumerate().map(|(at, subject)| {
                let identity = identities[at % 2].clone();
                async move { identity.apply(&credential(&format!("for-{subject}"), subject), None).await }
            });
            join_all(calls).await
        });
        let state = service.0.lock().unwrap();
        for (subject, outcome) in subjects.iter().zip(&outcomes) {
            let Applied { change, name, .. } = outcome.as_ref().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            let (expected, is_kept) =
                if *subject == "kept" { ("by-hand".to_owned(), true) } else { (format!("for-{subject}"), false) };
            assert_eq!(*name, expected, "seed {seed}");
            assert!(*change == CredentialChange::Unchanged || !is_kept, "seed {seed}: {change:?}");
        }
        let subjects: Vec<_> = state.credentials.values().map(|found| found.subject.clone().unwrap()).collect();
        assert_eq!(subjects, ["kept", "one", "two"], "seed {seed}");
        assert!(state.overwritten.is_empty(), "seed {seed}: {:?}", state.overwritten);
    }
}

#[test]
fn name_with_other_values_is_never_overwritten() {
    for seed in 0..SEEDS {
        let service = Service::default();
        {
            let mut state = service.0.lock().unwrap();
            (state.random, state.one_fault_in) = (seed, 2 + seed % 4);
        }
        let (one, other) = (identity(&service), identity(&service));
        let outcomes = on_paused_clock(async {
            let (one_wanted, other_wanted) = (credential("app", "one"), credential("app", "other"));
            tokio::join!(one.apply(&one_wanted, None), other.apply(&other_wanted, None))
        });
        let kept = service.0.lock().unwrap().credentials.get("app").cloned().unwrap();
        for (subject, outcome) in [("one", outcomes.0), ("other", outcomes.1)] {
            match outcome {
                Ok(_) => assert_eq!(kept.subject.as_deref(), Some(subject), "seed {seed}"),
                Err(FederateError::Different { current, .. }) => assert_eq!(*current, kept, "seed {seed}"),
                Err(error) => panic!("seed {seed}: {error}"),
            }
        }
    }
}

#[test]
fn replaced_and_deleted_credentials_survive_faults() {
    for seed in 0..SEEDS {
        let service = Service::default();
        let (old, new) = (credential("app", "old"), credential("app", "new"));
        {
            let mut state = service.0.lock().unwrap();
            (state.random, state.one_fault_in) = (seed, 2 + seed % 4);
            state.credentials.insert("app".to_owned(), old.clone());
        }
        let identity = identity(&service);
        on_paused_clock(async {
            let different = identity.apply(&new, None).await.unwrap_err();
            assert!(matches!(different, FederateError::Different { .. }), "seed {seed}: {different}");
            // Only the values that the caller saw may be replaced.
            let seen = credential("app", "seen before");
            assert!(identity.apply(&new, Some(&seen)).await.is_err(), "seed {seed}");
            assert_eq!(service.0.lock().unwrap().credentials["app"], old, "seed {seed}");
            let applied = identity.apply(&new, Some(&old)).await.unwrap();
            assert_eq!((applied.change, applied.used), (CredentialChange::Replaced, 1), "seed {seed}");
            assert_eq!(service.0.lock().unwrap().credentials["app"], new, "seed {seed}");
            assert!(identity.delete("app").await.unwrap(), "seed {seed}");
            service.0.lock().unwrap().one_fault_in = 0;
            assert!(!identity.delete("app").await.unwrap(), "seed {seed}");
        });
        assert!(service.0.lock().unwrap().credentials.is_empty(), "seed {seed}");
    }
}

#[test]
fn writes_of_an_identity_are_four_seconds_apart() {
    let service = Service::default();
    let identity = identity(&service);
    on_paused_clock(async {
        let calls = (0..5).map(|number| {
            let identity = identity.clone();
            async move { identity.apply(&credential(&format!("app-{number}"), &format!("s{number}")), None).await }
        });
        for outcome in join_all(calls).await {
            outcome.unwrap();
        }
    });
    let writes = &service.0.lock().unwrap().writes;
    assert_eq!(writes.len(), 5);
    assert!(writes.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(4)), "{writes:?}");
}

#[test]
fn invalid_and_full_are_errors_without_a_write() {
    let service = Service::default();
    for number in 0..20 {
        let found = credential(&format!("app-{number}"), &format!("s{number}"));
        service.0.lock().unwrap().credentials.insert(found.name.clone().unwrap(), found);
    }
    let identity = identity(&service);
    on_paused_clock(async {
        let apply = async |wanted: FederatedCredential| identity.apply(&wanted, None).await.unwrap_err();
        assert!(matches!(apply(credential("new", "new")).await, FederateError::Full(_)));
        assert!(matches!(apply(credential("x", "new")).await, FederateError::Invalid(_)));
        let unnamed = FederatedCredential { name: None, ..credential("new", "new") };
        assert!(matches!(apply(unnamed).await, FederateError::Invalid(_)));
        assert!(matches!(apply(credential("new", "new*")).await, FederateError::Invalid(_)));
    });
    assert!(service.0.lock().unwrap().writes.is_empty());
}

#[test]
fn final_failure_and_time_limit_end_the_retries() {
    let service = Service::default();
    service.0.lock().unwrap().one_fault_in = 1;
    let identity = FederatedIdentity::new(service.clone()).timeout(Duration::from_mins(2));
    on_paused_clock(async {
        let start = Instant::now();
        assert!(identity.list().await.is_err());
        assert!((30..=120).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
    });
    let service = Service::default();
    let identity = FederatedIdentity::new(service.clone());
    on_paused_clock(async {
        let current = credential("app", "old");
        service.0.lock().unwrap().credentials.insert("app".to_owned(), current.clone());
        let start = Instant::now();
        let wanted = credential("app", "new");
        service.0.lock().unwrap().credentials.get_mut("app").unwrap().audiences.clear();
        assert!(identity.apply(&wanted, Some(&current)).await.is_err());
        assert!(start.elapsed() < Duration::from_secs(2));
    });
}
