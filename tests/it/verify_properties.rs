//! Properties of the verifier: `verify`, `examine` and an independent JWT library agree.

use std::sync::OnceLock;

use crate::support::{
    hostile::cases,
    signer::{ENTRA, ISSUER, NOW, claims, issuer, now, signer, with},
};
use issuer::{
    Documents, Expectations, FetchError, Fetched, Jwks, Outcome, Page, PublishedIssuer, TrustedIssuer, Verifier,
};
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Claims and headers that are valid in most members and unusual in some.
fn some_token() -> impl Strategy<Value = (String, bool)> {
    let times = prop::sample::select(vec![
        NOW - 4000,
        NOW - 61,
        NOW - 60,
        NOW - 59,
        NOW,
        NOW + 59,
        NOW + 60,
        NOW + 61,
        NOW + 4000,
    ]);
    let header = prop::sample::select(vec![
        json!({}),
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"kid": "other"}),
        json!({"typ": "JWT"}),
        json!({"crit": ["x"]}),
        json!({}),
        json!({}),
        json!({}),
    ]);
    let claim = prop::sample::select(vec![
        json!({}),
        json!({}),
        json!({}),
        json!({}),
        json!({"aud": "vault"}),
        json!({"aud": ["vault", ENTRA]}),
        json!({"aud": ENTRA}),
        json!({"iss": "https://issuer.example.com/"}),
        json!({"sub": "x"}),
        json!({"sub": 1}),
    ]);
    (times.clone(), times, header, claim, any::<prop::sample::Index>(), prop::bool::weighted(0.1)).prop_map(
        |(exp, nbf, extra_header, extra_claim, index, flip)| {
            let merge = |mut base: Value, extra: Value| {
                base.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
                base
            };
            let signer = signer();
            let header = merge(signer.header(), extra_header);
            let claims = merge(with(with(claims(), "exp", json!(exp)), "nbf", json!(nbf)), extra_claim);
            let mut token = signer.sign(&header, &claims).into_bytes();
            if flip {
                let at = index.index(token.len());
                token[at] = if token[at] == b'A' { b'B' } else { b'A' };
            }
            (String::from_utf8(token).unwrap(), flip)
        },
    )
}

/// The verdict of the crate jsonwebtoken on signature, audience, issuer and times.
fn independent_verdict(token: &str) -> bool {
    let issuer::KeyMaterial::Rsa { modulus, exponent } = signer().keys[0].material() else { unreachable!() };
    let mut validation = Validation::new(Algorithm::RS256);
    validation.set_audience(&[ENTRA]);
    validation.set_issuer(&[ISSUER]);
    // jsonwebtoken does not accept a clock: times are compared below.
    validation.validate_exp = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
    let Ok(data) = jsonwebtoken::decode::<Value>(token, &key, &validation) else { return false };
    let Header { kid, crit, .. } = data.header;
    let time = |name: &str| data.claims[name].as_i64().unwrap();
    kid == Some(signer().kid())
        && crit.is_none()
        && data.claims["sub"] == "system:serviceaccount:default:workload-identity-sa"
        && time("exp") > NOW - 60
        && time("nbf") <= NOW + 60
}

