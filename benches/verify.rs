//! A criterion benchmark of the verifier: `cargo bench --bench verify`. `scripts/bench` prints its ratios.

use std::{fs, hint::black_box};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use issuer::{Documents, Expectations, KeyMaterial, KeySet, Timestamp, Token, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/kubernetes/trailing-slash");

fn verify(criterion: &mut Criterion) {
    let read = |file: &str| fs::read(format!("{FOLDER}/{file}")).expect("a fixture");
    let keys = KeySet::from_bytes(&read("sa.pub")).expect("keys");
    let recording: serde_json::Value = serde_json::from_slice(&read("recording.json")).expect("JSON");
    let issuer = recording["issuer"].as_str().expect("a string");
    let verifier = Verifier::new(&Documents::new(issuer.parse().expect("an issuer"), &keys)).expect("a verifier");
    let token = String::from_utf8(read("entra-1h.jwt")).expect("text");
    let (expectations, now) = (Expectations::entra(), Timestamp::from_second(1_795_307_700).expect("a time"));

    let mut group = criterion.benchmark_group("RSA 2048");
    group.throughput(Throughput::Elements(1));
    group.bench_function("verify", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&token), &expectations, now).expect("a good token"));
    });
    group.bench_function("examine", |bencher| {
        bencher.iter(|| verifier.examine(black_box(&token), &expectations, now));
    });
    let KeyMaterial::Rsa { modulus, exponent } = keys[0].material() else { panic!("the recorded key is RSA") };
    let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
    let mut rules = Validation::new(Algorithm::RS256);
    rules.set_audience(&["api://AzureADTokenExchange"]);
    rules.set_issuer(&[issuer]);
    group.bench_function("jsonwebtoken", |bencher| {
        bencher
            .iter(|| jsonwebtoken::decode::<serde_json::Value>(black_box(&token), &key, &rules).expect("a good token"));
    });
    group.finish();

    let mut group = criterion.benchmark_group("parts");
    let mut buffer = Vec::new();
    group.bench_function("Token::parse", |bencher| {
        bencher.iter(|| Token::parse(black_box(&token), &mut buffer).map(|token| token.claims.exp));
    });
    let unsigned = token.rsplit_once('.').map(|(signed, _)| format!("{signed}.")).expect("three segments");
    group.bench_function("a refusal", |bencher| {
        bencher.iter(|| verifier.verify(black_box(&unsigned), &expectations, now).expect_err("no signature"));
    });
    group.finish();
}

criterion_group!(benches, verify);
criterion_main!(benches);
