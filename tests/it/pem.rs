//! PEM is read as client-go reads it: every key that Go's `encoding/pem` and `keyutil.ParsePublicKeysPEM` read from a
//! file is read here, in the same order. Blocks that they skip silently get a note.

#![allow(clippy::cast_possible_truncation, clippy::format_push_string, reason = "short inputs")]

use crate::support::{encode, fixtures};
use base64::{Engine, prelude::BASE64_STANDARD};
use issuer::{KeyError, KeyReader, KeySet, Note};

const KID: &str = "1p9MhZ2512PvVa-E0Pccyosy0_fuiNNDIZjmi3Q5TnU";

/// A model of Go's `encoding/pem` and of client-go's `util/keyutil`, from their documentation and behaviour.
///
/// It does not parse DER: the tests define which contents client-go reads as a key.
mod go {
    /// `pem.Decode`, until nothing is left: the decoded contents of each block.
    pub(crate) fn blocks(input: &str) -> Vec<Vec<u8>> {
        let lines: Vec<&str> = input.split('\n').collect();
        let (mut at, mut blocks) = (0, Vec::new());
        while at < lines.len() {
            at += 1;
            let Some(label) = begin(lines[at - 1], at == lines.len()) else { continue };
            // Lines with a colon are headers, up to the first without.
            let headers = at;
            while at < lines.len() && line(lines[at], at + 1 == lines.len()).contains(':') {
                at += 1;
            }
            let body = at;
            let Some(end) = (body..lines.len()).find(|index| lines[*index].starts_with("-----END ")) else { continue };
            // `\n-----END ` needs a line break of its own, which the last header has used up; a later one has dashes
            // before it.
            if end == body && headers < body {
                continue;
            }
            if line(lines[end], end + 1 == lines.len()) != format!("-----END {label}-----") {
                continue;
            }
            let Some(contents) = base64(&lines[body..end].join("\n")) else { continue };
            blocks.push(contents);
            at = end + 1;
        }
        blocks
    }

    /// A line without the white space at its end: spaces and tabs, after one carriage return that belongs to the line
    /// break.
    fn line(text: &str, is_last: bool) -> &str {
        let text = if is_last { text } else { text.strip_suffix('\r').unwrap_or(text) };
        text.trim_end_matches([' ', '\t'])
    }

    fn begin(text: &str, is_last: bool) -> Option<&str> {
        line(text.strip_prefix("-----BEGIN ")?, is_last).strip_suffix("-----")
    }

    /// `base64.StdEncoding`: line breaks are ignored, as are the spaces and tabs in PEM. Padding is required, and the
    /// unused bits before it may have any value.
    fn base64(text: &str) -> Option<Vec<u8>> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !b" \t\r\n".contains(byte)).collect();
        if !digits.len().is_multiple_of(4) {
            return None;
        }
        let value = |digit: u8| match digit {
            b'A'..=b'Z' => Some(u32::from(digit - b'A')),
            b'a'..=b'z' => Some(u32::from(digit - b'a') + 26),
            b'0'..=b'9' => Some(u32::from(digit - b'0') + 52),
            b'+' => Some(62),
            b'/' => Some(63),
            _ => None,
        };
        let padding = digits.iter().rev().take_while(|digit| **digit == b'=').count();
        if padding > 2 {
            return None;
        }
        let mut bytes = Vec::new();
        for (index, group) in digits.chunks(4).enumerate() {
            let used = if (index + 1) * 4 == digits.len() { 4 - padding } else { 4 };
            let mut bits = 0;
            for digit in &group[..used] {
                bits = bits << 6 | value(*digit)?;
            }
            bits <<= 6 * (4 - used);
            bytes.extend_from_slice(&bits.to_be_bytes()[1..used]);
        }
        Some(bytes)
    }

    #[test]
    fn go_model_decodes_the_documented_examples() {
        assert_eq!(blocks("x\n-----BEGIN A-----\nA: b\n\n AQ\t\r\nI=\n-----END A----- \r\ny"), [[1, 2]]);
        assert_eq!(blocks("-----BEGIN a b-----\nAR==\n-----END a b-----"), [[1]]);
        for none in [
            " -----BEGIN A-----\nAQI=\n-----END A-----",
            "-----BEGIN A-----\nAQI\n-----END A-----",
            "-----BEGIN A-----\nAQI=\n-----END B-----",
            "-----BEGIN A-----\nAQI=\n-----END A----- x",
            "-----BEGIN A----\nAQI=\n-----END A----",
            "-----BEGIN A-----\nAQI=",
            "-----BEGIN A-----AQI=-----END A-----",
        ] {
            assert_eq!(blocks(none), Vec::<Vec<u8>>::new(), "{none:?}");
        }
    }
}

