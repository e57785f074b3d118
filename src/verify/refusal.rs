use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::CheckName;
use crate::{
    documents::{DocumentError, FetchError},
    entra::{self, Aadsts, CredentialMismatch, NearMiss},
    public_host::NotPublic,
    token::TokenError,
};

/// Reason why a token is refused, with the seen and the expected value.
///
/// ```
/// use issuer::{Aadsts, CheckName, Documents, Expectations, Hint, KeySet, Refusal, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let verifier = Verifier::new(&Documents::new(issuer, &keys))?;
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
///
/// let refusal = verifier.verify(&token, &Expectations::entra(), "2026-11-23T00:00:00Z".parse()?).unwrap_err();
/// assert!(matches!(refusal, Refusal::Expired { .. }));
/// assert_eq!(refusal.to_string(), "expired at 2026-11-22 01:33:42Z, now is 2026-11-23 00:00:00Z");
/// assert_eq!((refusal.check(), refusal.aadsts()), (CheckName::Time, Some(Aadsts::TIME)));
/// assert_eq!(refusal.hint().unwrap(), "read the token file again at each exchange: the kubelet renews the token");
/// assert!(refusal.expected_and_seen().is_none() && !refusal.is_inconclusive());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text is not a token.
    #[error("not a token: {0}")]
    Malformed(TokenError),
    /// A legacy token from a Secret, which has no audience and never expires.
    #[error("a legacy token from a Secret: it has no audience and no expiry")]
    Legacy,
    /// The relying party does not accept the algorithm.
    #[error("algorithm {alg} is not accepted; expected {accepted}")]
    Algorithm {
        /// The token's `alg`.
        alg: String,
        /// The accepted algorithms.
        accepted: &'static str,
    },
    /// The header has no `kid`.
    #[error("the header has no kid")]
    KeyIdMissing,
    /// The header has a type other than `JWT`.
    #[error("the header has typ {0:?}; expected JWT or no typ")]
    Type(String),
    /// The header has critical extensions, which this crate does not support.
    #[error("the header has crit {0:?}; no critical extension is supported")]
    Critical(Vec<String>),
    /// The token has no issuer.
    #[error("the token has no claim iss")]
    IssuerMissing,
    /// The token's issuer is not an issuer URL.
    #[error("{0}")]
    IssuerUrl(String),
    /// The issuer of the token is not the trusted issuer.
    #[error("issuer {seen:?} is not {expected:?}")]
    Issuer {
        /// The trusted issuer.
        expected: String,
        /// The issuer of the token.
        seen: String,
    },
    /// The issuer of the token is not one of the trusted issuers.
    #[error("issuer {seen:?} is not one of the {trusted} trusted issuers")]
    IssuerUntrusted {
        /// The issuer of the token.
        seen: String,
        /// The number of trusted issuers.
        trusted: usize,
    },
    /// Entra cannot reach the issuer, so it cannot fetch the documents.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// Entra cannot reach the `jwks_uri` of the discovery document.
    #[error("Entra cannot reach the jwks_uri {jwks_uri}: its host {because}")]
    JwksUriNotPublic {
        /// The `jwks_uri` of the discovery document.
        jwks_uri: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// The discovery document cannot be fetched.
    #[error("cannot fetch the discovery document: {0}")]
    DiscoveryFetch(FetchError),
    /// The discovery document is not usable.
    #[error("the discovery document is not usable: {0}")]
    DiscoveryContent(DocumentError),
    /// The discovery document names another issuer.
    #[error("the discovery document has the issuer {seen:?}, not {expected:?}")]
    DiscoveryIssuer {
        /// The trusted issuer.
        expected: String,
        /// The issuer in the document.
        seen: String,
        /// Whether a federated identity credential has the trusted issuer. Then Entra fetches the document; otherwise the
        /// credential probably has the issuer in the document, so Entra rejects the token earlier.
        has_credential: bool,
    },
    /// The JWKS cannot be fetched.
    #[error("cannot fetch the JWKS: {0}")]
    KeySetFetch(FetchError),
    /// The JWKS is not usable.
    #[error("the JWKS is not usable: {0}")]
    KeySetContent(DocumentError),
    /// The JWKS has no key that this crate supports.
    #[error("the JWKS holds no usable key")]
    KeySetEmpty,
    /// The JWKS contains private or symmetric keys, which are now public.
    #[error("the JWKS contains private members of key {0:?}")]
    KeySetPrivate(String),
    /// The JWKS has different keys with the same key ID.
    #[error("the JWKS has two different keys with the kid {kid:?}")]
    KeySetDuplicate {
        /// The key ID.
        kid: String,
        /// Whether it is the `kid` of the token.
        named: bool,
    },
    /// The JWKS holds more keys than Entra stores.
    #[error("the JWKS holds {0} keys; Entra stores only the first 100")]
    KeySetTooMany(usize),
    /// The JWKS does not hold the key named by `kid`.
    #[error("the JWKS has no key {kid:?}")]
    KeyNotFound {
        /// The token's `kid`.
        kid: String,
        /// The published key IDs.
        published: Arc<[String]>,
    },
    /// The key is published with another key ID than the API server's.
    #[error("the JWKS has key {kid:?} with another kid, {published:?}")]
    KeyIdForeign {
        /// The token's `kid`.
        kid: String,
        /// The published `kid` of the key.
        published: String,
    },
    /// This crate does not support keys of this size, but Entra may.
    #[error("key {kid:?} of the JWKS has {bits} bits; 2048 to 8192 are supported")]
    KeySize {
        /// The token's `kid`.
        kid: String,
        /// The size in bits.
        bits: usize,
    },
    /// The key named by `kid` is not usable.
    #[error("key {kid:?} of the JWKS is not usable: {because}")]
    KeyUnusable {
        /// The token's `kid`.
        kid: String,
        /// The reason, as a clause.
        because: String,
    },
    /// The algorithm of the token is not the algorithm of the key.
    #[error("algorithm is {alg}, but the key named by kid is for {key_alg}")]
    AlgorithmOfKey {
        /// The token's `alg`.
        alg: String,
        /// The only algorithm of the key.
        key_alg: &'static str,
    },
    /// The signature is not valid.
    #[error("signature verification failed with the key named by kid")]
    Signature,
    /// The lifetime of the token exceeds Entra's limit.
    #[error("{}", lifetime(*.issued, *.expires))]
    Lifetime {
        /// The `iat` of the token. Entra treats a missing `iat` as 0.
        issued: Option<Timestamp>,
        /// The `exp` of the token.
        expires: Timestamp,
    },
    /// No federated identity credential matches the token.
    #[error("{0}")]
    Credential(CredentialMismatch),
    /// The token has no audience.
    #[error("the token has no claim aud")]
    AudienceMissing,
    /// The token has none of the expected audiences.
    #[error("audience {:?} is not {:?}", .seen.join(", "), .expected.join(" or "))]
    Audience {
        /// The expected audiences.
        expected: Vec<String>,
        /// The audiences of the token.
        seen: Vec<String>,
    },
    /// The token has no subject.
    #[error("the token has no claim sub")]
    SubjectMissing,
    /// The subject is not a service account.
    #[error("subject {0:?} is not a service account")]
    SubjectForm(String),
    /// The subject is another service account.
    #[error("subject {seen:?} is not {expected:?}")]
    Subject {
        /// The expected subject.
        expected: String,
        /// The subject of the token.
        seen: String,
    },
    /// The token has no expiry.
    #[error("the token has no claim exp")]
    ExpiryMissing,
    /// The token has expired.
    #[error("expired at {}, now is {}", second(*.at), second(*.now))]
    Expired {
        /// The `exp` of the token.
        at: Timestamp,
        /// The time of the check.
        now: Timestamp,
        /// The allowed clock skew.
        leeway: Duration,
    },
    /// The token is not valid yet.
    #[error("not valid before {}, now is {}", second(*.from), second(*.now))]
    NotYetValid {
        /// The later of `nbf` and `iat` of the token.
        from: Timestamp,
        /// The time of the check.
        now: Timestamp,
        /// The allowed clock skew.
        leeway: Duration,
    },
}

