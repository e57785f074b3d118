//! The published documents of a verifier: which key sets and which keys it accepts.

use crate::support::{
    encode, recording, segment,
    signer::{claims, issuer, now, signer, with, without},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{CheckName, Documents, Expectations, Jwks, KeySet, Outcome, Refusal, Timestamp, Verifier};
use serde_json::{Value, json};

/// Each fault is a change to the good JWKS.
#[test]
fn each_unusable_jwks_has_its_code() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &claims());
    let good = issuer::Jwk::new(signer.keys[0].clone()).to_value();
    let other = |number: u8| {
        let n = [&[0x80 | number], vec![7; 255].as_slice()].concat();
        issuer::Jwk::new(KeySet::from_bytes(&encode::rsa_spki(&n, &[1, 0, 1])).unwrap()[0].clone()).to_value()
    };
    let kid = signer.kid();
    let unusable = |because: &str| format!("key {kid:?} of the JWKS is not usable: {because}");
    let many: Vec<_> = (0..100).map(other).chain([good.clone()]).collect();
    let weak = {
        let spki = encode::rsa_spki(&[&[0x81], vec![7; 127].as_slice()].concat(), &[1, 0, 1]);
        with(issuer::Jwk::new(KeySet::from_bytes(&spki).unwrap()[0].clone()).to_value(), "kid", kid.clone().into())
    };
    let cases = [
        (vec![], CheckName::KeySet, Some(7_000_272), "the JWKS holds no usable key".to_owned()),
        (vec![other(1)], CheckName::Key, Some(7_000_272), format!("the JWKS has no key {kid:?}")),
        (
            vec![with(good.clone(), "d", "AAAA".into())],
            CheckName::KeySet,
            None,
            format!("the JWKS contains private members of key {kid:?}"),
        ),
        (
            vec![good.clone(), with(other(1), "kid", kid.clone().into())],
            CheckName::KeySet,
            Some(700_027),
            format!("the JWKS has two different keys with the kid {kid:?}"),
        ),
        (many, CheckName::KeySet, None, "the JWKS holds 101 keys; Entra stores only the first 100".to_owned()),
        (
            vec![without(good.clone(), "use")],
            CheckName::Key,
            Some(7_000_272),
            unusable("it has no \"use\":\"sig\", which Entra requires"),
        ),
        (
            vec![other(1), with(good.clone(), "use", "enc".into())],
            CheckName::Key,
            Some(7_000_272),
            unusable("its use is not \"sig\""),
        ),
        (
            vec![other(1), with(good.clone(), "use", 7.into())],
            CheckName::Key,
            Some(7_000_272),
            unusable("its use is not \"sig\""),
        ),
        (
            vec![other(1), with(good.clone(), "alg", 7.into())],
            CheckName::Key,
            Some(7_000_272),
            unusable("its alg is not a string"),
        ),
        (
            vec![other(1), with(good.clone(), "alg", "RS512".into())],
            CheckName::Key,
            Some(7_000_272),
            unusable("its alg is \"RS512\", but the key is for RS256"),
        ),
        (
            vec![other(1), with(good.clone(), "key_ops", json!(["encrypt"]))],
            CheckName::Key,
            Some(7_000_272),
            unusable("its key_ops do not contain \"verify\""),
        ),
        (
            vec![other(1), with(good.clone(), "n", "AQ".into())],
            CheckName::Key,
            Some(7_000_272),
            unusable("its RSA modulus has 1 bits; 512 to 16384 are accepted"),
        ),
        (
            vec![other(1), weak],
            CheckName::Key,
            None,
            format!("key {kid:?} of the JWKS has 1024 bits; 2048 to 8192 are supported"),
        ),
    ];
    for (keys, check, code, said) in cases {
        let jwks = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let verifier = Verifier::from_jwks(issuer(), &jwks);
        let refusal = verifier.verify(&token, &Expectations::entra(), now()).unwrap_err();
        assert_eq!(refusal.to_string(), said);
        assert_eq!((refusal.check(), refusal.aadsts().map(issuer::Aadsts::code)), (check, code), "{said}");
    }
    let jwks = json!({ "keys": [with(good.clone(), "key_ops", json!(["verify", "wrapKey"]))] }).to_string();
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(jwks.as_bytes()).unwrap());
    verifier.verify(&token, &Expectations::entra(), now()).unwrap();
    // Rules of Entra do not apply to other relying parties.
    for keys in [vec![without(good.clone(), "use")], (0..100).map(other).chain([good.clone()]).collect()] {
        let jwks = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        Verifier::from_jwks(issuer(), &jwks).verify(&token, &Expectations::oidc(), now()).unwrap();
    }
    // Duplicates of a key under one key ID, and unusable keys, have no effect.
    let jwks = json!({ "keys": [good, good, { "kty": "OKP", "kid": "ed" }, {}] }).to_string();
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(jwks.as_bytes()).unwrap());
    verifier.verify(&token, &Expectations::entra(), now()).unwrap();
}

