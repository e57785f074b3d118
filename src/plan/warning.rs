use std::time::Duration;

use jiff::SignedDuration;

use super::{ClocksApart, Owner, RetentionError};
use crate::{documents::DocumentError, entra::Aadsts, public_host::NotPublic};

/// A warning about a plan, which does not prevent publishing.
///
/// ```
/// use issuer::{KeySet, CurrentState, Plan, PlanWarning, Timestamp, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let issuer = "https://issuer.example.com".parse()?;
/// let desired = DesiredState::new(issuer, keys).remove(vec!["abc".to_owned()]);
/// let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::now());
/// assert_eq!(plan.warnings, [PlanWarning::NotPublished("abc".to_owned())]);
/// assert_eq!(plan.warnings[0].to_string(), "key abc is not published: nothing to remove");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanWarning {
    /// An EC key. Entra rejects tokens that are signed with it.
    #[error("key {kid} is {kind}: Entra rejects tokens signed with it ({})", Aadsts::ALGORITHM)]
    NotForEntra {
        /// The key ID.
        kid: String,
        /// The kind of the key, such as `P-256`.
        kind: String,
    },
    /// A published document that cannot be parsed is replaced.
    #[error("the published {document} is replaced, and its previous contents are lost: {error}")]
    Replaced {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// Why the document cannot be parsed.
        error: DocumentError,
    },
    /// An RSA key that is larger than most relying parties support.
    #[error("key {kid} has {bits} bits; many relying parties support at most 8192")]
    RsaTooLarge {
        /// The key ID.
        kid: String,
        /// The size in bits.
        bits: usize,
    },
    /// The published JWKS contains a private key, which was public.
    #[error("the published JWKS contains private members of key {0:?}, which are removed; rotate this key now")]
    PrivateMembers(String),
    /// Entries of the published JWKS are not JSON objects. Relying parties reject a JWKS with such entries.
    #[error("the published JWKS has {}", not_objects(*.first, *.count))]
    NotObjects {
        /// The position of the first entry, counted from 1.
        first: usize,
        /// The number of such entries.
        count: usize,
    },
    /// A published entry has the key ID of a key in the input, but another key or no usable key. The key of the input
    /// replaces it.
    #[error(
        "the published entry {0} does not hold the key with this key ID and is replaced; find out which program wrote it"
    )]
    OtherKey(String),
    /// Retention is shorter than the maximum lifetime of a token for Azure.
    #[error("keys are pruned after {:#}, but tokens for Azure are valid for up to 24h", SignedDuration::try_from(*.0).unwrap_or_default())]
    ShortRetention(Duration),
    /// Caches may keep a JWKS for a long time compared with the retention of keys.
    #[error("caches may keep both documents for {:#}, more than a tenth of the retention of {:#}; relying parties may see a new key that late", SignedDuration::try_from(*.max_age).unwrap_or_default(), SignedDuration::try_from(*.retain).unwrap_or_default())]
    LongCache {
        /// The `max-age` of the Cache-Control header.
        max_age: Duration,
        /// The retention of retired keys.
        retain: Duration,
    },
    /// Entra cannot reach the issuer, which is allowed by a flag or irrelevant to another relying party.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// An unknown key: published, but neither in the input nor in the retention record. Identified by its `kid` if it
    /// has one.
    #[error("{}: another program added it; {}", unknown_key(.0.as_deref()), what_to_do(.0.as_deref()))]
    UnknownKey(Option<String>),
    /// A key to adopt is not published, or it is already known.
    #[error("--adopt {0} has no effect: no unknown key with this kid is published")]
    NothingToAdopt(String),
    /// The retention record of the published JWKS cannot be parsed.
    #[error(
        "the retention record of the published JWKS cannot be parsed, so every key stays and its retention restarts: {0}"
    )]
    RecordUnreadable(RetentionError),
    /// The clocks of this machine and of the site differ.
    #[error("{0}")]
    ClocksApart(ClocksApart),
    /// A key to remove is not published.
    #[error("key {0} is not published: nothing to remove")]
    NotPublished(String),
    /// An owner leaves and holds no published key. The name may be mistyped.
    #[error("no published key belongs to the owner {0}: nothing to leave")]
    NothingToLeave(Owner),
    /// A published document has a Content-Encoding, which publishing removes, because the body is not encoded.
    #[error(
        "the published {document} has the Content-Encoding {coding:?}, which relying parties cannot decode; publishing removes it"
    )]
    ContentEncoding {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// The Content-Encoding.
        coding: String,
    },
    /// The `jwks_uri` changes to another path on the site.
    #[error("publishing changes the jwks_uri from the path {0}; the document at this path stays and gets no new keys")]
    JwksMoves(String),
}

fn not_objects(first: usize, count: usize) -> String {
    if count == 1 {
        return format!("an entry that is not a JSON object, number {first}: it holds no key and is removed");
    }
    format!("{count} entries that are not JSON objects, the first is number {first}: they hold no key and are removed")
}

/// The message about an unknown key, in a plan and in the status of a site.
pub(crate) fn unknown_key(kid: Option<&str>) -> String {
    match kid {
        Some(kid) => format!("the published key {kid:?} is not in the retention record"),
        None => "a published key without kid is not in the retention record".to_owned(),
    }
}

fn what_to_do(kid: Option<&str>) -> &'static str {
    match kid {
        Some(_) => "pass --adopt with this kid if the key is yours, else --remove-unknown",
        None => "pass --remove-unknown to remove it; --adopt requires a kid",
    }
}
