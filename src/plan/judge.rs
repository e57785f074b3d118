use std::{collections::BTreeSet, time::Duration};

use super::{
    ClocksApart, CurrentState, DesiredState, DocumentKind, DropReason, KeyState, Owner, PlanRefusal, PlanWarning,
    PlannedKey, Retention, RetentionError, StoredRetention, current_state::linked_path,
};
use crate::{
    documents::{Discovery, DocumentError, Documents},
    entra,
    issuer_url::shown,
    key::{Algorithm, Jwk, PublicKey},
    public_host::why_not_public,
    verify::{Refusal, RelyingParty, TrustedIssuer},
};

/// The minimum size of an RSA key for RS256 (RFC 7518 section 3.3).
const RSA_BITS_MIN: usize = 2048;
/// The maximum size of an RSA key that common libraries, including this crate, support.
const RSA_BITS_USUAL: usize = 8192;
/// The maximum lifetime of a token for Azure; a shorter retention gets a warning.
const TOKEN_LIFE_MAX: Duration = Duration::from_hours(24);

/// Publishing replaces a document that is missing, empty or an HTML error page, because it holds no data. Any other
/// document that cannot be parsed may hold data in use, so publishing does not overwrite it.
pub(super) fn judge_unreadable(
    document: &'static str,
    error: DocumentError,
    desired: &DesiredState,
    refusals: &mut Vec<PlanRefusal>,
    warnings: &mut Vec<PlanWarning>,
) {
    if desired.replace_unreadable
        || matches!(error, DocumentError::Missing | DocumentError::Empty | DocumentError::Html)
    {
        warnings.push(PlanWarning::Replaced { document, error });
    } else {
        refusals.push(PlanRefusal::Unreadable { document, error });
    }
}

pub(super) fn refuse_keys(desired: &DesiredState, published: &[Jwk], keys: &[PlannedKey]) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    for key in desired.keys.iter().filter(|key| key.algorithm() == Algorithm::Rs256 && key.bits() < RSA_BITS_MIN) {
        refusals.push(PlanRefusal::RsaTooSmall { kid: key.key_id().to_string(), bits: key.bits() });
    }
    for kid in &desired.remove {
        let Some(key) = input_key(desired, kid) else { continue };
        // If the published entry has another key with this key ID, publishing replaces it anyway, so the request is
        // satisfied.
        if !published.iter().any(|jwk| jwk.kid() == Some(kid) && jwk.key() != Ok(key)) {
            refusals.push(PlanRefusal::RemoveWanted(kid.clone()));
        }
    }
    // An owner that leaves adds no key, so these faults are those of other owners.
    if desired.relying_party == RelyingParty::Entra && !desired.is_leaving() {
        if !desired.keys.iter().any(|key| key.algorithm() == Algorithm::Rs256) {
            refusals.push(PlanRefusal::NoRsaKey);
        }
        let published = keys.iter().filter(|key| key.is_published()).count();
        if published > entra::KEYS_MAX {
            refusals.push(PlanRefusal::TooManyKeys(published));
        }
    }
    if !keys.iter().any(PlannedKey::is_published) {
        refusals.push(PlanRefusal::NoKeyLeft);
    }
    refusals
}

/// A publisher removes a key of other owners only by force.
pub(super) fn refuse_removals(desired: &DesiredState, keys: &[PlannedKey]) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    for kid in desired.remove.iter().filter(|kid| input_key(desired, kid).is_none()) {
        let kept = keys.iter().filter(|key| key.kid() == kid && key.is_published());
        let owners: BTreeSet<Owner> = kept.flat_map(|key| desired.others(&key.owners)).collect();
        if !owners.is_empty() {
            refusals.push(PlanRefusal::RemoveOfOthers { kid: kid.clone(), owners });
        }
    }
    refusals
}

