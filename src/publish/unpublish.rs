use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{
    PublishError,
    apply::{ATTEMPTS_MAX, read_current},
};
use crate::{
    documents::{Discovery, Jwks},
    hint::Hint,
    issuer_url::{DocumentPath, IssuerUrl},
    plan::{CurrentState, DocumentKind, Owner, owners_text},
    site::{Site, SiteError, Written},
    token::Token,
    verify::is_signed_by,
};

/// The greatest age of a token that shows which issuer the cluster uses now.
const FRESH: SignedDuration = SignedDuration::from_hours(1);
/// How far the clock of the API server may be ahead.
const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(1);

/// The check that no cluster needs the documents before they are removed.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{RemovalGuard, SystemClock, Token, DesiredState, site::Memory};
/// # use issuer::KeySet;
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// // A token of the same cluster, which uses another issuer now.
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let mut buffer = Vec::new();
/// let token = &Token::parse(&text, &mut buffer)?;
/// let guard = RemovalGuard::Token { token, now: "2026-11-22T00:40:00Z".parse()? };
/// assert!(issuer::unpublish(&site, &desired.issuer, &guard).await?.is_ok());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RemovalGuard<'a> {
    /// A fresh token of the cluster: it is signed with one of the keys that would be removed, and names another issuer.
    Token {
        /// The token.
        token: &'a Token<'a>,
        /// The present time: the token must be valid and at most one hour old.
        now: Timestamp,
    },
    /// No check.
    Force,
}

/// The documents that were removed.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, RemovalGuard, SystemClock, DesiredState, site::Memory};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let (site, issuer) = (Memory::default(), &desired.issuer);
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// let removal = issuer::unpublish(&site, issuer, &RemovalGuard::Force).await??;
/// assert_eq!(removal.removed, [issuer.discovery_path(), issuer.jwks_path()]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// The documents, in the order of their removal.
    pub removed: Vec<DocumentPath>,
}

/// Why no document was removed.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{Hint, RemovalGuard, RemovalRefusal, Token, site::Memory};
/// let text = std::fs::read_to_string("fixtures/kubernetes/rotation/entra-1h.jwt")?;
/// let issuer = "https://oidcissuera67fb168.z6.web.core.windows.net/".parse()?;
/// let mut buffer = Vec::new();
/// let token = &Token::parse(&text, &mut buffer)?;
/// let guard = RemovalGuard::Token { token, now: "2026-11-22T00:40:00Z".parse()? };
/// let refusal = issuer::unpublish(&Memory::default(), &issuer, &guard).await?.unwrap_err();
/// assert_eq!(refusal, RemovalRefusal::InUse(issuer.to_string()));
/// assert_eq!(refusal.to_string(), format!("the cluster's tokens still name the issuer \"{issuer}\""));
/// assert!(refusal.hint().unwrap().starts_with("configure another --service-account-issuer"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalRefusal {
    /// The cluster's tokens still name this issuer.
    #[error("the cluster's tokens still name the issuer {0:?}")]
    InUse(String),
    /// The cluster's tokens name an issuer with the same documents.
    #[error("the cluster's tokens name the issuer {0:?}, which has the same documents")]
    SamePlace(String),
    /// The token has expired.
    #[error("the token expired at {0}, so it does not show which issuer the cluster uses now")]
    Expired(Timestamp),
    /// The token is older than one hour.
    #[error(
        "the token was issued at {0}, more than an hour ago, so it does not show which issuer the cluster uses now"
    )]
    Old(Timestamp),
    /// The token is not valid yet, or the clock of this machine is behind.
    #[error(
        "the token was issued at {0}, which is in the future, so it does not show which issuer the cluster uses now"
    )]
    NotYetIssued(Timestamp),
    /// The token has no issuer, expiry or time of issue.
    #[error("the token has no {0}, so it does not show which issuer the cluster uses now")]
    Incomplete(&'static str),
    /// The token is of another cluster, or forged.
    #[error("no published key verifies the token's signature, so it is not a token of this cluster")]
    NotOfThisCluster,
    /// Several owners have keys that are not retired, and the token is of one cluster.
    #[error("several owners have published keys: {}", owners_text(.0))]
    SeveralOwners(BTreeSet<Owner>),
    /// There are other published keys, and no retention record shows which clusters own them.
    #[error("no readable retention record shows which clusters own the published keys")]
    OwnersUnknown,
    /// The documents are those of another issuer.
    #[error("the stored documents are those of the issuer {0:?}")]
    OtherIssuer(String),
}

