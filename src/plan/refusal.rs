use std::collections::BTreeSet;

use super::{ClocksApart, Owner, owners_text};
use crate::{documents::DocumentError, hint::Hint, public_host::NotPublic};

/// Reason why a plan must not be applied, because it would cause an outage.
///
/// ```
/// use issuer::{Hint, KeySet, CurrentState, Plan, PlanRefusal, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/mixed-keys/p256.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let refusal = Plan::new(&CurrentState::default(), &desired, Timestamp::now()).refusals.remove(0);
/// assert_eq!(refusal, PlanRefusal::NoRsaKey);
/// assert_eq!(refusal.to_string(), "no key is an RSA key; Entra accepts only RS256");
/// assert!(refusal.hint().unwrap().starts_with("sign with an RSA key"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanRefusal {
    /// The site publishes another issuer.
    #[error("the published issuer is {current:?}; publishing would change it to {desired:?}")]
    IssuerChange {
        /// The published issuer.
        current: String,
        /// The desired issuer.
        desired: String,
    },
    /// The `jwks_uri` of the published discovery document is not below the issuer.
    #[error(
        "the published jwks_uri {current:?} is not below the issuer; relying parties would no longer find the keys there"
    )]
    JwksUriChange {
        /// The published `jwks_uri`.
        current: String,
    },
    /// A published document cannot be parsed, so publishing would overwrite unknown contents.
    #[error("the published {document} cannot be parsed, and publishing would overwrite its contents: {error}")]
    Unreadable {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// Why the document cannot be parsed.
        error: DocumentError,
    },
    /// No key that Entra accepts.
    #[error("no key is an RSA key; Entra accepts only RS256")]
    NoRsaKey,
    /// More keys than Entra stores.
    #[error("{0} keys would be published; Entra stores only the first 100")]
    TooManyKeys(usize),
    /// An RSA key that is too small for RS256 (RFC 7518 section 3.3).
    #[error("key {kid} has {bits} bits; RS256 requires at least 2048")]
    RsaTooSmall {
        /// The key ID.
        kid: String,
        /// The size in bits.
        bits: usize,
    },
    /// Entra cannot reach the issuer, so it cannot fetch the documents.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// Two different keys would be published with the same key ID.
    #[error("the JWKS would have two different keys with the key ID {0:?}")]
    KeyIdTwice(String),
    /// The caller requested the removal of a key that is in the input.
    #[error("cannot remove key {0}: this key is in the input")]
    RemoveWanted(String),
    /// The caller requested the removal of a key that other owners hold.
    #[error("cannot remove key {kid}: it belongs to {}", owners_text(.owners))]
    RemoveOfOthers {
        /// The key ID.
        kid: String,
        /// The other owners.
        owners: BTreeSet<Owner>,
    },
    /// A key of the input would replace another key with the same key ID, which other owners hold.
    #[error("another key with the key ID {kid:?} is published, which belongs to {}", owners_text(.owners))]
    KeyIdOfOthers {
        /// The key ID.
        kid: String,
        /// The other owners.
        owners: BTreeSet<Owner>,
    },
    /// A key of the input would replace another key with the same key ID. Only one of them can be published.
    #[error("another key with the key ID {0:?} is published, and replacing it makes its tokens invalid at once")]
    KeyIdReused(String),
    /// No key would be published. Relying parties reject an empty JWKS.
    #[error("no key would be published, and relying parties reject an empty JWKS")]
    NoKeyLeft,
    /// The retention record is too long for the site.
    #[error(
        "the retention record of {keys} keys with {owners} owners has {bytes} bytes, and the site stores at most {max}"
    )]
    RecordTooLong {
        /// The length of the record.
        bytes: usize,
        /// The maximum length on this site.
        max: usize,
        /// The number of keys in the record.
        keys: usize,
        /// The number of owners in the record.
        owners: usize,
    },
    /// The caller requested the removal of unknown keys, but no retention record lists the known keys.
    #[error("--remove-unknown requires a retention record, and the site has none that can be parsed")]
    NoRecord,
    /// A later version of `issuer` wrote the retention record.
    #[error("a later version of issuer wrote the retention record of the site (record version {0})")]
    LaterRecord(u64),
    /// The caller requested pruning, but the clock may be wrong.
    #[error("cannot prune keys with a clock that may be wrong: {0}")]
    PruneByWrongClock(ClocksApart),
}

impl Hint for PlanRefusal {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::IssuerChange { current, .. } => format!(
                "pass --issuer {current}, or pass --allow-issuer-change after every API server and federated identity credential has the new issuer"
            ),
            Self::JwksUriChange { current } => {
                format!("add the keys of {current} to the input, then pass --allow-jwks-uri-change")
            }
            Self::Unreadable { .. } => {
                "correct the document by hand, or pass --replace-unreadable and the keys of every API server of this issuer".to_owned()
            }
            Self::NoRsaKey => {
                "sign with an RSA key (--service-account-signing-key-file); for other relying parties pass --for oidc"
                    .to_owned()
            }
            Self::TooManyKeys(_) => "pass only the keys in use; --prune removes retired keys that are due, and --remove-unknown removes unknown keys".to_owned(),
            Self::RsaTooSmall { .. } => "rotate to an RSA key of at least 2048 bits".to_owned(),
            Self::IssuerNotPublic { .. } => {
                "set --service-account-issuer of the API server to a public https URL and publish with this issuer; pass --allow-private-issuer to publish anyway, or --for oidc for another relying party"
                    .to_owned()
            }
            Self::KeyIdTwice(kid) => {
                format!("pass --remove-unknown to remove the one that is not in the retention record, or --remove {kid} to remove both")
            }
            Self::RemoveOfOthers { .. } => {
                "remove this key from the input of its owners, or pass --force to remove it now".to_owned()
            }
            Self::KeyIdOfOthers { kid, .. } => {
                format!("give your key another key ID; or pass --remove {kid} --force to replace the other key")
            }
            Self::KeyIdReused(kid) => {
                format!("sign with a key that has another key ID; or pass --remove {kid} to replace the published key now")
            }
            Self::NoKeyLeft => {
                "check the issuer and the site; to remove the documents of an issuer, run issuer unpublish".to_owned()
            }
            Self::RecordTooLong { .. } => {
                "use shorter names of owners, run issuer publish --leave for owners that no longer publish, or pass --prune".to_owned()
            }
            Self::NoRecord => {
                "publish without --remove-unknown to record every published key; remove single keys with --remove KID".to_owned()
            }
            Self::LaterRecord(_) => {
                "use the version of issuer that published last; --replace-unreadable overwrites the record".to_owned()
            }
            Self::PruneByWrongClock(_) => {
                "synchronise the clock of this machine (NTP), or omit --prune until the clocks agree".to_owned()
            }
            Self::RemoveWanted(_) => "omit this key from the input, or omit --remove".to_owned(),
        };
        Some(hint)
    }
}
