use std::{collections::HashSet, time::Duration};

use jiff::Timestamp;

use super::{DropReason, KeyState, PlanRefusal, PlanWarning, PlannedKey, Retention, Wanted};
use crate::{
    Documents, IssuerUrl, Jwk,
    documents::{Discovery, DocumentError, DocumentPath, Jwks},
    entra,
    key::Algorithm,
    public_host::why_not_public,
    published::shown,
    site::{Condition, Content, Headers, Hosting, Stored},
    verify::{Refusal, RelyingParty, TrustedIssuer},
};

/// The smallest RSA key RS256 may be used with (RFC 7518 section 3.3).
const RSA_BITS_MIN: usize = 2048;
/// The largest RSA key the usual libraries verify with, this crate's own among them.
const RSA_BITS_USUAL: usize = 8192;
/// How long the longest token for Azure lives: retaining keys for less is warned of.
const TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);

/// What stands on a site before publishing.
///
/// ```
/// use issuer::{Live, Plan, PlannedDocument, Timestamp, Wanted, site::{ETag, Stored}};
/// # use issuer::KeySet;
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&Live::default(), &wanted, Timestamp::UNIX_EPOCH);
/// let stored = |PlannedDocument { content, .. }| {
///     Some(Stored { bytes: content.bytes, etag: ETag("1".to_owned()), headers: None, retention: content.retention })
/// };
/// let live = Live { jwks: stored(plan.jwks), discovery: stored(plan.discovery), ..Live::default() };
/// assert!(Plan::new(&live, &wanted, Timestamp::UNIX_EPOCH).is_unchanged());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    /// The discovery document.
    pub discovery: Option<Stored>,
    /// The JWKS below the issuer.
    pub jwks: Option<Stored>,
    /// The JWKS the discovery document points to, where that is another document of the site.
    pub linked: Option<Stored>,
    /// Whether the site serves what it stores.
    pub hosting: Hosting,
}

/// What publishing would change, worked out from [`Live`], [`Wanted`] and the time alone.
///
/// ```
/// use issuer::{Change, KeySet, Live, Plan, Timestamp, Wanted};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&Live::default(), &wanted, Timestamp::now());
/// assert_eq!((plan.jwks.change, plan.discovery.change), (Change::Created, Change::Created));
/// assert_eq!(plan.documents.jwks.to_bytes(), std::fs::read("fixtures/kubernetes/rotation/jwks.json")?);
/// assert!(plan.refusals.is_empty() && plan.warnings.is_empty() && !plan.is_unchanged());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Every key, those in the input first, in their order.
    pub keys: Vec<PlannedKey>,
    /// The JWKS, which is written first, so that no reader is sent to a key set that is not there.
    pub jwks: PlannedDocument,
    /// The discovery document.
    pub discovery: PlannedDocument,
    /// Whether the site serves what it stores; [`Hosting::Off`] is switched on before anything is written.
    pub hosting: Hosting,
    /// What both documents say when the plan has been carried out.
    pub documents: Documents,
    /// Why the plan is not carried out; empty when it may be.
    pub refusals: Vec<PlanRefusal>,
    /// What stops nothing.
    pub warnings: Vec<PlanWarning>,
}

/// One document of a plan.
///
/// ```
/// use issuer::{KeySet, Live, Plan, Timestamp, Wanted, site::Condition};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let document = Plan::new(&Live::default(), &wanted, Timestamp::now()).jwks;
/// assert_eq!(document.path.as_str(), "openid/v1/jwks");
/// assert_eq!(document.content.headers.content_type, "application/json");
/// assert_eq!(document.condition, Condition::IfNoneMatch);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDocument {
    /// Where it stands on the site.
    pub path: DocumentPath,
    /// What happens to it.
    pub change: Change,
    /// What it holds afterwards.
    pub content: Content,
    /// Under which condition it is written.
    pub condition: Condition,
}

/// What happens to a document.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Change, KeySet, SystemClock, Wanted, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &wanted, &SystemClock).await?;
/// // The second key is retired: it stays in the JWKS, and the record says since when.
/// let fewer = Wanted { keys: KeySet::from_keys([wanted.keys[0].clone()])?, ..wanted };
/// let plan = issuer::plan(&site, &fewer, &SystemClock).await?;
/// assert_eq!((plan.jwks.change, plan.discovery.change), (Change::Recorded, Change::Unchanged));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not there yet.
    Created,
    /// Its body or headers change.
    Changed,
    /// Its body stays, and the retention record that is kept with it changes.
    Recorded,
    /// Nothing is written.
    Unchanged,
}