/// A small generator of numbers (xorshift64*), so that a seed gives one input.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// Contents of a block, and the key that client-go reads from them.
struct Contents {
    der: Vec<u8>,
    key_id: Option<String>,
}

fn contents() -> Vec<Contents> {
    let file = |path: &str| std::fs::read(fixtures().join(path)).unwrap();
    // The fixtures are PEM files of OpenSSL. A simple parser is enough for the last block of each.
    let body = |path: &str| {
        let text = String::from_utf8(file(path)).unwrap();
        let lines: Vec<_> = text.lines().collect();
        let begin = lines.iter().rposition(|line| line.starts_with("-----BEGIN")).unwrap();
        BASE64_STANDARD.decode(lines[begin + 1..lines.len() - 1].concat()).unwrap()
    };
    let key = |der: Vec<u8>, spki: &[u8]| Contents { der, key_id: Some(encode::key_id(spki)) };
    let none = |der: Vec<u8>| Contents { der, key_id: None };
    let rsa = body("keys/rsa-private.pub");
    let ec = body("keys/p256-private.pub");
    vec![
        key(encode::numbered_spki(1), &encode::numbered_spki(1)),
        key(encode::numbered_spki(2), &encode::numbered_spki(2)),
        key(encode::numbered_spki(3), &encode::numbered_spki(3)),
        key(body("keys/rsa-private.key"), &rsa),
        key(body("keys/rsa-private-pkcs8.key"), &rsa),
        key(body("keys/p256-private.key"), &ec),
        key(ec.clone(), &ec),
        key(body("keys/p384-private.pub"), &body("keys/p384-private.pub")),
        key(body("keys/ca.crt"), &ca_spki()),
        none(b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07".to_vec()),
        none(file("field/der-of-another-kind/csr.der")),
        none(b"not DER at all".to_vec()),
    ]
}

/// The key of `ca.crt`, as `openssl x509 -pubkey` prints it.
fn ca_spki() -> Vec<u8> {
    let pem = include_str!("../../fixtures/keys/ca.pub");
    BASE64_STANDARD.decode(pem.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap()
}

/// PEM labels of keys and of other contents that occur in practice.
const LABELS: &[&str] = &[
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "EC PUBLIC KEY",
    "ECDSA PUBLIC KEY",
    "CERTIFICATE",
    "TRUSTED CERTIFICATE",
    "X509 CERTIFICATE",
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "EC PARAMETERS",
    "CERTIFICATE REQUEST",
    "SERVICE ACCOUNT",
    "public key",
    "Key-1.2 (old)",
    "A-----B",
    "",
];

/// One input: text, blocks in many forms, and how many BEGIN lines there are.
fn generate(random: &mut Random, contents: &[Contents]) -> (String, usize) {
    let mut text = String::new();
    let blocks = 1 + random.below(4);
    for _ in 0..blocks {
        let newline = random.choose(&["\n", "\n", "\r\n", " \n", "\t\r\n"]);
        for _ in 0..random.below(3) {
            text +=
                random.choose(&["# a comment", "", "Bag Attributes", "  localKeyID: 01 ", "-----", "\t", "{", "a: b"]);
            text += newline;
        }
        let contents = &contents[random.below(contents.len())];
        block(random, &contents.der, newline, &mut text);
    }
    text += random.choose(&["", "\n", "the end", "\r\n\r\n"]);
    (text, blocks)
}

fn block(random: &mut Random, der: &[u8], newline: &str, text: &mut String) {
    let label = random.choose(LABELS);
    if random.one_in(20) {
        text.push_str(random.choose(&[" ", "\t", "- ", "key: "]));
    }
    *text += &format!("-----BEGIN {label}{}{newline}", if random.one_in(30) { "----" } else { "-----" });
    let has_headers = random.one_in(5);
    if has_headers {
        for _ in 0..=random.below(2) {
            *text += random.choose(&["Comment: unused", "X:", "Proc-Type: 4,CLEAR", " Key : value "]);
            *text += newline;
        }
        if !random.one_in(4) {
            *text += newline;
        }
    }
    let mut base64 = BASE64_STANDARD.encode(der);
    match random.below(60) {
        0 => {
            base64.pop();
        }
        1 => base64.insert(base64.len() / 2, random.choose(&['-', '*', '=', 'é'])),
        2 => base64 += random.choose(&["=", "A", "AAAA"]),
        // The unused bits before the padding.
        3 if base64.ends_with("==") => base64.replace_range(base64.len() - 3..base64.len() - 2, "R"),
        4 => base64.clear(),
        _ => {}
    }
    let width = random.choose(&[64, 64, 64, 76, 1, 3, 65, 1000, 100_000]);
    let between = random.choose(&["", "", "", "\n", "\r\n", " \n", "\t"]);
    let digits: Vec<char> = base64.chars().collect();
    for line in digits.chunks(width) {
        if random.one_in(40) {
            *text += "  ";
        }
        *text += &line.iter().collect::<String>();
        *text += newline;
        *text += between;
    }
    let end = random.choose(&["\n", "\n", "\n", "\r\n", " \n", "\t \r\n", "\n", "\n", " x\n", ""]);
    match random.below(60) {
        0 => {}
        1 => *text += &format!("-----END OTHER-----{newline}"),
        2 => *text += &format!(" -----END {label}-----{newline}"),
        _ => *text += &format!("-----END {label}-----{end}"),
    }
    // The next block starts on its own line, except after a block that ends without a line break.
    if !text.ends_with('\n') && !random.one_in(2) {
        *text += "\n";
    }
}

/// The result of an input: the key IDs, the notes, and the block of the error.
fn read(text: &str) -> Result<(Vec<String>, Vec<Note>), KeyError> {
    let mut reader = KeyReader::default();
    reader.read("sa.pub", text.as_bytes())?;
    let (keys, notes) = reader.finish()?;
    Ok((keys.iter().map(|key| key.key_id().to_string()).collect(), notes))
}

#[test]
fn generated_pem_is_read_as_the_go_model_reads_it() {
    let contents = contents();
    let (mut whole, mut partial, mut errors) = (0, 0, 0);
    for seed in 1..=4_000_u64 {
        let (text, blocks) = generate(&mut Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)), &contents);
        let decoded = go::blocks(&text);
        let mut expected: Vec<String> = Vec::new();
        for block in &decoded {
            let known = contents.iter().find(|contents| contents.der == *block);
            // client-go keeps duplicate keys; a JWKS has each key once.
            if let Some(key_id) = known.and_then(|known| known.key_id.clone())
                && !expected.contains(&key_id)
            {
                expected.push(key_id);
            }
        }
        let said = format!("seed {seed}\n{text}");
        match read(&text) {
            // Every block that Go decodes gives the same key. Further keys come from blocks that Go skips.
            Ok((kids, _)) if decoded.len() == blocks => {
                assert_eq!(kids, expected, "{said}");
                whole += 1;
            }
            Ok((kids, notes)) => {
                // The order may differ: a block that Go skips may hold the same key as a later block.
                assert!(expected.iter().all(|key_id| kids.contains(key_id)), "{kids:?} {expected:?} {said}");
                let named = notes.iter().filter(|note| matches!(note, Note::Skipped { .. } | Note::Duplicate { .. }));
                assert!(kids.len() + named.count() >= blocks, "a block is not named: {notes:?}, {said}");
                partial += 1;
            }
            Err(KeyError::Key { place, problem: reason }) => {
                // Only a block without a key for Go is an error.
                assert!(expected.len() < blocks, "{place}: {reason}, {said}");
                assert!(place.to_string().starts_with("sa.pub, block "), "{said}");
                errors += 1;
            }
            Err(error) => {
                assert!(expected.is_empty(), "{error}, {said}");
                errors += 1;
            }
        }
    }
    println!("{whole} inputs are read whole, {partial} in part, {errors} are errors");
    assert!(whole > 800 && partial > 300 && errors > 300, "{whole} {partial} {errors}");
}

