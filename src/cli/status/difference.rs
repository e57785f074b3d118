//! What differs between the API server and the stored and public documents.

use issuer::{ApiServerDrift, IssuerUrl, Jwk, KeyStatus, Owner};
use serde::Serialize;

use crate::cli::{answers::owners_text, api_server::WithKeys};

/// A difference between the API server and another place.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Difference {
    /// What differs, a clause.
    pub(super) message: String,
    /// The next step.
    pub(super) fix: String,
}

/// What differs between the API server and each of the two places.
pub(super) fn differences(
    read: &WithKeys,
    owner: &Owner,
    issuer: &IssuerUrl,
    stored: Option<&[KeyStatus]>,
    public: Option<&[Jwk]>,
) -> Vec<Difference> {
    let WithKeys { api_server, keys, .. } = read;
    let mut drift = Vec::new();
    let mut add = |message: String, fix: &str| drift.push(Difference { message, fix: fix.to_owned() });
    if api_server.issuer != issuer.as_str() {
        add(
            format!("the API server issues tokens with the issuer {}, not {issuer}", api_server.issuer),
            "change the issuer of the API server in the printed order",
        );
    }
    if let Some(stored) = stored {
        let is_own = |key: &KeyStatus| key.known && key.retired.is_none() && key.owners.contains(owner);
        let is_in_use = |jwk: &Jwk| stored.iter().any(|key| key.jwk == *jwk && is_own(key));
        let entries: Vec<_> = stored.iter().map(|key| key.jwk.clone()).collect();
        let found = ApiServerDrift::between(&api_server.issuer, keys, issuer, &entries, is_in_use);
        for kid in &found.unpublished {
            add(
                format!("the site does not have the key {kid} of the API server"),
                "publish it: issuer publish --from-cluster, with the flags of this site",
            );
        }
        let served = || keys.iter().map(|key| key.key_id().to_string());
        let is_retired = |kid: &str| stored.iter().any(|key| key.jwk.kid() == Some(kid) && key.retired.is_some());
        for kid in served().filter(|kid| is_retired(kid)) {
            add(
                format!("the key {kid} of the API server is retired on the site, so --prune may remove it"),
                "publish it again: issuer publish --from-cluster, with the flags of this site and its --owner",
            );
        }
        let others = |kid: &str| {
            let is_of_others =
                |key: &&KeyStatus| key.jwk.kid() == Some(kid) && key.known && !key.owners.contains(owner);
            let owners = stored.iter().find(is_of_others)?.owners.iter().map(ToString::to_string);
            Some(owners_text(&owners.collect::<Vec<_>>()))
        };
        for kid in served().filter(|kid| !is_retired(kid)) {
            let Some(others) = others(&kid) else { continue };
            add(
                format!("the key {kid} of the API server belongs to the {others}, not to the owner {owner}"),
                "pass the owner that publishes for this cluster, with --owner or --owner-from-cluster; if it has none yet, publish with one: issuer publish --from-cluster --owner NAME",
            );
        }
        for kid in &found.not_served {
            add(
                format!("the API server does not serve the key {kid}, which is published and not retired"),
                "if it is the next key, add it to --service-account-key-file of the API server; if it is a key of another cluster, publish each cluster with its own --owner; otherwise retire it: issuer publish --from-cluster, with the flags of this site",
            );
        }
    }
    if let Some(public) = public {
        let found = ApiServerDrift::between(&api_server.issuer, keys, issuer, public, |_| false);
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
