//! Arbitrary text as a token, and arbitrary header and claims signed with a published key.
//!
//! - `verify` and `examine` agree on every token, and both ways to make a verifier give the same answer.
//! - The crate jsonwebtoken accepts every token that verifies: the same key, algorithm, issuer and audience. Times are
//!   compared separately.
//! - A token that verifies can be inspected: none of its claims and header members that are read is null, and `b64` is
//!   true or absent.
//! - A signed token with a changed byte never verifies.
#![no_main]

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use arbitrary::Arbitrary;
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair as RsaKeyPair,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{
    Documents, Expectations, Inspection, IssuerUrl, Jwks, KeyMaterial, KeySet, PublicKey, TOKEN_EXCHANGE_AUDIENCE,
    Timestamp, Verifier,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// The issuer of most recordings.
const ISSUER: &str = "https://oidcissuera67fb168.z6.web.core.windows.net/";
/// Shortly after the recordings were made.
const NOW: i64 = 1_795_307_700;
const ACCOUNT: &str = "default/workload-identity-sa";
/// Members of a header and claims that are read. Null does not count as absent in them.
const HEADER: &[&str] = &["alg", "kid", "typ", "crit", "b64"];
const CLAIMS: &[&str] = &["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "kubernetes.io"];
/// Header members that jsonwebtoken reads and this crate never does. A wrong type in them has no effect here.
const UNREAD: [&str; 11] = ["cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "enc", "zip", "url", "nonce"];

/// Fixed length up to the text, so that seeds can be written by hand.
#[derive(Arbitrary, Debug)]
struct Input<'a> {
    /// Bit 0: sign; bit 1: with the EC key; bits 2 and 3: expectations; bit 4: without leeway.
    options: u8,
    /// Quarter seconds after [`NOW`].
    time: i32,
    /// The position of the changed byte in a signed token, and the bits to flip.
    change: (u16, u8),
    /// The token, or its header and claims with a newline between; `$KID` in the header stands for the key ID.
    text: &'a [u8],
}

struct Keys {
    rsa: (String, RsaKeyPair),
    ec: (String, EcdsaKeyPair),
    judges: HashMap<String, (Algorithm, DecodingKey)>,
    verifiers: [Verifier; 2],
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let rsa = include_str!("../../fixtures/keys/rsa-private.key");
    let ec = include_str!("../../fixtures/keys/p256-private-pkcs8.key");
    let published = [
        rsa,
        ec,
        include_str!("../../fixtures/kubernetes/mixed-keys/rsa2048.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/rsa3072.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/rsa4096.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/p256.pub"),
        include_str!("../../fixtures/kubernetes/mixed-keys/p384.pub"),
    ];
    let keys = KeySet::from_bytes(published.concat().as_bytes()).unwrap();
    let issuer: IssuerUrl = ISSUER.parse().unwrap();
    let der = |pem: &str| pem::parse(pem).unwrap().into_contents();
    Keys {
        rsa: (kid(&keys[0]), RsaKeyPair::from_der(&der(rsa)).unwrap()),
        ec: (kid(&keys[1]), EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der(ec)).unwrap()),
        judges: keys.iter().map(|key| (kid(key), judge(key))).collect(),
        verifiers: [
            Verifier::from_jwks(issuer.clone(), &Jwks::from_keys(keys.iter())),
            Verifier::new(&Documents::new(issuer, &keys)).unwrap(),
        ],
    }
});

fuzz_target!(|input: Input| {
    let now = Timestamp::from_second(NOW + i64::from(input.time / 4)).unwrap();
    let expectations = expectations(input.options);
    let given = if input.options & 1 == 0 { String::from_utf8_lossy(input.text).into_owned() } else { sign(&input) };
    let token = if input.options & 1 == 0 { given.clone() } else { change(&given, input.change) };
    let verified = verifies(&token, &expectations, now);
    assert!(!verified || token == given, "{token} was changed");
    if verified {
        accept(&token, input.options, now);
    }
});

fn kid(key: &PublicKey) -> String {
    key.key_id().to_string()
}

/// The key in the form of jsonwebtoken.
fn judge(key: &PublicKey) -> (Algorithm, DecodingKey) {
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let judge = match key.material() {
        KeyMaterial::Rsa { modulus, exponent } => DecodingKey::from_rsa_raw_components(modulus, exponent),
        KeyMaterial::Ec { x, y, .. } => DecodingKey::from_ec_components(&encode(x), &encode(y)).unwrap(),
        other => panic!("{other:?}"),
    };
    (key.algorithm().name().parse().unwrap(), judge)
}

/// The expected audiences; empty if any audience is accepted.
fn audiences(options: u8) -> &'static [&'static str] {
    match options >> 2 & 3 {
        0 | 1 => &[TOKEN_EXCHANGE_AUDIENCE],
        2 => &["vault", "https://kubernetes.default.svc.cluster.local"],
        _ => &[],
    }
}

/// Whether the service account is [`ACCOUNT`].
fn is_of_account(options: u8) -> bool {
    options >> 2 & 3 == 1
}

