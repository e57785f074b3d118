//! Memory allocations of a verification, for accepted and refused tokens.

use crate::support::recording;
use allocation_counter::measure;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{Documents, Expectations, KeySet, Timestamp, Verifier};

/// Allocations and peak bytes of one call, measured after the thread-local buffers exist.
fn cost(verifier: &Verifier, token: &str, expectations: &Expectations, accepted: bool) -> (u64, u64) {
    let now = Timestamp::from_second(1_795_307_700).unwrap();
    let verify = || assert_eq!(verifier.verify(token, expectations, now).is_ok(), accepted);
    verify();
    let info = measure(verify);
    assert_eq!(info.count_current, 0, "memory is leaked");
    (info.count_total, info.bytes_max)
}

fn verifier(token: &str) -> (Verifier, String) {
    let run = recording("trailing-slash");
    let keys = KeySet::from_bytes(&run.bytes("sa.pub")).unwrap();
    (Verifier::new(&Documents::new(run.issuer.parse().unwrap(), &keys)).unwrap(), run.text(token))
}

#[test]
fn verification_takes_at_most_three_allocations() {
    let oidc = Expectations::oidc().audience("api://AzureADTokenExchange");
    for (token, expectations) in [("entra-1h.jwt", Expectations::entra()), ("pod-bound.jwt", oidc)] {
        let (verifier, text) = verifier(token);
        let (allocations, bytes) = cost(&verifier, &text, &expectations, true);
        assert!(allocations <= 3, "{token}: {allocations} allocations");
        assert!(bytes < 1024, "{token}: {bytes} bytes");
    }
}

#[test]
fn refused_token_costs_only_the_memory_of_its_refusal() {
    let (verifier, token) = verifier("entra-1h.jwt");
    let parts: Vec<&str> = token.split('.').collect();
    let with = |header: &str, claims: &str| format!("{header}.{claims}.{}", parts[2]);
    let encode = |json: String| BASE64_URL_SAFE_NO_PAD.encode(json);
    let mib = 1 << 20;
    let tokens = [
        ("1 MiB of garbage", "x".repeat(mib)),
        ("a header of 1 MiB", with(&"A".repeat(mib), parts[1])),
        ("claims of 1 MiB", with(parts[0], &"A".repeat(mib))),
        ("10,000 segments", ".".repeat(9_999)),
        ("deep claims", with(parts[0], &encode(format!("{{\"a\":{}", "[".repeat(9_000))))),
        ("a deep header", with(&encode(format!("{{\"alg\":{}", "{\"a\":".repeat(1_800))), parts[1])),
        ("a header of the maximum length", with(&encode(format!("{{\"a\":\"{}\"}}", "x".repeat(11_000))), "e30")),
        ("5,000 audiences", with(parts[0], &encode(format!("{{\"aud\":[{}0]}}", "\"\",".repeat(3_500))))),
        ("another signature", with(parts[0], &parts[1].replacen('J', "K", 1))),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
    ];
    for (what, token) in tokens {
        let (allocations, bytes) = cost(&verifier, &token, &Expectations::entra(), false);
        // A vector grows by doubling, serde_json adds the position to an error at each level, and a refusal has a
        // message.
        assert!(allocations <= 150, "{what}: {allocations} allocations");
        assert!(bytes < 256 << 10, "{what}: {bytes} bytes");
    }
}
