use std::collections::HashMap;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};

use super::{Refusal, RelyingParty};
use crate::{Algorithm, Jwk, documents::Jwks, entra};

/// The smallest RSA key RS256 may be used with (RFC 7518 section 3.3).
const RSA_BITS_MIN: usize = 2048;
/// The largest RSA key verified with: larger ones only burn time, and the library refuses them.
const RSA_BITS_MAX: usize = 8192;

/// The keys of a JWKS, each parsed once, by the `kid` they are published under.
pub(super) struct KeyRing {
    keys: HashMap<String, Ready>,
    /// The first thing wrong with the set as a whole.
    flaw: Option<Refusal>,
    len: usize,
    kids: Vec<String>,
}

/// One key, ready to verify or not.
pub(super) struct Ready {
    pub(super) algorithm: Option<Algorithm>,
    /// What people call the key: `RSA 2048`.
    pub(super) kind: String,
    verifying: Result<ParsedPublicKey, String>,
    has_use: bool,
    within_entra: bool,
}

impl Ready {
    fn new(jwk: &Jwk, position: usize) -> Self {
        let key = jwk.key();
        let verifying = match key {
            Ok(_) if jwk.public_key_use().is_some_and(|text| text != "sig") => Err("its use is not \"sig\"".to_owned()),
            Ok(key) if jwk.alg().is_some_and(|alg| alg != key.algorithm().name()) => {
                Err(format!("its alg is {:?}, and the key is for {}", jwk.alg().unwrap_or_default(), key.algorithm()))
            }
            Ok(key) if key.algorithm() == Algorithm::Rs256 && !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&key.bits()) => {
                Err(format!("it has {} bits, and {RSA_BITS_MIN} to {RSA_BITS_MAX} are verified with", key.bits()))
            }
            Ok(key) => ParsedPublicKey::new(verification(key.algorithm()), key.spki_der())
                .map_err(|_| "the cryptographic library refuses it".to_owned()),
            Err(flaw) => Err(flaw.to_string()),
        };
        Self {
            algorithm: key.ok().map(crate::PublicKey::algorithm),
            kind: key.map_or_else(|_| "unknown".to_owned(), ToString::to_string),
            verifying,
            has_use: jwk.public_key_use().is_some(),
            within_entra: position < entra::KEYS_MAX,
        }
    }

    /// The key to verify with, where the relying party takes it.
    pub(super) fn usable(&self, relying_party: RelyingParty) -> Result<&ParsedPublicKey, String> {
        let key = self.verifying.as_ref().map_err(Clone::clone)?;
        match relying_party {
            RelyingParty::Entra if !self.has_use => Err("it has no \"use\":\"sig\", which Entra asks for".to_owned()),
            RelyingParty::Entra if !self.within_entra => {
                Err("it is not among the first 100, which Entra stores".to_owned())
            }
            _ => Ok(key),
        }
    }
}

impl KeyRing {
    pub(super) fn new(jwks: &Jwks) -> Self {
        let mut ring = Self { keys: HashMap::new(), flaw: None, len: jwks.keys.len(), kids: Vec::new() };
        let mut first: HashMap<&str, &Jwk> = HashMap::new();
        for (position, jwk) in jwks.keys.iter().enumerate() {
            let kid = jwk.kid().unwrap_or_default();
            if !jwk.private_members().is_empty() {
                ring.flaw.get_or_insert_with(|| Refusal::KeySetPrivate(kid.to_owned()));
            }
            match first.get(kid) {
                Some(known) if known.key() != jwk.key() && !kid.is_empty() => {
                    ring.flaw.get_or_insert_with(|| Refusal::KeySetDuplicate(kid.to_owned()));
                }
                Some(_) => {}
                None => {
                    first.insert(kid, jwk);
                    ring.keys.insert(kid.to_owned(), Ready::new(jwk, position));
                    ring.kids.push(kid.to_owned());
                }
            }
        }
        if ring.flaw.is_none() && ring.keys.values().all(|ready| ready.verifying.is_err()) {
            ring.flaw = Some(Refusal::KeySetEmpty);
        }
        ring
    }

    /// The key a token names.
    pub(super) fn get(&self, kid: &str) -> Option<&Ready> {
        self.keys.get(kid).filter(|_| !kid.is_empty())
    }

    /// Whether the set as a whole is fit for the relying party.
    pub(super) fn judge(&self, relying_party: RelyingParty) -> Result<(), Refusal> {
        match &self.flaw {
            Some(flaw) => Err(flaw.clone()),
            None if relying_party == RelyingParty::Entra && self.len > entra::KEYS_MAX => {
                Err(Refusal::KeySetTooMany(self.len))
            }
            None => Ok(()),
        }
    }

    /// How many entries the set has.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The key IDs in their order.
    pub(super) fn kids(&self) -> &[String] {
        &self.kids
    }
}

/// The algorithm is the key's own, never the token's choice (RFC 8725 section 3.1).
fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
        Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
        Algorithm::Es512 => &signature::ECDSA_P521_SHA512_FIXED,
    }
}
