//! Other formats in place of public keys are identified, with the command that prints the public key.

use crate::support::{encode, fixtures};
use issuer::{Hint, KeyReader, KeySet, Note};

fn read(path: &str) -> Vec<u8> {
    std::fs::read(fixtures().join(path)).unwrap()
}

/// The file, the place in it, the format, and the start of the hint.
const FORMATS: &[(&str, &str, &str, &str)] = &[
    ("field/der-of-another-kind/ca.p12", "", "it is a PKCS#12 key store", "print the public key: openssl pkcs12 -in"),
    (
        "field/der-of-another-kind/csr.der",
        "",
        "it is a certificate request (PKCS#10)",
        "print the public key: openssl req -in FILE -noout -pubkey",
    ),
    (
        "other-formats/request.csr",
        ", block 1 \"CERTIFICATE REQUEST\"",
        "it is a certificate request (PKCS#10)",
        "print the public key: openssl req -in FILE -noout -pubkey",
    ),
    ("other-formats/chain.p7b", ", block 1 \"PKCS7\"", "it is PKCS#7 data", "print the certificates: openssl pkcs7"),
    ("other-formats/chain-der.p7b", "", "it is PKCS#7 data", "print the certificates: openssl pkcs7"),
    (
        "other-formats/encrypted-pkcs8.der",
        "",
        "it is an encrypted private key (PKCS#8)",
        "pass the public key instead: openssl pkey -in KEY -pubout",
    ),
    (
        "other-formats/encrypted-pbes1.der",
        "",
        "it is an encrypted private key (PKCS#8)",
        "pass the public key instead: openssl pkey -in KEY -pubout",
    ),
    (
        "malformed/encrypted-pkcs8.key",
        ", block 1 \"ENCRYPTED PRIVATE KEY\"",
        "it is an encrypted private key (PKCS#8)",
        "pass the public key instead: openssl pkey -in KEY -pubout",
    ),
    (
        "other-formats/explicit-curve.key",
        ", block 1 \"EC PRIVATE KEY\"",
        "its curve is given by explicit parameters; the API server accepts only named curves",
        "convert the key: openssl ec -in KEY -pubout -param_enc named_curve",
    ),
    (
        "other-formats/explicit-curve-pkcs8.key",
        ", block 1 \"PRIVATE KEY\"",
        "its curve is given by explicit parameters; the API server accepts only named curves",
        "convert the key: openssl ec -in KEY -pubout -param_enc named_curve",
    ),
    (
        "other-formats/explicit-curve.pub",
        ", block 1 \"PUBLIC KEY\"",
        "its curve is given by explicit parameters; the API server accepts only named curves",
        "convert the key: openssl ec -in KEY -pubout -param_enc named_curve",
    ),
    (
        "other-formats/dsa.param",
        ", block 1 \"DSA PARAMETERS\"",
        "it is DSA or Diffie-Hellman parameters without a key",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/dsa-param.der",
        "",
        "it is DSA or Diffie-Hellman parameters without a key",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/dh-2.param",
        ", block 1 \"DH PARAMETERS\"",
        "it is DSA or Diffie-Hellman parameters without a key",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/dh-5.param",
        ", block 1 \"DH PARAMETERS\"",
        "it is DSA or Diffie-Hellman parameters without a key",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/dh-param.der",
        "",
        "it is DSA or Diffie-Hellman parameters without a key",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/dsa.key",
        ", block 1 \"DSA PRIVATE KEY\"",
        "it is a DSA private key",
        "pass the file of the API server's flag",
    ),
    ("other-formats/dsa-key.der", "", "it is a DSA private key", "pass the file of the API server's flag"),
    (
        "other-formats/revoked.crl",
        ", block 1 \"X509 CRL\"",
        "it is a certificate revocation list",
        "pass the file of the API server's flag",
    ),
    (
        "other-formats/openssh.key",
        ", block 1 \"OPENSSH PRIVATE KEY\"",
        "it is an OpenSSH private key",
        "print the public key: ssh-keygen -e -m PKCS8 -f KEY",
    ),
    ("other-formats/ssh2.key", "", "it is an ssh.com private key", "print the public key: ssh-keygen -i -f KEY"),
    ("other-formats/putty.ppk", "", "it is a PuTTY private key", "print the public key: puttygen KEY -L"),
    ("other-formats/store.jks", "", "it is a Java key store", "print a certificate: keytool -exportcert -rfc"),
    ("malformed/pgp.pub", ", block 1 \"PGP MESSAGE\"", "it is OpenPGP data", "pass the file of the API server's flag"),
];

