//! Access tokens as Microsoft Entra ID issues them, and the register of all that a stand-in issued.
//!
//! "Access token claims reference" (access-token-claims-reference.md) has the claims of version 1.0, which Key Vault,
//! Azure Database for PostgreSQL and Azure Resource Manager receive. `idtyp` is `app` for a token of an application
//! without a user. The resource that receives a token looks it up here in place of verifying its signature.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der},
    rand,
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

use super::encode;

/// Entra sets `iat` and `nbf` five minutes back, as observed in tokens of managed identities.
const BACKDATED: i64 = 300;

/// The kind of identity that a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An application or a managed identity.
    App,
    User,
}

/// An identity in a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Principal {
    pub(crate) kind: Kind,
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) object_id: String,
    /// The object IDs of its groups.
    pub(crate) groups: Vec<String>,
}

impl Principal {
    /// An application or a managed identity.
    pub(crate) fn app(tenant: &str, client_id: &str) -> Self {
        let (tenant, groups) = (tenant.to_owned(), Vec::new());
        Self { kind: Kind::App, tenant, client_id: client_id.to_owned(), object_id: object_id(client_id), groups }
    }

    /// A user who signed in with Azure CLI, whose client ID is public.
    pub(crate) fn user(tenant: &str, name: &str) -> Self {
        let client_id = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
        Self { kind: Kind::User, object_id: object_id(name), ..Self::app(tenant, client_id) }
    }

    /// The same with one more group.
    pub(crate) fn in_group(mut self, group: &str) -> Self {
        self.groups.push(group.to_owned());
        self
    }
}

/// The object ID of the service principal with this client ID, or of the user with this name. Entra chooses it at
/// random. Here it is derived from the name, so that a test need not carry it along.
pub(crate) fn object_id(name: &str) -> String {
    let hash = digest(&SHA256, name.as_bytes());
    let hex: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// An issued token.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    pub(crate) principal: Principal,
    pub(crate) audience: String,
    /// In seconds since 1970 on the clock of the cloud.
    pub(crate) expires_at: i64,
}

/// All tokens that were issued, and the clock of the cloud. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct IssuedTokens(Arc<Mutex<Register>>);

#[derive(Default)]
struct Register {
    tokens: HashMap<String, Issued>,
    ahead: i64,
}

impl IssuedTokens {
    /// Issues a token that expires after `lifetime` seconds and is `age` seconds old already.
    pub(crate) fn issue(&self, principal: &Principal, audience: &str, lifetime: i64, age: i64) -> String {
        let issued_at = self.now() - age;
        let expires_at = issued_at + lifetime;
        let token = sign(&claims(principal, audience, issued_at, expires_at));
        let issued = Issued { principal: principal.clone(), audience: audience.to_owned(), expires_at };
        self.register().tokens.insert(token.clone(), issued);
        token
    }

    /// A token, if it was issued.
    pub(crate) fn find(&self, token: &str) -> Option<Issued> {
        self.register().tokens.get(token).cloned()
    }

    /// Every issued token, so that a test can search logs for it.
    pub(crate) fn all(&self) -> Vec<String> {
        self.register().tokens.keys().cloned().collect()
    }

    /// The time of the cloud in seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        Timestamp::now().as_second() + self.register().ahead
    }

    pub(crate) fn is_expired(&self, issued: &Issued) -> bool {
        issued.expires_at <= self.now()
    }

    /// Sets the clock of the cloud forward, so that tokens expire without waiting.
    pub(crate) fn advance(&self, seconds: i64) {
        self.register().ahead += seconds;
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap()
    }
}

fn claims(principal: &Principal, audience: &str, issued_at: i64, expires_at: i64) -> Value {
    let Principal { kind, tenant, client_id, object_id, groups } = principal;
    let mut unique = [0; 16];
    rand::fill(&mut unique).unwrap();
    let mut claims = json!({
        "aud": audience,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": issued_at - BACKDATED,
        "nbf": issued_at - BACKDATED,
        "exp": expires_at,
        "appid": client_id,
        // 2: the application proved itself with a certificate or an assertion. 0: a public client.
        "appidacr": if *kind == Kind::App { "2" } else { "0" },
        "idp": format!("https://sts.windows.net/{tenant}/"),
        "idtyp": if *kind == Kind::App { "app" } else { "user" },
        "oid": object_id,
        "sub": object_id,
        "tid": tenant,
        "uti": BASE64_URL_SAFE_NO_PAD.encode(unique),
        "ver": "1.0",
    });
    if !groups.is_empty() {
        claims["groups"] = json!(groups);
    }
    claims
}

/// Signs claims with RS256 and the key of this test run.
fn sign(claims: &Value) -> String {
    static KEY: OnceLock<(EncodingKey, String)> = OnceLock::new();
    let (key, kid) = KEY.get_or_init(|| {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let public = AsDer::<PublicKeyX509Der<'_>>::as_der(pair.public_key()).unwrap();
        let private = AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap();
        let kid = BASE64_URL_SAFE_NO_PAD.encode(&digest(&SHA256, public.as_ref()).as_ref()[..20]);
        (EncodingKey::from_rsa_der(&encode::inside_pkcs8(private.as_ref())), kid)
    });
    let header = json!({ "typ": "JWT", "alg": "RS256", "x5t": kid, "kid": kid });
    let encoded = [&header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
    let input = encoded.join(".");
    let signature = jsonwebtoken::crypto::sign(input.as_bytes(), key, Algorithm::RS256).unwrap();
    format!("{input}.{signature}")
}
