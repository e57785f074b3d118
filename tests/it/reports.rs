//! Reports: the observation of each check, the reason of a skipped check, and warnings about the documents.

use crate::support::{
    encode,
    signer::{ENTRA, ISSUER, NOW, claims, issuer, now, signer, with, without},
};
use issuer::{
    Aadsts, CheckName, Documents, Expectations, FetchError, Fetched, Hint, Jwk, Jwks, KeySet, Outcome, Page,
    PublishedIssuer, Refusal, RelyingParty, Report, TrustedIssuer, Verifier, VerifyWarning,
};
use serde_json::{Value, json};

fn examine(verifier: &Verifier, claims: &Value, expectations: &Expectations) -> Report {
    verifier.examine(&signer().sign(&signer().header(), claims), expectations, now())
}

fn outcome(report: &Report, name: CheckName) -> Outcome {
    report.checks.iter().find(|checked| checked.name == name).unwrap().outcome.clone()
}

fn skipped(report: &Report) -> Vec<(CheckName, String)> {
    let because =
        |outcome: &'_ Outcome| if let Outcome::Skipped(because) = outcome { Some(because.clone()) } else { None };
    report.checks.iter().filter_map(|checked| Some((checked.name, because(&checked.outcome)?))).collect()
}

#[test]
fn each_check_reports_what_it_saw() {
    let report = examine(&signer().verifier(), &claims(), &Expectations::entra());
    let token = format!("RS256, kid {}", signer().kid());
    for (name, said, seen) in [
        (CheckName::Token, "token", token.as_str()),
        (CheckName::Issuer, "issuer", ISSUER),
        (CheckName::Discovery, "discovery", "issuer identical"),
        (CheckName::KeySet, "key set", "1 key"),
        (CheckName::Key, "key", "RSA 2048"),
        (CheckName::Signature, "signature", "RSA 2048"),
        (CheckName::Lifetime, "lifetime", "1h"),
        (CheckName::Audience, "audience", ENTRA),
        (CheckName::Subject, "subject", "system:serviceaccount:default:workload-identity-sa"),
        (CheckName::Time, "time", "valid from 2026-11-22 00:34:00Z to 2026-11-22 01:34:00Z, now 2026-11-22 00:35:00Z"),
    ] {
        assert_eq!((name.to_string(), outcome(&report, name)), (said.to_owned(), Outcome::Passed(seen.to_owned())));
    }
    let several =
        examine(&signer().verifier(), &with(claims(), "aud", json!(["vault", ENTRA])), &Expectations::entra());
    assert_eq!(outcome(&several, CheckName::Audience), Outcome::Passed(format!("vault, {ENTRA}")));
}

#[test]
fn skipped_check_gives_its_reason() {
    let oidc = Expectations::oidc();
    let jwks = Documents::new(issuer(), &signer().keys).jwks;
    let report = examine(&Verifier::from_jwks(issuer(), &jwks), &claims(), &oidc);
    let expected = |expected: &[(CheckName, &str)]| -> Vec<_> {
        expected.iter().map(|(name, because)| (*name, (*because).to_owned())).collect()
    };
    let given = [
        (CheckName::Discovery, "the caller passed the JWKS"),
        (CheckName::Lifetime, "only Entra limits the lifetime"),
        (CheckName::Audience, "no expected audience was given"),
    ];
    assert_eq!(skipped(&report), expected(&given));
    let report = examine(&signer().verifier(), &without(claims(), "exp"), &Expectations::entra());
    assert_eq!(skipped(&report), expected(&[(CheckName::Lifetime, "the token has no exp")]));
    let report = examine(&Verifier::default(), &claims(), &Expectations::entra());
    let untrusted = [
        (CheckName::Discovery, "the token names no trusted issuer"),
        (CheckName::KeySet, "no trusted discovery document gives the URL of the JWKS"),
        (CheckName::Key, "there is no usable JWKS"),
        (CheckName::Signature, "there is no key for verification"),
    ];
    assert_eq!(skipped(&report), expected(&untrusted));
}

#[test]
fn key_beyond_the_first_100_does_not_count_for_entra() {
    let other = |number| Jwk::new(KeySet::from_bytes(&encode::numbered_spki(number)).unwrap()[0].clone());
    let good = || Jwk::new(signer().keys[0].clone());
    let report = |keys: Vec<Jwk>, expectations: &Expectations| {
        examine(&Verifier::from_jwks(issuer(), &Jwks { keys }), &claims(), expectations)
    };
    let hundred = || (1..100).map(other);
    assert_eq!(report(hundred().chain([good()]).collect(), &Expectations::entra()).refusal(), None);
    let more: Vec<_> = hundred().chain([other(100), good()]).collect();
    let entra = report(more.clone(), &Expectations::entra());
    assert_eq!(outcome(&entra, CheckName::KeySet), Outcome::Failed(Refusal::KeySetTooMany(101)));
    let because = "it is not among the first 100 keys, which Entra stores".to_owned();
    let unusable = Refusal::KeyUnusable { kid: signer().kid(), because };
    assert_eq!(outcome(&entra, CheckName::Key), Outcome::Failed(unusable));
    let first: Vec<_> = [good()].into_iter().chain(more).collect();
    assert_eq!(outcome(&report(first, &Expectations::entra()), CheckName::Key), Outcome::Passed("RSA 2048".to_owned()));
    let oidc = report(hundred().chain([other(100), good()]).collect(), &Expectations::oidc());
    assert_eq!(oidc.refusal(), None);
}

