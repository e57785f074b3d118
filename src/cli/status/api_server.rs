//! The API server beside the stored and the public documents.

use std::collections::BTreeSet;

use anstyle::Style;
use issuer::{ApiServerDrift, IssuerUrl, KeyStatus, Owner};
use serde::Serialize;

use super::observed::{PublicSide, StoredSide};
use crate::cli::{
    answers::{self, Step},
    clean::printable,
    cluster_args::ReadIssuer,
    inputs,
    output::{BAD, GOOD, STRONG, WARN},
};

/// The issuer and the keys of the API server, compared with the documents.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct ApiServer {
    /// The URL of the API server.
    pub(super) server: String,
    /// The issuer of new tokens, byte for byte.
    pub(super) issuer: String,
    /// The `jwks_uri` of the API server, which is never published.
    pub(super) jwks_uri: String,
    /// The steps that change the API server to the published issuer without an outage; empty if it has this issuer.
    pub(super) steps: Vec<Step>,
    /// The keys of all three places.
    pub(super) keys: Vec<ComparedKey>,
    /// What differs between the API server and another place; empty if nothing differs.
    pub(super) drift: Vec<Difference>,
    /// Whether the public documents can be used.
    #[serde(skip)]
    pub(super) has_public_keys: bool,
}

/// A difference between the API server and another place.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Difference {
    /// What differs, a clause.
    pub(super) message: String,
    /// The next step.
    pub(super) fix: String,
}

/// A key, and where it was found.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct ComparedKey {
    /// The key ID.
    pub(super) kid: String,
    /// Whether the API server serves the key.
    pub(super) api_server: bool,
    /// Whether the site stores the key; null if no site was read.
    pub(super) stored: Option<bool>,
    /// Whether the stored key is retired.
    pub(super) retired: bool,
    /// Whether relying parties find the key; null if the public documents were not read.
    pub(super) public: Option<bool>,
}

impl ApiServer {
    pub(super) fn new(
        read: &ReadIssuer,
        owner: &Owner,
        issuer: &IssuerUrl,
        stored: Option<&StoredSide>,
        public: Option<&PublicSide>,
    ) -> Self {
        let ReadIssuer { server, issuer: found, .. } = read;
        let stored = stored.map(|stored| &stored.status.keys[..]);
        let public = public.and_then(|public| public.keys.as_ref().ok());
        let of_input = inputs::ApiServer {
            server: server.clone(),
            issuer: found.issuer.clone(),
            jwks_uri: found.jwks_uri.clone(),
            uid: None,
        };
        let answers::ApiServer { steps, .. } = answers::ApiServer::beside(&of_input, issuer.as_str());
        let is_stored = |kid: &str| stored.map(|keys| keys.iter().any(|key| key.jwk.kid() == Some(kid)));
        let is_public = |kid: &str| public.map(|keys| keys.iter().any(|jwk| jwk.kid() == Some(kid)));
        let is_served = |kid: &str| found.keys.iter().any(|key| key.key_id().to_string() == kid);
        let served = found.keys.iter().map(|key| key.key_id().to_string());
        let of_site = stored.into_iter().flatten().filter_map(|key| key.jwk.kid().map(str::to_owned));
        let of_public = public.into_iter().flatten().filter_map(|jwk| jwk.kid().map(str::to_owned));
        let mut seen = BTreeSet::new();
        let kids = served.chain(of_site).chain(of_public).filter(|kid| seen.insert(kid.clone()));
        let is_retired = |kid: &str| {
            let mut keys = stored.into_iter().flatten();
            keys.any(|key| key.jwk.kid() == Some(kid) && key.retired.is_some())
        };
        let keys = kids.map(|kid| ComparedKey {
            api_server: is_served(&kid),
            stored: is_stored(&kid),
            retired: is_retired(&kid),
            public: is_public(&kid),
            kid,
        });
        Self {
            keys: keys.collect(),
            drift: drift(found, owner, issuer, stored, public.map(Vec::as_slice)),
            has_public_keys: public.is_some(),
            server: of_input.server,
            issuer: of_input.issuer,
            jwks_uri: of_input.jwks_uri,
            steps,
        }
    }