#[test]
fn other_format_is_named_with_its_conversion_command() {
    for (path, place, what, hint) in FORMATS {
        let error = KeyReader::default().read("sa.pub", &read(path)).unwrap_err();
        assert_eq!(error.to_string(), format!("sa.pub{place} is not a usable key: {what}"), "{path}");
        assert!(error.hint().unwrap().starts_with(hint), "{path}: {:?}", error.hint());
    }
}

#[test]
fn other_format_is_named_in_base64_and_under_other_labels() {
    use base64::{Engine, prelude::BASE64_STANDARD};
    for (path, place, what, _) in FORMATS.iter().filter(|(path, ..)| !path.contains("explicit")) {
        let bytes = read(path);
        let error = KeyReader::default().read("sa.pub", BASE64_STANDARD.encode(&bytes).as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("sa.pub{place} is not a usable key: {what}"), "{path}");
        if String::from_utf8(bytes.clone()).is_err() && bytes[0] == 0x30 {
            let labelled = encode::pem("CERTIFICATE", &bytes, "\n");
            let error = KeyReader::default().read("sa.pub", labelled.as_bytes()).unwrap_err();
            let place = "sa.pub, block 1 \"CERTIFICATE\"";
            assert_eq!(error.to_string(), format!("{place} is not a usable key: {what}"), "{path}");
        }
    }
}

#[test]
fn other_format_beside_a_key_is_skipped_with_a_note() {
    let key = encode::numbered_pem(1);
    for (path, _, what, _) in FORMATS.iter().filter(|(path, ..)| !path.contains("explicit")) {
        // Formats without a PEM label are alone in their file.
        let Ok(text) = String::from_utf8(read(path)) else { continue };
        for text in [format!("{key}{text}"), format!("{text}\n{key}")] {
            let mut reader = KeyReader::default();
            reader.read("sa.pub", text.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}"));
            let (keys, notes) = reader.finish().unwrap();
            assert_eq!(keys.len(), 1, "{path}");
            assert!(notes.iter().any(|note| note.to_string().ends_with(&format!("is skipped: {what}"))), "{notes:?}");
        }
    }
}

#[test]
fn rfc_4716_key_is_read() {
    let keys = KeySet::from_bytes(&read("field/ssh-other-forms/sa.rfc4716")).unwrap();
    assert_eq!(keys[0].key_id().as_str(), "1p9MhZ2512PvVa-E0Pccyosy0_fuiNNDIZjmi3Q5TnU");
    let text = String::from_utf8(read("field/ssh-other-forms/sa.rfc4716")).unwrap();
    for variant in [
        text.replace('\n', "\r\n"),
        text.replace("Comment: ", "Subject: me\nX-Long: a \\\nstill it \\\nand on\nComment: "),
        text.replace("Comment: \"2048-bit RSA, converted by root@vm from OpenSSH\"\n", ""),
        text.trim_end().to_owned(),
    ] {
        assert_eq!(KeySet::from_bytes(variant.as_bytes()).unwrap(), keys, "{variant}");
    }
    let both = format!("{text}{}{text}", encode::numbered_pem(1));
    assert_eq!(KeySet::from_bytes(both.as_bytes()).unwrap().len(), 2);
    // A truncated key is an error.
    let cut_off = &text[..text.len() - 20];
    let error = KeyReader::default().read("sa.pub", cut_off.as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "sa.pub, line 1 is not a usable key: its SSH key data is malformed");
}

#[test]
fn trusted_certificate_of_openssl_is_read() {
    let expected = KeySet::from_bytes(&read("keys/trusted.pub")).unwrap();
    let certificate = read("keys/trusted.crt");
    assert_eq!(KeySet::from_bytes(&certificate).unwrap(), expected);
    let mut reader = KeyReader::default();
    reader.read("sa.crt", &certificate).unwrap();
    let (_, notes) = reader.finish().unwrap();
    let [Note::Certificate { purpose, .. }] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!(purpose.to_string(), "a CA certificate with the common name \"service-account\"");
}
