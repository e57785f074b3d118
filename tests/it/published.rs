//! Fetching published documents from correct and faulty servers.

use std::{io::Write, net::TcpListener, sync::Arc, thread, time::Duration};

use crate::support::{
    Recording,
    answer::answer,
    http::{Scripted, read_path, response},
    issuer::{Server, run, stderr, stdout},
    recording,
};
use issuer::{
    DesiredState, Documents, Expectations, FetchError, Hint, HttpFetcher, IssuerUrl, KeySet, Location, Mismatch,
    PublishedIssuer, Refusal, RelyingParty, SystemClock, TrustedIssuer, Verifier, compare, site::Directory,
};
use tempfile::TempDir;

const ENTRA: RelyingParty = RelyingParty::Entra;
const JSON: &str = "Content-Type: application/json";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn documents(run: &Recording) -> Documents {
    Documents::new(run.issuer.parse().unwrap(), &KeySet::from_bytes(&run.bytes("sa.pub")).unwrap())
}

fn fetch(run: &Recording, url: &str) -> PublishedIssuer {
    let fetcher = HttpFetcher::new(&[] as &[&str]).unwrap();
    let issuer: IssuerUrl = run.issuer.parse().unwrap();
    block_on(PublishedIssuer::fetch(&issuer, &url.parse::<Location>().unwrap(), &fetcher))
}

/// A server with both documents of a run, except where `answer` gives another response.
fn server(run: &Recording, answer: impl Fn(&str) -> Option<Vec<u8>> + Send + 'static) -> Scripted {
    let documents = documents(run);
    Scripted::start(move |path| {
        answer(path).unwrap_or_else(|| match path {
            "/.well-known/openid-configuration" => response("200 OK", &[JSON], &documents.discovery.to_bytes()),
            "/openid/v1/jwks" => response("200 OK", &[JSON], &documents.jwks.to_bytes()),
            _ => response("404 Not Found", &[], b"<html>"),
        })
    })
}

#[test]
fn published_documents_are_fetched_and_compare_equal() {
    let run = recording("rotation");
    let server = server(&run, |_| None);
    assert_eq!(compare(&documents(&run), &fetch(&run, &server.url()), ENTRA), Ok(()));
    assert_eq!(*server.requests.lock().unwrap(), ["/.well-known/openid-configuration", "/openid/v1/jwks"]);
}