#[test]
fn key_check_is_skipped_for_an_unparsable_jwks() {
    let body = json!({ "keys": [null, Jwk::new(signer().keys[0].clone()).to_value()] }).to_string().into_bytes();
    let verifier = Verifier::from_published(issuer(), &published(page(), Page { body, ..page() }));
    let report = examine(&verifier, &claims(), &Expectations::entra());
    assert_eq!(outcome(&report, CheckName::Key), Outcome::Skipped("there is no usable JWKS".to_owned()));
}

fn page() -> Page {
    Page::default()
}

/// The signer's issuer with these pages. A page without a body gets the correct document.
fn published(discovery: Page, jwks: Page) -> PublishedIssuer {
    let documents = Documents::new(issuer(), &signer().keys);
    let fetched = |from: &str, page: Page, body| {
        let page = if page.body.is_empty() { Page { body, ..page } } else { page };
        Fetched { from: from.to_owned(), outcome: Ok(page) }
    };
    PublishedIssuer {
        discovery: fetched("discovery", discovery, documents.discovery.to_bytes()),
        jwks: Some(fetched("jwks", jwks, documents.jwks.to_bytes())),
        private_host: None,
    }
}

/// The observations of the checks of both documents, and the warnings of the issuer.
fn seen(published: &PublishedIssuer) -> (String, String, Vec<String>) {
    let report = examine(&Verifier::from_published(issuer(), published), &claims(), &Expectations::entra());
    let passed = |name| match outcome(&report, name) {
        Outcome::Passed(seen) => seen,
        other => panic!("{other:?}"),
    };
    let warnings = report.warnings.iter().map(ToString::to_string).collect();
    (passed(CheckName::Discovery), passed(CheckName::KeySet), warnings)
}

#[test]
fn document_not_served_as_json_is_a_warning() {
    let served = |content_type: &str| Page { content_type: Some(content_type.to_owned()), ..page() };
    let nothing = ("issuer identical".to_owned(), "1 key".to_owned(), vec![]);
    assert_eq!(seen(&published(page(), page())), nothing);
    for json in ["application/json", "Application/JSON ; charset=utf-8", "application/jwk-set+json"] {
        assert_eq!(seen(&published(served(json), served(json))), nothing, "{json}");
    }
    let (discovery, jwks, warnings) = seen(&published(served(""), served("text/plain")));
    assert_eq!(discovery, "issuer identical, served without a Content-Type");
    assert_eq!(jwks, "1 key, served as text/plain instead of application/json");
    let expected = [
        "discovery is served without a Content-Type, not as application/json",
        "jwks is served as text/plain, not as application/json",
    ];
    assert_eq!(warnings, expected);
}

#[test]
fn redirect_is_reported_and_a_warning() {
    let to = "https://cdn.example.com".to_owned();
    let moved = |content_type: Option<&str>| Page {
        redirected_to: Some(to.clone()),
        content_type: content_type.map(str::to_owned),
        ..page()
    };
    let (discovery, jwks, warnings) = seen(&published(moved(None), moved(Some(""))));
    assert_eq!(discovery, "issuer identical, redirected to https://cdn.example.com");
    assert_eq!(jwks, "1 key, redirected to https://cdn.example.com, served without a Content-Type");
    assert_eq!(warnings.len(), 3);
    assert_eq!(warnings[0], "discovery redirects to https://cdn.example.com");
}