/// The accepted clock difference.
fn leeway(options: u8) -> Duration {
    Duration::from_secs(if options & 0x10 == 0 { 60 } else { 0 })
}

fn expectations(options: u8) -> Expectations {
    let start = match options >> 2 & 3 {
        0 => Expectations::entra(),
        _ => Expectations::oidc(),
    };
    let expectations = audiences(options).iter().fold(start, |so_far, audience| so_far.audience(*audience));
    let expectations = expectations.leeway(leeway(options));
    if is_of_account(options) { expectations.service_account(ACCOUNT.parse().unwrap()) } else { expectations }
}

fn sign(input: &Input) -> String {
    let (header, claims) = match input.text.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&input.text[..at], &input.text[at + 1..]),
        None => (input.text, &[] as &[u8]),
    };
    let with_ec = input.options & 2 != 0;
    let kid = if with_ec { &KEYS.ec.0 } else { &KEYS.rsa.0 };
    let header = match str::from_utf8(header) {
        Ok(text) => text.replace("$KID", kid).into_bytes(),
        Err(_) => header.to_vec(),
    };
    let signed = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let (message, random) = (signed.as_bytes(), SystemRandom::new());
    let signature = if with_ec {
        KEYS.ec.1.sign(&random, message).unwrap().as_ref().to_vec()
    } else {
        let mut signature = vec![0; KEYS.rsa.1.public_modulus_len()];
        KEYS.rsa.1.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
        signature
    };
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The token with a changed byte, if it stays ASCII.
fn change(token: &str, (at, bits): (u16, u8)) -> String {
    let mut bytes = token.as_bytes().to_vec();
    let at = usize::from(at) % bytes.len();
    bytes[at] ^= bits & 0x7f;
    String::from_utf8(bytes).unwrap()
}

/// The verdict of the verifier, through each of its methods.
fn verifies(token: &str, expectations: &Expectations, now: Timestamp) -> bool {
    let _ = Inspection::parse(token);
    let verdicts = KEYS.verifiers.each_ref().map(|verifier| {
        let verdict = verifier.verify(token, expectations, now);
        let report = verifier.examine(token, expectations, now);
        assert_eq!(verdict.as_ref().err(), report.refusal(), "verify and examine disagree on {token}");
        verdict.map_err(|refusal| refusal.to_string())
    });
    assert_eq!(verdicts[0], verdicts[1], "of {token}");
    verdicts[0].is_ok()
}

/// Checks that jsonwebtoken accepts a token that verified.
fn accept(token: &str, options: u8, now: Timestamp) {
    let inspection = Inspection::parse(token).expect("a token that verifies can be inspected");
    for (members, names) in [(&inspection.header, HEADER), (&inspection.claims, CLAIMS)] {
        assert!(names.iter().all(|name| members.get(*name) != Some(&Value::Null)), "a null in {token}");
    }
    assert!(inspection.header.get("b64").is_none_or(|b64| *b64 == true), "{token} is not in base64url");
    let (algorithm, key) = &KEYS.judges[inspection.header["kid"].as_str().unwrap()];
    let mut validation = Validation::new(*algorithm);
    validation.set_issuer(&[ISSUER]);
    validation.set_required_spec_claims(&["iss", "sub"]);
    match audiences(options) {
        [] => validation.validate_aud = false,
        audiences => {
            validation.set_audience(audiences);
            validation.required_spec_claims.insert("aud".to_owned());
        }
    }
    // jsonwebtoken does not accept a clock: times are compared below.
    validation.validate_exp = false;
    let claims = match jsonwebtoken::decode::<Value>(token, key, &validation) {
        Ok(data) => {
            assert_eq!(data.header.kid.as_deref(), inspection.header["kid"].as_str());
            assert_eq!(data.header.crit, None);
            data.claims
        }
        Err(error) => {
            assert!(UNREAD.iter().any(|name| inspection.header.contains_key(*name)), "{error} in {token}");
            let (message, signature) = token.rsplit_once('.').unwrap();
            assert!(jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, *algorithm).unwrap());
            Value::Object(inspection.claims)
        }
    };
    let subject = claims["sub"].as_str().unwrap();
    assert!(subject.starts_with("system:serviceaccount:"), "{subject}");
    assert!(!is_of_account(options) || subject == "system:serviceaccount:default:workload-identity-sa");
    let (now, leeway) = (seconds(now.as_second()), leeway(options).as_secs_f64());
    let time = |name: &str| claims.get(name).map(|time| time.as_f64().unwrap());
    assert!(time("exp").unwrap() > now - leeway, "{claims} has expired");
    assert!(time("nbf").is_none_or(|from| from <= now + leeway), "{claims} is not valid yet");
    assert!(time("iat").is_none_or(|from| from <= now + leeway), "{claims} is issued in the future");
}

#[expect(clippy::cast_precision_loss, reason = "times in use are far below 2^53")]
fn seconds(seconds: i64) -> f64 {
    seconds as f64
}