/// The fault of a server, its message, and the predicted code of Entra.
#[test]
fn each_fault_of_a_site_has_its_message_and_code() {
    type Answer = fn(&str) -> Option<Vec<u8>>;
    fn discovery(path: &str, answer: Vec<u8>) -> Option<Vec<u8>> {
        path.ends_with("openid-configuration").then_some(answer)
    }
    fn jwks(path: &str, answer: Vec<u8>) -> Option<Vec<u8>> {
        path.ends_with("jwks").then_some(answer)
    }
    let cases: [(&str, Answer, Option<u32>); 16] = [
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration returned status 404",
            |_| Some(response("404 Not Found", &[], b"<html>")),
            Some(90061),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration does not exist, but the JWKS of the issuer exists",
            |path| discovery(path, response("404 Not Found", &[], b"<html>")),
            Some(90061),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration returned status 403",
            |path| discovery(path, response("403 Forbidden", &[], b"")),
            Some(50166),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration returned status 409 (PublicAccessNotPermitted)",
            |path| discovery(path, response("409 Conflict", &["x-ms-error-code: PublicAccessNotPermitted"], b"<?xml")),
            Some(50166),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration returned status 409",
            |path| discovery(path, response("409 Conflict", &[], b"")),
            Some(90061),
        ),
        (
            "cannot fetch the JWKS: {url}/openid/v1/jwks returned status 404 (ResourceNotFound)",
            |path| jwks(path, response("404 Not Found", &["x-ms-error-code: ResourceNotFound"], b"<?xml")),
            Some(90061),
        ),
        (
            "the discovery document is not usable: it is an HTML page, not JSON",
            |path| discovery(path, response("200 OK", &["Content-Type: text/html"], b"<!doctype html>")),
            Some(501_661),
        ),
        (
            "the discovery document is not usable: it is empty",
            |path| discovery(path, response("200 OK", &[JSON], b"")),
            Some(501_661),
        ),
        (
            "the discovery document is not usable: its member \"jwks_uri\" is missing or of the wrong type",
            |path| discovery(path, response("200 OK", &[JSON], br#"{"issuer":"https://a.example.com","jwks_uri":1}"#)),
            Some(501_661),
        ),
        (
            "the discovery document has the issuer \"https://oidcissuera67fb168.z6.web.core.windows.net\", not \"https://oidcissuera67fb168.z6.web.core.windows.net/\"",
            |path| {
                discovery(path, response("200 OK", &[JSON], br#"{"issuer":"https://oidcissuera67fb168.z6.web.core.windows.net","jwks_uri":"https://oidcissuera67fb168.z6.web.core.windows.net/openid/v1/jwks"}"#))
            },
            Some(700_211),
        ),
        (
            "cannot fetch the JWKS: {url}/openid/v1/jwks returned status 404",
            |path| jwks(path, response("404 Not Found", &[], b"")),
            Some(90061),
        ),
        (
            "cannot fetch the JWKS: {url}/openid/v1/jwks returned status 404 with an HTML page",
            |path| jwks(path, response("404 Not Found", &["Content-Type: text/html"], b"<html>")),
            Some(90061),
        ),
        (
            "the JWKS is not usable: its member \"keys\" is missing or of the wrong type",
            |path| jwks(path, response("200 OK", &[JSON], b"{}")),
            Some(900_612),
        ),
        (
            "the JWKS holds no usable key",
            |path| jwks(path, response("200 OK", &[JSON], br#"{"keys":[]}"#)),
            Some(7_000_272),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration redirects to {url}/.well-known/openid-configuration, which is not followed: there were too many redirects",
            |path| discovery(path, response("302 Found", &["Location: /.well-known/openid-configuration"], b"")),
            Some(90061),
        ),
        (
            "cannot fetch the discovery document: {url}/.well-known/openid-configuration is longer than 1048576 bytes",
            |path| discovery(path, response("200 OK", &[JSON], &vec![b' '; (1 << 20) + 1])),
            None,
        ),
    ];
    let run = recording("rotation");
    for (sentence, answer, code) in cases {
        let server = server(&run, answer);
        let mismatch = compare(&documents(&run), &fetch(&run, &server.url()), ENTRA).unwrap_err();
        assert_eq!(mismatch.to_string(), sentence.replace("{url}", &server.url()));
        assert_eq!(mismatch.aadsts().map(issuer::Aadsts::code), code, "{sentence}");
        assert!(!mismatch.is_inconclusive(), "{sentence}");
    }
}

/// Unusual ways to serve correct documents: verify, status, publish --check and read-back agree on each.
#[test]
fn all_commands_agree_on_each_state_of_a_site() {
    type Answer = fn(&str) -> Option<Vec<u8>>;
    fn served(path: &str, headers: &[&str]) -> Vec<u8> {
        let documents = documents(&recording("rotation"));
        let body = if path.ends_with("jwks") { documents.jwks.to_bytes() } else { documents.discovery.to_bytes() };
        response("200 OK", headers, &body)
    }
    let cases: [(&str, u32, Answer); 5] = [
        ("{url}/openid/v1/jwks is served as application/octet-stream, not as application/json", 900_612, |path| {
            path.ends_with("jwks").then(|| served(path, &["Content-Type: application/octet-stream"]))
        }),
        ("{url}/openid/v1/jwks is served without a Content-Type, not as application/json", 900_612, |path| {
            path.ends_with("jwks").then(|| served(path, &[]))
        }),
        ("{url}/.well-known/openid-configuration is served as text/plain, not as application/json", 501_661, |path| {
            path.ends_with("configuration").then(|| served(path, &["Content-Type: text/plain"]))
        }),
        ("{url}/.well-known/openid-configuration redirects to {url}/moved", 90061, |path| match path {
            "/moved" => Some(served(path, &[JSON])),
            "/.well-known/openid-configuration" => Some(response("302 Found", &["Location: /moved"], b"")),
            _ => None,
        }),
        ("the discovery document has empty members: \"subject_types_supported\"", 501_661, |path| {
            let mut document = serde_json::to_value(documents(&recording("rotation")).discovery).unwrap();
            document["subject_types_supported"] = serde_json::json!([]);
            path.ends_with("configuration").then(|| response("200 OK", &[JSON], document.to_string().as_bytes()))
        }),
    ];
    let run_ = recording("rotation");
    let site = TempDir::new().unwrap();
    let directory = site.path().to_str().unwrap();
    let keys = run_.path("sa.pub");
    let publish = ["publish", keys.to_str().unwrap(), "--issuer", &run_.issuer, "--directory", directory];
    assert_eq!(run(publish).status.code(), Some(0));
    let token = run_.path("entra-1h.jwt");
    for (sentence, code, answer) in cases {
        let server = server(&run_, answer);
        let url = server.url();
        let sentence = sentence.replace("{url}", &url);
        let trusted = TrustedIssuer::from_published(run_.issuer.parse().unwrap(), &fetch(&run_, &url));
        assert_eq!(trusted.judge(ENTRA), Ok(()), "{sentence}");
        assert_eq!(trusted.warnings().iter().map(ToString::to_string).collect::<Vec<_>>(), [sentence.as_str()]);
        let is_other_document = sentence.contains("empty members");
        let verify = vec!["verify", token.to_str().unwrap(), "--at", "2026-11-22T00:40:00Z", "--published", &url];
        let status = vec!["status", &run_.issuer, "--published", &url];
        let back = [&publish[..], &["--published", &url, "--wait", "0s"]].concat();
        let check = [&back[..], &["--check"]].concat();
        for command in [verify, status, back, check] {
            let output = run(&command);
            let expected = i32::from(is_other_document && command[0] == "publish");
            assert_eq!(output.status.code(), Some(expected), "{command:?}: {}", stderr(&output));
            if expected == 0 {
                let warning = format!("warning: {sentence}; Entra may reject this with AADSTS{code}: ");
                assert!(stderr(&output).contains(&warning), "{command:?}: {}", stderr(&output));
            }
        }
    }
}

#[test]
fn azure_storage_error_code_is_named_with_a_fix() {
    let run = recording("rotation");
    let private = Some("the document may be private");
    let website = Some("publish to the static website, which needs no public access");
    let long = "A".repeat(61);
    for (status, code, shown, hint) in [
        ("404 Not Found", "ResourceNotFound", "404 (ResourceNotFound)", private),
        ("404 Not Found", "ContainerNotFound", "404 (ContainerNotFound)", private),
        ("404 Not Found", "BlobNotFound", "404 (BlobNotFound)", private),
        ("409 Conflict", "PublicAccessNotPermitted", "409 (PublicAccessNotPermitted)", website),
        ("403 Forbidden", "AuthorizationFailure", "403 (AuthorizationFailure)", Some("allow anonymous reads")),
        ("404 Not Found", "", "404", None),
        ("404 Not Found", "Not a code", "404", None),
        ("404 Not Found", "<b>", "404", None),
        ("404 Not Found", &long, "404", None),
    ] {
        let answer = response(status, &[&format!("x-ms-error-code: {code}")], b"<?xml");
        let server = server(&run, move |_| Some(answer.clone()));
        let mismatch = compare(&documents(&run), &fetch(&run, &server.url()), ENTRA).unwrap_err();
        assert!(mismatch.to_string().ends_with(&format!("returned status {shown}")), "{mismatch}");
        let fix = mismatch.hint().unwrap();
        assert_eq!(fix.contains("private") || fix.contains("static website"), hint.is_some(), "{code}: {fix}");
        assert!(hint.is_none_or(|hint| fix.starts_with(hint)), "{code}: {fix}");
        assert!(!mismatch.is_inconclusive(), "{code}");
    }
}

#[test]
fn check_reads_the_public_documents_and_writes_nothing() {
    let run_ = recording("rotation");
    let (site, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let keys = run_.path("sa.pub");
    let publish = |directory: &TempDir, more: &[&str]| {
        let args = ["publish", keys.to_str().unwrap(), "--issuer", &run_.issuer, "--directory"];
        run(args.iter().copied().chain([directory.path().to_str().unwrap()]).chain(more.iter().copied()))
    };
    publish(&site, &[]);
    let (served, elsewhere) = (Server::start(site.path()), Server::start(other.path()));
    let check = |url: &str| publish(&site, &["--check", "--published", url, "--wait", "0s"]).status.code();
    assert_eq!(check(&served.url), Some(0));
    assert_eq!(check(&elsewhere.url), Some(1));
    assert_eq!(std::fs::read_dir(other.path()).unwrap().count(), 0);
}

#[test]
fn busy_or_absent_server_is_inconclusive() {
    let run = recording("rotation");
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        let server = server(&run, move |_| Some(response(status, &[], b"")));
        assert!(
            compare(&documents(&run), &fetch(&run, &server.url()), ENTRA).unwrap_err().is_inconclusive(),
            "{status}"
        );
    }
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mismatch = compare(&documents(&run), &fetch(&run, &format!("http://{closed}")), ENTRA).unwrap_err();
    assert!(mismatch.is_inconclusive(), "{mismatch}");
}

#[test]
fn silent_server_times_out_after_ten_seconds() {
    let run = recording("rotation");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    // tokio's paused clock advances when all tasks wait.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let (published, waited) = runtime.block_on(async {
        let start = tokio::time::Instant::now();
        let fetcher = HttpFetcher::new(&[] as &[&str]).unwrap();
        let issuer: IssuerUrl = run.issuer.parse().unwrap();
        let published = PublishedIssuer::fetch(&issuer, &url.parse().unwrap(), &fetcher).await;
        (published, start.elapsed())
    });
    let error = published.discovery.outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("no response from {url}/.well-known/openid-configuration: no answer within 10 s")
    );
    assert_eq!(waited.as_secs(), 10);
}

#[test]
fn silent_server_does_not_exceed_the_wait() {
    let run = recording("rotation");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let folder = TempDir::new().unwrap();
    let (read, waited) = runtime.block_on(async {
        let site = Directory::open(folder.path()).unwrap();
        let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
        let desired = DesiredState::new(run.issuer.parse().unwrap(), keys);
        let publication = issuer::publish(&site, &desired, &SystemClock).await.unwrap();
        let start = tokio::time::Instant::now();
        let (location, fetcher, wait) = (url.parse().unwrap(), HttpFetcher::default(), Duration::from_secs(4));
        (issuer::read_back(&site, &desired, &publication, &location, &fetcher, wait).await, start.elapsed())
    });
    let mismatch = read.unwrap_err();
    assert!(mismatch.is_inconclusive() && mismatch.to_string().contains("no answer within "), "{mismatch}");
    assert!((4..=5).contains(&waited.as_secs()), "{waited:?}");
}

/// A passed deadline gives an inconclusive verdict, not an error.
#[test]
fn verify_is_inconclusive_after_its_timeout() {
    let token = recording("rotation").path("entra-1h.jwt");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let output = run(["verify", token.to_str().unwrap(), "--published", &url, "--timeout", "100ms", "-o", "json"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let verdict = answer("verify", &output);
    assert_eq!(verdict["verdict"], "undecided");
    assert!(verdict["refusal"]["message"].as_str().unwrap().contains("no answer within 0.1 s"), "{verdict}");
}

#[test]
fn truncated_body_is_not_a_document() {
    let run = recording("rotation");
    let server = server(&run, |path| {
        let whole = response("200 OK", &[JSON], &[b' '; 1000]);
        path.ends_with("jwks").then(|| whole[..whole.len() - 500].to_vec())
    });
    let published = fetch(&run, &server.url());
    assert!(matches!(published.jwks.unwrap().outcome, Err(FetchError::NoAnswer { .. })));
}

#[test]
fn plain_http_is_used_only_on_loopback() {
    let run = recording("rotation");
    let jwks_uri =
        br#"{"issuer":"https://oidcissuera67fb168.z6.web.core.windows.net/","jwks_uri":"http://192.0.2.1/jwks"}"#;
    let elsewhere =
        server(&run, move |path| path.ends_with("openid-configuration").then(|| response("200 OK", &[JSON], jwks_uri)));
    let jwks = fetch(&run, &elsewhere.url()).jwks.unwrap();
    assert_eq!(jwks.outcome, Err(FetchError::NotHttps("http://192.0.2.1/jwks".to_owned())));
    let redirecting = server(&run, |_| Some(response("302 Found", &["Location: http://192.0.2.1/"], b"")));
    let outcome = fetch(&run, &redirecting.url()).discovery.outcome;
    assert_eq!(outcome, Err(FetchError::NotHttps("http://192.0.2.1/".to_owned())));
}

#[test]
fn loopback_jwks_uri_of_an_https_issuer_is_not_followed() {
    let run_ = recording("rotation");
    for scheme in ["http", "HTTP", " http", "h\ttp"] {
        let plain = server(&run_, |_| None);
        let mut documents = documents(&run_);
        documents.discovery.jwks_uri = format!("{}/openid/v1/jwks", plain.url().replacen("http", scheme, 1));
        let (url, ca) = https_server(documents);
        let folder = TempDir::new().unwrap();
        let ca_file = folder.path().join("ca.pem");
        std::fs::write(&ca_file, ca).unwrap();
        let token = run_.path("entra.jwt");
        let verify = ["verify", token.to_str().unwrap(), "--published", &url, "--ca-file", ca_file.to_str().unwrap()];
        let entra = run(verify);
        assert!(stdout(&entra).contains("its host is a loopback address"), "{}", stdout(&entra));
        let output = run([&verify[..], &["--for", "oidc"]].concat());
        assert_eq!(output.status.code(), Some(1), "{}", stdout(&output));
        assert!(stdout(&output).contains("is not an https URL"), "{}", stdout(&output));
        assert!(plain.requests.lock().unwrap().is_empty());
    }
}

#[test]
fn directory_with_an_external_jwks_uri_is_inconclusive() {
    let run_ = recording("rotation");
    let site = TempDir::new().unwrap();
    let mut documents = documents(&run_);
    documents.discovery.jwks_uri = "https://other.example.com/keys".to_owned();
    std::fs::create_dir(site.path().join(".well-known")).unwrap();
    std::fs::write(site.path().join(".well-known/openid-configuration"), documents.discovery.to_bytes()).unwrap();
    let token = run_.path("entra.jwt");
    let output = run(["verify", token.to_str().unwrap(), "--published", site.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{}", stdout(&output));
}

#[test]
fn redirect_and_content_type_of_a_jwks_are_shown() {
    let run = recording("rotation");
    let body = documents(&run).jwks.to_bytes();
    let server = server(&run, move |path| match path {
        "/openid/v1/jwks" => Some(response("302 Found", &["Location: /moved"], b"")),
        "/moved" => Some(response("200 OK", &["Content-Type: text/html"], &body)),
        _ => None,
    });
    let verifier = Verifier::from_published(run.issuer.parse().unwrap(), &fetch(&run, &server.url()));
    let report = verifier.examine(&run.text("entra.jwt"), &Expectations::oidc(), issuer::Timestamp::now());
    assert_eq!(report.refusal(), None);
    let issuer::Outcome::Passed(seen) = &report.checks[3].outcome else { panic!("{report:?}") };
    let expected =
        format!("2 keys, redirected to {}/moved, served as text/html instead of application/json", server.url());
    assert_eq!(*seen, expected);
}

#[test]
fn jwks_uri_of_another_issuer_is_not_followed() {
    let run = recording("rotation");
    let server = server(&run, |path| {
        let other = br#"{"issuer":"https://other.example.com","jwks_uri":"https://other.example.com/jwks"}"#;
        path.ends_with("openid-configuration").then(|| response("200 OK", &[JSON], other))
    });
    let published = fetch(&run, &server.url());
    assert_eq!(published.jwks, None);
    let verifier = Verifier::from_published(run.issuer.parse().unwrap(), &published);
    let refusal =
        verifier.verify(&run.text("entra.jwt"), &Expectations::entra(), issuer::Timestamp::now()).unwrap_err();
    assert!(matches!(refusal, Refusal::DiscoveryIssuer { .. }));
}

#[test]
fn publish_reads_back_and_fails_on_other_documents() {
    let run_ = recording("rotation");
    let (site, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let publish = |keys: &str, directory: &TempDir, more: &[&str]| {
        let keys = run_.path(keys);
        let args = ["publish", keys.to_str().unwrap(), "--issuer", &run_.issuer, "--directory"];
        run(args.iter().copied().chain([directory.path().to_str().unwrap()]).chain(more.iter().copied()))
    };
    publish("rsa2048.pub", &other, &[]);
    let (served, stale) = (Server::start(site.path()), Server::start(other.path()));
    let proven = publish("sa.pub", &site, &["--published", &served.url]);
    assert_eq!(proven.status.code(), Some(0), "{proven:?}");
    let line = format!("published, and read back from {}: 2 keys, issuer identical", served.url);
    assert!(stdout(&proven).contains(&line), "{}", stdout(&proven));

    let stale = publish("sa.pub", &site, &["--published", &stale.url, "--wait", "0s"]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(
        stderr(&stale)
            .contains("lacks key R4Jf-ds5L8_k48zrD0XYs2clIk0lDpbzhHP-yRG78Xo; Entra will answer AADSTS7000272"),
        "{}",
        stderr(&stale)
    );
}

#[test]
fn read_back_retries_until_the_documents_match() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    // The first two reads find no document, as behind a cache.
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let server = server(&run, move |path| {
        let early =
            path.ends_with("openid-configuration") && looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
        early.then(|| response("404 Not Found", &[], b""))
    });
    let desired = DesiredState::new(run.issuer.parse().unwrap(), KeySet::from_bytes(&run.bytes("sa.pub")).unwrap());
    let directory = Directory::open(site.path()).unwrap();
    let fetcher = HttpFetcher::new(&[] as &[&str]).unwrap();
    let location: Location = server.url().parse().unwrap();
    let proof = block_on(async {
        let publication = issuer::publish(&directory, &desired, &SystemClock).await.unwrap();
        issuer::read_back(&directory, &desired, &publication, &location, &fetcher, Duration::from_secs(20)).await
    });
    assert_eq!(proof, Ok(Vec::new()));
    let discoveries =
        server.requests.lock().unwrap().iter().filter(|path| path.ends_with("openid-configuration")).count();
    assert_eq!(discoveries, 3);
}

#[test]
fn read_back_stops_when_the_wait_is_over() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let empty = TempDir::new().unwrap();
    let desired = DesiredState::new(run.issuer.parse().unwrap(), KeySet::from_bytes(&run.bytes("sa.pub")).unwrap());
    let directory = Directory::open(site.path()).unwrap();
    let fetcher = HttpFetcher::new(&[] as &[&str]).unwrap();
    let location = Location::Directory(empty.path().to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    let waited = runtime.block_on(async {
        let publication = issuer::publish(&directory, &desired, &SystemClock).await.unwrap();
        let start = tokio::time::Instant::now();
        let wait = Duration::from_secs(20);
        let proof = issuer::read_back(&directory, &desired, &publication, &location, &fetcher, wait).await;
        assert!(proof.is_err());
        start.elapsed()
    });
    assert_eq!(waited.as_secs(), 20);
}

#[test]
fn read_back_accepts_a_later_publish_but_not_a_lost_key() {
    let run = recording("rotation");
    let site = TempDir::new().unwrap();
    let desired =
        |keys: &str| DesiredState::new(run.issuer.parse().unwrap(), KeySet::from_bytes(&run.bytes(keys)).unwrap());
    let (ours, rival) = (desired("rsa2048.pub"), desired("rsa4096.pub"));
    let directory = Directory::open(site.path()).unwrap();
    let fetcher = HttpFetcher::new(&[] as &[&str]).unwrap();
    let server = Server::start(site.path());
    let location: Location = server.url.parse().unwrap();
    let read_back = async |publication: issuer::Publication| {
        issuer::read_back(&directory, &ours, &publication, &location, &fetcher, Duration::ZERO).await
    };
    block_on(async {
        let publication = issuer::publish(&directory, &ours, &SystemClock).await.unwrap();
        issuer::publish(&directory, &rival, &SystemClock).await.unwrap();
        assert_eq!(read_back(publication.clone()).await, Ok(Vec::new()));
        // Another publisher overwrites the JWKS with another key.
        let other = KeySet::from_bytes(&run.bytes("rsa4096.pub")).unwrap();
        std::fs::write(site.path().join("openid/v1/jwks"), issuer::Jwks::from_keys(other.iter()).to_bytes()).unwrap();
        assert!(matches!(read_back(publication).await, Err(Mismatch::KeysMissing { .. })));
    });
}

/// A loopback https server with a certificate of its own authority. Returns the URL and the authority's PEM.
fn https_server(documents: Documents) -> (String, String) {
    let authority = rcgen::CertifiedIssuer::self_signed(
        {
            let mut params = rcgen::CertificateParams::default();
            params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            params
        },
        rcgen::KeyPair::generate().unwrap(),
    )
    .unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut stream =
                rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let answer = match read_path(&mut stream).as_str() {
                "/.well-known/openid-configuration" => response("200 OK", &[JSON], &documents.discovery.to_bytes()),
                "/openid/v1/jwks" => response("200 OK", &[JSON], &documents.jwks.to_bytes()),
                "/plain/.well-known/openid-configuration" => {
                    response("302 Found", &["Location: http://127.0.0.1:9/"], b"")
                }
                _ => response("404 Not Found", &[], b""),
            };
            let _ = stream.write_all(&answer);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    (url, authority.pem())
}

#[test]
fn https_requires_a_trusted_certificate_or_ca_file() {
    let run_ = recording("rotation");
    let (url, ca) = https_server(documents(&run_));
    let folder = TempDir::new().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca).unwrap();
    let token = run_.path("entra-1h.jwt");
    let args = ["verify", token.to_str().unwrap(), "--published", &url, "--at", "2026-11-22T00:40:00Z"];
    let distrusted = run(args);
    assert_eq!(distrusted.status.code(), Some(3), "{}", stdout(&distrusted));
    let said = stdout(&distrusted);
    assert!(said.contains("certificate") && said.contains("--ca-file") && said.contains("SSL_CERT_FILE"), "{said}");
    let trusted = run(args.iter().copied().chain(["--ca-file", ca_file.to_str().unwrap()]));
    assert_eq!(trusted.status.code(), Some(0), "{}", stdout(&trusted));
    let limit = "certificates of --ca-file were trusted; Entra does not trust them";
    assert!(stdout(&trusted).contains(limit), "{}", stdout(&trusted));

    let downgraded = format!("{url}/plain");
    let args = ["verify", token.to_str().unwrap(), "--published", &downgraded, "--ca-file", ca_file.to_str().unwrap()];
    let downgraded = run(args);
    assert_eq!(downgraded.status.code(), Some(1));
    assert!(stdout(&downgraded).contains("it leads from https to http"), "{}", stdout(&downgraded));
}
