//! The API server of a cluster: its key pair, and the tokens that it signs.
//!
//! "Managing Service Accounts" of the Kubernetes documentation has the claims, `pkg/serviceaccount/jwt.go` the header
//! and the key ID.

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use crate::support::{
    encode::{inside_pkcs8, pem},
    fixtures,
};
use issuer::Timestamp;

/// The key pair of an API server.
pub(super) struct ApiServer {
    /// PEM, as in the file of `--service-account-signing-key-file`.
    private: String,
    /// PEM, as in the file of `--service-account-key-file`.
    public: String,
}

impl ApiServer {
    /// The key pair of the guides, whose key ID is in their outputs.
    pub(super) fn of_the_guides() -> Self {
        let read = |name: &str| std::fs::read_to_string(fixtures().join("keys").join(name)).unwrap();
        Self { private: read("rsa-private.key"), public: read("rsa-private.pub") }
    }

    /// A new key pair, as that of a cluster that was created again.
    pub(super) fn recreated() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        Self {
            private: pem("RSA PRIVATE KEY", &inside_pkcs8(private.as_ref()), "\n"),
            public: pem("PUBLIC KEY", public.as_ref(), "\n"),
        }
    }

    /// The public key in PEM.
    pub(super) fn public(&self) -> &str {
        &self.public
    }

    /// The Secret in which Cluster API keeps the pair: `tls.crt` is a public key ("Using Custom Certificates" of its
    /// book).
    pub(super) fn secret(&self, namespace: &str, cluster: &str) -> String {
        let (public, private) = (BASE64_STANDARD.encode(&self.public), BASE64_STANDARD.encode(&self.private));
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {cluster}-sa\n  namespace: {namespace}\n  labels:\n    \
             cluster.x-k8s.io/cluster-name: {cluster}\ntype: cluster.x-k8s.io/secret\ndata:\n  tls.crt: {public}\n  \
             tls.key: {private}\n"
        )
    }

    /// The pair in such a Secret, as the control plane reads it.
    pub(super) fn from_secret(secret: &str) -> Self {
        let secret: Value = serde_saphyr::from_str(secret).unwrap();
        let entry = |name: &str| {
            String::from_utf8(BASE64_STANDARD.decode(secret["data"][name].as_str().unwrap()).unwrap()).unwrap()
        };
        Self { private: entry("tls.key"), public: entry("tls.crt") }
    }

    /// SHA-256 of the SubjectPublicKeyInfo.
    fn key_id(&self) -> String {
        let spki = pem::parse(&self.public).unwrap();
        BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, spki.contents()))
    }

    /// The token of a pod for one hour, as in a projected volume.
    pub(super) fn token(&self, issuer: &str, subject: &str, audience: &str) -> String {
        self.token_of(issuer, subject, audience, 0)
    }

    /// The same token this number of seconds later.
    pub(super) fn token_of(&self, issuer: &str, subject: &str, audience: &str, age: i64) -> String {
        let account = subject.rsplit(':').next().unwrap();
        let bound = json!({
            "node": { "name": "worker-1", "uid": "3b1f5c57-3f6c-4f0a-8d2c-9a6a2f3e4b10" },
            "pod": { "name": format!("{account}-0"), "uid": "5f0d7a52-7c3e-4c8e-9a53-0d6f0a9b2c31" },
        });
        self.signed(issuer, subject, audience, age, &bound)
    }

    /// A token that `kubectl create token` prints: it is bound to no pod.
    pub(super) fn unbound_token(&self, issuer: &str, subject: &str, audience: &str) -> String {
        self.signed(issuer, subject, audience, 0, &json!({}))
    }

    fn signed(&self, issuer: &str, subject: &str, audience: &str, age: i64, bound: &Value) -> String {
        let now = Timestamp::now().as_second() - age;
        let mut parts = subject.split(':').skip(2);
        let (namespace, account) = (parts.next().unwrap(), parts.next().unwrap());
        let mut claims = json!({
            "aud": [audience], "exp": now + 3600, "iat": now, "iss": issuer,
            "jti": "0b4d2a4c-7c5f-4a5e-9d0a-6f1a3f0e7c11",
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": { "name": account, "uid": "34acf9f0-d29a-4260-bceb-4e36916b4ae4" },
            },
            "nbf": now, "sub": subject,
        });
        for (name, object) in bound.as_object().unwrap() {
            claims["kubernetes.io"][name] = object.clone();
        }
        let mut header = Header::new(Algorithm::RS256);
        header.typ = None;
        header.kid = Some(self.key_id());
        let private = pem::parse(&self.private).unwrap();
        jsonwebtoken::encode(&header, &claims, &EncodingKey::from_rsa_der(private.contents())).unwrap()
    }
}
