//! An API server that fails, and what stands in front of one: each fault ends in time in one clear sentence.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::Desk;
use crate::support::{
    api_server_stand_in::{ADMIN, ApiServerStandIn, DISCOVERY, JWKS, discovery, html, jwks, status, too_many_requests},
    fixtures,
    issuer::{stderr, stdout},
    signer::{ISSUER, signer},
    stand_in::{Response, StandIn},
};

/// Discovery and JWKS are requested at the same time. The pauses double, so ten attempts at each take longer than the
/// time limit of a few seconds.
const REQUESTS_MAX: usize = 20;
const PUBLISH: &str = "publish --from-cluster --directory site --request-timeout";
const NO_KEYS: &str = "that cannot be used: its member \"keys\" is missing or of the wrong type";
/// The number of publishers that run at the same time.
const THREADS: usize = 4;

/// All files of a directory.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Sets a fault and publishes, which must end with exit code 3, this error and this hint.
fn assert_named(name: &str, set: impl FnOnce(&ApiServerStandIn), error: &str, hint: &str) {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    let before = files(desk.path());
    set(&server);
    let start = Instant::now();
    // Only an error that comes with the time limit needs a short one.
    let is_late = [LATE, RECOVERED].contains(&hint) || error.contains("503");
    let output = desk.run(&format!("{PUBLISH} {}", if is_late { "3s" } else { "30s" }));
    let text = stderr(&output);
    assert!(start.elapsed() < Duration::from_secs(20), "{name}: {:?}", start.elapsed());
    assert_eq!((output.status.code(), stdout(&output)), (Some(3), String::new()), "{name}: {text}");
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with("note: ")).collect();
    let [message, next] = lines[..] else { panic!("{name}: {text}") };
    assert!(!text.contains(ADMIN), "{name}: {text}");
    assert!(message.starts_with("error: ") && message.contains(error), "{name}: {error}: {text}");
    assert!(message.contains(server.url()), "{name}: {text}");
    assert!(next.starts_with("hint: ") && next.contains(hint), "{name}: {hint}: {text}");
    assert!(!text.contains(ADMIN) && !text.contains("s3cr3t") && !text.contains('\u{1b}'), "{name}: {text}");
    assert!(message.chars().count() < 1000, "{name}: {text}");
    assert_eq!(files(desk.path()), before, "{name}: a file was changed");
    let sent = server.requests().len();
    assert!((1..=REQUESTS_MAX).contains(&sent), "{name}: {sent} requests");
}

const LATE: &str = "check that the API server runs";
const RECOVERED: &str = "run the command again when the API server has recovered";

type Case = (&'static str, Box<dyn FnOnce(&ApiServerStandIn) + Send>, &'static str, &'static str);

fn always(name: &'static str, response: Response, error: &'static str, hint: &'static str) -> Case {
    (name, Box::new(move |server| server.always(response)), error, hint)
}

fn replaced(name: &'static str, path: &'static str, body: &Value, error: &'static str) -> Case {
    let response = Response::json(200, body.clone());
    (name, Box::new(move |server| server.replace(path, response)), error, "")
}

fn assert_all(cases: Vec<Case>) {
    let cases = Mutex::new(cases.into_iter());
    let next = || cases.lock().unwrap().next();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((name, set, error, hint)) = next() {
                    assert_named(name, set, error, hint);
                }
            });
        }
    });
}

#[test]
fn refusal_of_the_api_server_has_a_cause_and_a_next_step() {
    let forbidden = "forbidden: User \"jane\" cannot get path \"/openid/v1/jwks\"";
    let hostile =
        "\u{1b}[2J\nerror: s3cr3t? Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJzeXN0ZW0ifQ.c2lnbmF0dXJl";
    let repeated = format!("Bearer {ADMIN} is not valid");
    let not_an_api_server = "that the server is an API server";
    assert_all(vec![
        always("401", status(401, "Unauthorized", "Unauthorized"), "(401 Unauthorized)", "replace the token"),
        always("403", status(403, "Forbidden", forbidden), "jane may not read the ", "--user jane"),
        always("html 403", html(403), " returned 403 to /", not_an_api_server),
        always("404", status(404, "NotFound", "not found"), " has no document /", "--service-account-issuer"),
        always("409", status(409, "Conflict", "try again"), " returned 409 to /", ""),
        always("500", status(500, "InternalError", "etcd"), " returned 500 to /", RECOVERED),
        always("503", status(503, "ServiceUnavailable", "apiserver not ready"), "apiserver not ready", RECOVERED),
        always("429", too_many_requests("1"), " returned 429 to /", RECOVERED),
        always("429 without a pause", too_many_requests("0"), " returned 429 to /", RECOVERED),
        always(
            "429 with the longest pause",
            too_many_requests("18446744073709551615"),
            " returned 429 to /",
            RECOVERED,
        ),
        always("own token", status(400, "BadRequest", &repeated), "returned 400 to /", not_an_api_server),
        always("206", Response::json(206, jwks()), " returned 206 to /", not_an_api_server),
        always("long", status(409, "Conflict", &"long ".repeat(10_000)), "long long", ""),
        always("longer than is read", status(409, "Conflict", &"long ".repeat(50_000)), " returned 409 to /", ""),
        always("hostile", status(409, "Conflict", &hostile.replace("s3cr3t", "no")), "\\u{1b}[2J\\u{a}error: ", ""),
    ]);
}

