//! A JWK as input: its `use`, `alg` and `key_ops`, and the form of Azure Key Vault.

use crate::support::{encode, fixtures};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use issuer::{Jwk, KeyError, KeyReader, KeySet, Note, PublicKey};
use serde_json::{Value, json};

const KID: &str = "1p9MhZ2512PvVa-E0Pccyosy0_fuiNNDIZjmi3Q5TnU";

fn read(text: &str) -> Result<(Vec<String>, Vec<Note>), KeyError> {
    let mut reader = KeyReader::default();
    reader.read("keys.json", text.as_bytes())?;
    let (keys, notes) = reader.finish()?;
    Ok((keys.iter().map(|key| key.key_id().to_string()).collect(), notes))
}

fn field(path: &str) -> String {
    std::fs::read_to_string(fixtures().join("field").join(path)).unwrap()
}

fn jwk(path: Option<&str>) -> Value {
    let key = match path {
        Some(path) => KeySet::from_bytes(&std::fs::read(fixtures().join(path)).unwrap()).unwrap()[0].clone(),
        None => PublicKey::from_spki_der(&encode::numbered_spki(1)).unwrap(),
    };
    Jwk::new(key).to_value()
}

#[test]
fn jwk_for_another_algorithm_is_skipped_with_a_note() {
    let (rsa, ec) = (jwk(None), jwk(Some("keys/p256-private.pub")));
    let other = Jwk::new(PublicKey::from_spki_der(&encode::numbered_spki(2)).unwrap()).to_value();
    let mut cases = Vec::new();
    for alg in ["RSA-OAEP", "RSA-OAEP-256", "RSA1_5", "PS256", "RS384", "RS512", "ES256", "rs256", ""] {
        cases.push((&rsa, "alg", json!(alg), false));
    }
    for alg in ["ECDH-ES", "ECDH-ES+A256KW", "ES384", "ES256K", "RS256"] {
        cases.push((&ec, "alg", json!(alg), false));
    }
    cases.extend([(&rsa, "alg", json!("RS256"), true), (&ec, "alg", json!("ES256"), true)]);
    cases.extend([(&rsa, "use", json!("enc"), false), (&ec, "use", json!("sig"), true)]);
    for (operations, is_read) in [
        (json!(["verify"]), true),
        (json!(["sign"]), true),
        (json!(["sign", "verify", "wrapKey"]), true),
        (json!(null), true),
        (json!(["encrypt", "wrapKey"]), false),
        (json!(["deriveKey"]), false),
        (json!([]), false),
        (json!("verify"), false),
    ] {
        cases.push((&rsa, "key_ops", operations, is_read));
    }
    for (jwk, name, value, is_read) in cases {
        let mut jwk = jwk.clone();
        jwk[name] = value.clone();
        let (kids, notes) = read(&json!({ "keys": [jwk, other] }).to_string()).unwrap();
        assert_eq!(kids.len(), if is_read { 2 } else { 1 }, "{name} {value}");
        assert_eq!(notes.iter().any(|note| matches!(note, Note::Skipped { .. })), !is_read, "{name} {value}");
        assert!(
            notes.iter().all(|note| note.to_string().starts_with("keys.json, key 1 is skipped: its ")),
            "{notes:?}"
        );
        assert_eq!(read(&jwk.to_string()).is_ok(), is_read, "{name} {value}");
    }
    let error = read(&field("jwk-for-encryption/alg-oaep-nouse.json")).unwrap_err();
    assert_eq!(error.to_string(), format!("keys.json holds no usable key: 1 key {KID:?} was skipped"));
}

#[test]
fn key_vault_response_gets_the_api_server_key_id() {
    let show: Value = serde_json::from_str(&field("key-vault-jwk/az-keyvault-show.json")).unwrap();
    let hardware = |value: &Value| {
        let mut value = value.clone();
        value["kty"] = "RSA-HSM".into();
        value
    };
    let wrapped_hardware = json!({ "key": hardware(&show["key"]) });
    for value in [&show, &json!({ "key": show["key"] }), &show["key"], &hardware(&show["key"]), &wrapped_hardware] {
        let (kids, notes) = read(&value.to_string()).unwrap();
        assert_eq!(kids, [KID], "{value}");
        let [note @ Note::KeyVault { kid, .. }] = notes.as_slice() else { panic!("{notes:?}") };
        assert_eq!(kid, "https://kv.vault.azure.net/keys/sa/0123");
        assert!(note.to_string().starts_with("keys.json is a response of Azure Key Vault: "), "{note}");
    }
    // The form of the REST API, and an EC key in standard base64.
    let ec = jwk(Some("keys/p521-private.pub"));
    let standard =
        |name: &str| BASE64_STANDARD.encode(BASE64_URL_SAFE_NO_PAD.decode(ec[name].as_str().unwrap()).unwrap());
    let kid = "https://kv.vault.azure.net/keys/sa/0123";
    let answer =
        json!({ "key": { "kty": "EC-HSM", "crv": "P-521", "x": standard("x"), "y": standard("y"), "kid": kid } });
    assert_eq!(read(&answer.to_string()).unwrap().0, [ec["kid"].as_str().unwrap()]);
    let rest =
        json!({ "key": { "kty": "EC", "crv": "P-521", "x": ec["x"], "y": ec["y"], "kid": kid, "key_ops": ["sign"] } });
    assert_eq!(read(&rest.to_string()).unwrap().0, [ec["kid"].as_str().unwrap()]);
    // A key that cannot sign is skipped, as for any JWK.
    let wraps = json!({ "key": { "kty": "EC", "crv": "P-521", "x": ec["x"], "y": ec["y"], "keyOps": ["wrapKey"] } });
    assert!(read(&wraps.to_string()).is_err());
}

#[test]
fn published_jwk_keeps_its_vault_kid() {
    let mut published = jwk(None);
    published["kid"] = "https://kv.vault.azure.net/keys/sa/0123".into();
    for text in [published.to_string(), json!({ "keys": [published] }).to_string()] {
        assert_eq!(read(&text).unwrap().0, ["https://kv.vault.azure.net/keys/sa/0123"]);
    }
}
