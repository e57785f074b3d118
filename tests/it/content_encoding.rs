//! Documents with a Content-Encoding, encoded or not.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use crate::support::{
    http::{Scripted, response},
    issuer::{command, stderr, stdout},
    recording,
};
use issuer::{
    CurrentState, DesiredState, Documents, Hint, HttpFetcher, KeySet, Location, Plan, PlanWarning, PublishedIssuer,
    RelyingParty, SystemClock, Timestamp, compare,
    site::{Condition, Content, Headers, Memory, Site},
};

const JSON: &str = "Content-Type: application/json";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn documents() -> Documents {
    let run = recording("rotation");
    Documents::new(run.issuer.parse().unwrap(), &KeySet::from_bytes(&run.bytes("sa.pub")).unwrap())
}

/// Fetches from a server that adds a Content-Encoding to both documents and encodes their bodies.
fn published(coding: &'static str, encode: fn(Vec<u8>) -> Vec<u8>) -> (Scripted, PublishedIssuer) {
    let documents = documents();
    let issuer = documents.issuer.clone();
    let server = Scripted::start(move |path| {
        let body = if path.ends_with("jwks") { documents.jwks.to_bytes() } else { documents.discovery.to_bytes() };
        let coding = format!("Content-Encoding: {coding}");
        response("200 OK", &[JSON, &coding], &encode(body))
    });
    let location: Location = server.url().parse().unwrap();
    let published = block_on(PublishedIssuer::fetch_expected(&issuer, &location, &HttpFetcher::default()));
    (server, published)
}

#[test]
fn requests_accept_only_identity_encoding() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let seen = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).unwrap();
        let _ = stream.write_all(&response("200 OK", &[JSON], b"{}"));
        String::from_utf8_lossy(&head[..length]).to_ascii_lowercase()
    });
    block_on(HttpFetcher::default().fetch(&url)).unwrap();
    assert!(seen.join().unwrap().contains("\r\naccept-encoding: identity\r\n"));
}

/// Encodes a body.
type Encode = fn(Vec<u8>) -> Vec<u8>;

#[test]
fn content_encoding_is_reported_with_its_code() {
    let not_encoded = ", but its body is not encoded; clients that decode it fail";
    let encoded = ", although the request accepts only identity";
    let gzip: Encode = |body| [b"\x1f\x8b\x08\0\0\0\0\0\0\x03".as_slice(), &body].concat();
    let plain: Encode = |body| body;
    for (coding, encode, end) in [
        ("gzip", plain, not_encoded),
        ("GZIP", plain, not_encoded),
        ("br", plain, not_encoded),
        ("identity, deflate", plain, not_encoded),
        ("gzip", gzip, encoded),
        ("x-gzip", gzip, encoded),
        ("zstd", |_| b"\x28\xb5\x2f\xfd".to_vec(), encoded),
    ] {
        let (server, published) = published(coding, encode);
        let named = coding.trim_start_matches("identity, ");
        let error = published.discovery.outcome.as_ref().unwrap_err();
        let from = format!("{}/.well-known/openid-configuration", server.url());
        assert_eq!(error.to_string(), format!("{from} is served with Content-Encoding {named}{end}"));
        let mismatch = compare(&documents(), &published, RelyingParty::Entra).unwrap_err();
        assert_eq!(mismatch.aadsts().unwrap().code(), 501_661, "{coding}");
        assert!(!mismatch.is_inconclusive(), "{coding}");
        assert!(
            mismatch.hint().unwrap().contains("remove the Content-Encoding of the blob"),
            "{}",
            mismatch.hint().unwrap()
        );
    }
    for coding in ["identity", "IDENTITY", ""] {
        let (_, published) = published(coding, plain);
        assert_eq!(compare(&documents(), &published, RelyingParty::Entra), Ok(()), "{coding}");
    }
}

#[test]
fn verify_and_status_refuse_a_jwks_marked_compressed() {
    let documents = documents();
    let issuer = documents.issuer.to_string();
    let server = Scripted::start(move |path| match path {
        "/openid/v1/jwks" => response("200 OK", &[JSON, "Content-Encoding: gzip"], &documents.jwks.to_bytes()),
        _ => response("200 OK", &[JSON], &documents.discovery.to_bytes()),
    });
    let token = recording("rotation").path("entra-1h.jwt");
    let verify = ["verify", token.to_str().unwrap(), "--at", "2026-11-22T00:40:00Z"];
    for args in [verify.as_slice(), &["status", &issuer]] {
        let output = command().args(args).args(["--published", &server.url()]).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let printed = stdout(&output) + &stderr(&output);
        assert!(printed.contains("is served with Content-Encoding gzip, but its body is not encoded"), "{printed}");
        assert!(printed.contains("AADSTS900612"), "{printed}");
    }
}

#[test]
fn stored_encoding_header_is_drift_that_publish_fixes() {
    let run = recording("rotation");
    let desired = DesiredState::new(run.issuer.parse().unwrap(), KeySet::from_bytes(&run.bytes("sa.pub")).unwrap());
    let site = Memory::default();
    block_on(async {
        issuer::publish(&site, &desired, &SystemClock).await.unwrap();
        for path in [desired.issuer.jwks_path(), desired.issuer.discovery_path()] {
            let stored = site.read(&path).await.unwrap().unwrap();
            let headers = Headers { content_encoding: Some("gzip".to_owned()), ..stored.headers.unwrap() };
            let content = Content {
                bytes: stored.bytes,
                headers,
                retention: stored.retention.record().cloned().unwrap_or_default(),
            };
            site.write(&path, &content, &Condition::IfMatch(stored.etag)).await.unwrap();
        }
        let status = issuer::status(&site, &desired.issuer, DesiredState::RETAIN, &SystemClock).await.unwrap();
        let faults: Vec<_> = status.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            ["discovery document", "JWKS"].map(|document| format!(
                "the {document} has the Content-Encoding \"gzip\", which relying parties cannot decode"
            ))
        );
        let plan = issuer::plan(&site, &desired, &SystemClock).await.unwrap();
        assert!(!plan.is_unchanged());
        let of = |document| PlanWarning::ContentEncoding { document, coding: "gzip".to_owned() };
        assert_eq!(plan.warnings, [of("JWKS"), of("discovery document")]);
        issuer::publish(&site, &desired, &SystemClock).await.unwrap();
        let plan = issuer::plan(&site, &desired, &SystemClock).await.unwrap();
        assert!(plan.is_unchanged() && plan.warnings.is_empty());
        assert!(
            issuer::status(&site, &desired.issuer, DesiredState::RETAIN, &SystemClock).await.unwrap().faults.is_empty()
        );
    });
    let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::UNIX_EPOCH);
    assert_eq!(plan.documents[0].content.headers.content_encoding, None);
}
