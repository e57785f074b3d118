//! Publishing to a storage account under faults: killed publishers, and requests that are lost, delayed or truncated.

use std::{
    collections::{BTreeSet, HashMap},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::support::{
    azurite::{Account, account},
    encode,
    front::Front,
    http::{get, response},
    issuer::{command, stderr},
    proxy::{Exchange, Fault, Proxy, depth},
};
use issuer::{
    DesiredState, IssuerUrl, Jwks, KeySet, PublishError, SystemClock,
    site::SiteError,
    site::{Azure, AzureOptions, Site},
};
use serde_json::Value;
use tempfile::TempDir;

const ISSUER: &str = "https://issuer.example.com";

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn kids(body: &[u8]) -> BTreeSet<String> {
    let jwks: Value = serde_json::from_slice(body).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

fn kid(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

/// A folder with a key file for each number.
fn key_files(numbers: impl IntoIterator<Item = u8>) -> TempDir {
    let folder = TempDir::new().unwrap();
    for number in numbers {
        std::fs::write(folder.path().join(number.to_string()), encode::numbered_pem(number)).unwrap();
    }
    folder
}

fn publisher(account: &Account, keys: &TempDir, numbers: &[u8]) -> Command {
    let mut command = command();
    command.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string());
    command.args(["publish", "--issuer", ISSUER, "--quiet"]);
    command.args(numbers.iter().map(|number| keys.path().join(number.to_string())));
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Checks that a reader gets either no discovery document, or a complete one with its complete JWKS.
fn reader_sees_whole_documents(front: &Front, when: &str) {
    let discovery = get(&front.address, "/.well-known/openid-configuration");
    if discovery.status == 404 {
        return;
    }
    let document: Value = serde_json::from_slice(&discovery.body).unwrap_or_else(|error| panic!("{when}: {error}"));
    assert_eq!(document["jwks_uri"], format!("{ISSUER}/openid/v1/jwks"), "{when}");
    let jwks = get(&front.address, "/openid/v1/jwks");
    assert_eq!(jwks.status, 200, "{when}: the discovery document exists without its JWKS");
    assert!(!kids(&jwks.body).is_empty(), "{when}");
}

/// Kills a publisher at one of its requests, before it is forwarded or after it took effect. Returns whether the
/// publisher reached that request.
fn kill_at(account: &Account, keys: &TempDir, numbers: &[u8], step: usize, after: bool) -> bool {
    let child: Arc<Mutex<Option<Child>>> = Arc::default();
    let killed = Arc::new(AtomicBool::new(false));
    let kill = {
        let (child, killed) = (Arc::clone(&child), Arc::clone(&killed));
        move || {
            let mut child = child.lock().unwrap();
            let child = child.as_mut().unwrap();
            child.kill().unwrap();
            child.wait().unwrap();
            killed.store(true, Ordering::SeqCst);
        }
    };
    let kill: Arc<dyn Fn() + Send + Sync> = Arc::new(kill);
    let proxy = Proxy::start(account.address(), move |seen| {
        if seen.number != step {
            return Fault::Pass;
        }
        if after {
            return Fault::DropAnswerThen(Arc::clone(&kill));
        }
        kill();
        Fault::Reset
    });
    let mut guard = child.lock().unwrap();
    *guard = Some(publisher(&account.through(&proxy.address), keys, numbers).arg("--no-fetch-back").spawn().unwrap());
    drop(guard);
    loop {
        let mut guard = child.lock().unwrap();
        if guard.as_mut().unwrap().try_wait().unwrap().is_some() {
            break;
        }
        drop(guard);
        thread::yield_now();
    }
    killed.load(Ordering::SeqCst)
}

#[test]
fn publisher_killed_at_any_request_leaves_whole_documents() {
    let keys = key_files([1, 2]);
    // The first publish to an account, and one that adds a key.
    for start in [&[][..], &[1]] {
        let mut killed = 0;
        for step in 0.. {
            let mut reached = false;
            for after in [false, true] {
                let account = account();
                let front = Front::start(&account);
                if !start.is_empty() {
                    let mut first = publisher(&account, &keys, start);
                    assert!(first.arg("--no-fetch-back").status().unwrap().success());
                }
                let when = format!("from {start:?}, killed at request {step}, after: {after}");
                if kill_at(&account, &keys, &[1, 2], step, after) {
                    reached = true;
                    killed += 1;
                }
                reader_sees_whole_documents(&front, &when);
                if !start.is_empty() {
                    assert!(kids(&get(&front.address, "/openid/v1/jwks").body).contains(&kid(1)), "{when}");
                }
                let next = publisher(&account, &keys, &[1, 2]).args(["--published", &front.url()]).output().unwrap();
                assert!(next.status.success(), "{when}: {}", stderr(&next));
                assert_eq!(kids(&get(&front.address, "/openid/v1/jwks").body), [kid(1), kid(2)].into(), "{when}");
            }
            if !reached {
                break;
            }
        }
        // Three reads and at least one write, each killed before and after.
        assert!(killed >= 8, "{killed}");
    }
}

/// Numbers from a seed, by `SplitMix64`.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

pub(crate) fn fault(rng: &mut Rng) -> Fault {
    let answer = |status, code: &str| {
        let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>x</Message></Error>");
        let headers = [format!("x-ms-error-code: {code}"), "Content-Type: application/xml".to_owned()];
        Fault::Answer(response(status, &headers.each_ref().map(String::as_str), body.as_bytes()))
    };
    match rng.below(16) {
        0 => Fault::Delay(Duration::from_millis(rng.below(5))),
        1 => Fault::Reset,
        2 => answer("429 Too Many Requests", "TooManyRequests"),
        3 => answer("500 Internal Server Error", "InternalError"),
        4 => answer("503 Service Unavailable", "ServerBusy"),
        5 => Fault::Cut(usize::try_from(rng.below(200)).unwrap()),
        6 | 7 => Fault::DropAnswer,
        _ => Fault::Pass,
    }
}

/// A site in an account, with this time limit for retries.
pub(crate) fn open(account: &Account, timeout: Duration) -> Azure {
    let variable = ("AZURE_STORAGE_CONNECTION_STRING".to_owned(), account.connection_string());
    let options = AzureOptions {
        environment: [variable].into_iter().collect(),
        first_pause: Duration::from_micros(100),
        timeout,
        ..AzureOptions::new(None)
    };
    block_on(Azure::open(options)).unwrap()
}

/// One publish of an additional key under random faults, below its own path in the account.
struct Schedule<'a> {
    seed: u64,
    account: &'a Account,
}

impl Schedule<'_> {
    fn issuer(&self) -> IssuerUrl {
        format!("{ISSUER}/{}", self.seed).parse().unwrap()
    }

    fn desired(&self, numbers: &[u8]) -> DesiredState {
        let pem: String = numbers.iter().map(|number| encode::numbered_pem(*number)).collect();
        DesiredState::new(self.issuer(), KeySet::from_bytes(pem.as_bytes()).unwrap())
    }

    /// The key IDs of the stored JWKS, and whether the discovery document exists.
    fn published(&self) -> (Option<BTreeSet<String>>, bool) {
        let body = |path: issuer::DocumentPath| self.account.get_blob("$web", path.as_str()).map(|blob| blob.body);
        let jwks = body(self.issuer().jwks_path()).map(|body| kids(&body));
        (jwks, body(self.issuer().discovery_path()).is_some())
    }

    /// Returns whether the publish under faults succeeded.
    fn run(&self) -> bool {
        let seed = self.seed;
        let mut rng = Rng(seed);
        let had_key = rng.below(2) == 0;
        let bad_requests = rng.below(5);
        if had_key {
            let site = open(self.account, Duration::from_secs(30));
            block_on(issuer::publish(&site, &self.desired(&[1]), &SystemClock)).unwrap();
        }
        // The fault depends on the request and on how often it came before, not on the order of concurrent requests.
        let counts: Mutex<HashMap<String, u64>> = Mutex::default();
        let proxy = Proxy::start(self.account.address(), move |seen| {
            let request = format!("{} {} {}", seen.method, seen.path, seen.query.contains("comp="));
            let count = {
                let mut counts = counts.lock().unwrap();
                let count = counts.entry(request.clone()).or_default();
                *count += 1;
                *count
            };
            let text = format!("{seed} {count} {request}");
            let mut rng =
                Rng(text.bytes().fold(seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)));
            if count <= bad_requests { fault(&mut rng) } else { Fault::Pass }
        });
        // Some schedules have no time for a retry, so an error is a valid result.
        let timeout = if seed.is_multiple_of(10) { Duration::ZERO } else { Duration::from_secs(30) };
        let site = open(&self.account.through(&proxy.address), timeout);
        let outcome = block_on(issuer::publish(&site, &self.desired(&[2]), &SystemClock));
        let (jwks, has_discovery) = self.published();
        let both: BTreeSet<_> = if had_key { [kid(1), kid(2)].into() } else { [kid(2)].into() };
        match &outcome {
            Ok(publication) => {
                assert_eq!(
                    jwks.as_ref(),
                    Some(&both),
                    "seed {seed}: reported success, but the documents are not written"
                );
                assert!(has_discovery, "seed {seed}: reported success, but the documents are not written");
                let state = &publication.plan.keys[0].state;
                assert_eq!(
                    *state,
                    issuer::KeyState::Added,
                    "seed {seed}: the reported changes are wrong after a lost answer"
                );
            }
            Err(PublishError::Site(SiteError::Azure(_))) => {
                let kept = jwks.as_ref().is_some_and(|jwks| jwks.contains(&kid(1)));
                assert!(kept || !had_key, "seed {seed}: a key was lost");
                assert!(!has_discovery || jwks.is_some(), "seed {seed}: a discovery document without its JWKS");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
        // The next publisher completes the work after any fault.
        let site = open(self.account, Duration::from_secs(30));
        let next = block_on(issuer::publish(&site, &self.desired(&[2]), &SystemClock)).unwrap();
        assert_eq!(self.published(), (Some(both), true), "seed {seed}");
        assert_eq!(next.documents.jwks.keys.len(), if had_key { 2 } else { 1 }, "seed {seed}");
        outcome.is_ok()
    }
}

#[test]
fn thousand_fault_schedules_lose_no_key() {
    let account = account();
    account.create_container("$web");
    account.set_properties(
        r#"<?xml version="1.0"?><StorageServiceProperties><StaticWebsite><Enabled>true</Enabled></StaticWebsite></StorageServiceProperties>"#,
    );
    let seeds = std::env::var("FAULT_SEED").ok().map(|seed| seed.parse().unwrap());
    let (first, count) = seeds.map_or((0, 1000), |seed: u64| (seed, 1));
    let next = AtomicUsize::new(0);
    let succeeded = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst) as u64;
                    if number >= count {
                        return;
                    }
                    let schedule = Schedule { seed: first + number, account: &account };
                    succeeded.fetch_add(usize::from(schedule.run()), Ordering::SeqCst);
                }
            });
        }
    });
    let succeeded = succeeded.into_inner() as u64;
    assert!(seeds.is_some() || succeeded < count, "no schedule ran out of time");
    assert!(seeds.is_some() || succeeded > count * 8 / 10, "{succeeded} succeeded");
}

