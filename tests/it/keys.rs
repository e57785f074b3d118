//! A key has one key ID in every encoding.

use std::sync::OnceLock;

use crate::support::encode;
use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING,
        EcdsaKeyPair, KeyPair,
    },
};
use base64::{Engine, prelude::BASE64_STANDARD};
use issuer::{Jwks, KeyReader, KeySet, Note};
use proptest::prelude::*;

/// The key IDs of one input.
fn kids(bytes: &[u8]) -> Vec<String> {
    let keys = KeySet::from_bytes(bytes);
    keys.unwrap_or_else(|error| panic!("{error}")).iter().map(|key| key.key_id().to_string()).collect()
}

/// An odd number with its highest bit set, which is enough for an encoder: no test needs the factors of the modulus.
fn modulus() -> impl Strategy<Value = Vec<u8>> {
    (64_usize..=512).prop_flat_map(|len| prop::collection::vec(any::<u8>(), len)).prop_map(|mut bytes| {
        *bytes.first_mut().unwrap() |= 0x80;
        *bytes.last_mut().unwrap() |= 1;
        bytes
    })
}

fn exponent() -> impl Strategy<Value = Vec<u8>> {
    (1_u32..(1 << 30)).prop_map(|half| {
        let bytes = (2 * half + 1).to_be_bytes();
        bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..].to_vec()
    })
}

proptest! {
    #[test]
    fn rsa_key_id_does_not_depend_on_the_public_encoding(n in modulus(), e in exponent()) {
        let expected = vec![encode::key_id(&encode::rsa_spki(&n, &e))];
        for (name, bytes) in encode::every_rsa_encoding(&n, &e) {
            prop_assert_eq!(kids(&bytes), expected.clone(), "{}", name);
        }
    }

    #[test]
    fn word_of_a_manifest_in_base64_does_not_hide_the_key(
        mut n in modulus().prop_filter("room for the word", |n| n.len() >= 256),
        word in prop::sample::select(&["k8sserviceaccount", "apiVersion/kind", "serviceAccount", "kind", "sops"][..]),
        shift in 0_usize..4,
    ) {
        // From the fourth byte of this modulus, three bytes are four characters of the base64.
        n.truncate(256);
        n[255] |= 1;
        let text = format!("{}{word}", "A".repeat(shift));
        let bytes = BASE64_STANDARD.decode(format!("{text:A<width$}", width = text.len().next_multiple_of(4))).unwrap();
        n[3..3 + bytes.len()].copy_from_slice(&bytes);
        let spki = encode::rsa_spki(&n, &[1, 0, 1]);
        prop_assert!(BASE64_STANDARD.encode(&spki).contains(word));
        for (name, bytes) in encode::every_rsa_encoding(&n, &[1, 0, 1]) {
            prop_assert_eq!(kids(&bytes), vec![encode::key_id(&spki)], "{}", name);
        }
    }

    #[test]
    fn jwks_survives_parsing_and_printing(moduli in prop::collection::vec(modulus(), 1..5), e in exponent()) {
        let pem: String = moduli.iter().map(|n| encode::pem("PUBLIC KEY", &encode::rsa_spki(n, &e), "\n")).collect();
        let jwks = Jwks::from_keys(KeySet::from_bytes(pem.as_bytes()).unwrap().iter());
        let parsed = Jwks::parse(&jwks.to_bytes()).unwrap();
        prop_assert_eq!(&parsed, &jwks);
        prop_assert_eq!(parsed.to_bytes(), jwks.to_bytes());
        prop_assert_eq!(Jwks::parse(&jwks.to_pretty()).unwrap(), jwks.clone());
        // The same as a key file.
        let again = Jwks::from_keys(KeySet::from_bytes(&jwks.to_bytes()).unwrap().iter());
        prop_assert_eq!(again, jwks);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeySet::from_bytes(&bytes);
    }

    #[test]
    fn arbitrary_bytes_between_pem_lines_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = KeySet::from_bytes(encode::pem("PUBLIC KEY", &bytes, "\n").as_bytes());
        let _ = KeySet::from_bytes(encode::pem("CERTIFICATE", &[&[0x30, 0x82, 0, 200][..], &bytes].concat(), "\n").as_bytes());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn ec_key_id_does_not_depend_on_the_encoding(curve in 0_usize..3) {
        let algorithm = [
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &ECDSA_P521_SHA512_FIXED_SIGNING,
        ][curve];
        // The cryptographic library generates the key.
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let sec1 = AsDer::<aws_lc_rs::encoding::EcPrivateKeyRfc5915Der<'_>>::as_der(&pair.private_key()).unwrap();
        let pkcs8 = pair.to_pkcs8v1().unwrap();
        let jwks = Jwks::from_keys(KeySet::from_bytes(spki.as_ref()).unwrap().iter());
        let expected = vec![encode::key_id(spki.as_ref())];
        for (name, bytes) in [
            ("DER", spki.as_ref().to_vec()),
            ("PEM", encode::pem("PUBLIC KEY", spki.as_ref(), "\r\n").into_bytes()),
            ("SEC 1", sec1.as_ref().to_vec()),
            ("PEM of SEC 1", encode::pem("EC PRIVATE KEY", sec1.as_ref(), "\n").into_bytes()),
            ("PKCS#8", pkcs8.as_ref().to_vec()),
            ("PEM of PKCS#8", encode::pem("PRIVATE KEY", pkcs8.as_ref(), "\n").into_bytes()),
            ("JWKS", jwks.to_bytes()),
        ] {
            prop_assert_eq!(kids(&bytes), expected.clone(), "{} {:?}", name, bytes);
        }
    }
}

