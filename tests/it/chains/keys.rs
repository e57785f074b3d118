//! The keys of the chains, and tokens signed with them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{Documents, KeySet};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::{
    chain::{default, merged},
    values::Values,
};
use crate::support::{
    encode::numbered_spki,
    signer::{Signer, issuer},
};

/// The keys that all chains share.
pub(super) struct Keys {
    /// The key of the cluster that issues the tokens.
    pub(super) cluster: Signer,
    /// The key of another cluster.
    pub(super) other: Signer,
    /// An EC key, and its published form.
    curve: (EncodingKey, KeySet),
}

impl Keys {
    pub(super) fn new() -> Self {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let public = KeySet::from_bytes(pair.public_key_pem().as_bytes()).unwrap();
        let private = EncodingKey::from_ec_der(&pair.serialize_der());
        Self { cluster: Signer::rsa(), other: Signer::rsa(), curve: (private, public) }
    }

    fn public(&self, name: &str) -> &KeySet {
        match name {
            "cluster" => &self.cluster.keys,
            "another cluster" => &self.other.keys,
            "elliptic curve" => &self.curve.1,
            _ => panic!("no key has the name {name:?}"),
        }
    }

    /// The token text of a chain: the default token with the changes of `token.json`.
    pub(super) fn mint(&self, changes: &Value, values: &Values) -> String {
        let token = default("token.json");
        let part = |name: &str| values.filled(&merged(&token[name], &changes[name]));
        let (header, claims) = (part("header"), part("claims"));
        let signed = match changes["key"].as_str().unwrap_or("cluster") {
            "cluster" if header["alg"] == "RS512" => {
                self.cluster.sign_text_as(Algorithm::RS512, &header.to_string(), &claims.to_string())
            }
            "cluster" => self.cluster.sign(&header, &claims),
            "another cluster" => self.other.sign(&header, &claims),
            "elliptic curve" => self.sign_with_curve(&header, &claims),
            "none" => format!("{}.", signing_input(&header, &claims)),
            name => panic!("no key has the name {name:?}"),
        };
        let changed = merged(&claims, &values.filled(&changes["claims_after_signing"]));
        let signature = signed.rsplit('.').next().unwrap();
        let signed = format!("{}.{signature}", signing_input(&header, &changed));
        match changes["text"].as_str() {
            Some(text) => values.fill(text).replace("{token}", &signed),
            None => signed,
        }
    }

    fn sign_with_curve(&self, header: &Value, claims: &Value) -> String {
        let input = signing_input(header, claims);
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &self.curve.0, Algorithm::ES256).unwrap();
        format!("{input}.{signature}")
    }

    /// The JWKS of a chain. Each entry of `keys` is the name of a key, or an object with its name and other members, or
    /// the number of further keys.
    pub(super) fn jwks(&self, entries: &Value, values: &Values) -> Value {
        let default = [json!("cluster")];
        let entries = entries.as_array().map_or(&default[..], Vec::as_slice);
        let keys = entries.iter().flat_map(|entry| match (entry.as_u64(), entry.as_str()) {
            (Some(count), _) => (0..count).map(numbered).collect(),
            (_, Some(name)) => vec![published(self.public(name))],
            _ => {
                let mut changes = values.filled(entry);
                let name = changes.as_object_mut().unwrap().remove("key").unwrap();
                vec![merged(&published(self.public(name.as_str().unwrap())), &changes)]
            }
        });
        json!({ "keys": keys.collect::<Vec<_>>() })
    }
}

fn signing_input(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// The first key of a set in the form that the API server publishes.
fn published(keys: &KeySet) -> Value {
    let jwks: Value = serde_json::from_slice(&Documents::new(issuer(), keys).jwks.to_bytes()).unwrap();
    jwks["keys"][0].clone()
}

/// A different key for each number.
fn numbered(number: u64) -> Value {
    let mut key = published(&KeySet::from_bytes(&numbered_spki(u8::try_from(number).unwrap())).unwrap());
    key["kid"] = format!("key-{number}").into();
    key
}
