//! Arbitrary bytes as a published JWKS.
//!
//! - A parsed JWKS is printed, compact and indented, and parsed to the same entries, keys and members again.
//! - Private members are never printed.
//! - Every usable key has the `kid` of its entry, or without one the hash of its SubjectPublicKeyInfo.
//! - Every usable key has a canonical entry, which is parsed to the same key and is its own canonical entry.
#![no_main]

use issuer::{Jwk, Jwks};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

/// RFC 7518 sections 6.2.2, 6.3.2 and 6.4.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

fuzz_target!(|bytes: &[u8]| {
    let jwks = match Jwks::parse(bytes) {
        Ok(jwks) => jwks,
        Err(error) => {
            let _ = error.to_string();
            return;
        }
    };
    let compact = jwks.to_bytes();
    let public = Jwks::parse(&compact).unwrap();
    assert_eq!(Jwks::parse(&jwks.to_pretty()).unwrap(), public);
    assert_eq!(String::from_utf8(public.to_bytes()), String::from_utf8(compact.clone()));

    assert_eq!(public.keys.len(), jwks.keys.len());
    for (read, printed) in jwks.keys.iter().zip(&public.keys) {
        assert_same(read, printed);
        assert!(printed.private_members().is_empty());
    }
    let document: Value = serde_json::from_slice(&compact).unwrap();
    for entry in document["keys"].as_array().unwrap() {
        assert!(PRIVATE.iter().all(|name| entry.get(name).is_none()), "{entry}");
    }

    for (jwk, key) in jwks.keys.iter().filter_map(|jwk| Some((jwk, jwk.key().ok()?))) {
        let kid = jwk.kid().filter(|kid| !kid.is_empty());
        assert_eq!(key.key_id().as_str(), kid.unwrap_or(key.spki_key_id().as_str()));
        let canonical = Jwk::new(key.clone());
        let again = Jwk::from_value(canonical.to_value());
        assert!(canonical.is_canonical() && again == canonical);
        assert_eq!(again.key(), Ok(key));
        assert_eq!(again.kid(), Some(key.key_id().as_str()));
    }
});

/// The parsed and the printed entry are equal, except for private members.
fn assert_same(read: &Jwk, printed: &Jwk) {
    if read.private_members().is_empty() {
        assert_eq!(read, printed);
    }
    assert_eq!(read.key(), printed.key());
    assert_eq!(
        (read.kid(), read.alg(), read.public_key_use()),
        (printed.kid(), printed.alg(), printed.public_key_use())
    );
}