impl Plan {
    /// Works out a plan. It does no I/O; the same arguments give the same plan. Times count in whole seconds.
    pub fn new(live: &Live, wanted: &Wanted, now: Timestamp) -> Self {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let mut warnings = Vec::new();
        let recorded = live.jwks.as_ref().map(|stored| stored.retention.clone()).unwrap_or_default();
        let (published, unreadable) = published_keys(live, wanted, &mut warnings);
        let keys = place(wanted, now, &published, &recorded);
        let retention = retention(wanted, now, &keys, &recorded);
        let jwks = Jwks { keys: keys.iter().filter(|key| key.is_published()).map(|key| key.jwk.clone()).collect() };
        let usable = jwks.keys.iter().filter_map(|jwk| jwk.key().ok());
        let discovery = Discovery::new(&wanted.issuer, &wanted.issuer.jwks_uri(), usable);
        let documents = Documents { issuer: wanted.issuer.clone(), discovery, jwks };

        let mut refusals = refuse_keys(wanted, &keys);
        for error in unreadable {
            judge_unreadable("JWKS", error, wanted, &mut refusals, &mut warnings);
        }
        judge_host(wanted, &mut refusals, &mut warnings);
        refusals.extend(judge_result(&documents, wanted, &refusals));
        judge_live_issuer(live, &recorded, wanted, &mut refusals, &mut warnings);
        warnings.extend(warn_of_keys(wanted, &published, &keys));
        for (document, stored) in [("JWKS", &live.jwks), ("discovery document", &live.discovery)] {
            let coding = stored.as_ref().and_then(Stored::content_encoding).map(str::to_owned);
            warnings.extend(coding.map(|coding| PlanWarning::ContentEncoding { document, coding }));
        }

        let content = |bytes, retention| Content { bytes, headers: headers(wanted), retention };
        Self {
            jwks: PlannedDocument::new(
                wanted.issuer.jwks_path(),
                live.jwks.as_ref(),
                content(documents.jwks.to_bytes(), retention),
            ),
            discovery: PlannedDocument::new(
                wanted.issuer.discovery_path(),
                live.discovery.as_ref(),
                content(documents.discovery.to_bytes(), Retention::default()),
            ),
            hosting: live.hosting.clone(),
            keys,
            documents,
            refusals,
            warnings,
        }
    }

    /// Whether carrying it out would write nothing.
    pub fn is_unchanged(&self) -> bool {
        self.jwks.change == Change::Unchanged
            && self.discovery.change == Change::Unchanged
            && self.hosting != Hosting::Off
    }
}

impl PlannedDocument {
    /// Whether this is what an earlier plan was about to write, found as it should be.
    pub(super) fn is_found(&self, earlier: &Self) -> bool {
        self.change == Change::Unchanged && self.content == earlier.content
    }

    fn new(path: DocumentPath, live: Option<&Stored>, content: Content) -> Self {
        let (change, condition) = match live {
            None => (Change::Created, Condition::IfNoneMatch),
            Some(live) => {
                let same_headers = live.headers.as_ref().is_none_or(|headers| *headers == content.headers);
                let change = if live.bytes != content.bytes || !same_headers {
                    Change::Changed
                } else if live.retention != content.retention {
                    Change::Recorded
                } else {
                    Change::Unchanged
                };
                (change, Condition::IfMatch(live.etag.clone()))
            }
        };
        Self { path, change, content, condition }
    }
}

/// Finds a place for every key: added, or if it is published kept, returned, retired or dropped.
fn place(wanted: &Wanted, now: Timestamp, published: &[Jwk], recorded: &Retention) -> Vec<PlannedKey> {
    let added = |key: &crate::PublicKey| PlannedKey { jwk: Jwk::new(key.clone()), state: KeyState::Added };
    let mut keys: Vec<_> = wanted.keys.iter().map(added).collect();
    let input = keys.len();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        let since = recorded.retired_since(kid);
        if let Some(key) = keys[..input].iter_mut().find(|key| key.kid() == kid) {
            // Another key under its ID goes, and this one is new there.
            if key.jwk.key() != jwk.key() {
                continue;
            }
            key.state = if since.is_some() { KeyState::Returned } else { KeyState::Kept };
        } else {
            keys.push(PlannedKey { jwk: jwk.clone(), state: retire(wanted, now, kid, since.unwrap_or(now)) });
        }
    }
    keys
}

/// What becomes of a published key that is not in the input.
fn retire(wanted: &Wanted, now: Timestamp, kid: &str, since: Timestamp) -> KeyState {
    let due = wanted.due(since);
    if wanted.remove.iter().any(|remove| remove == kid) {
        KeyState::Dropped(DropReason::Removed)
    } else if wanted.prune && due <= now {
        KeyState::Dropped(DropReason::Pruned { since })
    } else {
        KeyState::Retired { since, due }
    }
}

