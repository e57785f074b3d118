use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;

use super::apply::read_current;
use crate::{
    clock::Clock,
    documents::{Discovery, DocumentError, Documents, Jwks},
    issuer_url::{IssuerUrl, shown},
    key::Jwk,
    plan::{
        ClocksApart, CurrentState, DocumentKind, Hosting, Owner, Retention, RetentionError, Stored, StoredRetention,
        due, linked_path, unknown_key,
    },
    site::{Site, SiteError},
};

/// The documents that a site stores for one issuer, and their faults.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, SystemClock, DesiredState, site::{Hosting, Memory}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// let publication = issuer::publish(&site, &desired, &SystemClock).await?;
/// let status = issuer::status(&site, &desired.issuer, DesiredState::RETAIN, &SystemClock).await?;
/// assert_eq!(status.documents, Some(publication.documents));
/// assert!(status.faults.is_empty() && status.hosting == Hosting::Plain);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteStatus {
    /// Both documents, if both exist, can be parsed and name the issuer.
    pub documents: Option<Documents>,
    /// The keys of the JWKS, in its order.
    pub keys: Vec<KeyStatus>,
    /// The faults of the documents.
    pub faults: Vec<SiteFault>,
    /// Whether the site serves what it stores.
    pub hosting: Hosting,
    /// The clocks of this machine and of the site, if they differ too much.
    pub clocks: Option<ClocksApart>,
}

/// One published key.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, Timestamp, DesiredState, site::Memory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let (site, now) = (Memory::default(), "2026-11-22T00:00:00Z".parse::<Timestamp>()?);
/// issuer::publish(&site, &desired, &now).await?;
/// let key = issuer::status(&site, &desired.issuer, DesiredState::RETAIN, &now).await?.keys.remove(0);
/// assert_eq!(key.jwk.key(), Ok(&desired.keys[0]));
/// assert_eq!((key.published, key.retired), (Some(now), None));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    /// The entry.
    pub jwk: Jwk,
    /// When it was first published; `None` if another program published it.
    pub published: Option<Timestamp>,
    /// False if a readable retention record does not list the key. An entry that is no JSON object counts as listed.
    pub known: bool,
    /// When the key was first missing from the input, and when it may be pruned; `None` while it is in the input.
    pub retired: Option<(Timestamp, Timestamp)>,
    /// The owners; for a retired key its last owner. Empty if the retention record does not list the key.
    pub owners: BTreeSet<Owner>,
}

