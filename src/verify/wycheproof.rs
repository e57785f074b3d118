//! The Wycheproof suites (C2SP/wycheproof, `testvectors_v1`), read in place: `ISSUER_VECTORS`, or `../shared/vectors`.
//!
//! This repository does not contain the vectors: without the folder, these tests print a message and check nothing.
//! Wycheproof signs text such as `foo` instead of claims. Therefore only the verifier's checks of header, key set, key
//! and signature are run, without the checks of claims.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    CheckName, Expectations, RelyingParty, Verifier,
    checks::{CHECKS, Case, Verdict},
    key_ring::Ready,
};
use crate::{
    documents::Jwks,
    key::{Jwk, PublicKey},
    token::Token,
};

/// A file of vectors; `None` with a printed line if the file does not exist.
fn suite(name: &str) -> Option<Value> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors");
    let folder = std::env::var_os("ISSUER_VECTORS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let file = folder.join("wycheproof").join(format!("{name}_test.json"));
    match std::fs::read(&file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(error) => {
            println!("skipped: {name} needs {}: {error}", file.display());
            None
        }
    }
}

/// Every test of a suite with its group.
fn tests(suite: &Value) -> Vec<(&Value, &Value)> {
    let groups = suite["testGroups"].as_array().unwrap();
    let tests: Vec<_> = groups
        .iter()
        .flat_map(|group| group["tests"].as_array().unwrap().iter().map(move |test| (group, test)))
        .collect();
    assert_eq!(Some(tests.len() as u64), suite["numberOfTests"].as_u64());
    tests
}