#[test]
fn empty_members_and_private_hosts_are_warnings() {
    let mut discovery: Value =
        serde_json::from_slice(&Documents::new(issuer(), &signer().keys).discovery.to_bytes()).unwrap();
    discovery["token_endpoint"] = "".into();
    discovery["claims_supported"] = json!([]);
    let body = discovery.to_string().into_bytes();
    let published = PublishedIssuer {
        private_host: Some("issuer.example.com".to_owned()),
        // An empty member of the JWKS has no effect.
        ..published(Page { body, ..page() }, page())
    };
    let trusted = TrustedIssuer::from_published(issuer(), &published);
    let private = VerifyWarning::ResolvesToPrivate { host: "issuer.example.com".to_owned() };
    let empty = VerifyWarning::EmptyMembers(vec!["token_endpoint".to_owned(), "claims_supported".to_owned()]);
    assert_eq!(trusted.warnings(), [private.clone(), empty.clone()]);
    assert_eq!(empty.to_string(), r#"the discovery document has empty members: "token_endpoint", "claims_supported""#);
    let verifier = Verifier::default().trust(trusted);
    let warnings = |expectations: &Expectations| examine(&verifier, &claims(), expectations).warnings;
    assert_eq!(warnings(&Expectations::entra()), [private, empty.clone()]);
    assert_eq!(warnings(&Expectations::oidc().audience(ENTRA)), [empty], "name resolution is checked only for Entra");
}

#[test]
fn each_warning_has_its_code() {
    let (from, to, content_type) = ("a".to_owned(), "b".to_owned(), String::new());
    for (warning, code, fix) in [
        (VerifyWarning::Redirected { from: from.clone(), to }, 90061, "serve the documents"),
        (VerifyWarning::ResolvesToPrivate { host: from.clone() }, 90061, "check that the name"),
        (
            VerifyWarning::DiscoveryContentType { from: from.clone(), content_type: content_type.clone() },
            501_661,
            "configure",
        ),
        (VerifyWarning::KeySetContentType { from, content_type }, 900_612, "configure"),
        (VerifyWarning::EmptyMembers(vec![]), 501_661, "publish"),
        (VerifyWarning::Audiences(2), 5_002_741, "project"),
    ] {
        assert_eq!(warning.aadsts().map(Aadsts::code), Some(code), "{warning}");
        assert!(warning.hint().unwrap().starts_with(fix), "{}", warning.hint().unwrap());
    }
}

/// The refusals where fetching fails with this error for both documents, or only for the JWKS.
fn unreadable(error: &FetchError) -> [Refusal; 2] {
    let good = published(page(), page());
    let failed = || Fetched { from: "failed".to_owned(), outcome: Err(error.clone()) };
    let no_discovery = PublishedIssuer { discovery: failed(), jwks: None, ..good.clone() };
    let no_jwks = PublishedIssuer { jwks: Some(failed()), ..good };
    [no_discovery, no_jwks].map(|published| {
        let trusted = TrustedIssuer::from_published(issuer(), &published);
        let refusal = trusted.judge(RelyingParty::Entra).unwrap_err();
        assert_eq!(trusted.usable(), Err(refusal.clone()));
        refusal
    })
}

#[test]
fn fetch_failure_decides_the_predicted_code() {
    let url = || "https://issuer.example.com".to_owned();
    let status = |status, code: Option<&str>| FetchError::Status {
        url: url(),
        status,
        is_html: false,
        code: code.map(str::to_owned),
    };
    for (error, codes, is_inconclusive) in [
        (status(404, None), [Some(90061), Some(90061)], false),
        (status(403, None), [Some(50166), Some(50166)], false),
        (status(409, Some("PublicAccessNotPermitted")), [Some(50166), Some(50166)], false),
        (status(503, None), [Some(90061), Some(90061)], true),
        (FetchError::NotThere(url()), [Some(90061), Some(90061)], false),
        (FetchError::TooLong { url: url(), limit: 1 }, [None, None], false),
        (
            FetchError::Encoded { url: url(), coding: "gzip".to_owned(), is_plain: false },
            [Some(501_661), Some(900_612)],
            false,
        ),
    ] {
        let refusals = unreadable(&error);
        assert_eq!([0, 1].map(|index| refusals[index].aadsts().map(Aadsts::code)), codes, "{error}");
        assert_eq!([0, 1].map(|index| refusals[index].check()), [CheckName::Discovery, CheckName::KeySet], "{error}");
        assert_eq!([0, 1].map(|index| refusals[index].is_inconclusive()), [is_inconclusive; 2], "{error}");
    }
}

#[test]
fn different_strings_are_shown_side_by_side() {
    let (expected, seen) = ("a".to_owned(), "b".to_owned());
    let pair = |expected: &str, seen: &str| Some((expected.to_owned(), seen.to_owned()));
    for refusal in [
        Refusal::Issuer { expected: expected.clone(), seen: seen.clone() },
        Refusal::DiscoveryIssuer { expected: expected.clone(), seen: seen.clone(), has_credential: false },
        Refusal::Subject { expected: expected.clone(), seen: seen.clone() },
    ] {
        assert_eq!(refusal.expected_and_seen(), pair("a", "b"), "{refusal}");
        assert!(!refusal.is_inconclusive());
    }
    let several = Refusal::Audience { expected: vec![expected, "c".to_owned()], seen: vec![seen, "d".to_owned()] };
    assert_eq!(several.expected_and_seen(), pair("a or c", "b, d"));
    assert_eq!(Refusal::KeyIdMissing.expected_and_seen(), None);
}

#[test]
fn excessive_lifetime_is_described_with_its_limit() {
    let said = |claims: &Value| {
        let report = examine(&signer().verifier(), claims, &Expectations::entra());
        report.refusal().map(ToString::to_string)
    };
    let long = with(claims(), "exp", (NOW - 60 + 26 * 3600).into());
    assert_eq!(said(&long).as_deref(), Some("the token has a lifetime of 26h; Entra accepts at most 25h"));
    let unknown = "the token has no iat, which Entra treats as the year 1970; Entra accepts at most 25h";
    assert_eq!(said(&without(claims(), "iat")).as_deref(), Some(unknown));
}
