//! The keys of Wycheproof's suites have one key ID in DER, in PEM and as a JWK. Skipped if the vectors are absent.

use std::{collections::HashSet, path::PathBuf};

use crate::support::encode;
use issuer::{KeySet, PublicKey};
use serde_json::Value;

/// The suites with keys, and the members of a group that hold them.
const SUITES: [&str; 6] = [
    "ecdsa_secp256r1_sha256_p1363_test.json",
    "ecdsa_secp384r1_sha384_p1363_test.json",
    "ecdsa_secp521r1_sha512_p1363_test.json",
    "rsa_signature_2048_sha256_test.json",
    "rsa_signature_3072_sha256_test.json",
    "rsa_signature_4096_sha256_test.json",
];

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn wycheproof_key_has_one_key_id_in_der_pem_and_jwk() {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/vectors");
    let folder = std::env::var_os("ISSUER_VECTORS").map_or_else(|| PathBuf::from(default), PathBuf::from);
    let folder = folder.join("wycheproof");
    if !folder.is_dir() {
        println!("skipped: the keys of Wycheproof need the folder {}", folder.display());
        return;
    }
    let mut seen = HashSet::new();
    for suite in SUITES {
        let suite_json: Value = serde_json::from_slice(&std::fs::read(folder.join(suite)).unwrap()).unwrap();
        for group in suite_json["testGroups"].as_array().unwrap() {
            // In some editions, the DER of an EC key is in another member than that of an RSA key.
            let member = |name: &str| {
                [&group[name], &group["publicKey"][name]].into_iter().find(|value| !value.is_null()).cloned()
            };
            let der = hex(member("publicKeyDer").unwrap().as_str().unwrap());
            let key_id = encode::key_id(&der);
            let mut encodings = vec![
                ("DER", der.clone()),
                ("PEM", member("publicKeyPem").unwrap().as_str().unwrap().as_bytes().to_vec()),
            ];
            if let Some(asn) = member("publicKeyAsn") {
                encodings.push(("PKCS#1", hex(asn.as_str().unwrap())));
            }
            if let Some(jwk) = member("keyJwk").or_else(|| member("publicKeyJwk")) {
                encodings.push(("JWK", jwk.to_string().into_bytes()));
            }
            for (encoding, bytes) in encodings {
                let keys = KeySet::from_bytes(&bytes).unwrap_or_else(|error| panic!("{suite}, {encoding}: {error}"));
                assert_eq!(keys[0].spki_key_id().as_str(), key_id, "{suite}, {encoding}");
                // Every JWK of the suites has the kid "none", and keeps it.
                let expected = if encoding == "JWK" { "none" } else { &key_id };
                assert_eq!(keys[0].key_id().as_str(), expected, "{suite}, {encoding}");
                assert_eq!(keys[0], PublicKey::from_spki_der(&der).unwrap(), "{suite}, {encoding}");
            }
            seen.insert(key_id);
        }
    }
    assert!(seen.len() > 50, "{} keys", seen.len());
}
