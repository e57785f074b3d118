use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Headers;
use crate::{documents::longest_lifetime, issuer_url::IssuerUrl, key::KeySet, verify::RelyingParty};

/// What is to be published, and how far publishing may go.
///
/// [`DesiredState::new`] is the safe choice in everything: it adds and never takes away.
///
/// ```
/// use issuer::{KeySet, DesiredState};
/// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys).prune(true);
/// assert_eq!(desired.retain, DesiredState::RETAIN);
/// assert_eq!(desired.due("2026-11-22T00:00:00Z".parse()?).to_string(), "2026-11-24T00:00:00Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DesiredState {
    /// The issuer; its path is the documents' place on the site.
    pub issuer: IssuerUrl,
    /// The API server's keys. Published keys that are not among them are retired, if they are known.
    pub keys: KeySet,
    /// Whose rules the key set must meet.
    pub relying_party: RelyingParty,
    /// Whether retired keys go once their retention is over.
    pub prune: bool,
    /// How long a retired key stays at least.
    pub retain: Duration,
    /// The `kid`s of retired keys that go at once.
    pub remove: Vec<String>,
    /// The `kid`s of published keys that become known, though the retention record does not list them.
    pub adopt: Vec<String>,
    /// Whether published keys go that the retention record does not list.
    pub remove_unknown: bool,
    /// Whether the issuer in a published discovery document may be replaced by another.
    pub allow_issuer_change: bool,
    /// Whether a `jwks_uri` away from the site may be replaced, whose keys cannot be read and kept.
    pub allow_jwks_uri_change: bool,
    /// Whether an issuer that Entra cannot reach may be published.
    pub allow_private_issuer: bool,
    /// Whether a published document that cannot be read may be replaced, with whatever was in it.
    pub replace_unreadable: bool,
    /// The Cache-Control header to serve both documents with.
    pub cache_control: String,
}

impl DesiredState {
    /// How long a retired key stays unless told otherwise: the longest token for Azure lives 24 hours, and once more for safety.
    pub const RETAIN: Duration = Duration::from_hours(48);

    /// Publishes these keys for an issuer, dropping nothing.
    pub fn new(issuer: IssuerUrl, keys: KeySet) -> Self {
        Self {
            issuer,
            keys,
            relying_party: RelyingParty::Entra,
            prune: false,
            retain: Self::RETAIN,
            remove: Vec::new(),
            adopt: Vec::new(),
            remove_unknown: false,
            allow_issuer_change: false,
            allow_jwks_uri_change: false,
            allow_private_issuer: false,
            replace_unreadable: false,
            cache_control: Headers::CACHE_CONTROL.to_owned(),
        }
    }

    /// Sets the relying party whose rules the key set must meet; Entra by default.
    #[must_use]
    pub fn relying_party(self, relying_party: RelyingParty) -> Self {
        Self { relying_party, ..self }
    }

    /// Removes retired keys when their retention is over.
    #[must_use]
    pub fn prune(self, prune: bool) -> Self {
        Self { prune, ..self }
    }

    /// Sets how long a retired key stays at least; [`RETAIN`](Self::RETAIN) by default.
    #[must_use]
    pub fn retain(self, retain: Duration) -> Self {
        Self { retain, ..self }
    }

    /// Removes the retired keys with these `kid`s at once.
    #[must_use]
    pub fn remove(self, kids: impl IntoIterator<Item = String>) -> Self {
        Self { remove: kids.into_iter().collect(), ..self }
    }

    /// Records the published keys with these `kid`s, which the retention record does not list.
    #[must_use]
    pub fn adopt(self, kids: impl IntoIterator<Item = String>) -> Self {
        Self { adopt: kids.into_iter().collect(), ..self }
    }

    /// Removes the published keys that the retention record does not list.
    #[must_use]
    pub fn remove_unknown(self, remove_unknown: bool) -> Self {
        Self { remove_unknown, ..self }
    }

    /// Allows another issuer in the published discovery document to be replaced.
    #[must_use]
    pub fn allow_issuer_change(self, allow: bool) -> Self {
        Self { allow_issuer_change: allow, ..self }
    }

    /// Allows a `jwks_uri` that is not below the issuer to be replaced; the keys there are not kept.
    #[must_use]
    pub fn allow_jwks_uri_change(self, allow: bool) -> Self {
        Self { allow_jwks_uri_change: allow, ..self }
    }

    /// Allows an issuer that Entra cannot reach.
    #[must_use]
    pub fn allow_private_issuer(self, allow: bool) -> Self {
        Self { allow_private_issuer: allow, ..self }
    }

    /// Allows a published document that cannot be parsed to be overwritten.
    #[must_use]
    pub fn replace_unreadable(self, replace: bool) -> Self {
        Self { replace_unreadable: replace, ..self }
    }

    /// Sets the Cache-Control header that both documents are served with.
    #[must_use]
    pub fn cache_control(self, value: impl Into<String>) -> Self {
        Self { cache_control: value.into(), ..self }
    }

    /// How long caches may keep the documents (RFC 9111 section 5.2.2.1); `None` where the header does not say.
    pub(super) fn max_age(&self) -> Option<Duration> {
        longest_lifetime(&self.cache_control)
    }

    /// When a key that was first missed at this time may be pruned.
    pub fn due(&self, since: Timestamp) -> Timestamp {
        due(since, self.retain)
    }
}

/// When a key that was first missed at `since` may be pruned.
pub(crate) fn due(since: Timestamp, retain: Duration) -> Timestamp {
    let retain = SignedDuration::try_from(retain).unwrap_or(SignedDuration::MAX);
    since.checked_add(retain).unwrap_or(Timestamp::MAX)
}