    /// The table of the three places.
    pub(super) fn table(&self, issuer: &str, has_stored: bool, has_public: bool) -> Vec<String> {
        let cell = |width: usize, found: Option<bool>, retired: bool, missing: Style| match found {
            None => " ".repeat(width),
            Some(true) if retired => format!("{WARN}{:width$}{WARN:#}", "retired"),
            Some(true) => format!("{GOOD}{:width$}{GOOD:#}", "yes"),
            Some(false) => format!("{missing}{:width$}{missing:#}", "no"),
        };
        let line = |name: &str, served: bool, stored: Option<bool>, retired: bool, public: Option<bool>| {
            // A retired key may be missing in the API server.
            let of_server = if retired { Style::new() } else { BAD };
            let cells = [
                cell(10, Some(served), false, of_server),
                cell(if has_public { 7 } else { 0 }, stored, retired, BAD),
                cell(0, public, false, BAD),
            ];
            let line = format!("  {:43}  {}", printable(name), cells.join("  "));
            line.trim_end().to_owned()
        };
        let heads = match (has_stored, has_public) {
            (true, true) => "API server  stored   public",
            (true, false) => "API server  stored",
            (false, true) => "API server           public",
            (false, false) => "API server",
        };
        let mut lines = vec![format!("  {:43}  {STRONG}{heads}{STRONG:#}", "")];
        let is_same = self.issuer == issuer;
        // The stored and the public documents have this issuer if they can be used.
        let of_public = if has_public { self.has_public_keys.then_some(true).or(Some(false)) } else { None };
        lines.push(line("issuer", is_same, has_stored.then_some(true), false, of_public));
        lines.extend(self.keys.iter().map(|key| line(&key.kid, key.api_server, key.stored, key.retired, key.public)));
        lines
    }

    /// The lines that say how to change the issuer of the API server; none if it has the published issuer.
    pub(super) fn change_lines(&self) -> Vec<String> {
        answers::change_lines(&self.steps)
    }
}

/// What differs between the API server and each of the two places.
fn drift(
    read: &issuer::kubernetes::ClusterIssuer,
    owner: &Owner,
    issuer: &IssuerUrl,
    stored: Option<&[KeyStatus]>,
    public: Option<&[issuer::Jwk]>,
) -> Vec<Difference> {
    let mut drift = Vec::new();
    let mut add = |message: String, fix: &str| drift.push(Difference { message, fix: fix.to_owned() });
    if read.issuer != issuer.as_str() {
        add(
            format!("the API server issues tokens with the issuer {}, not {issuer}", read.issuer),
            "change the issuer of the API server in the printed order",
        );
    }
    if let Some(stored) = stored {
        let is_own = |key: &KeyStatus| key.known && key.retired.is_none() && key.owners.contains(owner);
        let is_in_use = |jwk: &issuer::Jwk| stored.iter().any(|key| key.jwk == *jwk && is_own(key));
        let entries: Vec<_> = stored.iter().map(|key| key.jwk.clone()).collect();
        let found = ApiServerDrift::between(&read.issuer, &read.keys, issuer, &entries, is_in_use);
        for kid in &found.unpublished {
            add(
                format!("the site does not have the key {kid} of the API server"),
                "publish it: issuer publish --from-cluster, with the flags of this site",
            );
        }
        let is_of_others =
            |kid: &str| stored.iter().any(|key| key.jwk.kid() == Some(kid) && key.known && !key.owners.contains(owner));
        let served = read.keys.iter().map(|key| key.key_id().to_string());
        for kid in served.filter(|kid| is_of_others(kid)) {
            add(
                format!("the key {kid} of the API server does not belong to the owner {owner}"),
                "pass the --owner that publishes for this cluster, or publish with this owner: issuer publish --from-cluster --owner NAME",
            );
        }
        for kid in &found.not_served {
            add(
                format!("the API server does not serve the key {kid}, which is published and not retired"),
                "retire it: issuer publish --from-cluster, with the flags of this site; if it belongs to another cluster, publish each with its own --owner",
            );
        }
    }
    if let Some(public) = public {
        let found = ApiServerDrift::between(&read.issuer, &read.keys, issuer, public, |_| false);
        for kid in &found.unpublished {
            let is_stored = stored.is_some_and(|keys| keys.iter().any(|key| key.jwk.kid() == Some(kid)));
            let fix = if is_stored {
                "wait until caches between the site and relying parties have expired, or check the issuer URL"
            } else {
                "publish it: issuer publish --from-cluster, with the flags of the site"
            };
            add(format!("relying parties do not find the key {kid} of the API server"), fix);
        }
    }
    drift
}
