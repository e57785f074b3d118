use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::{DesiredState, DocumentKind, Hosting, PlanWarning, Stored, StoredRetention};
use crate::{
    documents::{Discovery, DocumentError, Jwks},
    issuer_url::{DocumentPath, IssuerUrl},
    key::Jwk,
};

/// The state of a site before publishing.
///
/// ```
/// use issuer::{CurrentState, DesiredState, Plan, PlannedDocument, Timestamp, site::{ETag, Stored}};
/// # use issuer::KeySet;
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let plan = Plan::new(&CurrentState::default(), &desired, Timestamp::UNIX_EPOCH);
/// let stored = |PlannedDocument { kind, content, .. }| {
///     let (etag, retention) = (ETag("1".to_owned()), content.retention.into());
///     (kind, Stored { bytes: content.bytes, etag, headers: None, retention })
/// };
/// let documents = plan.documents.into_iter().map(stored).collect();
/// let current = CurrentState { documents, ..CurrentState::default() };
/// assert!(Plan::new(&current, &desired, Timestamp::UNIX_EPOCH).is_unchanged());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentState {
    /// The existing documents. The JWKS is the document below the issuer.
    pub documents: BTreeMap<DocumentKind, Stored>,
    /// The JWKS at the `jwks_uri` of the discovery document, if that is another document on the site.
    pub linked: Option<Stored>,
    /// Whether the site serves its documents.
    pub hosting: Hosting,
    /// The time of the site's clock, if the site has a clock.
    pub site_time: Option<Timestamp>,
    /// The maximum length of a retention record on the site in bytes, if the site has a limit.
    pub record_max: Option<usize>,
}

impl CurrentState {
    /// A document, if it exists.
    pub fn document(&self, kind: DocumentKind) -> Option<&Stored> {
        self.documents.get(&kind)
    }

    /// The retention record for all published keys, which is stored with the JWKS below the issuer.
    pub(crate) fn record(&self) -> &StoredRetention {
        self.document(DocumentKind::Jwks).map_or(&StoredRetention::Absent, |stored| &stored.retention)
    }
}

/// The published discovery document, if it can be parsed.
fn current_discovery(current: &CurrentState) -> Option<Discovery> {
    Discovery::parse(&current.document(DocumentKind::Discovery)?.bytes).ok()
}

/// The entries of the published JWKS and of another JWKS at the `jwks_uri`, and the errors of documents that cannot be
/// parsed.
///
/// Entries that are not JSON objects are omitted: they hold no key, and relying parties reject a JWKS with such an
/// entry. Private members are omitted as well.
pub(super) fn published_keys(
    current: &CurrentState,
    desired: &DesiredState,
    warnings: &mut Vec<PlanWarning>,
) -> (Vec<Jwk>, Vec<DocumentError>) {
    let (mut keys, mut known): (Vec<Jwk>, _) = (Vec::new(), HashSet::new());
    let mut unreadable = Vec::new();
    let named = current_discovery(current).and_then(|discovery| linked_path(&discovery, &desired.issuer));
    let (jwks, linked) = (current.document(DocumentKind::Jwks), current.linked.as_ref());
    let found = named.map(|path| if path == desired.issuer.jwks_path() { jwks } else { linked });
    if found.is_some_and(|found| found.is_none()) {
        unreadable.push(DocumentError::Missing);
    }
    for stored in [jwks, linked].into_iter().flatten() {
        match Jwks::parse(&stored.bytes) {
            Ok(jwks) => {
                if let Some(first) = jwks.keys.iter().position(|jwk| !jwk.is_object()) {
                    let count = jwks.keys.iter().filter(|jwk| !jwk.is_object()).count();
                    warnings.push(PlanWarning::NotObjects { first: first + 1, count });
                }
                let objects = jwks.keys.into_iter().filter(Jwk::is_object);
                for jwk in objects {
                    if !jwk.private_members().is_empty() {
                        warnings.push(PlanWarning::PrivateMembers(jwk.kid().unwrap_or_default().to_owned()));
                    }
                    // Compare entries in their published form.
                    let jwk = jwk.into_public();
                    if known.insert(identity(&jwk)) {
                        keys.push(jwk);
                    }
                }
            }
            Err(error) => unreadable.push(error),
        }
    }
    (keys, unreadable)
}

/// The identity of an entry: for a key the members that affect verification, for other entries all members.
fn identity(jwk: &Jwk) -> String {
    match jwk.key() {
        Ok(key) => {
            let spki_key_id = key.spki_key_id();
            let members = [jwk.kid(), jwk.public_key_use(), jwk.alg(), Some(spki_key_id.as_str())];
            format!("{members:?}")
        }
        Err(_) => jwk.to_value().to_string(),
    }
}

/// The path on the site of the JWKS at the `jwks_uri` of a published discovery document.
pub(crate) fn linked_path(discovery: &Discovery, issuer: &IssuerUrl) -> Option<DocumentPath> {
    let below_its_own = discovery.issuer.parse::<IssuerUrl>().ok().and_then(|own| {
        // The document is at the URL of the desired issuer, so URLs of its own issuer map to this site.
        let rest = own.rest_below(&discovery.jwks_uri)?;
        issuer.path_below(&format!("{}/{rest}", issuer.base()))
    });
    issuer.path_below(&discovery.jwks_uri).or(below_its_own)
}