/// A real key pair in every encoding of its private key, and its SubjectPublicKeyInfo.
struct Pair {
    name: &'static str,
    spki: Vec<u8>,
    pkcs8: Vec<u8>,
}

/// Key pairs that each run of the tests generates.
fn pairs() -> &'static [Pair] {
    static PAIRS: OnceLock<Vec<Pair>> = OnceLock::new();
    PAIRS.get_or_init(|| {
        let mut pairs = Vec::new();
        for (name, size) in [("RSA 2048", KeySize::Rsa2048), ("RSA 3072", KeySize::Rsa3072)] {
            let pair = RsaKeyPair::generate(size).unwrap();
            let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
            let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
            pairs.push(Pair { name, spki: spki.as_ref().to_vec(), pkcs8: pkcs8.as_ref().to_vec() });
        }
        for (name, algorithm) in [
            ("P-256", &ECDSA_P256_SHA256_FIXED_SIGNING),
            ("P-384", &ECDSA_P384_SHA384_FIXED_SIGNING),
            ("P-521", &ECDSA_P521_SHA512_FIXED_SIGNING),
        ] {
            let pair = EcdsaKeyPair::generate(algorithm).unwrap();
            let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
            let spki = spki.as_ref().to_vec();
            pairs.push(Pair { name, spki, pkcs8: pair.to_pkcs8v1().unwrap().as_ref().to_vec() });
        }
        pairs
    })
}

#[test]
fn generated_key_pair_has_one_key_id_in_every_encoding() {
    for Pair { name, spki, pkcs8 } in pairs() {
        let expected = vec![encode::key_id(spki)];
        let signer = rcgen::KeyPair::try_from(pkcs8.as_slice()).unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_after = rcgen::date_time_ymd(2001, 1, 1);
        let certificate = params.self_signed(&signer).unwrap();
        let private_label = if name.starts_with("RSA") { "RSA PRIVATE KEY" } else { "EC PRIVATE KEY" };
        let encodings = [
            ("SubjectPublicKeyInfo", spki.clone()),
            ("PKCS#8", pkcs8.clone()),
            ("PEM", encode::pem("PUBLIC KEY", spki, "\n").into_bytes()),
            ("PEM of PKCS#8", encode::pem("PRIVATE KEY", pkcs8, "\r\n").into_bytes()),
            ("expired certificate", certificate.der().to_vec()),
            ("PEM of an expired certificate", encode::pem("CERTIFICATE", certificate.der(), "\n").into_bytes()),
            ("JWKS", Jwks::from_keys(KeySet::from_bytes(spki).unwrap().iter()).to_bytes()),
        ];
        for (encoding, bytes) in encodings {
            assert_eq!(kids(&bytes), expected, "{name} as {encoding}");
        }
        // SEC 1 inside PKCS#8 may omit the curve, so the private forms of EC keys are tested with the files of OpenSSL
        // in `fixtures/keys`.
        if name.starts_with("RSA") {
            assert_eq!(kids(&encode::inside_pkcs8(pkcs8)), expected, "{name} as PKCS#1");
            assert_eq!(
                kids(encode::pem(private_label, &encode::inside_pkcs8(pkcs8), "\n").as_bytes()),
                expected,
                "{name} as PEM of PKCS#1"
            );
        }
    }
}