/// A publisher replaces a key by another one with the same key ID only on request, and a key of other owners only by
/// force.
pub(super) fn refuse_replacements(desired: &DesiredState, recorded: &Retention, published: &[Jwk]) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    for jwk in published {
        let kid = jwk.kid().unwrap_or_default();
        let Some(key) = input_key(desired, kid).filter(|key| jwk.key() != Ok(*key)) else { continue };
        let owners = desired.others(&recorded.owners(jwk).cloned().collect());
        let is_requested = desired.remove.iter().any(|remove| remove == kid);
        if !owners.is_empty() {
            if !(is_requested && desired.force) {
                refusals.push(PlanRefusal::KeyIdOfOthers { kid: kid.to_owned(), owners });
            }
        } else if !is_requested && jwk.key().is_ok() && *key.key_id() != key.spki_key_id() {
            // A key ID that is the hash of one key belongs to no other key. Any other key ID may be reused.
            refusals.push(PlanRefusal::KeyIdReused(kid.to_owned()));
        }
    }
    refusals
}

/// The key of the input with this key ID.
fn input_key<'a>(desired: &'a DesiredState, kid: &str) -> Option<&'a PublicKey> {
    desired.keys.iter().find(|key| key.key_id().as_str() == kid)
}

/// A site that stores the record in metadata has a limit for it.
pub(super) fn refuse_long_record(
    current: &CurrentState,
    keys: &[PlannedKey],
    record: &Retention,
) -> Option<PlanRefusal> {
    let (bytes, max) = (record.to_text().len(), current.record_max?);
    let recorded = || keys.iter().filter(|key| record.knows(&key.jwk) && key.is_published());
    let owners = recorded().flat_map(|key| &key.owners).collect::<BTreeSet<_>>().len();
    (bytes > max).then(|| PlanRefusal::RecordTooLong { bytes, max, keys: recorded().count(), owners })
}

/// Relying parties compare the published issuer, so changing it requires a flag.
///
/// The retention record of the JWKS also has the issuer: between the two writes of a first publish there is only the
/// JWKS.
pub(super) fn judge_current_issuer(
    current: &CurrentState,
    desired: &DesiredState,
    refusals: &mut Vec<PlanRefusal>,
    warnings: &mut Vec<PlanWarning>,
) {
    let mut published = current.record().issuer().map(str::to_owned);
    if let Some(stored) = current.document(DocumentKind::Discovery) {
        match Discovery::parse(&stored.bytes) {
            Ok(discovery) => {
                match linked_path(&discovery, &desired.issuer) {
                    Some(path) if path == desired.issuer.jwks_path() => {}
                    Some(path) => warnings.push(PlanWarning::JwksMoves(path.to_string())),
                    None if desired.allow_jwks_uri_change => {}
                    None => refusals.push(PlanRefusal::JwksUriChange { current: shown(&discovery.jwks_uri) }),
                }
                published = Some(discovery.issuer);
            }
            Err(error) => {
                published = Discovery::issuer_of(&stored.bytes).or(published);
                judge_unreadable("discovery document", error, desired, refusals, warnings);
            }
        }
    }
    if let Some(current) =
        published.filter(|current| current != desired.issuer.as_str() && !desired.allow_issuer_change)
    {
        refusals.insert(0, PlanRefusal::IssuerChange { current, desired: desired.issuer.as_str().to_owned() });
    }
}

/// An issuer that the internet cannot reach is usable only for relying parties in the same network.
pub(super) fn judge_host(desired: &DesiredState, refusals: &mut Vec<PlanRefusal>, warnings: &mut Vec<PlanWarning>) {
    let Some(because) = why_not_public(desired.issuer.as_str()) else { return };
    let issuer = desired.issuer.to_string();
    if desired.relying_party == RelyingParty::Entra && !desired.allow_private_issuer {
        refusals.push(PlanRefusal::IssuerNotPublic { issuer, because });
    } else {
        warnings.push(PlanWarning::IssuerNotPublic { issuer, because });
    }
}

/// Refuses documents with which `verify` would refuse every token.
pub(super) fn judge_result(
    documents: &Documents,
    desired: &DesiredState,
    refusals: &[PlanRefusal],
) -> Option<PlanRefusal> {
    match TrustedIssuer::new(documents).and_then(|trusted| trusted.judge(desired.relying_party)) {
        Err(Refusal::KeySetDuplicate { kid, .. }) if refusals.is_empty() => Some(PlanRefusal::KeyIdTwice(kid)),
        _ => None,
    }
}

