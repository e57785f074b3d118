//! A signing key like that of an API server, and tokens signed with it.

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

pub(crate) const ISSUER: &str = "https://issuer.example.com";
pub(crate) const ENTRA: &str = "api://AzureADTokenExchange";
pub(crate) const NOW: i64 = 1_795_307_700;

pub(crate) fn issuer() -> IssuerUrl {
    ISSUER.parse().unwrap()
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// A signing key like that of an API server.
pub(crate) struct Signer {
    /// The private key in PKCS#1.
    private: Vec<u8>,
    pub(crate) keys: KeySet,
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
        let spki = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let keys = KeySet::from_bytes(spki.as_ref()).unwrap();
        Self { private: encode::inside_pkcs8(pkcs8.as_ref()), keys }
    }

    pub(crate) fn kid(&self) -> String {
        self.keys[0].key_id().to_string()
    }

    /// The public key as a JWK with this key ID (RFC 7518 section 6.3.1).
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        // RSAPrivateKey (RFC 8017 appendix A.1.2) starts with the version, the modulus and the exponent.
        let (content, _) = encode::read_tlv(&self.private);
        let (_, rest) = encode::read_tlv(content);
        let (modulus, rest) = encode::read_tlv(rest);
        let (exponent, _) = encode::read_tlv(rest);
        encode::signing_jwk(kid, &modulus[1..], exponent)
    }

    /// Signs any header and claims, given as arbitrary text.
    pub(crate) fn sign_text(&self, header: &str, claims: &str) -> String {
        self.sign_text_as(Algorithm::RS256, header, claims)
    }

    /// The same with another algorithm of RSA.
    pub(crate) fn sign_text_as(&self, algorithm: Algorithm, header: &str, claims: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        let input = format!("{}.{}", encode(header), encode(claims));
        let key = EncodingKey::from_rsa_der(&self.private);
        let signature = jsonwebtoken::crypto::sign(input.as_bytes(), &key, algorithm).unwrap();
        format!("{input}.{signature}")
    }

    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_text(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn header(&self) -> Value {
        json!({ "alg": "RS256", "kid": self.kid() })
    }

    pub(crate) fn verifier(&self) -> Verifier {
        Verifier::new(&Documents::new(issuer(), &self.keys)).unwrap()
    }
}

/// One key for all tests, which each run generates.
pub(crate) fn signer() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(Signer::rsa)
}

pub(crate) fn claims() -> Value {
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

pub(crate) fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

pub(crate) fn without(mut object: Value, name: &str) -> Value {
    object.as_object_mut().unwrap().remove(name);
    object
}
