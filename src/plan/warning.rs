use std::time::Duration;

use jiff::SignedDuration;

use super::{ClocksApart, RetentionError};
use crate::{documents::DocumentError, entra::Aadsts, public_host::NotPublic};

/// Something about a plan that its owner should know and that stops nothing.
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
    /// An EC key, whose tokens Entra refuses.
    #[error("key {kid} is {kind}: Entra refuses tokens signed with it ({})", Aadsts::ALGORITHM)]
    NotForEntra {
        /// Its key ID.
        kid: String,
        /// The key's kind, such as `P-256`.
        kind: String,
    },
    /// A published document that nobody could use is made anew from the input.
    #[error("the published {document} is made anew, and what was in it before is gone: {error}")]
    Replaced {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// An RSA key that is larger than most relying parties verify with.
    #[error("key {kid} has {bits} bits, and many relying parties verify with 8192 at most")]
    RsaTooLarge {
        /// Its key ID.
        kid: String,
        /// Its size in bits.
        bits: usize,
    },
    /// The published JWKS held a private key, which everybody could read.
    #[error("the published JWKS holds the private part of key {0:?}: it is taken out; rotate that key now")]
    PrivateMembers(String),
    /// Entries of the published JWKS are not JSON objects. Relying parties reject a JWKS for them.
    #[error("the published JWKS has {}", not_objects(*.first, *.count))]
    NotObjects {
        /// The position of the first, counted from 1.
        first: usize,
        /// How many there are.
        count: usize,
    },
    /// An entry under the ID of a key in the input holds another key, or none; the API server's takes its place.
    #[error("the published entry {0} does not hold the key whose ID that is, and is replaced: look into who wrote it")]
    OtherKey(String),
    /// Retention is shorter than the longest token for Azure lives.
    #[error("keys are pruned after {:#}, and tokens for Azure live up to 24h", SignedDuration::try_from(*.0).unwrap_or_default())]
    ShortRetention(Duration),
    /// Caches may keep a JWKS for long, as seen from how long keys are retained.
    #[error("caches may keep both documents for {:#}, more than a tenth of the {:#} that retired keys stay; a new key is seen that late", SignedDuration::try_from(*.max_age).unwrap_or_default(), SignedDuration::try_from(*.retain).unwrap_or_default())]
    LongCache {
        /// The `max-age` of the Cache-Control header.
        max_age: Duration,
        /// How long retired keys stay.
        retain: Duration,
    },
    /// Entra cannot reach the issuer, and publishing goes on: it was allowed, or is for another relying party.
    #[error("Entra cannot reach the issuer {issuer}: its host {because}")]
    IssuerNotPublic {
        /// The issuer.
        issuer: String,
        /// Why the internet cannot reach its host.
        because: NotPublic,
    },
    /// A published key, by its `kid` if it has one, is neither in the input nor in the retention record.
    #[error("{}: something else added it; {}", unknown_key(.0.as_deref()), what_to_do(.0.as_deref()))]
    UnknownKey(Option<String>),
    /// A key to adopt is not published, or it is known.
    #[error("--adopt {0} has no effect: no published key with this kid is missing in the retention record")]
    NothingToAdopt(String),
    /// The retention record of the published JWKS cannot be read.
    #[error(
        "the retention record of the published JWKS cannot be read, so every key stays and its retention starts anew: {0}"
    )]
    RecordUnreadable(RetentionError),
    /// The clocks of this machine and of the site differ.
    #[error("{0}")]
    ClocksApart(ClocksApart),
    /// A key to remove is not published.
    #[error("key {0} is not published: nothing to remove")]
    NotPublished(String),
    /// A published document has a Content-Encoding, which is taken away: the body is not encoded.
    #[error(
        "the published {document} has the Content-Encoding {coding:?}, which makes relying parties fail: it is removed"
    )]
    ContentEncoding {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// The Content-Encoding.
        coding: String,
    },
    /// The published JWKS moves to another place on the site.
    #[error("the published jwks_uri moves from {0}; that document stays where it is and gets no new keys")]
    JwksMoves(String),
}

fn not_objects(first: usize, count: usize) -> String {
    if count == 1 {
        return format!("an entry that is not a JSON object, number {first}: it holds no key and is removed");
    }
    format!("{count} entries that are not JSON objects, the first is number {first}: they hold no key and are removed")
}

/// What is said of a published key that nobody recorded, in a plan and in the status of a site.
pub(crate) fn unknown_key(kid: Option<&str>) -> String {
    match kid {
        Some(kid) => format!("the published key {kid:?} is not in the retention record"),
        None => "a published key without kid is not in the retention record".to_owned(),
    }
}

fn what_to_do(kid: Option<&str>) -> &'static str {
    match kid {
        Some(_) => "pass --adopt with this kid if the key is yours, or --remove-unknown",
        None => "--remove-unknown drops it, and --adopt needs a kid",
    }
}
