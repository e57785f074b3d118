//! The API server beside the stored and the public documents.

use std::collections::BTreeSet;

use anstyle::Style;
use issuer::{IssuerUrl, Owner};
use serde::Serialize;

use super::{
    difference::{Difference, differences},
    observed::{PublicSide, StoredSide},
};
use crate::cli::{
    answers,
    api_server::WithKeys,
    clean::printable,
    output::{BAD, GOOD, STRONG, WARN},
};

/// The issuer and the keys of the API server, compared with the documents.
#[derive(Clone, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct ComparedApiServer {
    #[serde(flatten)]
    pub(super) api_server: answers::ApiServer,
    /// The keys of all three places.
    pub(super) keys: Vec<ComparedKey>,
    /// What differs between the API server and another place; empty if nothing differs.
    pub(super) drift: Vec<Difference>,
    /// Whether the stored documents have the issuer; `None` if they were not read, or cannot be used.
    #[serde(skip)]
    has_stored_issuer: Option<bool>,
    /// The same for the public documents.
    #[serde(skip)]
    has_public_issuer: Option<bool>,
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

impl ComparedApiServer {
    pub(super) fn new(
        read: &WithKeys,
        owner: &Owner,
        issuer: &IssuerUrl,
        stored: Option<&StoredSide>,
        public: Option<&PublicSide>,
    ) -> Self {
        let has_stored_issuer = stored.and_then(|stored| stored.status.documents.as_ref()).map(|_| true);
        let stored = stored.map(|stored| &stored.status.keys[..]);
        let public = public.and_then(|public| public.keys.as_ref().ok());
        let is_stored = |kid: &str| stored.map(|keys| keys.iter().any(|key| key.jwk.kid() == Some(kid)));
        let is_public = |kid: &str| public.map(|keys| keys.iter().any(|jwk| jwk.kid() == Some(kid)));
        let is_served = |kid: &str| read.keys.iter().any(|key| key.key_id().to_string() == kid);
        let served = read.keys.iter().map(|key| key.key_id().to_string());
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
            drift: differences(read, owner, issuer, stored, public.map(Vec::as_slice)),
            has_stored_issuer,
            has_public_issuer: public.map(|_| true),
            api_server: answers::ApiServer::beside(&read.api_server, issuer.as_str()),
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
        let is_same = self.api_server.issuer == issuer;
        lines.push(line("issuer", is_same, self.has_stored_issuer, false, self.has_public_issuer));
        lines.extend(self.keys.iter().map(|key| line(&key.kid, key.api_server, key.stored, key.retired, key.public)));
        lines
    }
}
