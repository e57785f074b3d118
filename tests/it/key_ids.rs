//! The IDs of published keys: a JWKS keeps its key IDs, a bare key gets the API server's.

use std::process::{Command, Output};

use crate::support::{answer::answer, encode, fixtures};
use issuer::{DesiredState, Hint, Jwks, KeyError, KeyId, KeyReader, KeySet, Note, PublicKey, Timestamp, site::Memory};
use serde_json::{Value, json};

const SIGNER_KID: &str = "2026-09-signer-projects/p/kms/keyVersions/7";

/// A JWK of the numbered key, with this `kid`, if any.
fn jwk(number: u8, kid: Option<&str>) -> Value {
    let spki = encode::numbered_spki(number);
    let mut jwk = issuer::Jwk::new(PublicKey::from_spki_der(&spki).unwrap()).to_value();
    match kid {
        Some(kid) => jwk["kid"] = kid.into(),
        None => jwk.as_object_mut().unwrap().retain(|name, _| name != "kid"),
    }
    jwk
}

fn jwks(keys: &[Value]) -> Vec<u8> {
    json!({ "keys": keys }).to_string().into_bytes()
}

fn spki_key_id(number: u8) -> String {
    encode::key_id(&encode::numbered_spki(number))
}

/// The key IDs of inputs in their order, and the notes.
fn read(inputs: &[(&str, Vec<u8>)]) -> Result<(Vec<String>, Vec<Note>), KeyError> {
    let mut reader = KeyReader::default();
    for (name, bytes) in inputs {
        reader.read(name, bytes)?;
    }
    let (keys, notes) = reader.finish()?;
    Ok((keys.iter().map(|key| key.key_id().to_string()).collect(), notes))
}

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_issuer")).args(args).output().unwrap()
}

#[test]
fn jwks_input_keeps_its_key_ids_with_a_note() {
    let (kids, notes) = read(&[("keys.json", jwks(&[jwk(1, Some("rfc-7638")), jwk(2, None)]))]).unwrap();
    assert_eq!(kids, ["rfc-7638".to_owned(), spki_key_id(2)]);
    let [note @ Note::KeyIdKept { key_id, spki_key_id: hash, .. }] = notes.as_slice() else { panic!("{notes:?}") };
    assert_eq!((key_id.as_str(), hash.as_str()), ("rfc-7638", spki_key_id(1).as_str()));
    assert_eq!(
        note.to_string(),
        format!(
            "keys.json, key 1 keeps its key ID \"rfc-7638\", which must be the kid of its tokens; \
             the API server computes the key ID {}",
            spki_key_id(1)
        )
    );
    // A `kid` that is the hash of its key, a missing one and an empty one all give the API server's key ID.
    let own = spki_key_id(1);
    for kid in [Some(own.as_str()), None, Some("")] {
        let (kids, notes) = read(&[("keys.json", jwks(&[jwk(1, kid)]))]).unwrap();
        assert_eq!((kids, notes), (vec![own.clone()], vec![]), "{kid:?}");
    }
}

#[test]
fn jwks_with_own_key_ids_is_printed_unchanged() {
    let served = Jwks::parse(&jwks(&[jwk(1, Some(SIGNER_KID)), jwk(2, Some("ключ"))])).unwrap();
    let printed = Jwks::from_keys(KeySet::from_bytes(&served.to_bytes()).unwrap().iter());
    assert_eq!(printed, served);
    assert!(printed.keys.iter().all(issuer::Jwk::is_canonical));
}

#[test]
fn key_with_two_key_ids_is_published_under_both() {
    let pem = encode::numbered_pem(1).into_bytes();
    let (kids, notes) = read(&[("sa.pub", pem.clone()), ("keys.json", jwks(&[jwk(1, Some("a"))]))]).unwrap();
    assert_eq!(kids, [spki_key_id(1), "a".to_owned()]);
    assert!(matches!(notes.as_slice(), [Note::KeyIdKept { .. }]), "{notes:?}");
    let keys = [jwk(1, Some("a")), jwk(1, Some("b")), jwk(1, Some("a")), jwk(1, None)];
    let (kids, notes) = read(&[("keys.json", jwks(&keys)), ("sa.pub", pem)]).unwrap();
    assert_eq!(kids, ["a".to_owned(), "b".to_owned(), spki_key_id(1)]);
    let duplicates: Vec<_> = notes.iter().filter(|note| matches!(note, Note::Duplicate { .. })).collect();
    assert_eq!(duplicates.len(), 2, "{notes:?}");
    assert_eq!(duplicates[0].to_string(), "keys.json, key 3 is the same key as keys.json, key 1");
}

