use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Curve, KeyId, KeyMaterial, KeyProblem, PublicKey};

/// Members that must never be published (RFC 7517 section 9.2, RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// One entry of a JWK Set (RFC 7517 section 4).
///
/// An entry made [from a key](Jwk::new) is in the API server's form. An entry that was [read](Jwk::from_value) keeps what it
/// was, usable or not, so that publishing loses nothing another publisher put there.
///
/// ```
/// use issuer::{Jwk, KeySet};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let jwk = Jwk::new(keys[0].clone());
/// assert_eq!(jwk.kid(), Some(keys[0].key_id().as_str()));
/// assert_eq!((jwk.public_key_use(), jwk.alg()), (Some("sig"), Some("RS256")));
/// let read = Jwk::from_value(jwk.to_value());
/// assert_eq!(read.key(), Ok(&keys[0]));
/// assert!(read.is_canonical());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    members: Map<String, Value>,
    /// An entry that is no object, and so has no members.
    other: Option<Value>,
    key: Result<PublicKey, KeyProblem>,
}

impl Jwk {
    /// The entry the API server serves for a key under [its key ID](PublicKey::key_id), members in the order of go-jose's
    /// `rawJSONWebKey`.
    pub fn new(key: PublicKey) -> Self {
        let encode = |bytes: &Vec<u8>| Some(Value::from(BASE64_URL_SAFE_NO_PAD.encode(bytes)));
        let (kty, crv, x, y, n, e) = match key.material() {
            KeyMaterial::Rsa { modulus, exponent } => ("RSA", None, None, None, encode(modulus), encode(exponent)),
            KeyMaterial::Ec { curve, x, y } => {
                ("EC", Some(Value::from(curve.name())), encode(x), encode(y), None, None)
            }
        };
        let members = [
            ("use", Some(Value::from("sig"))),
            ("kty", Some(Value::from(kty))),
            ("kid", Some(Value::from(key.key_id().as_str()))),
            ("crv", crv),
            ("alg", Some(Value::from(key.algorithm().name()))),
            ("x", x),
            ("y", y),
            ("n", n),
            ("e", e),
        ];
        let members = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
        Self { members, other: None, key: Ok(key) }
    }

