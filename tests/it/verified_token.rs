//! The claims of a verified token, and the issuers of one verifier.

use crate::support::signer::{ENTRA, ISSUER, NOW, Signer, claims, issuer, now, signer, with};
use issuer::{
    Documents, Expectations, Fetched, Jwks, Outcome, Page, PublishedIssuer, Refusal, Timestamp, TrustedIssuer,
    VerifiedToken, Verifier,
};
use serde_json::{Value, json};

const OTHER: &str = "https://other.example.com";

fn verify(claims: &Value) -> VerifiedToken {
    let signer = signer();
    signer.verifier().verify(&signer.sign(&signer.header(), claims), &Expectations::entra(), now()).unwrap()
}

/// The claims of a pod's token in Kubernetes 1.33.
fn bound() -> Value {
    let kubernetes = json!({
        "namespace": "default",
        "node": { "name": "node-1", "uid": "n" },
        "pod": { "name": "web-0", "uid": "p" },
        "secret": { "name": "s" },
        "serviceaccount": { "name": "workload-identity-sa", "uid": "a" },
        "warnafter": NOW + 60,
    });
    with(with(claims(), "kubernetes.io", kubernetes), "jti", "ce5a".into())
}

#[test]
fn verified_token_has_typed_claims() {
    let token = verify(&bound());
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!(token.subject(), "system:serviceaccount:default:workload-identity-sa");
    assert_eq!((token.namespace(), token.name()), ("default", "workload-identity-sa"));
    assert_eq!(token.service_account_uid(), Some("a"));
    let name_and_uid = |object: Option<issuer::ObjectReference<'_>>| {
        object.map(|object| (object.name.into_owned(), object.uid.map(std::borrow::Cow::into_owned)))
    };
    assert_eq!(name_and_uid(token.pod()), Some(("web-0".to_owned(), Some("p".to_owned()))));
    assert_eq!(name_and_uid(token.node()), Some(("node-1".to_owned(), Some("n".to_owned()))));
    assert_eq!(name_and_uid(token.secret()), Some(("s".to_owned(), None)));
    assert_eq!(token.jti(), Some("ce5a"));
    let times = [token.issued_at(), token.not_before(), Some(token.expires())];
    assert_eq!(times, [NOW - 60, NOW - 60, NOW + 3540].map(|second| Timestamp::from_second(second).ok()));
    // A claim without a method of its own is kept.
    assert_eq!(token.claim("kubernetes.io").unwrap()["warnafter"], NOW + 60);
    assert_eq!(token.claim("none"), None);
    assert_eq!(serde_json::from_str::<Value>(token.claims_json()).unwrap(), bound());
}

#[test]
fn debug_output_shows_only_the_claims() {
    let token = verify(&claims());
    assert_eq!(format!("{token:?}"), format!("VerifiedToken({:?})", claims().to_string()));
}

#[test]
fn absent_optional_claims_are_none() {
    let mut claims = claims();
    for name in ["iat", "nbf", "kubernetes.io"] {
        claims.as_object_mut().unwrap().remove(name);
    }
    let (signer, expectations) = (signer(), Expectations::oidc().audience(ENTRA));
    let token = signer.sign(&signer.header(), &claims);
    let token = signer.verifier().verify(&token, &expectations, now()).unwrap();
    assert!(token.pod().is_none() && token.node().is_none() && token.secret().is_none());
    assert!(token.service_account_uid().is_none() && token.jti().is_none());
    assert!(token.issued_at().is_none() && token.not_before().is_none());
}