#[test]
fn jwks_with_a_non_object_entry_is_refused() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &claims());
    let good = issuer::Jwk::new(signer.keys[0].clone()).to_value();
    for entry in [json!(null), json!(1), json!(1.5), json!("key"), json!(false), json!([]), json!([good])] {
        for (keys, position) in [(json!([good, entry]), 2), (json!([entry, good]), 1)] {
            let bytes = json!({ "keys": keys }).to_string().into_bytes();
            let said = format!("the JWKS is not usable: its entry {position} is not a JSON object");
            let given = Verifier::from_jwks(issuer(), &Jwks::parse(&bytes).unwrap());
            let page = |body| Ok(issuer::Page { body, ..issuer::Page::default() });
            let fetched = |body| issuer::Fetched { from: "memory".to_owned(), outcome: page(body) };
            let discovery = fetched(Documents::new(issuer(), &signer.keys).discovery.to_bytes());
            let published = issuer::PublishedIssuer { discovery, jwks: Some(fetched(bytes)), private_host: None };
            for verifier in [given, Verifier::from_published(issuer(), &published)] {
                for expectations in [Expectations::entra(), Expectations::oidc()] {
                    let refusal = verifier.verify(&token, &expectations, now()).unwrap_err();
                    assert_eq!(refusal.to_string(), said);
                    assert_eq!(refusal.check(), CheckName::KeySet);
                    assert_eq!(refusal.aadsts().map(issuer::Aadsts::code), Some(900_612));
                    assert_eq!(verifier.examine(&token, &expectations, now()).refusal(), Some(&refusal));
                }
            }
        }
    }
}

#[test]
fn flaw_of_other_keys_predicts_no_code() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &claims());
    let good = issuer::Jwk::new(signer.keys[0].clone()).to_value();
    let other = |number: u8| {
        let n = [&[0x80 | number], vec![7; 255].as_slice()].concat();
        let key = KeySet::from_bytes(&encode::rsa_spki(&n, &[1, 0, 1])).unwrap()[0].clone();
        with(issuer::Jwk::new(key).to_value(), "kid", "twice".into())
    };
    let jwks = json!({ "keys": [good, other(1), other(2)] }).to_string();
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(jwks.as_bytes()).unwrap());
    let refusal = verifier.verify(&token, &Expectations::entra(), now()).unwrap_err();
    assert_eq!(refusal.to_string(), "the JWKS has two different keys with the kid \"twice\"");
    assert_eq!(refusal.aadsts(), None);
}

#[test]
fn key_under_a_foreign_kid_is_reported() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &claims());
    let good = issuer::Jwk::new(signer.keys[0].clone()).to_value();
    let renamed = with(good.clone(), "kid", "rfc-7638".into());
    let verifier = |keys: Vec<Value>| {
        Verifier::from_jwks(issuer(), &Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap())
    };
    // Alone it is the cause of the refusal: tokens of the API server have another `kid`.
    let refusal = verifier(vec![renamed.clone()]).verify(&token, &Expectations::entra(), now()).unwrap_err();
    assert_eq!(refusal.to_string(), format!("the JWKS has key {:?} with another kid, \"rfc-7638\"", signer.kid()));
    assert_eq!((refusal.check(), refusal.aadsts().map(issuer::Aadsts::code)), (CheckName::Key, Some(7_000_272)));
    // Beside the correct entry, or for tokens of another signer, it is only reported.
    let report = verifier(vec![good, renamed.clone()]).examine(&token, &Expectations::entra(), now());
    assert_eq!(report.refusal(), None);
    let Outcome::Passed(seen) = &report.checks[3].outcome else { panic!("{report:?}") };
    assert_eq!(seen, "2 keys, with key IDs that differ from the API server's hash: \"rfc-7638\"");
    let external = signer.sign(&with(signer.header(), "kid", "rfc-7638".into()), &claims());
    verifier(vec![renamed]).verify(&external, &Expectations::entra(), now()).unwrap();
}

#[test]
fn usable_entry_is_chosen_among_entries_with_one_kid() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &claims());
    let good = issuer::Jwk::new(signer.keys[0].clone()).to_value();
    // An unusable entry, one of an unknown type, one that Entra does not accept, and the good one.
    let (encrypts, bare) = (with(good.clone(), "use", "enc".into()), without(good.clone(), "use"));
    let jwks = json!({ "keys": [encrypts, { "kty": "OKP", "kid": signer.kid() }, bare, good] });
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(jwks.to_string().as_bytes()).unwrap());
    verifier.verify(&token, &Expectations::entra(), now()).unwrap();
    // Other relying parties accept the entry without `use`.
    let jwks = json!({ "keys": [jwks["keys"][0], jwks["keys"][2]] });
    let verifier = Verifier::from_jwks(issuer(), &Jwks::parse(jwks.to_string().as_bytes()).unwrap());
    verifier.verify(&token, &Expectations::oidc(), now()).unwrap();
}

