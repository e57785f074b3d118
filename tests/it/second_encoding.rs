//! An input may hold keys in several encodings: each is read or named, in every order.

use crate::support::{encode, fixtures};
use issuer::{Jwks, KeyReader, KeySet, Note};

fn read(text: &str) -> Result<(Vec<String>, Vec<Note>), issuer::Error> {
    let mut reader = KeyReader::default();
    reader.read("keys.txt", text.as_bytes())?;
    let (keys, notes) = reader.finish()?;
    Ok((keys.iter().map(|key| key.key_id().to_string()).collect(), notes))
}

fn key_id(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

fn modulus(number: u8) -> Vec<u8> {
    [&[0x80 | number], vec![number; 254].as_slice(), &[1]].concat()
}

/// The numbered keys, each in another text encoding.
fn encodings() -> [(&'static str, String); 5] {
    let jwks = |number| {
        let keys = KeySet::from_bytes(&encode::numbered_spki(number)).unwrap();
        Jwks::from_keys(keys.iter())
    };
    let ssh = encode::ssh_rsa(&modulus(2), &[1, 0, 1]);
    let data = encode::ssh_rsa(&modulus(5), &[1, 0, 1]);
    let data: Vec<char> = data.split(' ').nth(1).unwrap().chars().collect();
    let lines: Vec<String> = data.chunks(70).map(|line| line.iter().collect()).collect();
    [
        ("PEM", encode::numbered_pem(1)),
        ("SSH", ssh),
        ("JWKS", format!("{}\n", String::from_utf8(jwks(3).to_bytes()).unwrap())),
        ("JWK, printed", format!("{:#}\n", jwks(4).keys[0].to_value())),
        (
            "RFC 4716",
            format!(
                "---- BEGIN SSH2 PUBLIC KEY ----\nComment: x\n{}\n---- END SSH2 PUBLIC KEY ----\n",
                lines.join("\n")
            ),
        ),
    ]
}

#[test]
fn encodings_are_read_in_every_order() {
    let encodings = encodings();
    let numbers = 0..encodings.len();
    for (first, second, third) in
        numbers.clone().flat_map(|a| numbers.clone().flat_map(move |b| (0..5).map(move |c| (a, b, c))))
    {
        let order = [first, second, third];
        let text: String = order.iter().map(|index| encodings[*index].1.as_str()).collect();
        let mut expected: Vec<String> = Vec::new();
        for index in order {
            let key_id = key_id(u8::try_from(index).unwrap() + 1);
            if !expected.contains(&key_id) {
                expected.push(key_id);
            }
        }
        let names = order.map(|index| encodings[index].0);
        for text in [text.clone(), text.replace('\n', "\r\n"), format!("\u{feff}{text}"), format!("\n\n{text}\n")] {
            let (kids, _) = read(&text).unwrap_or_else(|error| panic!("{names:?}: {error}\n{text}"));
            assert_eq!(kids, expected, "{names:?}");
        }
    }
}

#[test]
fn ssh_line_after_pem_is_read() {
    let text = std::fs::read_to_string(fixtures().join("field/second-encoding-dropped/pem-then-ssh.txt")).unwrap();
    let (kids, notes) = read(&text).unwrap();
    assert_eq!((kids.len(), kids[1].as_str()), (2, "1p9MhZ2512PvVa-E0Pccyosy0_fuiNNDIZjmi3Q5TnU"));
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn unreadable_content_beside_pem_is_named() {
    let pem = encode::numbered_pem(1);
    let ed25519 = std::fs::read_to_string(fixtures().join("malformed/ssh-ed25519.pub")).unwrap();
    for (other, said) in [
        (ed25519.as_str(), "is skipped: its type is ssh-ed25519; RSA and EC keys are accepted"),
        ("{\"a\":1}", "is skipped: it holds no key"),
        ("{\"kty\":\"oct\",\"k\":\"AAAA\"}", "is skipped: its type is oct; RSA and EC keys are accepted"),
    ] {
        for text in [format!("{pem}{other}\n"), format!("{other}\n{pem}")] {
            let (kids, notes) = read(&text).unwrap();
            assert_eq!(kids, [key_id(1)]);
            assert_eq!(notes.len(), 1, "{text}");
            let note = notes[0].to_string();
            assert!(note.starts_with("keys.txt, line ") && note.ends_with(said), "{note}");
        }
    }
    let cut_off = encode::ssh_rsa(&modulus(2), &[1, 0, 1])[..200].to_owned();
    for (other, said) in [
        (cut_off.as_str(), "is not a usable key: its SSH key data is malformed"),
        ("{\"keys\":[{\"kty\":\"RSA\"", "it looks like a JWK or a JWKS, but its JSON is malformed"),
        ("{\n \"kty\": \"RSA\",\n \"n\": \"", "it looks like a JWK or a JWKS, but its JSON is malformed"),
    ] {
        let error = read(&format!("{pem}{other}\n")).unwrap_err().to_string();
        assert!(error.contains("keys.txt, line ") && error.ends_with(said), "{error}");
    }
}

#[test]
fn other_text_beside_pem_is_accepted() {
    let pem = encode::numbered_pem(1);
    for other in ["{", "}", "# ssh-rsa AAAAB3NzaC1yc2E", "ssh-rsa", "Bag Attributes", "AAAA", "é { }", "kid: 1"] {
        let (kids, notes) =
            read(&format!("{other}\n{pem}{other}\n")).unwrap_or_else(|error| panic!("{other}: {error}"));
        assert_eq!((kids, notes), (vec![key_id(1)], vec![]), "{other}");
    }
}