#[test]
fn answer_that_never_ends_or_breaks_is_an_error_in_time() {
    let whole = || Response::json(200, jwks());
    assert_all(vec![
        always("never", Response::silent(), "no answer within 3 s", LATE),
        always("endless", whole().endless(), "cannot be used: it is longer than ", ""),
        always("endless error", status(503, "", "").endless(), " returned 503 to /", ""),
        always("truncated", whole().truncated(), "cannot be used: ", ""),
        always("closed", Response::lost(), "no response from the API server", LATE),
        always("html", html(200), "cannot be used: it is an HTML page, not JSON", ""),
    ]);
}

#[test]
fn documents_that_cannot_be_used_are_named() {
    let mut without_issuer = discovery(ISSUER);
    without_issuer.as_object_mut().unwrap().remove("issuer");
    let mut other_type = discovery(ISSUER);
    other_type["issuer"] = json!(["s3cr3t"]);
    let mut huge = discovery(ISSUER);
    huge["more"] = json!("x".repeat(4 << 20));
    let pem = fs::read_to_string(fixtures().join("keys/rsa-private.pub")).unwrap();
    let mut two_of_one = jwks();
    two_of_one["keys"][1]["kid"] = two_of_one["keys"][0]["kid"].clone();
    assert_all(vec![
        replaced("no issuer", DISCOVERY, &without_issuer, "its member \"issuer\" is missing or of the wrong type"),
        replaced("issuer of another type", DISCOVERY, &other_type, "its member \"issuer\" is missing or of the"),
        replaced("huge discovery", DISCOVERY, &huge, "it is longer than "),
        replaced("no keys", JWKS, &json!({ "keys": [] }), "holds no usable key: it has no entries"),
        replaced("PEM", JWKS, &json!(pem), NO_KEYS),
        replaced("no member keys", JWKS, &json!({}), NO_KEYS),
        replaced("a list", JWKS, &json!(["s3cr3t"]), NO_KEYS),
        replaced("one key ID twice", JWKS, &two_of_one, "has the same key ID \"kms-2026-11/1\" as a different key"),
    ]);
}

#[test]
fn private_and_unusable_entries_are_not_published() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    let mut private = jwks();
    private["keys"][0]["d"] = json!("s3cr3tprivate");
    private["keys"][1] = json!({ "kty": "oct", "kid": "mac", "k": "s3cr3tmac" });
    server.replace(JWKS, Response::json(200, private));
    let output = desk.run(&format!("{PUBLISH} 30s"));
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("key 2 is skipped: its type is oct"), "{text}");
    assert!(!text.contains("s3cr3t") && !stdout(&output).contains("s3cr3t"), "{text}");
    let published: Value = serde_json::from_slice(&fs::read(desk.path().join("site/openid/v1/jwks")).unwrap()).unwrap();
    assert_eq!(published, json!({ "keys": [signer().jwk("kms-2026-11/1")] }));
}

#[test]
fn failed_publish_leaves_the_site_as_it_was() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    desk.succeeds("publish --from-cluster --directory site");
    let before = files(desk.path());
    server.replace(JWKS, Response::json(200, jwks()).truncated());
    desk.fails(3, "publish --from-cluster --directory site --prune --retain 0s");
    assert_eq!(files(desk.path()), before);
}

#[test]
fn redirect_is_not_followed_with_the_token() {
    let other = StandIn::http(|_| Response::json(200, jwks()));
    let to = format!("{}/openid/v1/jwks", other.url());
    for code in [301, 302, 307, 308] {
        let response = Response::new(code, &[("Location", &to)], "");
        let error = format!(" returned {code} to /");
        assert_named("redirect", |server| server.always(response), &error, "is an API server");
    }
    assert!(other.requests().is_empty(), "{:?}", other.requests());
}

#[test]
fn busy_api_server_is_asked_again() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    for response in [too_many_requests("1"), status(503, "ServiceUnavailable", "starting")] {
        let (start, requests) = (Instant::now(), server.requests().len());
        let waits = response.header("Retry-After").is_some();
        server.fail(response);
        desk.succeeds("jwks --from-cluster --request-timeout 10s");
        assert_eq!(server.requests().len() - requests, 2);
        assert!(!waits || start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
    }
    // The requested pause is longer than the time limit, so nothing is gained by waiting.
    server.fail(too_many_requests("60"));
    let start = Instant::now();
    let text = desk.fails(3, "jwks --from-cluster --request-timeout 30s");
    assert!(text.contains("returned 429") && start.elapsed() < Duration::from_secs(20), "{text}");
}