/// Warnings about the retention record, and about the clocks of its times.
pub(super) fn record_warnings(
    desired: &DesiredState,
    found: &StoredRetention,
    clocks: Option<ClocksApart>,
) -> Vec<PlanWarning> {
    let mut warnings: Vec<_> = clocks.map(PlanWarning::ClocksApart).into_iter().collect();
    // The warning says that the retention restarts, which is wrong for a refused plan.
    if let StoredRetention::Unreadable(error) = found
        && refuse_later_record(desired, found).is_none()
    {
        warnings.push(PlanWarning::RecordUnreadable(error.clone()));
    }
    warnings
}

/// Removing keys requires a readable retention record and consistent clocks.
pub(super) fn refuse_drops(
    desired: &DesiredState,
    found: &StoredRetention,
    clocks: Option<ClocksApart>,
    keys: &[PlannedKey],
) -> Vec<PlanRefusal> {
    let mut refusals = Vec::new();
    if desired.remove_unknown && found.record().is_none() {
        refusals.push(PlanRefusal::NoRecord);
    }
    let is_pruned = |key: &PlannedKey| matches!(key.state, KeyState::Dropped(DropReason::Pruned { .. }));
    if let Some(clocks) = clocks.filter(|_| keys.iter().any(is_pruned)) {
        refusals.push(PlanRefusal::PruneByWrongClock(clocks));
    }
    refusals
}

/// A record of a later version may hold data that this version would lose.
pub(super) fn refuse_later_record(desired: &DesiredState, found: &StoredRetention) -> Option<PlanRefusal> {
    match found {
        StoredRetention::Unreadable(RetentionError::Version(version)) if !desired.replace_unreadable => {
            Some(PlanRefusal::LaterRecord(*version))
        }
        _ => None,
    }
}

pub(super) fn warn_of_keys(
    desired: &DesiredState,
    found: &StoredRetention,
    published: &[Jwk],
    keys: &[PlannedKey],
) -> Vec<PlanWarning> {
    let is_known = |jwk: &Jwk| found.record().is_some_and(|record| record.knows(jwk));
    let mut warnings = Vec::new();
    if desired.relying_party == RelyingParty::Entra {
        for key in desired.keys.iter().filter(|key| key.algorithm() != Algorithm::Rs256) {
            warnings.push(PlanWarning::NotForEntra { kid: key.key_id().to_string(), kind: key.to_string() });
        }
    }
    for key in desired.keys.iter().filter(|key| key.algorithm() == Algorithm::Rs256 && key.bits() > RSA_BITS_USUAL) {
        warnings.push(PlanWarning::RsaTooLarge { kid: key.key_id().to_string(), bits: key.bits() });
    }
    let is_another = |jwk: &&Jwk| {
        let desired = desired.keys.iter().find(|key| jwk.kid() == Some(key.key_id().as_str()));
        desired.is_some_and(|key| jwk.key() != Ok(key))
    };
    for jwk in published.iter().filter(is_another) {
        warnings.push(PlanWarning::OtherKey(jwk.kid().unwrap_or_default().to_owned()));
    }
    for key in keys.iter().filter(|key| key.state == KeyState::Unknown) {
        warnings.push(PlanWarning::UnknownKey(key.jwk.kid().filter(|kid| !kid.is_empty()).map(str::to_owned)));
    }
    for kid in &desired.adopt {
        let is_adopted = |key: &PlannedKey| {
            key.kid() == *kid && matches!(key.state, KeyState::Retired { .. }) && !is_known(&key.jwk)
        };
        if !keys.iter().any(is_adopted) {
            warnings.push(PlanWarning::NothingToAdopt(kid.clone()));
        }
    }
    for kid in desired.remove.iter().filter(|kid| !keys.iter().any(|key| key.kid() == **kid)) {
        warnings.push(PlanWarning::NotPublished(kid.clone()));
    }
    let is_own = |key: &PlannedKey| key.state == KeyState::Left || key.owners.contains(&desired.owner);
    if desired.is_leaving() && !keys.iter().any(is_own) {
        warnings.push(PlanWarning::NothingToLeave(desired.owner.clone()));
    }
    if let Some(max_age) = desired.max_age().filter(|max_age| *max_age > desired.retain / 10) {
        warnings.push(PlanWarning::LongCache { max_age, retain: desired.retain });
    }
    if desired.prune && desired.retain < TOKEN_LIFE_MAX {
        warnings.push(PlanWarning::ShortRetention(desired.retain));
    }
    warnings
}