#[test]
fn key_decides_the_algorithm() {
    let run = recording("mixed-keys");
    let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
    let documents = Documents::new(run.issuer.parse().unwrap(), &keys);
    let verifier = Verifier::new(&documents).unwrap();
    let token = run.text("entra.jwt");
    let (_, rest) = token.split_once('.').unwrap();
    let mut header = segment(&token, 0);
    header["alg"] = "RS256".into();
    let forged = format!("{}.{rest}", BASE64_URL_SAFE_NO_PAD.encode(header.to_string()));
    let at = Timestamp::from_second(segment(&token, 1)["iat"].as_i64().unwrap()).unwrap();
    let refusal = verifier.verify(&forged, &Expectations::oidc(), at).unwrap_err();
    assert_eq!(refusal.to_string(), "algorithm is RS256, but the key named by kid is for ES256");
    verifier.verify(&token, &Expectations::oidc(), at).unwrap();
}

#[test]
fn documents_of_another_issuer_are_rejected() {
    let mut documents = Documents::new(issuer(), &signer().keys);
    documents.discovery.issuer.push('/');
    let refusal = Verifier::new(&documents).err().unwrap();
    assert!(matches!(refusal, Refusal::DiscoveryIssuer { .. }));
}

#[test]
fn discovery_document_without_a_jwks_verifies_nothing() {
    let signer = signer();
    let documents = Documents::new(issuer(), &signer.keys);
    let page = |body| Ok(issuer::Page { body, content_type: None, redirected_to: None, fresh_for: None });
    let discovery = issuer::Fetched { from: "memory".to_owned(), outcome: page(documents.discovery.to_bytes()) };
    let verifier =
        Verifier::from_published(issuer(), &issuer::PublishedIssuer { discovery, jwks: None, private_host: None });
    let token = signer.sign(&signer.header(), &claims());
    assert_eq!(verifier.verify(&token, &Expectations::entra(), now()), Err(Refusal::KeySetEmpty));
    assert!(Verifier::default().verify(&token, &Expectations::entra(), now()).is_err());
}

/// The results of the key set check and the key check, for a token of the signer and a JWKS of these entries.
fn judged(keys: &Value) -> [Outcome; 2] {
    let signer = signer();
    let jwks = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let token = signer.sign(&signer.header(), &claims());
    let report = Verifier::from_jwks(issuer(), &jwks).examine(&token, &Expectations::entra(), now());
    [3, 4].map(|check| report.checks[check].outcome.clone())
}

/// An RSA key under the signer's `kid`. The modulus starts with this byte, followed by this number of bytes.
fn rsa(first: u8, more: usize) -> Value {
    let n = [&[first], vec![1; more].as_slice()].concat();
    let key = KeySet::from_bytes(&encode::rsa_spki(&n, &[1, 0, 1])).unwrap()[0].clone();
    with(issuer::Jwk::new(key).to_value(), "kid", signer().kid().into())
}

#[test]
fn rsa_keys_of_2048_to_8192_bits_verify() {
    for (first, more, bits) in [(0x80, 255, 2048), (0x80, 1023, 8192)] {
        let [_, key] = judged(&json!([rsa(first, more)]));
        assert_eq!(key, Outcome::Passed(format!("RSA {bits}")));
    }
    for (first, more, bits) in [(0x40, 255, 2047), (1, 1024, 8193)] {
        // Other relying parties may use this key, so the set is not empty.
        let [set, key] = judged(&json!([rsa(first, more)]));
        assert!(matches!(set, Outcome::Passed(_)), "{set:?}");
        assert_eq!(key, Outcome::Failed(Refusal::KeySize { kid: signer().kid(), bits }));
    }
}

#[test]
fn different_keys_without_a_kid_are_not_duplicates() {
    let good = issuer::Jwk::new(signer().keys[0].clone()).to_value();
    let [set, key] = judged(&json!([good, without(rsa(0x81, 255), "kid"), without(rsa(0x82, 255), "kid")]));
    assert!(matches!((&set, &key), (Outcome::Passed(_), Outcome::Passed(_))), "{set:?} {key:?}");
}

#[test]
fn private_key_is_reported_before_a_non_object_entry() {
    let private = with(rsa(0x80, 255), "d", "AAAA".into());
    let [set, _] = judged(&json!([null, private]));
    assert_eq!(set, Outcome::Failed(Refusal::KeySetPrivate(signer().kid())));
}

#[test]
fn jwks_with_one_usable_key_is_not_empty() {
    let good = issuer::Jwk::new(signer().keys[0].clone()).to_value();
    let [set, _] = judged(&json!([{ "kty": "OKP", "kid": "ed" }, good]));
    assert!(matches!(set, Outcome::Passed(_)), "{set:?}");
    let [set, _] = judged(&json!([{ "kty": "OKP", "kid": "ed" }]));
    assert_eq!(set, Outcome::Failed(Refusal::KeySetEmpty));
}
