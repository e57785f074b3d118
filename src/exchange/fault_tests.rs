//! Schedules of faults: a failing endpoint, clock steps, and a token file that is replaced, truncated and removed. The
//! seed of each schedule is printed if it fails; `FAULT_SEED` runs one schedule again.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    AccessToken, Moment, TokenSource, Watch, WatchStep, WorkloadIdentity,
    test_setup::{OTHER_CLIENT, Random, Reaction, Script, SteppedClock, jwt, paused, vault},
};
use crate::{
    clock::Clock,
    entra::{Aadsts, Scope, TokenAnswer},
};

const SEEDS: u64 = 1000;

/// The seeds of this run.
fn seeds() -> Vec<u64> {
    match std::env::var("FAULT_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..SEEDS).collect(),
    }
}

/// Runs a schedule, and names its seed if it fails.
fn for_each_seed(run: impl Fn(u64)) {
    struct Named(u64);
    impl Drop for Named {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("to repeat: FAULT_SEED={}", self.0);
            }
        }
    }
    for seed in seeds() {
        let _named = Named(seed);
        run(seed);
    }
}

/// The projected volume: a link to the current token.
struct Volume {
    folder: TempDir,
    written: u64,
}

impl Volume {
    fn path(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    /// Replaces the token as the kubelet does.
    fn rotate(&mut self) {
        self.written += 1;
        let (data, link) = (self.folder.path().join(format!("data-{}", self.written)), self.folder.path().join("new"));
        fs::write(&data, format!("{}\n", jwt(self.written))).unwrap();
        std::os::unix::fs::symlink(&data, &link).unwrap();
        fs::rename(&link, self.path()).unwrap();
    }

    fn disturb(&mut self, random: &mut Random) {
        let path = self.path();
        let length = random.below(jwt(0).len() as u64);
        match random.below(5) {
            0 => self.rotate(),
            1 => drop(fs::remove_file(&path)),
            2 => drop(fs::write(&path, "")),
            3 => drop(fs::write(&path, " \n")),
            _ if path.exists() => fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap(),
            _ => drop(fs::write(&path, &jwt(0)[..usize::try_from(length).unwrap()])),
        }
    }
}

fn is_whole(assertion: &str) -> bool {
    assertion.ends_with(jwt(0).rsplit('.').next().unwrap()) && assertion.split('.').count() == 3
}

/// The reaction to the next request.
fn reaction(random: &mut Random, lifetime: u64) -> (Duration, Reaction) {
    let delay = Duration::from_millis(random.pick(&[0, 1, 50, 3_000, 20_000, 29_000, 60_000]));
    let refresh_in = random.pick(&[None, None, Some(lifetime / 2), Some(lifetime), Some(0)]);
    let codes =
        [Aadsts::ISSUER, Aadsts::KEY_NOT_FOUND, Aadsts::SIGNATURE, Aadsts::TIME, Aadsts::BLOCKED, Aadsts::new(4711)];
    let reaction = match random.below(10) {
        0..=2 => Reaction::Issue(lifetime, refresh_in),
        3 => Reaction::Refuse(random.pick(&[400, 401, 500]), random.pick(&codes)),
        4 => Reaction::Answer(503, "<html>busy</html>", random.pick(&[None, Some(0), Some(5), Some(100_000)])),
        5 => Reaction::Answer(429, "{}", random.pick(&[None, Some(7)])),
        6 => Reaction::Answer(200, random.pick(&["<html>", "{}", r#"{"access_token":""}"#, ""]), None),
        7 => Reaction::Answer(random.pick(&[302, 403, 404, 500]), "<html>", None),
        8 => Reaction::Fail { is_permanent: random.below(4) == 0 },
        _ => Reaction::Hang,
    };
    (delay, reaction)
}

/// A token that a caller got is valid, for the endpoint and for the caller.
fn check(script: &Script, clock: &dyn Clock, token: &AccessToken) {
    assert!(script.is_valid(token.secret()), "an expired token: {token:?}");
    assert!(!token.is_expired(Moment::now(clock)), "an expired token: {token:?}");
    assert!(token.expires_at() > clock.now(), "an expired token: {token:?}");
}

/// Callers come and go while faults happen. Then the faults end.
async fn run_identity(seed: u64) {
    let mut random = Random(seed);
    let lifetime = random.pick(&[7, 60, 600, 3600, 86_400]);
    let volume = Arc::new(Mutex::new(Volume { folder: TempDir::new().unwrap(), written: 0 }));
    volume.lock().unwrap().rotate();
    let is_failing = Arc::new(Mutex::new(true));
    let script = {
        let (volume, is_failing, mut random) = (Arc::clone(&volume), Arc::clone(&is_failing), Random(seed ^ 0xabcd));
        Script::new(move |form| {
            assert!(!form.assertion.is_empty(), "an empty assertion was sent");
            let (mut delay, mut reaction) = reaction(&mut random, lifetime);
            if !*is_failing.lock().unwrap() {
                (delay, reaction) = (Duration::from_millis(20), Reaction::Issue(lifetime, None));
            } else if random.below(3) == 0 {
                volume.lock().unwrap().disturb(&mut random);
            }
            if !is_whole(&form.assertion) {
                reaction = Reaction::Refuse(401, Aadsts::SIGNATURE);
            }
            (delay, reaction)
        })
    };
    let clock = SteppedClock::start();
    let path = volume.lock().unwrap().path();
    let identity = script
        .builder()
        .token_file(path)
        .clock(clock.clone())
        .timeout(Duration::from_secs(random.pick(&[1, 20, 60])))
        .wait_for_propagation(Duration::from_secs(random.pick(&[0, 0, 30, 300])))
        .build()
        .unwrap();
    let sources = [identity.clone(), identity.with_client_id(OTHER_CLIENT.parse().unwrap())];
    let mut callers = JoinSet::new();
    for _ in 0..random.below(40) + 10 {
        for _ in 0..=random.below(4) {
            let (source, script, clock) = (random.pick(&sources), script.clone(), clock.clone());
            let patience = Duration::from_millis(random.pick(&[0, 100, 5_000, 1_000_000]));
            callers.spawn(async move {
                // A caller that gives up drops its future.
                if let Ok(Ok(token)) = timeout(patience, source.token(&vault())).await {
                    check(&script, &clock, &token);
                }
            });
        }
        match random.below(6) {
            0 => clock.set(random.pick(&[-90_000, -400, -1, 0, 0, 1, 400, 90_000])),
            1 => volume.lock().unwrap().disturb(&mut random),
            _ => {}
        }
        sleep(Duration::from_millis(random.pick(&[0, 1, 30, 1_000, 30_000, 400_000]))).await;
        while let Some(ended) = callers.try_join_next() {
            ended.unwrap();
        }
    }
    *is_failing.lock().unwrap() = false;
    volume.lock().unwrap().rotate();
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    for source in &sources {
        recover(source, &script, &clock).await;
    }
    assert_eq!(script.in_flight_max().min(1), script.in_flight_max(), "two exchanges of one key in flight");
}

/// After the end of all faults a caller gets a token, at the latest when the budget allows the next request.
async fn recover(source: &WorkloadIdentity, script: &Script, clock: &SteppedClock) {
    let vault: Scope = vault();
    for _ in 0..400 {
        if let Ok(token) = source.token(&vault).await {
            return check(script, clock, &token);
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("no token after the end of all faults");
}

#[test]
fn no_caller_gets_an_expired_token_under_faults() {
    for_each_seed(|seed| paused().block_on(run_identity(seed)));
}

/// The file of a watch, and the true time of both clocks.
struct World {
    now: Moment,
    file: Option<AccessToken>,
}

fn issued(lifetime: u64, refresh_in: Option<u64>, requested: Moment) -> AccessToken {
    let refresh_in = refresh_in.map(|seconds| format!(r#""refresh_in":{seconds},"#)).unwrap_or_default();
    let body = format!(r#"{{{refresh_in}"token_type":"Bearer","expires_in":{lifetime},"access_token":"t"}}"#);
    let TokenAnswer::Issued(answer) = TokenAnswer::parse(200, body.as_bytes()) else { panic!("{body}") };
    AccessToken::new(answer, vault(), requested)
}

fn run_watch(seed: u64) {
    let mut random = Random(seed);
    let lifetime = random.pick(&[4, 60, 600, 3600, 86_400]);
    let refresh_in = random.pick(&[None, None, Some(lifetime / 2), Some(lifetime - 1)]);
    let start = Moment::now(&"2026-11-22T00:00:00Z".parse::<jiff::Timestamp>().unwrap());
    let mut world = World { now: start, file: None };
    let mut watch = Watch::new();
    // The times at which the exchange started and will end, and whether it succeeds.
    let mut in_flight: Option<(Moment, u64, bool)> = None;
    let mut passed = 0;
    for step in 0..400 {
        match watch.next(world.now) {
            WatchStep::Exchange => {
                assert!(in_flight.is_none(), "two exchanges in flight");
                let is_ok = step == 0 || step > 300 || random.below(3) == 0;
                in_flight = Some((world.now, passed + random.below(lifetime * 2), is_ok));
            }
            WatchStep::Remove => {
                assert!(world.file.take().unwrap().is_expired(world.now), "a valid token was removed");
                watch.removed();
            }
            WatchStep::Wait(wait) => {
                assert!(!wait.is_zero() && wait <= Duration::from_secs(1), "{wait:?}");
                let expired = world.file.as_ref().is_some_and(|token| token.is_expired(world.now));
                assert!(!expired, "an expired token stays in the file");
                assert_eq!(watch.is_ready(world.now), world.file.is_some());
                // Only a step of the wall clock may skip the wait.
                let seconds = random.pick(&[1, 1, 1, lifetime / 4 + 1]);
                let step = random.pick(&[0, 0, 0, 0, 0, 0, -90_000, -60, 60, 90_000]);
                world.now = world.now.advanced(i64::try_from(seconds).unwrap() + step, seconds);
                passed += seconds;
            }
            WatchStep::GiveUp => {
                assert!(watch.failures() == 1 && world.file.is_none());
                return;
            }
        }
        if let Some((requested, _, is_ok)) = in_flight.filter(|(_, ends, _)| *ends <= passed) {
            in_flight = None;
            if is_ok {
                let token = issued(lifetime, refresh_in, requested);
                watch.succeeded(&token);
                world.file = Some(token);
            } else {
                watch.failed(world.now);
            }
        }
        if random.below(40) == 0 {
            watch.refresh_now();
        }
    }
}

#[test]
fn watch_leaves_no_expired_token_under_faults() {
    for_each_seed(run_watch);
}

#[test]
fn path_of_the_token_file_is_read_at_each_attempt() {
    paused().block_on(async {
        let mut volume = Volume { folder: TempDir::new().unwrap(), written: 0 };
        volume.rotate();
        let (path, seen) = (volume.path(), Arc::new(Mutex::new(Vec::new())));
        let noted = Arc::clone(&seen);
        let volume = Mutex::new(volume);
        let script = Script::new(move |form| {
            noted.lock().unwrap().push(form.assertion.clone());
            volume.lock().unwrap().rotate();
            let refused = Reaction::Refuse(401, Aadsts::TIME);
            (Duration::ZERO, if form.number < 2 { refused } else { Reaction::Issue(3600, None) })
        });
        let identity = script.builder().token_file(Path::new(&path)).build().unwrap();
        assert!(identity.token(&vault()).await.is_ok(), "a refusal of an old token is retried with the new one");
        assert_eq!(*seen.lock().unwrap(), [jwt(1), jwt(2), jwt(3)]);
    });
}
