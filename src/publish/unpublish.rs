use jiff::Timestamp;

use super::apply::{ATTEMPTS_MAX, read_live};
use crate::{
    Claims, Error, IssuerUrl,
    documents::{Discovery, DocumentPath},
    site::{Site, Written},
};

/// How it is made sure that no cluster needs what is about to be removed.
#[derive(Clone, Debug)]
pub enum RemovalGuard<'a> {
    /// By a token the cluster gives now: its issuer is another one by now.
    Token {
        /// Its claims; the signature does not matter here.
        claims: &'a Claims,
        /// The time, at which it must be valid still.
        now: Timestamp,
    },
    /// Not at all.
    Force,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// The documents, in the order in which they went.
    pub removed: Vec<DocumentPath>,
}

/// Why nothing is removed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalRefusal {
    /// The cluster's tokens still name this issuer.
    #[error("the cluster's tokens name the issuer {0:?} still")]
    InUse(String),
    /// The cluster's tokens name an issuer with the same documents.
    #[error("the cluster's tokens name the issuer {0:?}, whose documents are these")]
    SamePlace(String),
    /// A token that says nothing about now.
    #[error("the token expired at {0}, so it does not say which issuer the cluster names now")]
    Expired(Timestamp),
    /// A token without issuer or end.
    #[error("the token has no {0}, so it does not say which issuer the cluster names now")]
    Incomplete(&'static str),
    /// The documents are those of another issuer.
    #[error("the documents there are those of the issuer {0:?}")]
    OtherIssuer(String),
}

impl RemovalRefusal {
    /// The next step.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::InUse(_) | Self::SamePlace(_) => {
                "give the API server another --service-account-issuer first, and wait until its old tokens have expired; --force removes it all the same"
            }
            Self::Expired(_) | Self::Incomplete(_) => {
                "pass a fresh one: kubectl create token default --audience api://AzureADTokenExchange"
            }
            Self::OtherIssuer(_) => "pass --issuer with that string, byte for byte",
        }
    }
}

/// Removes the documents of an issuer: discovery first, then the JWKS, so that no reader is sent to a key set that is not there.
///
/// The JWKS that goes is the one below the issuer, where [`publish`](crate::publish) puts it.
///
/// # Errors
///
/// The inner [`RemovalRefusal`] when the guard or the documents speak against it, and nothing was removed; [`Error`] when the
/// site cannot be read or changed.
pub async fn unpublish(
    site: &impl Site,
    issuer: &IssuerUrl,
    guard: &RemovalGuard<'_>,
) -> Result<Result<Removal, RemovalRefusal>, Error> {
    if let Err(refusal) = guard.judge(issuer) {
        return Ok(Err(refusal));
    }
    let mut removal = Removal::default();
    for _ in 0..ATTEMPTS_MAX {
        let live = read_live(site, issuer).await?;
        let recorded = live.jwks.as_ref().and_then(|stored| stored.retention.issuer.clone());
        let named = live.discovery.as_ref().and_then(|stored| Discovery::issuer_of(&stored.bytes));
        if let Some(other) = named.or(recorded).filter(|named| named != issuer.as_str()) {
            return Ok(Err(RemovalRefusal::OtherIssuer(other)));
        }
        let documents = [(issuer.discovery_path(), live.discovery), (issuer.jwks_path(), live.jwks)];
        let mut done = true;
        for (path, stored) in documents {
            let Some(stored) = stored else { continue };
            if site.remove(&path, &stored.etag).await? == Written::PreconditionFailed {
                done = false;
                break;
            }
            removal.removed.push(path);
        }
        if done {
            return Ok(Ok(removal));
        }
    }
    Err(Error::Contended { site: site.name(), attempts: ATTEMPTS_MAX })
}

impl RemovalGuard<'_> {
    fn judge(&self, issuer: &IssuerUrl) -> Result<(), RemovalRefusal> {
        let Self::Token { claims, now } = self else { return Ok(()) };
        let named = claims.iss.as_deref().ok_or(RemovalRefusal::Incomplete("issuer"))?;
        if named == issuer.as_str() {
            return Err(RemovalRefusal::InUse(named.to_owned()));
        }
        // With and without a slash at the end are two issuers, and one place.
        if named.trim_end_matches('/').eq_ignore_ascii_case(issuer.base()) {
            return Err(RemovalRefusal::SamePlace(named.to_owned()));
        }
        let expiry = claims.exp.ok_or(RemovalRefusal::Incomplete("end"))?;
        if expiry <= *now { Err(RemovalRefusal::Expired(expiry)) } else { Ok(()) }
    }
}