/// What is remembered of the keys from now on.
fn retention(wanted: &Wanted, now: Timestamp, keys: &[PlannedKey], recorded: &Retention) -> Retention {
    let mut retention = Retention::of(&wanted.issuer);
    for key in keys {
        let published = recorded.published_since(key.kid());
        match key.state {
            KeyState::Added => retention.note(key.kid(), Some(now), None),
            KeyState::Kept | KeyState::Returned => retention.note(key.kid(), published, None),
            KeyState::Retired { since, .. } => retention.note(key.kid(), published, Some(since)),
            KeyState::Dropped(_) => {}
        }
    }
    retention
}

/// The live discovery document, where there is one that can be read.
fn live_discovery(live: &Live) -> Option<Discovery> {
    Discovery::parse(&live.discovery.as_ref()?.bytes).ok()
}

/// The entries of the live JWKS, and of another one the discovery document points to; and what could not be read.
///
/// An entry that is not a JSON object is left out: it holds no key, and relying parties reject a JWKS for it.
fn published_keys(live: &Live, wanted: &Wanted, warnings: &mut Vec<PlanWarning>) -> (Vec<Jwk>, Vec<DocumentError>) {
    let (mut keys, mut known): (Vec<Jwk>, _) = (Vec::new(), HashSet::new());
    let mut unreadable = Vec::new();
    let named = live_discovery(live).and_then(|discovery| linked_path(&discovery, &wanted.issuer));
    let found = named.map(|path| if path == wanted.issuer.jwks_path() { &live.jwks } else { &live.linked });
    if found.is_some_and(Option::is_none) {
        unreadable.push(DocumentError::Missing);
    }
    for stored in [&live.jwks, &live.linked].into_iter().flatten() {
        match Jwks::parse(&stored.bytes) {
            Ok(jwks) => {
                if let Some(first) = jwks.keys.iter().position(|jwk| !jwk.is_object()) {
                    let count = jwks.keys.iter().filter(|jwk| !jwk.is_object()).count();
                    warnings.push(PlanWarning::NotObjects { first: first + 1, count });
                }
                let objects = jwks.keys.into_iter().filter(Jwk::is_object);
                keys.extend(objects.filter(|jwk| known.insert(identity(jwk))));
            }
            Err(error) => unreadable.push(error),
        }
    }
    (keys, unreadable)
}

/// What tells one entry from another: of a key what makes tokens verify with it, of anything else all of it.
fn identity(jwk: &Jwk) -> String {
    match jwk.key() {
        Ok(key) => {
            let spki_key_id = key.spki_key_id();
            let members = [jwk.kid(), jwk.public_key_use(), jwk.alg(), Some(spki_key_id.as_str())];
            format!("{members:?} {:?}", jwk.private_members())
        }
        Err(_) => format!("{} {:?}", jwk.to_value(), jwk.private_members()),
    }
}

/// A document that is gone, empty or an error page holds nothing more to lose, and readers wait for a new one; anything else
/// that cannot be read may hold what somebody relies on, and is left alone.
fn judge_unreadable(
    document: &'static str,
    error: DocumentError,
    wanted: &Wanted,
    refusals: &mut Vec<PlanRefusal>,
    warnings: &mut Vec<PlanWarning>,
) {
    if wanted.replace_unreadable || matches!(error, DocumentError::Missing | DocumentError::Empty | DocumentError::Html)
    {
        warnings.push(PlanWarning::Replaced { document, error });
    } else {
        refusals.push(PlanRefusal::Unreadable { document, error });
    }
}

fn headers(wanted: &Wanted) -> Headers {
    Headers {
        content_type: "application/json".to_owned(),
        cache_control: wanted.cache_control.clone(),
        content_encoding: None,
    }
}

fn refuse_keys(wanted: &Wanted, keys: &[PlannedKey]) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    for key in wanted.keys.iter().filter(|key| key.algorithm() == Algorithm::Rs256 && key.bits() < RSA_BITS_MIN) {
        refusals.push(PlanRefusal::RsaTooSmall { kid: key.key_id().to_string(), bits: key.bits() });
    }
    for kid in wanted.remove.iter().filter(|kid| wanted.keys.iter().any(|key| key.key_id().as_str() == **kid)) {
        refusals.push(PlanRefusal::RemoveWanted(kid.clone()));
    }
    if wanted.relying_party == RelyingParty::Entra {
        if !wanted.keys.iter().any(|key| key.algorithm() == Algorithm::Rs256) {
            refusals.push(PlanRefusal::NoRsaKey);
        }
        let published = keys.iter().filter(|key| key.is_published()).count();
        if published > entra::KEYS_MAX {
            refusals.push(PlanRefusal::TooManyKeys(published));
        }
    }
    refusals
}

