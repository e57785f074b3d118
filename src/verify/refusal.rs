use std::{sync::Arc, time::Duration};

use jiff::Timestamp;

use super::{CheckName, clipped::first_of};
use crate::{documents::DocumentError, entra::Aadsts, published::FetchError, token::TokenError};

/// Why a token is refused: what was seen, and what was expected instead.
///
/// ```
/// use issuer::{CheckName, Documents, Expectations, KeySet, Refusal, Verifier};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let verifier = Verifier::new(&Documents::new(issuer, &keys))?;
/// let token = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
///
/// let refusal = verifier.verify(&token, &Expectations::entra(), "2026-11-23T00:00:00Z".parse()?).unwrap_err();
/// assert!(matches!(refusal, Refusal::Expired { .. }));
/// assert_eq!(refusal.to_string(), "expired at 2026-11-22 01:33:42Z, now is 2026-11-23 00:00:00Z");
/// assert_eq!((refusal.check(), refusal.aadsts().unwrap().code()), (CheckName::Time, 700024));
/// assert_eq!(refusal.fix(), "read the token file again at each exchange: the kubelet renews it");
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
    /// The discovery document could not be fetched.
    #[error("the discovery document cannot be fetched: {0}")]
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
    #[error("the JWKS cannot be fetched: {0}")]
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
            Self::DiscoveryFetch(_) | Self::DiscoveryContent(_) | Self::DiscoveryIssuer { .. } => CheckName::Discovery,
            Self::KeySetFetch(_)
            | Self::KeySetContent(_)
            | Self::KeySetEmpty
            | Self::KeySetPrivate(_)
            | Self::KeySetDuplicate { .. }
            | Self::KeySetTooMany(_) => CheckName::KeySet,
            Self::KeyNotFound { .. } | Self::KeyIdForeign { .. } | Self::KeySize { .. } | Self::KeyUnusable { .. } => {
                CheckName::Key
            }
            Self::AlgorithmOfKey { .. } | Self::Signature => CheckName::Signature,
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
            // Entra's own words name RS384 and RS512 as supported (AADSTS5002738), its documentation RS256 alone.
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
            Self::DiscoveryFetch(FetchError::Status { status: 401 | 403, .. })
            | Self::KeySetFetch(FetchError::Status { status: 401 | 403, .. }) => Aadsts::BLOCKED,
            // The limit is this crate's own.
            Self::DiscoveryFetch(FetchError::TooLong { .. }) | Self::KeySetFetch(FetchError::TooLong { .. }) => {
                return None;
            }
            Self::DiscoveryFetch(_) | Self::KeySetFetch(_) => Aadsts::UNREACHABLE,
            Self::DiscoveryContent(_) => Aadsts::DISCOVERY,
            Self::KeySetContent(_) => Aadsts::KEY_SET,
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

    /// What to change so that the token, or the next one, is accepted.
    pub fn fix(&self) -> String {
        match self {
            Self::Malformed(TokenError::Empty) => {
                "check that the file is the projected volume's and the kubelet has written it".to_owned()
            }
            Self::Malformed(_) => "pass the projected token itself, as the kubelet wrote it".to_owned(),
            Self::Legacy => "project a token: a serviceAccountToken volume, or `kubectl create token`".to_owned(),
            Self::Algorithm { alg, .. } if alg.starts_with("ES") => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
                    .to_owned()
            }
            Self::Algorithm { .. } => "use a token the API server signed".to_owned(),
            Self::KeyIdMissing | Self::Type(_) | Self::Critical(_) => {
                "use a token the API server signed; another signer made this one".to_owned()
            }
            Self::IssuerMissing => "set the API server's --service-account-issuer".to_owned(),
            Self::IssuerUrl(_) => {
                "set --service-account-issuer to the https URL the documents are published at".to_owned()
            }
            Self::Issuer { expected, seen } => issuer_fix(expected, seen),
            Self::IssuerUntrusted { seen, .. } => {
                format!("trust {seen:?} too, if it is yours; a token that a stranger made is rightly refused")
            }
            Self::DiscoveryIssuer { expected: seen, seen: expected } => format!(
                "{} (a federated credential that has the token's own string is answered AADSTS501661 instead)",
                issuer_fix(expected, seen)
            ),
            Self::DiscoveryFetch(error) | Self::KeySetFetch(error) => fetch_fix(error),
            Self::DiscoveryContent(_) | Self::KeySetContent(_) | Self::KeySetEmpty => {
                "publish both documents again: issuer publish".to_owned()
            }
            Self::KeySetPrivate(_) => "rotate the signing key now, and publish only public keys".to_owned(),
            Self::KeySetDuplicate { .. } => {
                "publish again: issuer publish writes each key under its own key ID".to_owned()
            }
            Self::KeySetTooMany(_) => "drop retired keys: issuer publish --prune".to_owned(),
            Self::KeyNotFound { published, .. } => {
                let published = if published.is_empty() { "none".to_owned() } else { first_of(published).join(", ") };
                format!("publish the API server's current public key with issuer publish; published now: {published}")
            }
            Self::KeyIdForeign { .. } => {
                "publish again: issuer publish writes each key under the API server's own key ID".to_owned()
            }
            Self::KeySize { .. } => "rotate to an RSA key of 2048 to 8192 bits".to_owned(),
            Self::KeyUnusable { .. } => "publish that key again: issuer publish".to_owned(),
            Self::AlgorithmOfKey { .. } | Self::Signature => {
                "use the token as the API server issued it; if it was, publish that server's own sa.pub".to_owned()
            }
            Self::AudienceMissing => "project a token with an audience".to_owned(),
            Self::Audience { expected, .. } => format!(
                "project a token for {} (audience of the pod's serviceAccountToken volume)",
                expected.join(" or ")
            ),
            Self::SubjectMissing | Self::SubjectForm(_) => {
                "use a token the API server issued to a service account".to_owned()
            }
            Self::Subject { seen, .. } => {
                format!("use that service account in the pod, or make the federated credential's subject {seen}")
            }
            Self::ExpiryMissing => "project a token: the API server gives it an expiry".to_owned(),
            Self::Expired { .. } => "read the token file again at each exchange: the kubelet renews it".to_owned(),
            Self::NotYetValid { .. } => "set the clocks of control plane and client (NTP)".to_owned(),
        }
    }
}

