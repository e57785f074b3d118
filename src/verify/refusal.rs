use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::CheckName;
use crate::{
    documents::{DocumentError, FetchError},
    entra::{self, Aadsts},
    public_host::NotPublic,
    token::TokenError,
};

/// Why a token is refused: what was seen, and what was expected instead.
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
/// assert_eq!(refusal.hint().unwrap(), "read the token file again at each exchange: the kubelet renews it");
/// assert!(refusal.expected_and_seen().is_none() && !refusal.is_inconclusive());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The text is not a token.
    #[error("not a token: {0}")]
    Malformed(TokenError),
    /// A token from a Secret, which names no audience and never expires.
    #[error("a legacy token from a Secret: it has no audience and no expiry")]
    Legacy,
    /// The relying party does not take the algorithm.
    #[error("algorithm {alg}, and {accepted} is taken")]
    Algorithm {
        /// The token's `alg`.
        alg: String,
        /// What is taken instead.
        accepted: &'static str,
    },
    /// The header names no key.
    #[error("its header has no kid")]
    KeyIdMissing,
    /// The header has a type other than `JWT`.
    #[error("its header has typ {0:?}, and JWT or none is taken")]
    Type(String),
    /// The header asks for extensions nobody here understands.
    #[error("its header has crit {0:?}, which is not understood")]
    Critical(Vec<String>),
    /// The token names no issuer.
    #[error("it has no claim iss")]
    IssuerMissing,
    /// The token's issuer is not an issuer URL.
    #[error("{0}")]
    IssuerUrl(String),
    /// The token's issuer is not the trusted one.
    #[error("issuer {seen:?} is not {expected:?}")]
    Issuer {
        /// The trusted issuer.
        expected: String,
        /// The token's.
        seen: String,
    },
    /// The token's issuer is none of those that are trusted.
    #[error("issuer {seen:?} is none of the {trusted} that are trusted")]
    IssuerUntrusted {
        /// The token's.
        seen: String,
        /// How many are trusted.
        trusted: usize,
    },
    /// Entra cannot read the documents of this issuer, whatever is published there.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// Entra cannot read the JWKS that the discovery document points to.
    #[error("Entra cannot reach the jwks_uri {jwks_uri}: its host {because}")]
    JwksUriNotPublic {
        /// The `jwks_uri` of the discovery document.
        jwks_uri: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// The discovery document could not be fetched.
    #[error("cannot fetch the discovery document: {0}")]
    DiscoveryFetch(FetchError),
    /// The discovery document is not one.
    #[error("the discovery document is not usable: {0}")]
    DiscoveryContent(DocumentError),
    /// The discovery document names another issuer.
    #[error("the discovery document has the issuer {seen:?}, not {expected:?}")]
    DiscoveryIssuer {
        /// The trusted issuer.
        expected: String,
        /// The document's.
        seen: String,
    },
    /// The JWKS could not be fetched.
    #[error("cannot fetch the JWKS: {0}")]
    KeySetFetch(FetchError),
    /// The JWKS is not one.
    #[error("the JWKS is not usable: {0}")]
    KeySetContent(DocumentError),
    /// No entry of the JWKS is a key this crate verifies with.
    #[error("the JWKS holds no usable key")]
    KeySetEmpty,
    /// The JWKS holds private or symmetric keys, which everybody can read now.
    #[error("the JWKS holds the private part of key {0:?}")]
    KeySetPrivate(String),
    /// The JWKS gives one key ID to different keys.
    #[error("the JWKS has two different keys with the kid {kid:?}")]
    KeySetDuplicate {
        /// The key ID.
        kid: String,
        /// Whether it is the one the token names.
        named: bool,
    },
    /// The JWKS holds more keys than Entra stores.
    #[error("the JWKS holds {0} keys, and Entra stores the first 100")]
    KeySetTooMany(usize),
    /// The JWKS does not hold the key the token names.
    #[error("the JWKS has no key {kid:?}")]
    KeyNotFound {
        /// The token's `kid`.
        kid: String,
        /// The key IDs that are published.
        published: Arc<[String]>,
    },
    /// The key the token names is published under another key ID than the API server's.
    #[error("the JWKS has key {kid:?} under the kid {published:?}")]
    KeyIdForeign {
        /// The token's `kid`.
        kid: String,
        /// The `kid` the key is published under.
        published: String,
    },
    /// The key the token names has a size this crate does not verify with, which Entra may.
    #[error("key {kid:?} of the JWKS has {bits} bits, and 2048 to 8192 are verified with")]
    KeySize {
        /// The token's `kid`.
        kid: String,
        /// The size in bits.
        bits: usize,
    },
    /// The key the token names is there and cannot be used.
    #[error("key {kid:?} of the JWKS is not usable: {because}")]
    KeyUnusable {
        /// The token's `kid`.
        kid: String,
        /// Why, as a clause.
        because: String,
    },
    /// The key verifies another algorithm than the token claims.
    #[error("algorithm {alg}, and the key it names is for {key_alg}")]
    AlgorithmOfKey {
        /// The token's `alg`.
        alg: String,
        /// The key's one algorithm.
        key_alg: &'static str,
    },
    /// The signature is not one of the key.
    #[error("the signature is not one of the key it names")]
    Signature,
    /// The token lives longer than Entra accepts.
    #[error("{}", lifetime(*.issued, *.expires))]
    Lifetime {
        /// Its `iat`. Entra counts a missing one as 0.
        issued: Option<Timestamp>,
        /// Its `exp`.
        expires: Timestamp,
    },
    /// The token names no audience.
    #[error("it has no claim aud")]
    AudienceMissing,
    /// The token is for others.
    #[error("audience {:?} is not {:?}", .seen.join(", "), .expected.join(" or "))]
    Audience {
        /// The audiences of which one is enough.
        expected: Vec<String>,
        /// The token's.
        seen: Vec<String>,
    },
    /// The token has no subject.
    #[error("it has no claim sub")]
    SubjectMissing,
    /// The subject is not that of a service account.
    #[error("subject {0:?} is not a service account's")]
    SubjectForm(String),
    /// The token is of another service account.
    #[error("subject {seen:?} is not {expected:?}")]
    Subject {
        /// The expected subject.
        expected: String,
        /// The token's.
        seen: String,
    },
    /// The token never expires.
    #[error("it has no claim exp")]
    ExpiryMissing,
    /// The token has expired.
    #[error("expired at {}, now is {}", second(*.at), second(*.now))]
    Expired {
        /// Its `exp`.
        at: Timestamp,
        /// The time it was judged at.
        now: Timestamp,
        /// The leeway it was given.
        leeway: Duration,
    },
    /// The token is not valid yet.
    #[error("not valid before {}, now is {}", second(*.from), second(*.now))]
    NotYetValid {
        /// The later of its `nbf` and `iat`.
        from: Timestamp,
        /// The time it was judged at.
        now: Timestamp,
        /// The leeway it was given.
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
            Self::AudienceMissing | Self::Audience { .. } => CheckName::Audience,
            Self::SubjectMissing | Self::SubjectForm(_) | Self::Subject { .. } => CheckName::Subject,
            Self::ExpiryMissing | Self::Expired { .. } | Self::NotYetValid { .. } => CheckName::Time,
        }
    }

    /// The code Entra will answer with; `None` where Entra takes what is refused here.
    pub fn aadsts(&self) -> Option<Aadsts> {
        Some(match self {
            Self::Malformed(TokenError::Empty) => Aadsts::NO_ASSERTION,
            Self::Malformed(_) | Self::Critical(_) => Aadsts::MALFORMED,
            // The text of `ALGORITHM` lists RS384 and RS512 as supported, Microsoft's documentation RS256 only.
            Self::Algorithm { alg, .. } if alg == "RS384" || alg == "RS512" => return None,
            Self::Algorithm { .. } => Aadsts::ALGORITHM,
            Self::KeyIdMissing => Aadsts::KEY_ID_MISSING,
            Self::Type(_) => Aadsts::TYPE,
            Self::Legacy | Self::IssuerMissing | Self::AudienceMissing | Self::SubjectMissing | Self::ExpiryMissing => {
                Aadsts::CLAIM_MISSING
            }
            Self::IssuerUrl(_) | Self::Issuer { .. } | Self::IssuerUntrusted { .. } | Self::DiscoveryIssuer { .. } => {
                Aadsts::ISSUER
            }
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) if error.is_blocked() => Aadsts::BLOCKED,
            Self::DiscoveryFetch(FetchError::Encoded { .. }) | Self::DiscoveryContent(_) => Aadsts::DISCOVERY,
            Self::KeySetFetch(FetchError::Encoded { .. }) | Self::KeySetContent(_) => Aadsts::KEY_SET,
            // The limit is this crate's own.
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
            Self::Audience { .. } => Aadsts::AUDIENCE,
            Self::Subject { expected, seen } if expected.eq_ignore_ascii_case(seen) => Aadsts::SUBJECT_CASE,
            Self::SubjectForm(_) | Self::Subject { .. } => Aadsts::SUBJECT,
            Self::Expired { .. } | Self::NotYetValid { .. } => Aadsts::TIME,
        })
    }

    /// What was expected and what was seen, where the two are strings to hold against each other.
    pub fn expected_and_seen(&self) -> Option<(String, String)> {
        match self {
            Self::Issuer { expected, seen }
            | Self::DiscoveryIssuer { expected, seen }
            | Self::Subject { expected, seen } => Some((expected.clone(), seen.clone())),
            Self::Audience { expected, seen } => Some((expected.join(" or "), seen.join(", "))),
            _ => None,
        }
    }

    /// Whether nothing is known of the documents: another attempt, or another place, may find the token good.
    pub fn is_inconclusive(&self) -> bool {
        match self {
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) => error.is_inconclusive(),
            _ => false,
        }
    }
}

/// A duration for people, such as `1h` or `87600h`.
pub(super) fn hours(duration: SignedDuration) -> String {
    format!("{:#}", SignedDuration::from_secs(duration.as_secs()))
}

/// Strings as a list in a sentence.
pub(super) fn listed(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

fn lifetime(issued: Option<Timestamp>, expires: Timestamp) -> String {
    let limit = hours(entra::LIFETIME_MAX.try_into().unwrap_or(SignedDuration::MAX));
    match issued {
        Some(issued) => {
            let lives = hours(expires.duration_since(issued));
            format!("the token lives {lives}, and Entra accepts at most {limit}")
        }
        None => format!("the token has no iat, which Entra counts as 1970: it accepts a lifetime of at most {limit}"),
    }
}

/// A time for people, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
