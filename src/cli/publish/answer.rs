use issuer::{DropReason, IssuerUrl, Location, Owner, PlanRefusal, RelyingParty, TOKEN_EXCHANGE_AUDIENCE, Timestamp};
use serde::Serialize;

use super::run::{Run, Stage};
use crate::cli::{
    Exit,
    answers::{ApiServer, Document, KeyType, Mismatch, RefusalAnswer, StaticWebsite, Warning},
};

/// The next step for the issuer of an API server that the internet cannot reach.
const NOT_PUBLIC: &str = "publish for a public issuer first: pass --issuer with the public URL of the site; the command then prints how to change the API server without an outage";

/// The plan, the written documents, and the result of reading them back.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    /// The issuer URL, byte for byte.
    pub(super) issuer: String,
    /// The site: the container and storage account, or the directory.
    pub(super) site: String,
    /// The credential used for the storage account; null for a directory.
    pub(super) credential: Option<String>,
    /// The resource ID of the storage account that this run created with --create; absent if it created none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) created_account: Option<String>,
    /// The static website as it was found before this run, which switches it on; null if the site has none.
    pub(super) static_website: Option<StaticWebsite>,
    /// Whether the plan changes the site, by this run or by one without --dry-run or --check.
    pub(super) changed: bool,
    /// Whether this run changed the site.
    pub(super) written: bool,
    /// The URL or directory that the documents were read back from; null if they were not read back, or if they differ.
    pub(super) read_back_from: Option<String>,
    /// How the documents that were read back differ from those of the plan; null if they do not differ or were not read back.
    pub(super) mismatch: Option<Mismatch>,
    /// The keys: first those of the input, in their order, then the other published ones.
    pub(super) keys: Vec<PlannedKey>,
    /// The JWKS, then the discovery document, in the order in which they are written.
    pub(super) documents: Vec<Document>,
    /// The reasons why nothing is published; empty if the plan is allowed.
    pub(super) refusals: Vec<RefusalAnswer>,
    /// Warnings, each a sentence.
    pub(super) warnings: Vec<String>,
    /// The flags to start the API server with, without their leading dashes.
    pub(super) kube_apiserver: KubeApiserver,
    /// The API server that the keys came from; absent without --from-cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) api_server: Option<ApiServer>,
    /// The values of the federated credential in Entra; null for other relying parties.
    pub(super) federated_credential: Option<FederatedCredential>,
    /// The owner of this publish.
    #[serde(skip)]
    pub(super) owner: Owner,
    #[serde(skip)]
    pub(super) stage: StageName,
    /// How many keys the JWKS of the plan has.
    #[serde(skip)]
    pub(super) key_count: usize,
    /// The URL or directory that the documents were read back from, or `the issuer URL`.
    #[serde(skip)]
    pub(super) read_back_place: Option<String>,
}

/// The last stage of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StageName {
    Refused,
    Planned,
    Checked,
    Published,
}

/// A key that is published, or that this run adds or removes.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct PlannedKey {
    /// The key ID; empty if the entry of the JWKS has none.
    pub(super) kid: String,
    #[serde(flatten)]
    pub(super) key_type: Option<KeyType>,
    /// When `--prune` may remove the key (RFC 3339); absent unless the state is retired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due: Option<Timestamp>,
    pub(super) state: KeyState,
    /// The owners of the key after publishing; for a retired or removed key its last owner. Empty for an unknown key.
    pub(super) owners: Vec<String>,
    /// When the key was first missing from the input (RFC 3339); absent unless the state is retired or pruned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retired_since: Option<Timestamp>,
}

/// How publishing treats a key.
///
/// - `added`: in the input, not published yet.
/// - `kept`: in the input and published.
/// - `returned`: in the input again after it was retired.
/// - `left`: published and no longer in the input; the owner of this publish is removed, and other owners hold the key.
/// - `of_others`: published, and held by other owners only.
/// - `retired`: published, no longer in the input of its last owner, and kept until tokens signed with it have expired.
/// - `unknown`: published, neither in the input nor in the retention record, and kept.
/// - `removed`: removed by `--remove`.
/// - `removed_unknown`: removed by `--remove-unknown`.
/// - `pruned`: removed by `--prune`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub(super) enum KeyState {
    Added,
    Kept,
    Returned,
    Left,
    OfOthers,
    Retired,
    Unknown,
    Removed,
    RemovedUnknown,
    Pruned,
}

/// The flags of the API server that name the issuer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
#[serde(rename_all = "kebab-case")]
pub(crate) struct KubeApiserver {
    /// The issuer URL, byte for byte.
    pub(super) service_account_issuer: String,
    /// The URL of the JWKS.
    pub(super) service_account_jwks_uri: String,
}

/// The values of a federated credential that do not depend on the workload.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct FederatedCredential {
    /// The issuer URL, byte for byte.
    pub(super) issuer: String,
    /// The audience of the tokens.
    pub(super) audience: &'static str,
}