#[test]
fn der_decides_and_the_pem_label_does_not() {
    let read = |path: &str| {
        let keys = KeySet::from_bytes(&std::fs::read(fixtures().join("field").join(path)).unwrap()).unwrap();
        keys.iter().map(|key| key.key_id().to_string()).collect::<Vec<_>>()
    };
    let ec = read("pem-label/ec-public-key.pub");
    assert_eq!(read("pem-label/rsa-then-ec-public-key-label.pub"), [KID.to_owned(), ec[0].clone()]);
    assert_eq!(read("pem-blank-lines/blank-lines.pub"), [KID]);
    let spki = encode::numbered_spki(1);
    for label in LABELS {
        let keys = KeySet::from_bytes(encode::pem(label, &spki, "\n").as_bytes()).unwrap();
        assert_eq!(keys[0].spki_der(), spki, "{label}");
    }
}

#[test]
fn broken_block_with_a_key_label_is_an_error() {
    let key = encode::numbered_pem(1);
    for (label, is_error) in [
        ("PUBLIC KEY", true),
        ("EC PUBLIC KEY", true),
        ("ECDSA PUBLIC KEY", true),
        ("TRUSTED CERTIFICATE", true),
        ("EC PRIVATE KEY", true),
        ("public key", true),
        ("EC PARAMETERS", false),
        ("CERTIFICATE REQUEST", false),
        ("SERVICE ACCOUNT", false),
    ] {
        for contents in ["AQID", "AQI", "*", ""] {
            let text = format!("-----BEGIN {label}-----\n{contents}\n-----END {label}-----\n{key}");
            match read(&text) {
                Ok((kids, notes)) => {
                    assert!(!is_error, "{text}");
                    assert_eq!(kids, [encode::key_id(&encode::numbered_spki(1))]);
                    assert!(notes[0].to_string().starts_with("sa.pub, block 1 \""), "{notes:?}");
                }
                Err(error) => assert!(is_error && error.to_string().starts_with("sa.pub, block 1 "), "{error}"),
            }
        }
    }
}

