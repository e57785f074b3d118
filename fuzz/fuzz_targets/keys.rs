//! Arbitrary bytes as a key file: PEM, DER, SSH, a Secret, a JWKS, or base64 of one.
//!
//! - Each key appears once under each of its key IDs, and no two keys share a key ID.
//! - The API server's key ID is the hash of the SubjectPublicKeyInfo, and a bare key has this key ID.
//! - The SubjectPublicKeyInfo of a key, in DER, PEM and base64, is read as the same key with that key ID.
//! - The JWKS of the keys, compact and indented, gives the same keys and key IDs, as a JWKS and as a key file.
#![no_main]

use std::collections::HashSet;

use aws_lc_rs::digest;
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use issuer::{Hint, Jwks, KeyId, KeySet, PublicKey};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let keys = match KeySet::from_bytes(bytes) {
        Ok(keys) => keys,
        Err(error) => {
            let _ = (error.to_string(), error.hint());
            return;
        }
    };
    let kids: HashSet<_> = keys.iter().map(PublicKey::key_id).collect();
    assert!(!keys.is_empty() && kids.len() == keys.len(), "no key, or a duplicate key ID");

    for key in keys.iter() {
        let der = key.spki_der();
        let key_id = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, der));
        assert_eq!(key.spki_key_id().as_str(), key_id);
        assert!((1..=KeyId::LEN_MAX).contains(&key.key_id().as_str().len()));
        let bare = key.clone().with_key_id(key.spki_key_id());
        assert_same(&[PublicKey::from_spki_der(der).unwrap()], std::slice::from_ref(&bare));
        let pem = pem::encode(&pem::Pem::new("PUBLIC KEY", der));
        for encoded in [der, pem.as_bytes(), BASE64_STANDARD.encode(der).as_bytes()] {
            assert_same(&KeySet::from_bytes(encoded).unwrap(), std::slice::from_ref(&bare));
        }
    }

    let jwks = Jwks::from_keys(keys.iter());
    for printed in [jwks.to_bytes(), jwks.to_pretty()] {
        let again = Jwks::parse(&printed).unwrap();
        assert_eq!(again, jwks);
        assert!(again.keys.iter().all(issuer::Jwk::is_canonical));
        assert!(again.keys.iter().zip(keys.iter()).all(|(jwk, key)| jwk.kid() == Some(key.key_id().as_str())));
        assert_same(&KeySet::from_bytes(&printed).unwrap(), &keys);
    }
});

/// The same keys in the same order, with equal key material.
fn assert_same(read: &[PublicKey], expected: &[PublicKey]) {
    assert_eq!(read, expected);
    assert!(read.iter().zip(expected).all(|(one, other)| one.material() == other.material()));
    assert!(read.iter().zip(expected).all(|(one, other)| one.key_id() == other.key_id()));
}
