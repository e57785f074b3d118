//! Encoders of public keys, written from the RFCs, independent of the crate under test.

use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};

/// DER tag, length, value (X.690 section 8.1).
pub(crate) fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match value.len() {
        len @ 0..128 => out.push(len as u8),
        len => {
            let bytes = len.to_be_bytes();
            let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap()..];
            out.push(0x80 | bytes.len() as u8);
            out.extend(bytes);
        }
    }
    out.extend(value);
    out
}

/// The value of the first element, and the bytes after it.
pub(crate) fn read_tlv(der: &[u8]) -> (&[u8], &[u8]) {
    let (length, start) = match der[1] {
        short @ 0..0x80 => (usize::from(short), 2),
        long => {
            let bytes = &der[2..2 + usize::from(long & 0x7f)];
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), 2 + bytes.len())
        }
    };
    der[start..].split_at(length)
}

/// A DER INTEGER of a positive number without leading zero bytes.
pub(crate) fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number[0] & 0x80 != 0 { &[0] } else { &[] };
    tlv(0x02, &[sign, number].concat())
}

/// RSAPublicKey (RFC 8017 appendix A.1.1).
pub(crate) fn pkcs1(n: &[u8], e: &[u8]) -> Vec<u8> {
    tlv(0x30, &[integer(n), integer(e)].concat())
}

/// SubjectPublicKeyInfo of an RSA key (RFC 3279 section 2.3.1).
pub(crate) fn rsa_spki(n: &[u8], e: &[u8]) -> Vec<u8> {
    let algorithm = tlv(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    tlv(0x30, &[algorithm, tlv(0x03, &[&[0], pkcs1(n, e).as_slice()].concat())].concat())
}

/// PEM (RFC 7468 section 2) with these line ends.
pub(crate) fn pem(label: &str, der: &[u8], newline: &str) -> String {
    let base64 = BASE64_STANDARD.encode(der);
    let lines = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap());
    let lines: String = lines.map(|line| format!("{line}{newline}")).collect();
    format!("-----BEGIN {label}-----{newline}{lines}-----END {label}-----{newline}")
}

/// An RSA public key of SSH (RFC 4253 section 6.6).
pub(crate) fn ssh_rsa(n: &[u8], e: &[u8]) -> String {
    let field = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
    let mpint = |number: &[u8]| field(&[if number[0] & 0x80 != 0 { &[0][..] } else { &[] }, number].concat());
    let blob = [field(b"ssh-rsa"), mpint(e), mpint(n)].concat();
    format!("ssh-rsa {} someone@somewhere\n", BASE64_STANDARD.encode(blob))
}

/// The JWK of an RSA key as an API server writes it.
pub(crate) fn signing_jwk(kid: &str, n: &[u8], e: &[u8]) -> serde_json::Value {
    let encode = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    serde_json::json!({ "use": "sig", "kty": "RSA", "kid": kid, "alg": "RS256", "n": encode(n), "e": encode(e) })
}

/// A JWK of an RSA key from another tool: other members, another order, no key ID.
pub(crate) fn jwk(n: &[u8], e: &[u8]) -> String {
    let encode = |bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!(r#"{{"e":"{}","n":"{}","kty":"RSA","x5t":"AAAA"}}"#, encode(e), encode(n))
}

/// The key ID, as `keyIDFromPublicKey` of Kubernetes computes it.
pub(crate) fn key_id(spki: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, spki))
}

/// Every encoding of an RSA public key that is accepted, by name.
pub(crate) fn every_rsa_encoding(n: &[u8], e: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (spki, pkcs1) = (rsa_spki(n, e), pkcs1(n, e));
    let public = pem("PUBLIC KEY", &spki, "\n");
    let secret = |data: &str| format!("apiVersion: v1\nkind: Secret\nmetadata:\n  name: sa\ndata:\n  sa.pub: {data}\n");
    let utf16 = [0xff, 0xfe].into_iter().chain(public.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let texts = [
        ("PEM", public.clone()),
        ("PEM with CRLF", pem("PUBLIC KEY", &spki, "\r\n")),
        ("PEM with a byte order mark", format!("\u{feff}{public}")),
        ("PEM with text around", format!("before\n{public}   \nafter\n")),
        ("PEM of PKCS#1", pem("RSA PUBLIC KEY", &pkcs1, "\n")),
        ("PEM of SubjectPublicKeyInfo, mislabelled", pem("RSA PUBLIC KEY", &spki, "\n")),
        ("SSH", ssh_rsa(n, e)),
        ("JWK", jwk(n, e)),
        ("JWK Set", format!(r#"{{"keys":[{}]}}"#, jwk(n, e))),
        ("base64 of PEM", BASE64_STANDARD.encode(&public)),
        ("base64 of DER", BASE64_STANDARD.encode(&spki)),
        ("base64 of SSH", BASE64_STANDARD.encode(ssh_rsa(n, e))),
        ("Secret in YAML", secret(&BASE64_STANDARD.encode(&public))),
        (
            "Secret in JSON",
            format!(r#"{{"kind":"Secret","apiVersion":"v1","data":{{"k":"{}"}}}}"#, BASE64_STANDARD.encode(&public)),
        ),
    ];
    let bytes = [("PEM in UTF-16", utf16), ("DER", spki), ("DER of PKCS#1", pkcs1)];
    texts.into_iter().map(|(name, text)| (name, text.into_bytes())).chain(bytes).collect()
}

/// The private key in a PKCS#8 document: PKCS#1 or SEC 1 (RFC 5958 section 2).
pub(crate) fn inside_pkcs8(pkcs8: &[u8]) -> Vec<u8> {
    use pkcs8::der::Decode;
    pkcs8::PrivateKeyInfoRef::from_der(pkcs8).unwrap().private_key.as_bytes().to_vec()
}

/// SubjectPublicKeyInfo of a different RSA 2048 key for each number.
pub(crate) fn numbered_spki(number: u8) -> Vec<u8> {
    rsa_spki(&[&[0x80 | number], vec![number; 254].as_slice(), &[1]].concat(), &[1, 0, 1])
}

/// The same in PEM.
pub(crate) fn numbered_pem(number: u8) -> String {
    pem("PUBLIC KEY", &numbered_spki(number), "\n")
}