/// A fault of the documents of a site.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{SiteFault, SystemClock, DesiredState, site::Memory};
/// let issuer = "https://issuer.example.com".parse()?;
/// let status = issuer::status(&Memory::default(), &issuer, DesiredState::RETAIN, &SystemClock).await?;
/// assert_eq!(status.faults[0], SiteFault::Missing("discovery document"));
/// assert_eq!(status.faults[0].to_string(), "the discovery document does not exist");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SiteFault {
    /// A document does not exist.
    #[error("the {0} does not exist")]
    Missing(&'static str),
    /// A document cannot be parsed.
    #[error("the {document} cannot be parsed: {error}")]
    Unreadable {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// The `jwks_uri` of the discovery document is not below the issuer.
    #[error("the jwks_uri {0:?} is not below the issuer")]
    JwksElsewhere(String),
    /// The discovery document names another issuer.
    #[error("the discovery document names the issuer {seen:?}, not {expected:?}")]
    Issuer {
        /// The issuer that was given.
        expected: String,
        /// The issuer in the document.
        seen: String,
    },
    /// A document has a Content-Encoding, though its body is published without one.
    #[error("the {document} has the Content-Encoding {coding:?}, which relying parties cannot decode")]
    ContentEncoding {
        /// `JWKS` or `discovery document`.
        document: &'static str,
        /// The Content-Encoding.
        coding: String,
    },
    /// The retention record of the JWKS cannot be parsed.
    #[error("the retention record of the JWKS cannot be parsed: {0}")]
    RecordUnreadable(RetentionError),
    /// The retention record of the JWKS has times in the future or before 1970.
    #[error("the retention record of the JWKS has times in the future or before 1970")]
    RecordTimes,
    /// A published key, by its `kid` if it has one, is not in the retention record.
    #[error("{}", unknown_key(.0.as_deref()))]
    UnknownKey(Option<String>),
}

/// Reads the documents that a site stores for an issuer.
///
/// `retain` is how long retired keys stay. Recorded times in the future are replaced with the present time.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, Timestamp, DesiredState, site::Memory};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let (site, now) = (Memory::default(), "2026-11-22T00:00:00Z".parse::<Timestamp>()?);
/// issuer::publish(&site, &desired, &now).await?;
/// let keys = KeySet::from_keys([desired.keys[1].clone()])?;
/// let newer = DesiredState::new(desired.issuer, keys);
/// issuer::publish(&site, &newer, &now).await?;
/// let status = issuer::status(&site, &newer.issuer, newer.retain, &now).await?;
/// assert_eq!(status.keys[1].retired, Some((now, newer.due(now))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`SiteError`] if the site cannot be read. Faults of the documents are part of the result.
pub async fn status(
    site: &dyn Site,
    issuer: &IssuerUrl,
    retain: Duration,
    clock: &impl Clock,
) -> Result<SiteStatus, SiteError> {
    let current = read_current(site, issuer).await?;
    Ok(SiteStatus::new(&current, issuer, retain, clock.now()))
}

impl SiteStatus {
    /// Judges the stored documents.
    fn new(current: &CurrentState, issuer: &IssuerUrl, retain: Duration, now: Timestamp) -> Self {
        let clocks = ClocksApart::between(now, current.site_time);
        let now = clocks.map_or(now, ClocksApart::later);
        let mut faults = Vec::new();
        let discovery =
            parse(current.document(DocumentKind::Discovery), "discovery document", Discovery::parse, &mut faults);
        let named = discovery.as_ref().map(|discovery| linked_path(discovery, issuer));
        if let (Some(discovery), Some(None)) = (&discovery, &named) {
            faults.push(SiteFault::JwksElsewhere(shown(&discovery.jwks_uri)));
        }
        let stored = match named.flatten() {
            Some(path) if path != issuer.jwks_path() => current.linked.as_ref(),
            _ => current.document(DocumentKind::Jwks),
        };
        let jwks = parse(stored, "JWKS", Jwks::parse, &mut faults);
        if let Some(Err(error)) = jwks.as_ref().map(Jwks::check_entries) {
            faults.push(SiteFault::Unreadable { document: "JWKS", error });
        }
        if let Some(discovery) = discovery.as_ref().filter(|discovery| discovery.issuer != issuer.as_str()) {
            let (expected, seen) = (issuer.as_str().to_owned(), discovery.issuer.clone());
            faults.push(SiteFault::Issuer { expected, seen });
        }
        for (document, stored) in [("discovery document", current.document(DocumentKind::Discovery)), ("JWKS", stored)]
        {
            let coding = stored.and_then(Stored::content_encoding).map(str::to_owned);
            faults.extend(coding.map(|coding| SiteFault::ContentEncoding { document, coding }));
        }
        let documents = discovery.zip(jwks.clone()).filter(|_| faults.is_empty());
        let documents = documents.map(|(discovery, jwks)| Documents { issuer: issuer.clone(), discovery, jwks });
        // The record as a plan uses it.
        let found = current.record();
        if let StoredRetention::Unreadable(error) = found {
            faults.push(SiteFault::RecordUnreadable(error.clone()));
        }
        let record = found.record().map(|record| record.clamped(now));
        if record.as_ref().is_some_and(|record| !found.is(record)) {
            faults.push(SiteFault::RecordTimes);
        }
        let keys = jwks.iter().flat_map(|jwks| &jwks.keys);
        let keys: Vec<_> = keys.map(|jwk| KeyStatus::new(jwk, record.as_ref(), retain)).collect();
        let kid = |key: &KeyStatus| key.jwk.kid().filter(|kid| !kid.is_empty()).map(str::to_owned);
        faults.extend(keys.iter().filter(|key| !key.known).map(|key| SiteFault::UnknownKey(kid(key))));
        Self { documents, keys, faults, hosting: current.hosting.clone(), clocks }
    }
}

impl KeyStatus {
    fn new(jwk: &Jwk, record: Option<&Retention>, retain: Duration) -> Self {
        let retired = record.and_then(|record| record.retired_since(jwk)).map(|since| (since, due(since, retain)));
        let published = record.and_then(|record| record.published_since(jwk));
        let known = !jwk.is_object() || record.is_none_or(|record| record.knows(jwk));
        let owners = record.iter().flat_map(|record| record.owners(jwk)).cloned().collect();
        Self { jwk: jwk.clone(), published, known, retired, owners }
    }
}

fn parse<T>(
    stored: Option<&Stored>,
    document: &'static str,
    parse: fn(&[u8]) -> Result<T, DocumentError>,
    faults: &mut Vec<SiteFault>,
) -> Option<T> {
    let Some(stored) = stored else {
        faults.push(SiteFault::Missing(document));
        return None;
    };
    parse(&stored.bytes).map_err(|error| faults.push(SiteFault::Unreadable { document, error })).ok()
}
