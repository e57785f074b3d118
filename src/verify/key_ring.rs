use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    sync::Arc,
};

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

use super::{Refusal, RelyingParty, clipped::clipped};
use crate::{
    documents::Jwks,
    entra,
    key::{Algorithm, Jwk, PublicKey},
    token::Token,
};

/// The minimum size of an RSA key for RS256 (RFC 7518 section 3.3).
const RSA_BITS_MIN: usize = 2048;
/// The maximum size of an RSA key: larger keys are slow, and the cryptographic library rejects them.
const RSA_BITS_MAX: usize = 8192;

/// The parsed keys of a JWKS, by their published `kid`.
pub(super) struct KeyRing {
    keys: HashMap<String, Ready>,
    /// The first problem of the set as a whole.
    flaw: Option<Refusal>,
    len: usize,
    kids: Arc<[String]>,
    /// Maps the API server's key ID to the published `kid`, for keys where these differ.
    foreign: HashMap<String, String>,
}

/// A key after parsing.
pub(super) struct Ready {
    pub(super) algorithm: Option<Algorithm>,
    /// The kind of the key for display: `RSA 2048`.
    pub(super) kind: String,
    verifying: Result<ParsedPublicKey, Unusable>,
    has_use: bool,
    within_entra: bool,
}

/// Reason why a key is not used for verification.
#[derive(Clone, Debug)]
pub(super) enum Unusable {
    /// No relying party that follows the specifications can use the key.
    Broken(String),
    /// This crate does not support keys of this size; other relying parties may.
    Size(usize),
}

impl Unusable {
    pub(super) fn refusal(self, kid: String) -> Refusal {
        match self {
            Self::Broken(because) => Refusal::KeyUnusable { kid, because },
            Self::Size(bits) => Refusal::KeySize { kid, bits },
        }
    }
}

impl Ready {
    pub(super) fn new(jwk: &Jwk, position: usize) -> Self {
        let key = jwk.key();
        let broken = |because: String| Err(Unusable::Broken(because));
        let verifying = match key {
            Ok(_) if jwk.is_odd("use") || jwk.public_key_use().is_some_and(|text| text != "sig") => {
                broken("its use is not \"sig\"".to_owned())
            }
            Ok(_) if jwk.is_for_other_operations() => broken("its key_ops do not contain \"verify\"".to_owned()),
            Ok(_) if jwk.is_odd("alg") => broken("its alg is not a string".to_owned()),
            Ok(key) if jwk.alg().is_some_and(|alg| alg != key.algorithm().name()) => broken(format!(
                "its alg is {:?}, but the key is for {}",
                clipped(jwk.alg().unwrap_or_default()),
                key.algorithm()
            )),
            Ok(key) if key.algorithm() == Algorithm::Rs256 && !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&key.bits()) => {
                Err(Unusable::Size(key.bits()))
            }
            Ok(key) => ParsedPublicKey::new(verification(key.algorithm()), key.spki_der())
                .or_else(|_| broken("the cryptographic library rejects the key".to_owned())),
            Err(flaw) => broken(flaw.to_string()),
        };
        Self {
            algorithm: key.ok().map(PublicKey::algorithm),
            kind: key.map_or_else(|_| "unknown".to_owned(), ToString::to_string),
            verifying,
            has_use: jwk.public_key_use().is_some(),
            within_entra: position < entra::KEYS_MAX,
        }
    }

    /// Ranks the entries with the same `kid`: the entry that more relying parties accept is used.
    fn suits(&self) -> u8 {
        u8::from(self.verifying.is_ok()) + u8::from(self.verifying.is_ok() && self.has_use)
    }

    /// The parsed key, if the relying party accepts the key.
    pub(super) fn usable(&self, relying_party: RelyingParty) -> Result<&ParsedPublicKey, Unusable> {
        let key = self.verifying.as_ref().map_err(Clone::clone)?;
        match relying_party {
            RelyingParty::Entra if !self.has_use => {
                Err(Unusable::Broken("it has no \"use\":\"sig\", which Entra requires".to_owned()))
            }
            RelyingParty::Entra if !self.within_entra => {
                Err(Unusable::Broken("it is not among the first 100 keys, which Entra stores".to_owned()))
            }
            _ => Ok(key),
        }
    }
}