/// Counts the tests by expected result and outcome, for printing.
#[derive(Default)]
struct Counts(BTreeMap<(String, &'static str), usize>);

impl Counts {
    fn add(&mut self, test: &Value, what: &'static str) {
        *self.0.entry((test["result"].as_str().unwrap().to_owned(), what)).or_default() += 1;
    }

    fn print(&self, suite: &str) {
        for ((result, what), count) in &self.0 {
            println!("{suite}: {count} {result} {what}");
        }
    }

    fn of(&self, result: &str, what: &'static str) -> usize {
        self.0.get(&(result.to_owned(), what)).copied().unwrap_or_default()
    }
}

/// Runs the checks of header, key set, key and signature on a JWS; returns the first refusal.
fn judge(jws: &str, jwks: &Jwks) -> Result<(), String> {
    let issuer = "https://issuer.example.com".parse().unwrap();
    let (verifier, expectations) = (Verifier::from_jwks(issuer, jwks), Expectations::of(RelyingParty::Oidc));
    let mut buffer = Vec::new();
    let token = Token::parse_with_any_payload(jws, &mut buffer);
    let case = Case::new(&verifier, token, &expectations, Timestamp::UNIX_EPOCH);
    let names = [CheckName::Token, CheckName::KeySet, CheckName::Key, CheckName::Signature];
    for check in CHECKS.iter().filter(|check| names.contains(&check.name)) {
        match (check.judge)(&case) {
            Verdict::Passed | Verdict::Omitted => {}
            Verdict::Failed(refusal) => return Err(refusal.to_string()),
            Verdict::Skipped(because) => return Err(format!("{} was skipped: {because}", check.name)),
        }
    }
    Ok(())
}

/// Valid JWS that are refused by design: the start of the `alg` of the key, and a part of the refusal.
const REFUSED_BY_DESIGN: &[(&str, &str)] = &[
    // The API server signs with RS256, ES256, ES384 and ES512. With a symmetric key in a published set, everyone can
    // sign.
    ("HS", "algorithm HS"),
    // RFC 7515 section 2: base64url "without inclusion of any line breaks, whitespace, or other additional characters".
    ("HS", "is not base64url"),
    ("PS", "algorithm PS"),
    ("RS384", "algorithm RS384"),
    ("RS512", "algorithm RS512"),
    // An error of the vectors: RFC 7518 section 3.1 has ES512 and no ES521. The token says ES512.
    ("ES521", "the JWKS holds no usable key"),
];

/// Invalid vectors that are accepted by design, by their comment.
const ACCEPTED_BY_DESIGN: &[&str] = &[
    // See the documentation of `PublicKey`: the ROCA fingerprint is not detected.
    "rejectsKeyWithRocaVulnerability",
];

fn run_jose(name: &str) -> Option<Counts> {
    let suite = suite(name)?;
    let mut counts = Counts::default();
    for (group, test) in tests(&suite) {
        let key = group.get("public").or_else(|| group.get("private")).unwrap();
        let keys = key.get("keys").cloned().unwrap_or_else(|| json!([key]));
        let alg = keys[0]["alg"].as_str().unwrap_or_default().to_owned();
        let jwks = Jwks::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
        let jws = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
        let (id, comment) = (&test["tcId"], test["comment"].as_str().unwrap());
        match (test["result"].as_str().unwrap(), judge(&jws, &jwks)) {
            ("valid", Ok(())) => counts.add(test, "accepted"),
            ("valid", Err(refusal)) => {
                let known =
                    REFUSED_BY_DESIGN.iter().any(|(of, because)| alg.starts_with(of) && refusal.contains(because));
                assert!(known, "{name} {id} {comment} is valid: {refusal}");
                counts.add(test, "refused by design");
            }
            ("invalid", Ok(())) => {
                assert!(ACCEPTED_BY_DESIGN.contains(&comment), "{name} {id} {comment} is invalid and was accepted");
                counts.add(test, "accepted by design");
            }
            ("invalid", Err(_)) => counts.add(test, "refused"),
            (_, _) => counts.add(test, "either way"),
        }
    }
    counts.print(name);
    Some(counts)
}

#[test]
fn wycheproof_jws_have_their_expected_results() {
    let Some(counts) = run_jose("json_web_signature") else { return };
    assert_eq!((counts.of("invalid", "refused"), counts.of("invalid", "accepted by design")), (355, 0));
    assert_eq!((counts.of("valid", "accepted"), counts.of("valid", "refused by design")), (10, 36));
}

#[test]
fn wycheproof_keys_in_jwks_are_judged_as_it_says() {
    let Some(counts) = run_jose("json_web_key") else { return };
    assert_eq!((counts.of("invalid", "refused"), counts.of("invalid", "accepted by design")), (20, 1));
    assert_eq!((counts.of("valid", "accepted"), counts.of("valid", "refused by design")), (1, 4));
}

fn hex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn wycheproof_raw_signatures_are_judged_as_it_says() {
    let suites = [
        ("rsa_signature_2048_sha256", 259),
        ("rsa_signature_3072_sha256", 259),
        ("rsa_signature_4096_sha256", 258),
        ("ecdsa_secp256r1_sha256_p1363", 262),
        ("ecdsa_secp384r1_sha384_p1363", 280),
        ("ecdsa_secp521r1_sha512_p1363", 318),
    ];
    for (name, expected) in suites {
        let Some(suite) = suite(name) else { return };
        let (tests, mut counts) = (tests(&suite), Counts::default());
        assert_eq!(tests.len(), expected, "{name}");
        for (group, test) in tests {
            let key = PublicKey::from_spki_der(&hex(&group["publicKeyDer"])).unwrap();
            let ready = Ready::new(&Jwk::new(key), 0);
            let verified = ready.usable(RelyingParty::Oidc).unwrap().verify_sig(&hex(&test["msg"]), &hex(&test["sig"]));
            let (id, comment, result) = (&test["tcId"], &test["comment"], test["result"].as_str().unwrap());
            let right = result == "acceptable" || (result == "valid") == verified.is_ok();
            assert!(right, "{name} {id} {comment} is {result}, and verifying gave {verified:?}");
            counts.add(test, if verified.is_ok() { "accepted" } else { "refused" });
        }
        counts.print(name);
    }
}
