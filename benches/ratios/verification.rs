//! The verifier, compared with the RSA operation alone, with other libraries, and with itself.

use std::{fs, path::PathBuf, process::Command, time::Duration};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{Documents, Expectations, IssuerUrl, KeySet, PublicKey, Timestamp, TrustedIssuer, Verifier};

use crate::{peers, rate, support};

pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";
/// The running time of each other library, in seconds.
pub(crate) const SECONDS: u64 = 3;
/// The number of alternating measurements of the RSA operation and the verifier; the best of each counts.
const ROUNDS: usize = 3;

/// The expectations for the recorded token, whose lifetime of ten years only Entra rejects.
pub(crate) fn expectations() -> Expectations {
    Expectations::oidc().audience(AUDIENCE)
}

/// A recorded run of an API server whose token is signed with RSA 2048.
pub(crate) struct Recorded {
    pub(crate) folder: PathBuf,
    pub(crate) issuer: String,
    pub(crate) token: String,
    pub(crate) keys: KeySet,
}

impl Recorded {
    pub(crate) fn read() -> Self {
        let folder = support::fixtures().join("kubernetes/trailing-slash");
        let read = |file: &str| fs::read(folder.join(file)).expect("a fixture");
        let recording: serde_json::Value = serde_json::from_slice(&read("recording.json")).expect("JSON");
        let issuer = recording["issuer"].as_str().expect("a string").to_owned();
        let keys = KeySet::from_bytes(&read("sa.pub")).expect("keys");
        let token = String::from_utf8(read("entra.jwt")).expect("text");
        Self { folder, issuer, token, keys }
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::default().trust(self.trusted(&self.keys))
    }

    fn trusted(&self, keys: &[PublicKey]) -> TrustedIssuer {
        trusted(&self.issuer, keys)
    }

    /// A verifier that trusts 1,000 issuers, with 100 keys of the token's issuer.
    fn large_verifier(&self) -> Verifier {
        let keys: Vec<_> = (1..100).map(unused_key).chain(self.keys.iter().cloned()).collect();
        let others = (1..1000).map(|number| trusted(&format!("https://issuers.example.com/{number}"), &self.keys));
        others.chain([self.trusted(&keys)]).collect()
    }
}

fn trusted(issuer: &str, keys: &[PublicKey]) -> TrustedIssuer {
    let issuer: IssuerUrl = issuer.parse().expect("an issuer");
    TrustedIssuer::new(&Documents::new(issuer, keys)).expect("good documents")
}

/// An RSA key of 2048 bits without a private key.
fn unused_key(number: u8) -> PublicKey {
    let modulus = [&[0x80 | number], vec![7; 255].as_slice()].concat();
    KeySet::from_bytes(&support::encode::rsa_spki(&modulus, &[1, 0, 1])).expect("a key")[0].clone()
}

pub(crate) fn measure() {
    let recorded = Recorded::read();
    let (verifier, expectations, now) = (recorded.verifier(), expectations(), Timestamp::now());
    let verify = || drop(verifier.verify(&recorded.token, &expectations, now).expect("a good token"));
    against_openssl(verify);
    against_other_libraries(&recorded, verify);

    let (one, two) = (rate::of_threads(1, verify), rate::of_threads(2, verify));
    println!("| verified by two threads | {two:.0}/s | one thread {one:.0}/s | {:.2} | ≥ 1.9 |", two / one);
    let large = recorded.large_verifier();
    let verify_large = || drop(large.verify(&recorded.token, &expectations, now).expect("a good token"));
    let (many, few) = rate::of_both(verify_large, verify);
    println!(
        "| verified with 100 keys and 1,000 issuers | {many:.0}/s | one of each {few:.0}/s | {:.2} | ≥ 0.95 |",
        many / few
    );
    let allocations = allocation_counter::measure(verify).count_total;
    println!("| allocations per verified token | {allocations} | | | ≤ 3 |");
    refusals(&verifier, &recorded);
}