impl Refusal {
    /// The check that failed.
    pub fn check(&self) -> CheckName {
        match self {
            Self::Malformed(_)
            | Self::Legacy
            | Self::Algorithm { .. }
            | Self::KeyIdMissing
            | Self::Type(_)
            | Self::Critical(_) => CheckName::Token,
            Self::IssuerMissing | Self::IssuerUrl(_) | Self::Issuer { .. } | Self::IssuerUntrusted { .. } => {
                CheckName::Issuer
            }
            Self::IssuerNotPublic { .. }
            | Self::DiscoveryFetch(_)
            | Self::DiscoveryContent(_)
            | Self::DiscoveryIssuer { .. } => CheckName::Discovery,
            Self::JwksUriNotPublic { .. }
            | Self::KeySetFetch(_)
            | Self::KeySetContent(_)
            | Self::KeySetEmpty
            | Self::KeySetPrivate(_)
            | Self::KeySetDuplicate { .. }
            | Self::KeySetTooMany(_) => CheckName::KeySet,
            Self::KeyNotFound { .. } | Self::KeyIdForeign { .. } | Self::KeySize { .. } | Self::KeyUnusable { .. } => {
                CheckName::Key
            }
            Self::AlgorithmOfKey { .. } | Self::Signature => CheckName::Signature,
            Self::Lifetime { .. } => CheckName::Lifetime,
            Self::Credential(_) => CheckName::Credential,
            Self::AudienceMissing | Self::Audience { .. } => CheckName::Audience,
            Self::SubjectMissing | Self::SubjectForm(_) | Self::Subject { .. } => CheckName::Subject,
            Self::ExpiryMissing | Self::Expired { .. } | Self::NotYetValid { .. } => CheckName::Time,
        }
    }