impl From<&issuer::PlannedKey> for PlannedKey {
    fn from(key: &issuer::PlannedKey) -> Self {
        let (state, retired_since, due) = match key.state {
            issuer::KeyState::Added => (KeyState::Added, None, None),
            issuer::KeyState::Kept => (KeyState::Kept, None, None),
            issuer::KeyState::Returned => (KeyState::Returned, None, None),
            issuer::KeyState::Left => (KeyState::Left, None, None),
            issuer::KeyState::OfOthers => (KeyState::OfOthers, None, None),
            issuer::KeyState::Retired { since, due } => (KeyState::Retired, Some(since), Some(due)),
            issuer::KeyState::Unknown => (KeyState::Unknown, None, None),
            issuer::KeyState::Dropped(DropReason::Removed) => (KeyState::Removed, None, None),
            issuer::KeyState::Dropped(DropReason::Unknown) => (KeyState::RemovedUnknown, None, None),
            issuer::KeyState::Dropped(DropReason::Pruned { since }) => (KeyState::Pruned, Some(since), None),
        };
        let owners = key.owners.iter().map(ToString::to_string).collect();
        Self { kid: key.kid().to_owned(), key_type: KeyType::of(&key.jwk), due, state, owners, retired_since }
    }
}

impl From<&IssuerUrl> for KubeApiserver {
    fn from(issuer: &IssuerUrl) -> Self {
        Self { service_account_issuer: issuer.to_string(), service_account_jwks_uri: issuer.jwks_uri().to_string() }
    }
}

impl From<&Run> for Answer {
    fn from(run: &Run) -> Self {
        let Run { desired, plan, .. } = run;
        let issuer = desired.issuer.to_string();
        let is_entra = desired.relying_party == RelyingParty::Entra;
        let read_back = run.read_back();
        let address = |place: &str| {
            if place == Location::Issuer.to_string() { issuer.clone() } else { place.to_owned() }
        };
        let of_plan = plan.warnings.iter().map(ToString::to_string);
        let of_site = run.site_warnings.iter().map(ToString::to_string);
        let of_documents = read_back.into_iter().flat_map(|read_back| &read_back.warnings);
        let of_documents = of_documents.map(|warning| Warning::new(warning, desired.relying_party).to_string());
        Self {
            site: run.site.clone(),
            credential: run.credential.clone(),
            created_account: run.created_account.clone(),
            static_website: StaticWebsite::of(&plan.hosting),
            changed: !plan.is_unchanged(),
            written: run.was_written(),
            read_back_from: read_back.map(|read_back| address(&read_back.place)),
            mismatch: run.mismatch().map(|mismatch| Mismatch::new(mismatch, desired.relying_party)),
            keys: plan.keys.iter().map(PlannedKey::from).collect(),
            documents: plan.documents.iter().map(Document::from).collect(),
            refusals: plan.refusals.iter().map(|refusal| answer_to(refusal, run)).collect(),
            warnings: of_plan.chain(of_site).chain(of_documents).collect(),
            kube_apiserver: KubeApiserver::from(&desired.issuer),
            api_server: run.api_server.as_ref().map(|api_server| ApiServer::beside(api_server, &issuer)),
            federated_credential: is_entra
                .then(|| FederatedCredential { issuer: issuer.clone(), audience: TOKEN_EXCHANGE_AUDIENCE }),
            owner: desired.owner.clone(),
            stage: match &run.stage {
                Stage::Refused { .. } => StageName::Refused,
                Stage::Planned { check: false, .. } => StageName::Planned,
                Stage::Planned { check: true, .. } => StageName::Checked,
                Stage::Published { .. } => StageName::Published,
            },
            key_count: plan.result.jwks.keys.len(),
            read_back_place: read_back.map(|read_back| read_back.place.clone()),
            issuer,
        }
    }
}

/// A refusal. An API server with an issuer such as that of k3s, which is its own host name, needs another one first.
fn answer_to(refusal: &PlanRefusal, run: &Run) -> RefusalAnswer {
    let answer = RefusalAnswer::from(refusal);
    let is_of_api_server =
        run.api_server.as_ref().is_some_and(|api_server| api_server.issuer == run.desired.issuer.as_str());
    match refusal {
        PlanRefusal::IssuerNotPublic { .. } if is_of_api_server => {
            RefusalAnswer { hint: NOT_PUBLIC.to_owned(), ..answer }
        }
        _ => answer,
    }
}

impl Answer {
    pub(super) fn exit(&self) -> Exit {
        match (self.stage, &self.mismatch) {
            // A known fault decides the exit code, even if something else could not be read.
            (StageName::Checked, _) if self.changed || self.has_unknown_keys() => Exit::No,
            (_, Some(mismatch)) if mismatch.is_inconclusive() => Exit::Incomplete,
            (StageName::Refused, _) | (_, Some(_)) => Exit::No,
            _ => Exit::Yes,
        }
    }

    /// Whether published keys that the retention record does not list are kept.
    pub(super) fn has_unknown_keys(&self) -> bool {
        self.keys.iter().any(|key| key.state == KeyState::Unknown)
    }
}