/// Verifiers that trust no issuer, one, many, and issuers with each kind of faulty documents.
fn trusted() -> &'static [Verifier] {
    static VERIFIERS: OnceLock<Vec<Verifier>> = OnceLock::new();
    VERIFIERS.get_or_init(|| {
        let documents = |url: &str| Documents::new(url.parse().unwrap(), &signer().keys);
        let issuer_of = |url: &str| TrustedIssuer::new(&documents(url)).unwrap();
        let (slash, other) = ("https://issuer.example.com/", "https://other.example.com");
        let key = || issuer::Jwk::new(signer().keys[0].clone()).to_value();
        let from_keys = |keys: Value| {
            let jwks = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
            Verifier::from_jwks(issuer(), &jwks)
        };
        let page = |body: Vec<u8>| Ok(Page { body, ..Page::default() });
        let published = |discovery: Result<Page, FetchError>, jwks: Option<Result<Page, FetchError>>| {
            let fetched = |outcome| Fetched { from: "memory".to_owned(), outcome };
            let published =
                PublishedIssuer { discovery: fetched(discovery), jwks: jwks.map(fetched), private_host: None };
            Verifier::from_published(issuer(), &published)
        };
        let absent = || Err(FetchError::NotThere("memory".to_owned()));
        let good = documents(ISSUER);
        vec![
            Verifier::default(),
            signer().verifier(),
            Verifier::from_iter([issuer_of(slash), issuer_of(ISSUER), issuer_of(other)]),
            Verifier::from_iter([issuer_of(slash), issuer_of(other)]),
            Verifier::new(&documents(other)).unwrap(),
            from_keys(json!([])),
            from_keys(json!([key(), { "kty": "oct", "k": "AAAA", "kid": "s" }])),
            from_keys(json!([with(key(), "use", "enc".into())])),
            from_keys(json!([with(key(), "alg", "RS512".into())])),
            from_keys(json!([with(key(), "kid", "renamed".into())])),
            from_keys(json!([key(), with(key(), "n", "AQAB".into())])),
            from_keys(json!([9, key()])),
            published(absent(), None),
            published(page(b"<html>".to_vec()), None),
            published(page(documents(slash).discovery.to_bytes()), Some(page(good.jwks.to_bytes()))),
            published(page(good.discovery.to_bytes()), None),
            published(page(good.discovery.to_bytes()), Some(absent())),
            published(page(good.discovery.to_bytes()), Some(page(b"{}".to_vec()))),
            published(page(good.discovery.to_bytes()), Some(page(good.jwks.to_bytes()))),
        ]
    })
}

fn expected() -> &'static [Expectations] {
    static EXPECTATIONS: OnceLock<Vec<Expectations>> = OnceLock::new();
    EXPECTATIONS.get_or_init(|| {
        vec![
            Expectations::entra(),
            Expectations::entra().audience("vault").leeway(std::time::Duration::MAX),
            Expectations::entra().service_account("default/other".parse().unwrap()),
            Expectations::oidc(),
            Expectations::oidc().audience("vault").audience(ENTRA),
        ]
    })
}

/// A hostile token. Most have no key of the signer, and all have a fault.
fn hostile_token() -> impl Strategy<Value = String> {
    let tokens: Vec<_> =
        cases("tokens").iter().map(|case| String::from_utf8_lossy(&case.token()).into_owned()).collect();
    prop::sample::select(tokens)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn verify_examine_and_an_independent_verifier_agree((token, _) in some_token()) {
        let verifier = signer().verifier();
        let verdict = verifier.verify(&token, &Expectations::entra(), now());
        let report = verifier.examine(&token, &Expectations::entra(), now());
        prop_assert_eq!(verdict.as_ref().err(), report.refusal());
        prop_assert_eq!(verdict.is_ok(), independent_verdict(&token), "{:?}", verdict);
        if verdict.is_ok() {
            prop_assert!(report.checks.iter().all(|checked| matches!(checked.outcome, Outcome::Passed(_))));
        }
    }

    #[test]
    fn verify_returns_the_first_failure_that_examine_reports(
        token in prop_oneof![some_token().prop_map(|(token, _)| token), hostile_token()],
        which in 0..trusted().len(),
        expectations in prop::sample::select(expected()),
    ) {
        let verifier = &trusted()[which];
        let verdict = verifier.verify(&token, &expectations, now());
        let report = verifier.examine(&token, &expectations, now());
        prop_assert_eq!(verdict.as_ref().err(), report.refusal());
        if let Ok(verified) = verdict {
            // The returned claims equal the signed claims, parsed independently.
            let claims: Value = serde_json::from_str(verified.claims_json()).unwrap();
            prop_assert_eq!(&claims["iss"], verified.issuer());
            prop_assert_eq!(&claims["sub"], verified.subject());
            prop_assert_eq!(&claims["exp"], verified.expires().as_second());
            let audiences: Vec<_> = verified.audiences().collect();
            prop_assert!(claims["aud"] == json!(audiences) || claims["aud"] == json!(audiences[0]));
        }
    }

    #[test]
    fn arbitrary_text_never_panics_the_verifier(text in "\\PC{0,200}") {
        prop_assert!(signer().verifier().verify(&text, &Expectations::entra(), now()).is_err());
        let _ = signer().verifier().examine(&text, &Expectations::oidc(), now());
    }
}
