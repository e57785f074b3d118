use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

use super::{Curve, KeyId, KeyMaterial, KeyProblem, PublicKey};

/// Members that must never be published (RFC 7517 section 9.2, RFC 7518 sections 6.2.2, 6.3.2 and 6.4).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// One entry of a JWK Set (RFC 7517 section 4).
///
/// An entry made [from a key](Jwk::new) has the form that the API server serves. An entry that was
/// [read](Jwk::from_value) keeps all its members, even if its key is not usable, so that publishing preserves the keys
/// of other publishers.
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
    /// An entry that is not a JSON object.
    other: Option<Value>,
    key: Result<PublicKey, KeyProblem>,
}

impl Jwk {
    /// The entry that the API server serves for a key with [this key ID](PublicKey::key_id), with its members in the
    /// order of go-jose's `rawJSONWebKey`.
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

    /// An entry from any JSON value; [`key`](Self::key) returns an error if the entry is not usable.
    ///
    /// ```
    /// use serde_json::json;
    /// let jwk = issuer::Jwk::from_value(json!({ "kty": "oct", "kid": "a", "k": "c2VjcmV0" }));
    /// assert_eq!(jwk.key().unwrap_err().to_string(), "its type is oct; RSA and EC keys are accepted");
    /// assert_eq!(jwk.private_members(), ["k"]);
    /// assert_eq!(jwk.to_value(), json!({ "kty": "oct", "kid": "a" }));
    /// ```
    pub fn from_value(value: Value) -> Self {
        match value {
            Value::Object(members) => Self { key: read_key(&members), other: None, members },
            other => Self { members: Map::new(), other: Some(other), key: Err(KeyProblem::JwkObject) },
        }
    }

    /// The public key. Its key ID is the `kid` of the entry, or the API server's key ID if the entry has no `kid`.
    ///
    /// # Errors
    ///
    /// The reason why the entry is not a usable key.
    pub fn key(&self) -> Result<&PublicKey, &KeyProblem> {
        self.key.as_ref()
    }

    /// The `kid` member, unchecked.
    pub fn kid(&self) -> Option<&str> {
        self.text("kid")
    }

    /// The `alg` member, unchecked.
    pub fn alg(&self) -> Option<&str> {
        self.text("alg")
    }

    /// The `use` member, unchecked.
    pub fn public_key_use(&self) -> Option<&str> {
        self.text("use")
    }

    /// The names of the private or symmetric key members in the entry, which must never be published.
    pub fn private_members(&self) -> Vec<&'static str> {
        PRIVATE_MEMBERS.into_iter().filter(|name| self.members.contains_key(*name)).collect()
    }

    /// Whether the entry has the same members in the same order as [`Jwk::new`] gives its key.
    pub fn is_canonical(&self) -> bool {
        self.key.as_ref().is_ok_and(|key| {
            let canonical = Self::new(key.clone());
            canonical.members.iter().eq(self.members.iter())
        })
    }

    /// The entry as JSON, without private members.
    pub fn to_value(&self) -> Value {
        if let Some(other) = &self.other {
            return other.clone();
        }
        let public = self.members.iter().filter(|(name, _)| !PRIVATE_MEMBERS.contains(&name.as_str()));
        Value::Object(public.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// The entry without private members, for publishing.
    pub(crate) fn into_public(mut self) -> Self {
        self.members.retain(|name, _| !PRIVATE_MEMBERS.contains(&name.as_str()));
        self
    }

    /// Whether the entry is a JSON object.
    pub(crate) fn is_object(&self) -> bool {
        self.other.is_none()
    }

    /// Whether the entry has `key_ops` without `verify` (RFC 7517 section 4.3).
    pub(crate) fn is_for_other_operations(&self) -> bool {
        let operations = self.members.get("key_ops");
        operations.is_some_and(|operations| {
            !operations.as_array().is_some_and(|list| list.iter().any(|operation| operation == "verify"))
        })
    }

    /// Reason why a usable key is not for service account tokens: its `use`, `alg` or `key_ops` (RFC 7517 sections 4.2
    /// to 4.4).
    pub(super) fn other_purpose(&self) -> Option<KeyProblem> {
        let key = self.key.as_ref().ok()?;
        let is_for_signatures = |operation: &Value| operation == "verify" || operation == "sign";
        let operations = self.members.get("key_ops").filter(|operations| !operations.is_null());
        match (self.public_key_use(), self.alg(), operations) {
            (Some(other), _, _) if other != "sig" => Some(KeyProblem::JwkUse(other.to_owned())),
            (_, Some(alg), _) if alg != key.algorithm().name() => {
                Some(KeyProblem::JwkAlgorithm { alg: alg.to_owned(), algorithm: key.algorithm() })
            }
            // A private key with the operation `sign` has a public key that verifies.
            (_, _, Some(operations))
                if !operations.as_array().is_some_and(|list| list.iter().any(is_for_signatures)) =>
            {
                Some(KeyProblem::JwkOperations)
            }
            _ => None,
        }
    }

    /// Whether a member is present and not a string.
    pub(crate) fn is_odd(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_string())
    }

    /// The first of `kid`, `use` and `alg` that is neither a string nor null.
    ///
    /// Such an entry is ambiguous. go-jose rejects it (`rawJSONWebKey` declares these members as strings), and treats
    /// null as a missing member.
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