impl KeyRing {
    pub(super) fn new(jwks: &Jwks) -> Self {
        let (len, kids) = (jwks.keys.len(), Arc::default());
        // A public private key is worse than a malformed entry, so report the private key first.
        let private = jwks.keys.iter().find(|jwk| !jwk.private_members().is_empty());
        let flaw = match (private, jwks.check_entries()) {
            (Some(jwk), _) => Some(Refusal::KeySetPrivate(clipped(jwk.kid().unwrap_or_default()))),
            (None, Err(error)) => Some(Refusal::KeySetContent(error)),
            (None, Ok(())) => None,
        };
        let mut ring = Self { keys: HashMap::new(), flaw, len, kids, foreign: HashMap::new() };
        let mut kids = Vec::new();
        let mut keys: HashMap<&str, &PublicKey> = HashMap::new();
        for (position, jwk) in jwks.keys.iter().enumerate() {
            let kid = jwk.kid().unwrap_or_default();
            // RFC 7517 section 4.5: equivalent keys of several types may share a key ID, different keys must not.
            if let Ok(key) = jwk.key()
                && keys.insert(kid, key).is_some_and(|known| known != key)
                && !kid.is_empty()
            {
                ring.flaw.get_or_insert_with(|| Refusal::KeySetDuplicate { kid: clipped(kid), named: false });
            }
            if let Some(key_id) = jwk.key().ok().map(PublicKey::spki_key_id).filter(|key_id| key_id.as_str() != kid) {
                ring.foreign.entry(key_id.as_str().to_owned()).or_insert_with(|| kid.to_owned());
            }
            let ready = Ready::new(jwk, position);
            match ring.keys.entry(kid.to_owned()) {
                Entry::Occupied(mut known) => {
                    if ready.suits() > known.get().suits() {
                        known.insert(ready);
                    }
                }
                Entry::Vacant(unknown) => {
                    unknown.insert(ready);
                    kids.push(kid.to_owned());
                }
            }
        }
        ring.kids = kids.into();
        let unusable = |ready: &Ready| matches!(ready.verifying, Err(Unusable::Broken(_)));
        if ring.flaw.is_none() && ring.keys.values().all(unusable) {
            ring.flaw = Some(Refusal::KeySetEmpty);
        }
        ring
    }

    /// The ring, unless its set is malformed.
    pub(super) fn readable(self) -> Result<Self, Refusal> {
        match self.flaw {
            Some(refusal @ Refusal::KeySetContent(_)) => Err(refusal),
            _ => Ok(self),
        }
    }

    /// The key with this `kid`.
    pub(super) fn get(&self, kid: &str) -> Option<&Ready> {
        self.keys.get(kid).filter(|_| !kid.is_empty())
    }

    /// Checks the set as a whole for the relying party.
    pub(super) fn judge(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match &self.flaw {
            Some(flaw) => Err(flaw.clone()),
            None if relying_party == RelyingParty::Entra && self.len > entra::KEYS_MAX => {
                Err(Refusal::KeySetTooMany(self.len))
            }
            None => Ok(()),
        }
    }

    /// Describes the set: the number of keys, and the published key IDs that differ from the API server's key IDs.
    pub(super) fn seen(&self) -> String {
        let count = if self.len == 1 { "1 key".to_owned() } else { format!("{} keys", self.len) };
        let foreign: HashSet<_> = self.foreign.values().collect();
        let foreign: Vec<_> =
            self.kids.iter().filter(|kid| foreign.contains(kid)).map(|kid| format!("{kid:?}")).collect();
        if foreign.is_empty() {
            count
        } else {
            format!("{count}, with key IDs that differ from the API server's hash: {}", foreign.join(", "))
        }
    }

    /// The published `kid` of the key with this API server's key ID, if these differ.
    pub(super) fn foreign_kid(&self, key_id: &str) -> Option<&str> {
        self.foreign.get(key_id).map(String::as_str)
    }

    /// The key IDs in their order.
    pub(super) fn kids(&self) -> Arc<[String]> {
        Arc::clone(&self.kids)
    }
}

/// The key determines the algorithm, never the token (RFC 8725 section 3.1).
fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
    }
}

/// Whether a key of this set signed a token; claims are not checked.
pub(crate) fn is_signed_by(token: &Token<'_>, jwks: &Jwks) -> bool {
    let ring = KeyRing::new(jwks);
    let ready = token.header.kid.as_deref().and_then(|kid| ring.get(kid));
    ready.is_some_and(|ready| {
        let pinned = ready.algorithm.is_some_and(|algorithm| algorithm.name() == token.header.alg);
        let key = ready.usable(RelyingParty::Oidc);
        pinned && key.is_ok_and(|key| key.verify_sig(token.signing_input(), token.signature()).is_ok())
    })
}
