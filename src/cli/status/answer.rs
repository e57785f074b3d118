use issuer::{KeyStatus, Timestamp};
use serde::Serialize;

use super::api_server::ComparedApiServer;
use super::observed::{Observed, PublicSide, StoredSide};
use crate::cli::answers::{Key, Mismatch, StaticWebsite, Warning};

/// The documents of an issuer, as the site stores them and as relying parties fetch them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    /// The issuer URL, byte for byte.
    pub(super) issuer: String,
    /// The documents on the site; null if no site was given.
    pub(super) stored: Option<Stored>,
    /// The documents that relying parties fetch; null if they were not fetched.
    pub(super) public: Option<Public>,
    /// The API server beside both; absent without --from-cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_server: Option<ComparedApiServer>,
}

/// The documents on the site.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Stored {
    /// The site: the container and storage account, or the directory.
    pub(super) site: String,
    /// The credential used for the storage account; null for a directory.
    pub(super) credential: Option<String>,
    /// The static website; null if the site has none.
    pub(super) static_website: Option<StaticWebsite>,
    /// The keys of the stored JWKS, in its order.
    pub(super) keys: Vec<StoredKey>,
    /// The faults of the documents and the retention record, each a clause; empty if there are none.
    pub(super) faults: Vec<String>,
    /// Warnings, each a sentence.
    pub(super) warnings: Vec<String>,
    /// Whether both documents exist and can be parsed.
    #[serde(skip)]
    pub(super) is_readable: bool,
}

/// A key of the stored JWKS.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct StoredKey {
    #[serde(flatten)]
    pub(super) key: Key,
    /// Whether the retention record lists the key; true if no record can be read.
    pub(super) known: bool,
    /// The owners of the key; for a retired key its last owner. Empty if the retention record does not list the key.
    pub(super) owners: Vec<String>,
    /// When the key was first published (RFC 3339); null if the retention record has no time.
    pub(super) published_since: Option<Timestamp>,
    /// When the key was first missing from the input (RFC 3339); null if it is not retired.
    pub(super) retired_since: Option<Timestamp>,
    /// When `--prune` may remove the key (RFC 3339); null if it is not retired.
    pub(super) due: Option<Timestamp>,
}

/// The documents that relying parties fetch.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Public {
    /// The URL or directory that the documents were read from.
    pub(super) from: String,
    /// The keys of the JWKS, in its order; null if there is a mismatch.
    pub(super) keys: Option<Vec<Key>>,
    /// Why the documents are not usable, or how they differ from the stored ones; null if they are usable and identical.
    pub(super) mismatch: Option<Mismatch>,
    /// Properties of the documents that relying parties may reject.
    pub(super) warnings: Vec<Warning>,
}

impl From<&KeyStatus> for StoredKey {
    fn from(key: &KeyStatus) -> Self {
        Self {
            key: Key::from(&key.jwk),
            known: key.known,
            owners: key.owners.iter().map(ToString::to_string).collect(),
            published_since: key.published,
            retired_since: key.retired.map(|(since, _)| since),
            due: key.retired.map(|(_, due)| due),
        }
    }
}

impl From<&StoredSide> for Stored {
    fn from(site: &StoredSide) -> Self {
        let clocks = site.status.clocks.iter().map(ToString::to_string);
        Self {
            site: site.name.clone(),
            credential: site.credential.clone(),
            static_website: StaticWebsite::of(&site.status.hosting),
            keys: site.status.keys.iter().map(StoredKey::from).collect(),
            faults: site.faults(),
            warnings: clocks.chain(site.warnings.iter().map(ToString::to_string)).collect(),
            is_readable: site.status.documents.is_some(),
        }
    }
}

impl From<&Observed> for Answer {
    fn from(found: &Observed) -> Self {
        let public = |public: &PublicSide| Public {
            from: public.from.clone(),
            keys: public.keys.as_ref().ok().map(|keys| keys.iter().map(Key::from).collect()),
            mismatch: public.keys.as_ref().err().map(|mismatch| Mismatch::new(mismatch, found.relying_party)),
            warnings: public.warnings.iter().map(|warning| Warning::new(warning, found.relying_party)).collect(),
        };
        Self {
            issuer: found.issuer.to_string(),
            stored: found.site.as_ref().map(Stored::from),
            public: found.public.as_ref().map(public),
            api_server: found.api_server.as_ref().map(|(read, owner)| {
                ComparedApiServer::new(read, owner, &found.issuer, found.site.as_ref(), found.public.as_ref())
            }),
        }
    }
}

impl Answer {
    pub(super) fn website(&self) -> Option<StaticWebsite> {
        self.stored.as_ref()?.static_website
    }
}