impl Hint for RemovalRefusal {
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::InUse(_) | Self::SamePlace(_) => {
                "configure another --service-account-issuer on the API server first, and wait until its old tokens have expired; --force skips this check"
            }
            Self::NotOfThisCluster => "check the context of kubectl; if the cluster has other keys now, pass --force",
            Self::NotYetIssued(_) => {
                "synchronise the clocks of the control plane and this machine (NTP), and pass a fresh token"
            }
            Self::Expired(_) | Self::Old(_) | Self::Incomplete(_) => {
                "pass a fresh token: kubectl create token default --audience api://AzureADTokenExchange"
            }
            Self::SeveralOwners(_) => {
                "run issuer publish --owner NAME --leave for every other owner first, or pass --force"
            }
            Self::OwnersUnknown => "check that no other cluster uses this issuer, then pass --force",
            Self::OtherIssuer(_) => "pass --issuer with exactly that string",
        };
        Some(hint.to_owned())
    }
}

/// Removes the documents of an issuer: first the discovery document, then the JWKS, so that no `jwks_uri` leads to a missing JWKS.
///
/// It removes the JWKS below the issuer, where [`publish`](crate::publish) writes it.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, RemovalGuard, SystemClock, DesiredState, site::{Memory, Site}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// issuer::unpublish(&site, &desired.issuer, &RemovalGuard::Force).await??;
/// assert_eq!(site.read(&desired.issuer.jwks_path()).await?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// The inner [`RemovalRefusal`] if the guard or the documents do not permit the removal; then nothing was removed. [`SiteError`]
/// if the site cannot be read or written.
pub async fn unpublish(
    site: &dyn Site,
    issuer: &IssuerUrl,
    guard: &RemovalGuard<'_>,
) -> Result<Result<Removal, RemovalRefusal>, PublishError> {
    if let Err(refusal) = guard.judge(issuer) {
        return Ok(Err(refusal));
    }
    remove(site, issuer, guard).await
}

/// Lists the documents that [`unpublish`] would remove, in order, and removes nothing.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
/// # runtime.block_on(async {
/// use issuer::{KeySet, RemovalGuard, SystemClock, DesiredState, site::{Memory, Site}};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let site = Memory::default();
/// issuer::publish(&site, &desired, &SystemClock).await?;
/// let paths = issuer::plan_removal(&site, &desired.issuer, &RemovalGuard::Force).await??;
/// assert_eq!(paths, [desired.issuer.discovery_path(), desired.issuer.jwks_path()]);
/// assert!(site.read(&paths[0]).await?.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// As [`unpublish`].
pub async fn plan_removal(
    site: &dyn Site,
    issuer: &IssuerUrl,
    guard: &RemovalGuard<'_>,
) -> Result<Result<Vec<DocumentPath>, RemovalRefusal>, SiteError> {
    if let Err(refusal) = guard.judge(issuer) {
        return Ok(Err(refusal));
    }
    let current = read_current(site, issuer).await?;
    if let Some(refusal) = guard.judge_current(issuer, &current) {
        return Ok(Err(refusal));
    }
    Ok(Ok(current.documents.keys().rev().map(|kind| kind.path(issuer)).collect()))
}