#[test]
fn retry_after_is_respected_up_to_the_timeout() {
    let account = account();
    let busy = |header: &str| {
        let headers = [header, "x-ms-error-code: ServerBusy"];
        Fault::Answer(response("503 Service Unavailable", &headers, b""))
    };
    for (header, waits) in [("Retry-After: 1", true), ("x-ms-retry-after-ms: 1000", true), ("Retry-After: 3600", false)]
    {
        let proxy =
            Proxy::start(account.address(), move |seen| if seen.number == 0 { busy(header) } else { Fault::Pass });
        let keys = key_files([1]);
        let mut command = command();
        command.env("AZURE_STORAGE_CONNECTION_STRING", account.through(&proxy.address).connection_string());
        command.args(["publish", "--issuer", ISSUER, "--no-fetch-back", "-v"]).arg(keys.path().join("1"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(if waits { 0 } else { 3 }), "{header}: {}", stderr(&output));
        if waits {
            assert!(stderr(&output).contains("retry in 1.0 s: ") && stderr(&output).contains(": 503 ServerBusy"));
            let exchanges = proxy.exchanges();
            let again = exchanges.iter().find(|exchange| {
                exchange.seen.number > 0
                    && exchange.seen.path == exchanges[0].seen.path
                    && exchange.seen.query.contains("comp=properties")
                        == exchanges[0].seen.query.contains("comp=properties")
            });
            let pause = again.unwrap().began - exchanges[0].ended;
            assert!(pause >= Duration::from_millis(950), "{header}: {pause:?}");
        } else {
            assert!(
                stderr(&output).contains("Azure is busy (503 ServerBusy), and the time limit for retries is reached"),
                "{}",
                stderr(&output)
            );
        }
    }
}

/// The sequential round trips of a publish to the account and to its website, counted by a proxy that delays each
/// request.
fn round_trips(account: &Account, front: &Front, keys: &TempDir, numbers: &[u8]) -> (usize, usize) {
    let slow = |_: &crate::support::proxy::Seen| Fault::Delay(Duration::from_millis(250));
    let (to_account, to_front) = (Proxy::start(account.address(), slow), Proxy::start(&front.address, slow));
    let through = account.through(&to_account.address);
    let published = format!("http://{}", to_front.address);
    let output = publisher(&through, keys, numbers).args(["--published", &published]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let exchanges: Vec<Exchange> = [to_account.exchanges(), to_front.exchanges()].concat();
    (depth(&exchanges), exchanges.len())
}

#[test]
fn publish_needs_few_round_trips() {
    let account = account();
    let front = Front::start(&account);
    let keys = key_files([1, 2]);
    // Reads; website and container; JWKS; discovery document; check that the JWKS still exists; read-back.
    assert_eq!(round_trips(&account, &front, &keys, &[1]).0, 6, "the first publish on an empty account");
    assert_eq!(round_trips(&account, &front, &keys, &[1, 2]).0, 3, "a key added");
    assert_eq!(round_trips(&account, &front, &keys, &[1, 2]), (2, 5), "nothing changed");
}

#[test]
fn read_back_waits_for_a_stale_cache_up_to_the_limit() {
    let account = account();
    let front = Front::start(&account);
    let keys = key_files([1, 2]);
    let published = front.url();
    assert!(publisher(&account, &keys, &[1]).args(["--published", &published]).status().unwrap().success());
    let old = get(&front.address, "/openid/v1/jwks").body;
    // A cache that serves the new document on the third request.
    let stale = |looks: usize| {
        let old = response("200 OK", &["Content-Type: application/json"], &old);
        let seen = AtomicUsize::new(0);
        Proxy::start(&front.address, move |request| {
            let is_jwks = request.path.ends_with("jwks");
            if is_jwks && seen.fetch_add(1, Ordering::SeqCst) < looks {
                Fault::Answer(old.clone())
            } else {
                Fault::Pass
            }
        })
    };
    let cache = stale(2);
    let url = format!("http://{}", cache.address);
    let output = publisher(&account, &keys, &[1, 2]).args(["--published", &url]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let cache = stale(usize::MAX);
    let url = format!("http://{}", cache.address);
    let output = publisher(&account, &keys, &[1, 2]).args(["--published", &url, "--wait", "0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("lacks key") && told.contains(&kid(2)) && told.contains("AADSTS7000272"), "{told}");
}

#[test]
fn site_recovers_when_every_other_answer_is_cut() {
    let account = account();
    let cuts = AtomicUsize::new(0);
    let proxy = Proxy::start(account.address(), move |_| {
        if cuts.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { Fault::Cut(20) } else { Fault::Pass }
    });
    let schedule = Schedule { seed: 1, account: &account };
    let site = open(&account.through(&proxy.address), Duration::from_secs(30));
    block_on(issuer::publish(&site, &schedule.desired(&[1, 2]), &SystemClock)).unwrap();
    let stored = block_on(site.read(&schedule.issuer().jwks_path())).unwrap().unwrap();
    assert_eq!(Jwks::parse(&stored.bytes).unwrap().keys.len(), 2);
}