#[test]
fn rsa_modulus_and_exponent_limits_are_exact() {
    let modulus = |bytes: usize| [&[0x80], vec![7; bytes - 1].as_slice()].concat();
    let read = |n: &[u8], e: &[u8]| KeySet::from_bytes(&encode::rsa_spki(n, e)).map(|keys| keys[0].bits());
    for bits in [512, 2048, 16384] {
        assert_eq!(read(&modulus(bits / 8), &[3]).unwrap(), bits);
    }
    let shorter = [&[0x40], vec![7; 63].as_slice()].concat();
    let longer = [&[0x01], vec![7; 2048].as_slice()].concat();
    for (n, bits) in [(shorter, 511), (longer, 16385)] {
        assert!(read(&n, &[3]).unwrap_err().to_string().contains(&format!("{bits} bits")));
    }
    assert!(read(&modulus(256), &[0x7f, 0xff, 0xff, 0xff]).is_ok());
    for exponent in [&[1][..], &[2], &[4], &[0x80, 0, 0, 1]] {
        assert!(read(&modulus(256), exponent).is_err(), "{exponent:?}");
    }
}

#[test]
fn unusual_pem_label_is_skipped_with_a_note() {
    let key = encode::pem("PUBLIC KEY", &pairs()[0].spki, "\n");
    for label in ["X9.42 DH PARAMETERS", "PKCS #7 SIGNED DATA", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY"] {
        let mut reader = KeyReader::default();
        reader.read("sa.pub", format!("{}{key}", encode::pem(label, b"whatever", "\n")).as_bytes()).unwrap();
        let (keys, notes) = reader.finish().unwrap();
        assert_eq!(keys.len(), 1);
        assert!(notes[0].to_string().starts_with(&format!("sa.pub, block 1 {label:?} is skipped")), "{notes:?}");
    }
}

#[test]
fn keys_keep_the_input_order_without_duplicates() {
    let mut reader = KeyReader::default();
    let pem = |pair: &Pair| encode::pem("PUBLIC KEY", &pair.spki, "\n");
    let [a, b, c, ..] = pairs() else { unreachable!() };
    reader.read("first", format!("{}{}", pem(b), pem(a)).as_bytes()).unwrap();
    reader.read("second", format!("{}{}", pem(c), pem(b)).as_bytes()).unwrap();
    let (keys, notes) = reader.finish().unwrap();
    let kids: Vec<_> = keys.iter().map(|key| key.key_id().to_string()).collect();
    assert_eq!(kids, [b, a, c].map(|pair| encode::key_id(&pair.spki)));
    let [Note::Duplicate { place, first }] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!(place.to_string(), "second, block 2 \"PUBLIC KEY\"");
    assert_eq!(first.to_string(), "first, block 1 \"PUBLIC KEY\"");
}

#[test]
fn endless_input_is_refused() {
    let mut reader = KeyReader::default();
    let error = reader.read("/dev/zero", &vec![b' '; KeyReader::INPUT_MAX + 1]).unwrap_err();
    assert_eq!(error.to_string(), "cannot read /dev/zero: it is longer than 4194304 bytes");
}