/// A string relying parties hold on to is never changed unasked.
///
/// The JWKS remembers its issuer too: between the two writes of a first publish it stands alone.
fn judge_live_issuer(
    live: &Live,
    recorded: &Retention,
    wanted: &Wanted,
    refusals: &mut Vec<PlanRefusal>,
    warnings: &mut Vec<PlanWarning>,
) {
    let mut published = recorded.issuer.clone();
    if let Some(stored) = &live.discovery {
        match Discovery::parse(&stored.bytes) {
            Ok(discovery) => {
                match linked_path(&discovery, &wanted.issuer) {
                    Some(path) if path == wanted.issuer.jwks_path() => {}
                    Some(path) => warnings.push(PlanWarning::JwksMoves(path.to_string())),
                    None if wanted.allow_jwks_uri_change => {}
                    None => refusals.push(PlanRefusal::JwksUriChange { live: shown(&discovery.jwks_uri) }),
                }
                published = Some(discovery.issuer);
            }
            Err(error) => {
                published = Discovery::issuer_of(&stored.bytes).or(published);
                judge_unreadable("discovery document", error, wanted, refusals, warnings);
            }
        }
    }
    if let Some(live) = published.filter(|live| live != wanted.issuer.as_str() && !wanted.allow_issuer_change) {
        refusals.insert(0, PlanRefusal::IssuerChange { live, wanted: wanted.issuer.as_str().to_owned() });
    }
}

/// An issuer that the internet cannot reach is of use to relying parties in the same network only.
fn judge_host(wanted: &Wanted, refusals: &mut Vec<PlanRefusal>, warnings: &mut Vec<PlanWarning>) {
    let Some(because) = why_not_public(wanted.issuer.as_str()) else { return };
    let issuer = wanted.issuer.to_string();
    if wanted.relying_party == RelyingParty::Entra && !wanted.allow_private_issuer {
        refusals.push(PlanRefusal::IssuerNotPublic { issuer, because });
    } else {
        warnings.push(PlanWarning::IssuerNotPublic { issuer, because });
    }
}

/// Documents that `verify` would refuse whatever the token are never called published.
fn judge_result(documents: &Documents, wanted: &Wanted, refusals: &[PlanRefusal]) -> Option<PlanRefusal> {
    match TrustedIssuer::new(documents).and_then(|trusted| trusted.judge(wanted.relying_party)) {
        Err(Refusal::KeySetDuplicate { kid, .. }) if refusals.is_empty() => Some(PlanRefusal::KeyIdTwice(kid)),
        _ => None,
    }
}

/// Where on the site the JWKS stands that a published discovery document points to.
pub(super) fn linked_path(discovery: &Discovery, issuer: &IssuerUrl) -> Option<DocumentPath> {
    let below_its_own = discovery.issuer.parse::<IssuerUrl>().ok().and_then(|own| {
        // The document stands at the wanted issuer's place, so that is where its own issuer's URLs lead.
        let rest = own.rest_below(&discovery.jwks_uri)?;
        issuer.path_below(&format!("{}/{rest}", issuer.base()))
    });
    issuer.path_below(&discovery.jwks_uri).or(below_its_own)
}

fn warn_of_keys(wanted: &Wanted, published: &[Jwk], keys: &[PlannedKey]) -> Vec<PlanWarning> {
    let mut warnings = Vec::new();
    if wanted.relying_party == RelyingParty::Entra {
        for key in wanted.keys.iter().filter(|key| key.algorithm() != Algorithm::Rs256) {
            warnings.push(PlanWarning::NotForEntra { kid: key.key_id().to_string(), kind: key.to_string() });
        }
    }
    for key in wanted.keys.iter().filter(|key| key.algorithm() == Algorithm::Rs256 && key.bits() > RSA_BITS_USUAL) {
        warnings.push(PlanWarning::RsaTooLarge { kid: key.key_id().to_string(), bits: key.bits() });
    }
    let is_another = |jwk: &&Jwk| {
        let wanted = wanted.keys.iter().find(|key| jwk.kid() == Some(key.key_id().as_str()));
        wanted.is_some_and(|key| jwk.key() != Ok(key))
    };
    for jwk in published.iter().filter(is_another) {
        warnings.push(PlanWarning::OtherKey(jwk.kid().unwrap_or_default().to_owned()));
    }
    for jwk in published.iter().filter(|jwk| !jwk.private_members().is_empty()) {
        warnings.push(PlanWarning::PrivateMembers(jwk.kid().unwrap_or_default().to_owned()));
    }
    for kid in wanted.remove.iter().filter(|kid| !keys.iter().any(|key| key.kid() == **kid)) {
        warnings.push(PlanWarning::NotPublished(kid.clone()));
    }
    if let Some(max_age) = wanted.max_age().filter(|max_age| *max_age > wanted.retain / 10) {
        warnings.push(PlanWarning::LongCache { max_age, retain: wanted.retain });
    }
    if wanted.prune && wanted.retain < TOKEN_LIFE_MAX {
        warnings.push(PlanWarning::ShortRetention(wanted.retain));
    }
    warnings
}