fn against_openssl(verify: impl Fn()) {
    let (mut ours, mut openssl) = (0_f64, None::<f64>);
    for _ in 0..ROUNDS {
        ours = ours.max(rate::of(Duration::from_secs(SECONDS), &verify));
        openssl = openssl_rate().into_iter().chain(openssl).reduce(f64::max);
    }
    match openssl {
        Some(openssl) => println!(
            "| tokens verified, RSA 2048, one thread | {ours:.0}/s | `openssl speed -seconds {SECONDS} rsa2048` {openssl:.0} verifications/s | {:.2} | ≥ 0.94 |",
            ours / openssl
        ),
        None => {
            println!("| tokens verified, RSA 2048, one thread | {ours:.0}/s | openssl is not installed | | ≥ 0.94 |");
        }
    }
}

/// Verifications per second: the last number in the output of `openssl speed`.
fn openssl_rate() -> Option<f64> {
    let output = Command::new("openssl").args(["speed", "-seconds", &SECONDS.to_string(), "rsa2048"]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().rfind(|line| line.starts_with("rsa"))?.split_whitespace().last()?.parse().ok()
}

fn against_other_libraries(recorded: &Recorded, verify: impl Fn()) {
    let decode = peers::jsonwebtoken(&recorded.keys, &recorded.issuer);
    let (ours, theirs) = rate::of_both(&verify, || decode(&recorded.token));
    println!("| the same | {ours:.0}/s | `jsonwebtoken` {theirs:.0}/s | {:.2} | |", ours / theirs);
    for (name, rate) in [("`jose` on Node.js", peers::jose(recorded)), ("PyJWT", peers::pyjwt(recorded))] {
        match rate {
            Some(rate) => println!("| the same | {ours:.0}/s | {name} {rate:.0}/s | {:.1} | |", ours / rate),
            None => println!("| the same | {ours:.0}/s | {name} is not installed | | |"),
        }
    }
}

/// A signature with other bytes of the same length.
fn other_signature(signature: &str) -> String {
    let (start, end) = signature.split_at(signature.len() / 2);
    format!("{start}{}", end.replacen(|character| character != 'A', "A", 1))
}

/// The time to refuse a token, compared with the time to verify the recorded one.
fn refusals(verifier: &Verifier, recorded: &Recorded) {
    let (expectations, now) = (expectations(), Timestamp::now());
    let parts: Vec<_> = recorded.token.split('.').collect();
    let with = |header: &str, claims: &str| format!("{header}.{claims}.{}", parts[2]);
    let encode = |json: String| BASE64_URL_SAFE_NO_PAD.encode(json);
    let mib = 1 << 20;
    let deep = |open: &str, times| encode(format!("{{\"a\":{}", open.repeat(times)));
    for (what, token) in [
        ("garbage of 1 MiB", "x".repeat(mib)),
        ("a header of 1 MiB", with(&"A".repeat(mib), parts[1])),
        ("10,000 segments", ".".repeat(9_999)),
        ("deep claims of 12 KiB", with(parts[0], &deep("[", 9_000))),
        ("a deep header of 12 KiB", with(&deep("{\"a\":", 1_800), parts[1])),
        (
            "a header of 12 KiB, only unknown members",
            with(&encode(format!("{{\"a\":\"{}\"}}", "x".repeat(9_000))), "e30"),
        ),
        ("an unknown key", with(&encode("{\"alg\":\"RS256\",\"kid\":\"unknown\"}".to_owned()), parts[1])),
        ("the signature of another token", format!("{}.{}.{}", parts[0], parts[1], other_signature(parts[2]))),
    ] {
        let refuse = || drop(verifier.verify(&token, &expectations, now).expect_err("a bad token"));
        let verify = || drop(verifier.verify(&recorded.token, &expectations, now).expect("a good token"));
        let (refused, verified) = rate::of_both(refuse, verify);
        let cost = allocation_counter::measure(refuse);
        println!(
            "| {what}: refused | {:.2} µs, {} B at most | a good token verified {:.2} µs | {:.2} | ≤ 1 |",
            1e6 / refused,
            cost.bytes_max,
            1e6 / verified,
            verified / refused
        );
    }
}
