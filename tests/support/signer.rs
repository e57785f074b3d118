//! A signing key as an API server has one, and the tokens it signs.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::KeyPair,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use issuer::{Documents, IssuerUrl, KeySet, Timestamp, Verifier};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::encode;

pub const ISSUER: &str = "https://issuer.example.com";
pub const ENTRA: &str = "api://AzureADTokenExchange";
pub const NOW: i64 = 1_795_307_700;

pub fn issuer() -> IssuerUrl {
    ISSUER.parse().unwrap()
}

pub fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A signing key as an API server has one.
pub struct Signer {
    /// PKCS#1.
    private: Vec<u8>,
    pub keys: KeySet,
}

impl Signer {
    pub fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let keys = KeySet::from_bytes(spki.as_ref()).unwrap();
        Self { private: encode::inside_pkcs8(pkcs8.as_ref()), keys }
    }

    pub fn kid(&self) -> String {
        self.keys[0].key_id().to_string()
    }

    /// Signs any header and claims, as JSON text that may be anything.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", encode(header), encode(claims));
        let key = EncodingKey::from_rsa_der(&self.private);
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, Algorithm::RS256).unwrap();
        format!("{input}.{signature}")
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.kid() })
    }

    pub fn verifier(&self) -> Verifier {
        Verifier::new(&Documents::new(issuer(), &self.keys)).unwrap()
    }
}

/// One key for all tests, made anew at each run.
pub fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(Signer::rsa)
}

pub fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "sub": "system:serviceaccount:default:workload-identity-sa",
        "aud": [ENTRA],
        "iat": NOW - 60,
        "nbf": NOW - 60,
        "exp": NOW + 3540,
        "kubernetes.io": { "namespace": "default", "serviceaccount": { "name": "workload-identity-sa", "uid": "1" } },
    })
}

pub fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}