#[test]
fn escaped_strings_in_claims_are_decoded() {
    let signer = signer();
    let text = claims().to_string();
    let text = text.replace("https://issuer", "https:\\/\\/issuer").replace(":default:", ":\\u0064efault:");
    let text = text.replace(ENTRA, "api:\\u002f\\u002fAzureADTokenExchange");
    let text = text.replace(r#""uid":"1""#, r#""uid":"caf\u00e9 \ud83d\ude00""#);
    let token = signer.sign_text(&signer.header().to_string(), &text);
    let token = signer.verifier().verify(&token, &Expectations::entra(), now()).unwrap();
    assert_eq!(token.issuer(), ISSUER);
    assert_eq!((token.namespace(), token.name()), ("default", "workload-identity-sa"));
    assert!(token.audiences().eq([ENTRA]));
    assert_eq!(token.service_account_uid(), Some("café 😀"));
    assert_eq!(token.claims_json(), text);
}

#[test]
fn all_audiences_are_returned() {
    let token = verify(&with(claims(), "aud", json!(["vault", ENTRA, ""])));
    assert!(token.audiences().eq(["vault", ENTRA, ""]));
    assert_eq!(token.audiences().len(), 3);
    assert!(verify(&with(claims(), "aud", ENTRA.into())).audiences().eq([ENTRA]));
}

/// A verifier for two issuers with different keys.
fn two_issuers(one: &Signer, other: &Signer) -> Verifier {
    let trusted =
        |url: &str, signer: &Signer| TrustedIssuer::new(&Documents::new(url.parse().unwrap(), &signer.keys)).unwrap();
    Verifier::from_iter([trusted(ISSUER, one), trusted(OTHER, other)])
}

#[test]
fn token_issuer_selects_among_trusted_issuers() {
    let (one, other) = (signer(), Signer::rsa());
    let verifier = two_issuers(one, &other);
    let verify = |signer: &Signer, issuer: &str| {
        let token = signer.sign(&signer.header(), &with(claims(), "iss", issuer.into()));
        let verdict = verifier.verify(&token, &Expectations::entra(), now());
        let report = verifier.examine(&token, &Expectations::entra(), now());
        assert_eq!(verdict.as_ref().err(), report.refusal());
        verdict.map(|token| token.issuer().to_owned())
    };
    assert_eq!(verify(one, ISSUER).unwrap(), ISSUER);
    assert_eq!(verify(&other, OTHER).unwrap(), OTHER);
    // A key of one issuer never verifies tokens of another.
    assert!(matches!(verify(&other, ISSUER), Err(Refusal::KeyNotFound { .. })));
    assert!(matches!(verify(one, OTHER), Err(Refusal::KeyNotFound { .. })));
    let untrusted = "https://untrusted.example.com";
    let refusal = verify(one, untrusted).unwrap_err();
    assert_eq!(refusal, Refusal::IssuerUntrusted { seen: untrusted.to_owned(), trusted: 2 });
    assert_eq!(refusal.to_string(), "issuer \"https://untrusted.example.com\" is not one of the 2 trusted issuers");
    assert_eq!(refusal.aadsts().map(issuer::Aadsts::code), Some(700_211));
    // An extra slash has its own message.
    let slash = format!("{OTHER}/");
    assert_eq!(verify(&other, &slash), Err(Refusal::Issuer { expected: OTHER.to_owned(), seen: slash }));
}

#[test]
fn same_kid_at_two_issuers_is_two_keys() {
    let (one, other) = (signer(), Signer::rsa());
    let mut entry = issuer::Jwk::new(other.keys[0].clone()).to_value();
    entry["kid"] = one.kid().into();
    let jwks = Jwks::parse(json!({ "keys": [entry] }).to_string().as_bytes()).unwrap();
    let verifier = Verifier::from_iter([
        TrustedIssuer::new(&Documents::new(issuer(), &one.keys)).unwrap(),
        TrustedIssuer::from_jwks(OTHER.parse().unwrap(), &jwks),
    ]);
    let verify = |signer: &Signer, issuer: &str| {
        let token = signer.sign(&one.header(), &with(claims(), "iss", issuer.into()));
        verifier.verify(&token, &Expectations::entra(), now()).map(drop)
    };
    assert_eq!([verify(one, ISSUER), verify(&other, OTHER)], [Ok(()), Ok(())]);
    assert_eq!([verify(&other, ISSUER), verify(one, OTHER)], [Err(Refusal::Signature), Err(Refusal::Signature)]);
}

#[test]
fn external_jwks_uri_is_followed_and_reported() {
    let mut documents = Documents::new(issuer(), &signer().keys);
    documents.discovery.jwks_uri = "https://keys.example.net/jwks".to_owned();
    let fetched = |body| Fetched { from: "memory".to_owned(), outcome: Ok(Page { body, ..Page::default() }) };
    let published = PublishedIssuer {
        discovery: fetched(documents.discovery.to_bytes()),
        jwks: Some(fetched(documents.jwks.to_bytes())),
        private_host: None,
    };
    let verifier = Verifier::from_published(issuer(), &published);
    let report = verifier.examine(&signer().sign(&signer().header(), &claims()), &Expectations::entra(), now());
    assert_eq!(report.refusal(), None);
    let seen = "issuer identical, its jwks_uri is not below the issuer: https://keys.example.net/jwks";
    assert_eq!(report.checks[2].outcome, Outcome::Passed(seen.to_owned()));
}

#[test]
fn verifier_without_issuers_refuses_every_token() {
    let verifier = Verifier::default();
    let verify = |issuer: &str| {
        let token = signer().sign(&signer().header(), &with(claims(), "iss", issuer.into()));
        verifier.verify(&token, &Expectations::entra(), now()).unwrap_err()
    };
    assert_eq!(verify(ISSUER), Refusal::IssuerUrl("the verifier trusts no issuer".to_owned()));
    let because = "\"issuer.example.com\" is not an issuer URL: it has no scheme".to_owned();
    assert_eq!(verify("issuer.example.com"), Refusal::IssuerUrl(because));
}