    /// The code of Entra's error for this token; `None` if Entra may accept the token.
    pub fn aadsts(&self) -> Option<Aadsts> {
        Some(match self {
            Self::Malformed(TokenError::Empty) => Aadsts::NO_ASSERTION,
            Self::Malformed(_) | Self::Critical(_) => Aadsts::MALFORMED,
            // The text of `ALGORITHM` lists RS384 and RS512 as supported, but Microsoft documents only RS256.
            Self::Algorithm { alg, .. } if alg == "RS384" || alg == "RS512" => return None,
            Self::Algorithm { .. } => Aadsts::ALGORITHM,
            Self::KeyIdMissing => Aadsts::KEY_ID_MISSING,
            Self::Type(_) => Aadsts::TYPE,
            Self::Legacy | Self::IssuerMissing | Self::AudienceMissing | Self::SubjectMissing | Self::ExpiryMissing => {
                Aadsts::CLAIM_MISSING
            }
            Self::DiscoveryIssuer { has_credential: true, .. } => Aadsts::DISCOVERY,
            Self::IssuerUrl(_) | Self::Issuer { .. } | Self::IssuerUntrusted { .. } | Self::DiscoveryIssuer { .. } => {
                Aadsts::ISSUER
            }
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) if error.is_blocked() => Aadsts::BLOCKED,
            Self::DiscoveryFetch(FetchError::Encoded { .. }) | Self::DiscoveryContent(_) => Aadsts::DISCOVERY,
            Self::KeySetFetch(FetchError::Encoded { .. }) | Self::KeySetContent(_) => Aadsts::KEY_SET,
            // Only this crate has this limit.
            Self::DiscoveryFetch(FetchError::TooLong { .. }) | Self::KeySetFetch(FetchError::TooLong { .. }) => {
                return None;
            }
            Self::IssuerNotPublic { .. }
            | Self::JwksUriNotPublic { .. }
            | Self::DiscoveryFetch(_)
            | Self::KeySetFetch(_) => Aadsts::UNREACHABLE,
            Self::KeySetEmpty | Self::KeyNotFound { .. } | Self::KeyIdForeign { .. } | Self::KeyUnusable { .. } => {
                Aadsts::KEY_NOT_FOUND
            }
            Self::KeySetPrivate(_)
            | Self::KeySetTooMany(_)
            | Self::KeySetDuplicate { named: false, .. }
            | Self::KeySize { .. } => return None,
            Self::KeySetDuplicate { named: true, .. } | Self::AlgorithmOfKey { .. } | Self::Signature => {
                Aadsts::SIGNATURE
            }
            Self::Lifetime { .. } => Aadsts::LIFETIME,
            Self::Credential(mismatch) => return mismatch.aadsts(),
            Self::Audience { .. } => Aadsts::AUDIENCE,
            Self::Subject { expected, seen } if expected.eq_ignore_ascii_case(seen) => Aadsts::SUBJECT_CASE,
            Self::SubjectForm(_) | Self::Subject { .. } => Aadsts::SUBJECT,
            Self::Expired { .. } | Self::NotYetValid { .. } => Aadsts::TIME,
        })
    }

    /// The expected and the seen string, for refusals that compare two strings.
    pub fn expected_and_seen(&self) -> Option<(String, String)> {
        match self {
            Self::Issuer { expected, seen }
            | Self::DiscoveryIssuer { expected, seen, .. }
            | Self::Subject { expected, seen } => Some((expected.clone(), seen.clone())),
            Self::Credential(mismatch) => mismatch.expected_and_seen(),
            Self::Audience { expected, seen } => Some((expected.join(" or "), seen.join(", "))),
            _ => None,
        }
    }

    /// How the compared strings differ, if the difference has a name.
    pub fn near_miss(&self) -> Option<NearMiss> {
        match self {
            Self::Credential(mismatch) => mismatch.nearest()?.near_miss,
            Self::Issuer { expected, seen } => NearMiss::between(expected, seen),
            _ => None,
        }
    }

    /// Whether the state of the documents is unknown, so that a later attempt may accept the token.
    pub fn is_inconclusive(&self) -> bool {
        match self {
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) => error.is_inconclusive(),
            _ => false,
        }
    }
}

/// A duration for display, such as `1h` or `87600h`.
pub(super) fn hours(duration: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(duration.as_secs()))
}

/// Quoted strings, separated by commas.
pub(super) fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn lifetime(issued: Option<Timestamp>, expires: Timestamp) -> String {
    let limit = hours(entra::LIFETIME_MAX.try_into().unwrap_or(SignedDuration::MAX));
    match issued {
        Some(issued) => {
            let lives = hours(expires.duration_since(issued));
            format!("the token has a lifetime of {lives}; Entra accepts at most {limit}")
        }
        None => format!("the token has no iat, which Entra treats as the year 1970; Entra accepts at most {limit}"),
    }
}

/// A time for display, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