    /// The entry a JSON value is; anything parses, and [`key`](Self::key) says whether it is usable.
    ///
    /// ```
    /// use serde_json::json;
    /// let jwk = issuer::Jwk::from_value(json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" }));
    /// assert_eq!(jwk.key().unwrap_err().to_string(), "its type is oct, and RSA and EC keys are accepted");
    /// assert_eq!(jwk.private_members(), ["k"]);
    /// assert_eq!(jwk.to_value(), json!({ "kty": "oct", "kid": "a" }));
    /// ```
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Object(members) => Self { key: read_key(&members), other: None, members },
            other => Self { members: Map::new(), other: Some(other), key: Err(KeyProblem::JwkObject) },
        }
    }

    /// The public key, under the `kid` of the entry; without one under the API server's key ID.
    ///
    /// # Errors
    ///
    /// Why the entry does not hold a key this crate works with.
    pub fn key(&self) -> Result<&PublicKey, &KeyProblem> {
        self.key.as_ref()
    }

    /// The `kid` member, as it stands.
    pub fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// The `alg` member, as it stands.
    pub fn alg(&self) -> Option<&str> {
        self.text("alg")
    }

    /// The `use` member, as it stands.
    pub fn public_key_use(&self) -> Option<&str> {
        self.text("use")
    }

    /// The members of a private or symmetric key that the entry holds, which must never be public.
    pub fn private_members(&self) -> Vec<&'static str> {
        PRIVATE_MEMBERS.into_iter().filter(|name| self.members.contains_key(*name)).collect()
    }

    /// Whether the entry is what [`Jwk::new`] makes of its key, members and order alike.
    pub fn is_canonical(&self) -> bool {
        self.key.as_ref().is_ok_and(|key| {
            let canonical = Self::new(key.clone());
            canonical.members.iter().eq(self.members.iter())
        })
    }

    /// The entry as JSON, without any private member.
    pub fn to_value(&self) -> Value {
        if let Some(other) = &self.other {
            return other.clone();
        }
        let public = self.members.iter().filter(|(name, _)| !PRIVATE_MEMBERS.contains(&name.as_str()));
        Value::Object(public.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The entry as it is published: without any private member.
    pub(crate) fn into_public(mut self) -> Self {
        self.members.retain(|name, _| !PRIVATE_MEMBERS.contains(&name.as_str()));
        self
    }

    /// Whether the entry is a JSON object.
    pub(crate) fn is_object(&self) -> bool {
        self.other.is_none()
    }

    /// Whether the entry says what its key is for, and verifying is not among it (RFC 7517 section 4.3).
    pub(crate) fn is_for_other_operations(&self) -> bool {
        let operations = self.members.get("key_ops");
        operations.is_some_and(|operations| {
            !operations.as_array().is_some_and(|list| list.iter().any(|operation| operation == "verify"))
        })
    }

    /// Why the key does not verify tokens that the API server issues, though it could: `use`, `alg` and `key_ops` say what it
    /// is for (RFC 7517 sections 4.2 to 4.4).
    pub(super) fn other_purpose(&self) -> Option<KeyProblem> {
        let key = self.key.as_ref().ok()?;
        let is_for_signatures = |operation: &Value| operation == "verify" || operation == "sign";
        let operations = self.members.get("key_ops").filter(|operations| !operations.is_null());
        match (self.public_key_use(), self.alg(), operations) {
            (Some(other), _, _) if other != "sig" => Some(KeyProblem::JwkUse(other.to_owned())),
            (_, Some(alg), _) if alg != key.algorithm().name() => {
                Some(KeyProblem::JwkAlgorithm { alg: alg.to_owned(), algorithm: key.algorithm() })
            }
            // The public part of a private key that signs verifies what it signed.
            (_, _, Some(operations))
                if !operations.as_array().is_some_and(|list| list.iter().any(is_for_signatures)) =>
            {
                Some(KeyProblem::JwkOperations)
            }
            _ => None,
        }
    }

    /// Whether a member is there and no string.
    pub(crate) fn is_odd(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_string())
    }

    /// A member beside the key itself that is there and is neither a string nor null.
    ///
    /// Such an entry cannot be read as what its author meant. go-jose rejects it (`rawJSONWebKey` has strings there), and
    /// takes null for absence.
    pub(crate) fn misfit(&self) -> Option<&'static str> {
        ["kid", "use", "alg"]
            .into_iter()
            .find(|name| self.is_odd(name) && self.members.get(*name) != Some(&Value::Null))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}

fn read_key(members: &Map<String, Value>) -> Result<PublicKey, KeyProblem> {
    let text = |name: &'static str| members.get(name).and_then(Value::as_str).ok_or(KeyProblem::JwkString(name));
    let bytes = |name: &'static str| {
        let text = members.get(name).and_then(Value::as_str).ok_or(KeyProblem::JwkMember(name))?;
        BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyProblem::JwkMember(name))
    };
    let key = match text("kty")? {
        "RSA" => PublicKey::rsa(&bytes("n")?, &bytes("e")?)?,
        "EC" => {
            let name = text("crv")?;
            let curve = Curve::from_name(name).ok_or_else(|| KeyProblem::Curve(name.to_owned()))?;
            PublicKey::ec(curve, &bytes("x")?, &bytes("y")?)?
        }
        other => return Err(KeyProblem::Type(other.to_owned())),
    };
    match text("kid") {
        Ok(kid) if !kid.is_empty() => Ok(key.with_key_id(KeyId::from_kid(kid)?)),
        _ => Ok(key),
    }
}