/// A time for people, to the second.
pub(super) fn second(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn issuer_fix(expected: &str, seen: &str) -> String {
    let cause = if expected.trim_end_matches('/') == seen.trim_end_matches('/') {
        "they differ by a trailing slash: "
    } else if expected.eq_ignore_ascii_case(seen) {
        "they differ in upper and lower case: "
    } else {
        ""
    };
    format!(
        "{cause}use one string in --service-account-issuer, the discovery document and the federated credential; \
         {expected} is published or expected, {seen} is what tokens say"
    )
}

fn fetch_fix(error: &FetchError) -> String {
    match error {
        FetchError::NoAnswer { .. } | FetchError::Unreadable { .. } => {
            "check the name, the network and the certificate; Entra needs to reach it from the internet".to_owned()
        }
        FetchError::Status { status: 401 | 403, .. } => {
            "let everybody read it: a storage firewall or a private container hides it from Entra".to_owned()
        }
        FetchError::Status { status: 404, is_html: true, .. } => {
            "publish the documents there: issuer publish; a static website answers so for what is not in its $web container, and for everything while it is off".to_owned()
        }
        FetchError::Status { status: 404, .. } | FetchError::NotThere(_) => {
            "publish the documents there: issuer publish; where --published is given, it stands in for the whole issuer URL, path included".to_owned()
        }
        FetchError::Status { .. } => "try again; if it stays, look at the server in front of the documents".to_owned(),
        FetchError::TooLong { .. } => "publish the documents again: issuer publish".to_owned(),
        FetchError::Redirect { .. } => "serve the documents at the issuer URL itself".to_owned(),
        FetchError::Elsewhere(_) => "pass --published with a URL, or the keys with --jwks".to_owned(),
        FetchError::NotHttps(_) => {
            "publish a discovery document whose jwks_uri is below the issuer: issuer publish".to_owned()
        }
    }
}