#[test]
fn unusual_pem_label_is_never_shown() {
    for text in [
        "-----BEGIN MIIEowIBAAKCAQEA-----\nAQID\n-----END MIIEowIBAAKCAQEA-----\n",
        "-----BEGIN RSA PRIVATE KEY MIIEowIBAAKCAQEA-----\nAQID\n-----END RSA PRIVATE KEY MIIEowIBAAKCAQEA-----\n",
        "-----BEGIN a private key MIIEowIBAAKCAQEA-----\nAQID\n",
        "-----BEGIN RSA PRIVATE KEY---- MIIEowIBAAKCAQEA -----END RSA PRIVATE KEY-----\n",
    ] {
        let error = read(text).unwrap_err().to_string();
        assert!(!error.contains("MII"), "{error}");
        let Ok((_, notes)) = read(&format!("{}{text}", encode::numbered_pem(1))) else { continue };
        assert!(notes.iter().all(|note| !note.to_string().contains("MII")), "{notes:?}");
    }
}

#[test]
fn multi_prime_private_key_is_read() {
    let pkcs1 = std::fs::read(fixtures().join("field/rsa-three-primes/rsa-3primes-trad.key")).unwrap();
    let keys = KeySet::from_bytes(&pkcs1).unwrap();
    let text = String::from_utf8(pkcs1).unwrap();
    let der = BASE64_STANDARD.decode(text.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    assert_eq!(KeySet::from_bytes(&der).unwrap(), keys);
    let algorithm = encode::tlv(0x30, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00");
    let pkcs8 = encode::tlv(0x30, &[encode::integer(&[0]), algorithm, encode::tlv(0x04, &der)].concat());
    assert_eq!(KeySet::from_bytes(&pkcs8).unwrap(), keys);
    assert_eq!(KeySet::from_bytes(encode::pem("PRIVATE KEY", &pkcs8, "\n").as_bytes()).unwrap(), keys);
}