#[test]
fn key_id_shared_by_two_keys_is_an_error() {
    let error = read(&[("a.json", jwks(&[jwk(1, Some("x"))])), ("b.json", jwks(&[jwk(2, Some("x"))]))]).unwrap_err();
    assert_eq!(error.to_string(), "b.json, key 1 has the same key ID \"x\" as a different key, a.json, key 1");
    assert!(error.hint().unwrap().starts_with("remove one of the two keys"));
    // A JWK with the key ID of another bare key.
    let pem = encode::numbered_pem(1).into_bytes();
    let thief = jwks(&[jwk(2, Some(&spki_key_id(1)))]);
    let error = read(&[("keys.json", thief), ("sa.pub", pem)]).unwrap_err();
    assert!(matches!(error, KeyError::KeyIdTwice { .. }), "{error}");
    let key = |number| PublicKey::from_spki_der(&encode::numbered_spki(number)).unwrap();
    let named = |number| key(number).with_key_id(KeyId::from_kid("x").unwrap());
    let error = KeySet::from_keys([named(1), named(2)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the list of keys, key 2 has the same key ID \"x\" as a different key, the list of keys, key 1"
    );
    assert_eq!(KeySet::from_keys([named(1), named(1), key(1)]).unwrap().len(), 2);
}

#[test]
fn key_id_over_1024_bytes_is_an_error() {
    let read_long = |kid: &str| read(&[("keys.json", jwks(&[jwk(1, Some(kid))]))]);
    assert_eq!(read_long(&"k".repeat(1024)).unwrap().0, ["k".repeat(1024)]);
    for kid in ["k".repeat(1025), "é".repeat(513)] {
        assert_eq!(
            read_long(&kid).unwrap_err().to_string(),
            format!(
                "keys.json, key 1 is not a usable key: its key ID has {} bytes; Kubernetes accepts at most 1024",
                kid.len()
            )
        );
    }
}

#[test]
fn external_signer_token_verifies_with_its_published_jwks() {
    let folder = fixtures().join("field/external-signer-kid");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let site = tempfile::tempdir().unwrap();
    let site = site.path().to_str().unwrap();
    let publish = |check: &[&str]| {
        let (keys, issuer) = (path("jwks.json"), "https://issuer.example.com");
        run(&[&["publish", &keys, "--issuer", issuer, "--directory", site, "-o", "json"], check].concat())
    };
    let first = publish(&[]);
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let published = Jwks::parse(&std::fs::read(format!("{site}/openid/v1/jwks")).unwrap()).unwrap();
    assert_eq!(published.keys[0].kid(), Some(SIGNER_KID));

    let at = Timestamp::from_second(1_795_664_437).unwrap().to_string();
    let verified = run(&[
        "verify",
        &path("token.jwt"),
        "--published",
        site,
        "--at",
        &at,
        "--issuer",
        "https://issuer.example.com",
    ]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));

    let again = publish(&["--check"]);
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let plan = answer("publish", &again);
    assert_eq!((&plan["changed"], &plan["keys"][0]["state"]), (&json!(false), &json!("kept")));
}

#[test]
fn retention_follows_the_key_ids_of_the_input() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let site = Memory::default();
    let now: Timestamp = "2026-11-26T00:00:00Z".parse().unwrap();
    let desired = |keys: Vec<u8>| {
        DesiredState::new("https://issuer.example.com".parse().unwrap(), KeySet::from_bytes(&keys).unwrap())
    };
    let publish = |desired: &DesiredState| {
        let publication = runtime.block_on(issuer::publish(&site, desired, &now)).unwrap();
        let state = |key: &issuer::PlannedKey| format!("{} {:?}", key.kid(), key.state);
        publication.plan.keys.iter().map(|key| state(key).split(" {").next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let hash = spki_key_id(1);
    assert_eq!(publish(&desired(jwks(&[jwk(1, Some("a"))]))), ["a Added"]);
    // The same key under the API server's ID is another entry, because tokens may have either `kid`.
    assert_eq!(publish(&desired(encode::numbered_pem(1).into_bytes())), [format!("{hash} Added"), "a Retired".into()]);
    assert_eq!(
        publish(&desired(jwks(&[jwk(1, Some("a")), jwk(1, None)]))),
        ["a Returned".to_owned(), format!("{hash} Kept")]
    );
    let remove = desired(encode::numbered_pem(1).into_bytes()).remove(vec!["a".to_owned()]);
    assert_eq!(publish(&remove), [format!("{hash} Kept"), "a Dropped(Removed)".into()]);
    // Another key under a published ID is replaced with a warning.
    let stolen = desired(jwks(&[jwk(2, Some(&hash))]));
    let plan = runtime.block_on(issuer::plan(&site, &stolen, &now)).unwrap();
    assert_eq!(plan.warnings, [issuer::PlanWarning::OtherKey(hash)]);
}
