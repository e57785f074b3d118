//! The guard of `unpublish`: which tokens prove that no cluster uses the documents any more.

use crate::support::signer::{ISSUER, Signer, claims, now, signer, with};
use issuer::{DesiredState, IssuerUrl, RemovalGuard, RemovalRefusal, Token, site::Memory};
use serde_json::Value;

const ELSEWHERE: &str = "https://elsewhere.example.com";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Plans to remove the documents of `url`, published with the signer's key, with a token of these claims.
fn plan_removal(url: &str, header: &Value, claims: &Value) -> Result<usize, RemovalRefusal> {
    let (url, site): (IssuerUrl, _) = (url.parse().unwrap(), Memory::default());
    let desired = DesiredState::new(url.clone(), signer().keys.clone()).allow_private_issuer(true);
    block_on(issuer::publish(&site, &desired, &now())).unwrap();
    let (text, mut buffer) = (signer().sign(header, claims), Vec::new());
    let guard = RemovalGuard::Token { token: &Token::parse(&text, &mut buffer).unwrap(), now: now() };
    block_on(issuer::plan_removal(&site, &url, &guard)).unwrap().map(|documents| documents.len())
}

fn named(url: &str) -> Value {
    with(claims(), "iss", url.into())
}

#[test]
fn removal_requires_a_token_of_a_published_key() {
    let signer = signer();
    assert_eq!(plan_removal(ISSUER, &signer.header(), &named(ELSEWHERE)), Ok(2));
    let unknown = Signer::rsa().kid();
    let header = with(signer.header(), "kid", unknown.into());
    assert_eq!(plan_removal(ISSUER, &header, &named(ELSEWHERE)), Err(RemovalRefusal::NotOfThisCluster));
}

#[test]
fn token_with_another_algorithm_than_its_key_is_refused() {
    for alg in ["ES256", "PS256", "RS512", "none"] {
        let header = with(signer().header(), "alg", alg.into());
        let refusal = plan_removal(ISSUER, &header, &named(ELSEWHERE));
        assert_eq!(refusal, Err(RemovalRefusal::NotOfThisCluster), "{alg}");
    }
}

#[test]
fn token_that_names_the_same_document_path_is_refused() {
    let place = "https://issuer.example.com/a%20b";
    assert_eq!(plan_removal(place, &signer().header(), &named(place)), Err(RemovalRefusal::InUse(place.to_owned())));
    for same in [
        "https://issuer.example.com/a%20b/",
        "https://ISSUER.example.com/a%20b",
        "https://issuer.example.com./a%20b",
        "https://issuer.example.com:443/a%20b",
        "https://issuer.example.com/%61%20b",
    ] {
        let refusal = plan_removal(place, &signer().header(), &named(same));
        assert_eq!(refusal, Err(RemovalRefusal::SamePlace(same.to_owned())));
    }
    for other in [
        "https://issuer.example.com",
        "https://issuer.example.com/a",
        "https://issuer.example.com:8443/a%20b",
        "https://issuer.example.com:80/a%20b",
        "https://other.example.com/a%20b",
    ] {
        assert_eq!(plan_removal(place, &signer().header(), &named(other)), Ok(2), "{other}");
    }
}

#[test]
fn default_port_of_http_is_80() {
    let (place, same) = ("http://127.0.0.1", "http://127.0.0.1:80");
    let refusal = plan_removal(place, &signer().header(), &named(same));
    assert_eq!(refusal, Err(RemovalRefusal::SamePlace(same.to_owned())));
    assert_eq!(plan_removal(place, &signer().header(), &named("http://127.0.0.1:443")), Ok(2));
}
