use super::ClocksApart;
use crate::{documents::DocumentError, hint::Hint, public_host::NotPublic};

/// Why a plan is not carried out: each is an outage somebody would have to explain.
///
/// ```
/// use issuer::{Hint, KeySet, CurrentState, Plan, PlanRefusal, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/mixed-keys/p256.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let refusal = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).refusals.remove(0);
/// assert_eq!(refusal, PlanRefusal::NoRsaKey);
/// assert_eq!(refusal.to_string(), "no key is RSA, and Entra takes RS256 alone");
/// assert!(refusal.hint().unwrap().starts_with("sign with an RSA key"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanRefusal {
    /// Another issuer is published at this place.
    #[error("the published issuer is {current:?}, and publishing would change it to {desired:?}")]
    IssuerChange {
        /// The string that is published.
        current: String,
        /// The string that is wanted.
        desired: String,
    },
    /// The published discovery document points to a JWKS that is not below the issuer.
    #[error("the published jwks_uri is {current:?}, not below the issuer, and its keys would no longer be found")]
    JwksUriChange {
        /// The `jwks_uri` that is published.
        current: String,
    },
    /// A published document cannot be read, so what would be lost with it is not known.
    #[error("the published {document} cannot be read, and what was in it would be lost: {error}")]
    Unreadable {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// No key Entra takes tokens of.
    #[error("no key is RSA, and Entra takes RS256 alone")]
    NoRsaKey,
    /// More keys than Entra reads.
    #[error("{0} keys would be published, and Entra reads the first 100")]
    TooManyKeys(usize),
    /// An RSA key too small for RS256 (RFC 7518 section 3.3).
    #[error("key {kid} has {bits} bits, and RS256 needs 2048")]
    RsaTooSmall {
        /// Its key ID.
        kid: String,
        /// Its size in bits.
        bits: usize,
    },
    /// Entra cannot reach the issuer, so it cannot read what is published.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// Two different keys would be published under one key ID.
    #[error("the JWKS would have two different keys with the key ID {0:?}")]
    KeyIdTwice(String),
    /// A key is asked to go that the input holds.
    #[error("key {0} is to be removed, and it is in the input")]
    RemoveWanted(String),
    /// Unknown keys are to go, and no record says which keys are known.
    #[error("--remove-unknown needs the retention record of the site, and there is none that can be read")]
    NoRecord,
    /// A later version of `issuer` wrote the retention record.
    #[error("a later version of issuer wrote the retention record of the site (record version {0})")]
    LaterRecord(u64),
    /// Keys are to be pruned by a clock that may be wrong.
    #[error("keys are not pruned by a clock that may be wrong: {0}")]
    PruneByWrongClock(ClocksApart),
}

impl Hint for PlanRefusal {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::IssuerChange { current, .. } => format!(
                "pass --issuer {current}, or --allow-issuer-change once every API server and federated credential has the new string"
            ),
            Self::JwksUriChange { current } => {
                format!("add the keys of {current} to the input, then pass --allow-jwks-uri-change")
            }
            Self::Unreadable { .. } => {
                "mend it by hand, or pass --replace-unreadable and the keys of every API server it is for".to_owned()
            }
            Self::NoRsaKey => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
                    .to_owned()
            }
            Self::TooManyKeys(_) => "pass only the keys in use; drop those that are due with --prune, and those that the record does not know with --remove-unknown".to_owned(),
            Self::RsaTooSmall { .. } => "rotate to an RSA key of 2048 bits or more".to_owned(),
            Self::IssuerNotPublic { .. } => {
                "set --service-account-issuer of the API server to a public https URL and publish with it; pass --allow-private-issuer to publish all the same, or --for oidc for another relying party"
                    .to_owned()
            }
            Self::KeyIdTwice(kid) => {
                format!("pass --remove {kid} to drop both")
            }
            Self::NoRecord => {
                "publish without --remove-unknown, which records every published key; drop single keys with --remove KID".to_owned()
            }
            Self::LaterRecord(_) => {
                "use the version of issuer that published last; --replace-unreadable overwrites the record".to_owned()
            }
            Self::PruneByWrongClock(_) => {
                "set the clock of this machine (NTP), or leave out --prune until the clocks agree".to_owned()
            }
            Self::RemoveWanted(_) => "leave it out of the input, or leave out --remove".to_owned(),
        };
        Some(hint)
    }
}