async fn remove(
    site: &dyn Site,
    issuer: &IssuerUrl,
    guard: &RemovalGuard<'_>,
) -> Result<Result<Removal, RemovalRefusal>, PublishError> {
    let mut removal = Removal::default();
    // If the answer to a removal is lost, the next read finds the document removed.
    let mut tried: Option<DocumentKind> = None;
    for _ in 0..ATTEMPTS_MAX {
        let current = read_current(site, issuer).await?;
        let gone = tried.take().filter(|kind| current.document(*kind).is_none());
        removal.removed.extend(gone.map(|kind| kind.path(issuer)));
        if removal.removed.is_empty()
            && let Some(refusal) = guard.judge_current(issuer, &current)
        {
            return Ok(Err(refusal));
        }
        // A document that appears after the removal is another publisher's.
        if other_issuer(issuer, &current).is_some() || current.documents.is_empty() {
            return Ok(Ok(removal));
        }
        for (kind, stored) in current.documents.iter().rev() {
            let path = kind.path(issuer);
            if site.remove(&path, &stored.etag).await? == Written::PreconditionFailed {
                tried = Some(*kind);
                break;
            }
            removal.removed.push(path);
        }
        // Read again: another publisher may have written one of them meanwhile.
    }
    Err(PublishError::Contended { site: site.name(), attempts: ATTEMPTS_MAX })
}

/// The issuer in the stored documents, if it is another one.
fn other_issuer(issuer: &IssuerUrl, current: &CurrentState) -> Option<String> {
    let recorded = current.document(DocumentKind::Jwks).and_then(|stored| stored.retention.issuer().map(str::to_owned));
    let named = current.document(DocumentKind::Discovery).and_then(|stored| Discovery::issuer_of(&stored.bytes));
    named.or(recorded).filter(|named| named != issuer.as_str())
}

impl RemovalGuard<'_> {
    /// Checks the token against the stored documents.
    fn judge_current(&self, issuer: &IssuerUrl, current: &CurrentState) -> Option<RemovalRefusal> {
        if let Some(other) = other_issuer(issuer, current) {
            return Some(RemovalRefusal::OtherIssuer(other));
        }
        let published = current.document(DocumentKind::Jwks).and_then(|stored| Jwks::parse(&stored.bytes).ok());
        let published = published.unwrap_or_default();
        let Self::Token { token, .. } = self else { return None };
        if !current.documents.is_empty() && !is_signed_by(token, &published) {
            return Some(RemovalRefusal::NotOfThisCluster);
        }
        // The token shows nothing about the clusters of other owners.
        let Some(record) = current.record().record() else {
            return (published.keys.len() > 1).then_some(RemovalRefusal::OwnersUnknown);
        };
        let owners = record.owners_in_use();
        (owners.len() > 1).then(|| RemovalRefusal::SeveralOwners(owners.into_iter().cloned().collect()))
    }

    /// Checks the claims of the token.
    fn judge(&self, issuer: &IssuerUrl) -> Result<(), RemovalRefusal> {
        let Self::Token { token, now } = self else { return Ok(()) };
        let claims = &token.claims;
        let named = claims.iss.as_deref().ok_or(RemovalRefusal::Incomplete("issuer"))?;
        if named == issuer.as_str() {
            return Err(RemovalRefusal::InUse(named.to_owned()));
        }
        // Two issuers that differ only in a trailing slash have the same documents.
        if named.parse().is_ok_and(|named| issuer.is_same_place(&named)) {
            return Err(RemovalRefusal::SamePlace(named.to_owned()));
        }
        let expiry = claims.exp.ok_or(RemovalRefusal::Incomplete("end"))?;
        if expiry <= *now {
            return Err(RemovalRefusal::Expired(expiry));
        }
        let issued = claims.iat.ok_or(RemovalRefusal::Incomplete("time of issue"))?;
        match now.duration_since(issued) {
            age if age > FRESH => Err(RemovalRefusal::Old(issued)),
            age if age < -CLOCKS_APART => Err(RemovalRefusal::NotYetIssued(issued)),
            _ => Ok(()),
        }
    }
}
