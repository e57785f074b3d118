use std::{collections::BTreeSet, time::Duration};

use jiff::{SignedDuration, Timestamp};

use super::{Headers, Owner};
use crate::{documents::longest_lifetime, issuer_url::IssuerUrl, key::KeySet, verify::RelyingParty};

/// The desired keys and issuer, and the changes that publishing may make.
///
/// [`DesiredState::new`] has safe defaults: publishing adds keys and removes none.
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
    /// The issuer. Its path is the path of the documents on the site.
    pub issuer: IssuerUrl,
    /// The API server's keys. Published keys of the owner that are not among these keys are retired, unless they have
    /// other owners. Empty if the owner leaves.
    pub keys: KeySet,
    /// The owner of the keys. Keys of other owners do not change.
    pub owner: Owner,
    /// The relying party whose rules apply to the key set.
    pub relying_party: RelyingParty,
    /// Whether retired keys are removed when their retention is over.
    pub prune: bool,
    /// The minimum time for which a retired key stays.
    pub retain: Duration,
    /// The `kid`s of keys to remove immediately.
    pub remove: Vec<String>,
    /// Whether keys that other owners hold may be removed by their `kid`.
    pub force: bool,
    /// The `kid`s of unknown published keys to add to the retention record.
    pub adopt: Vec<String>,
    /// Whether unknown keys are removed.
    pub remove_unknown: bool,
    /// Whether publishing may replace another issuer in a published discovery document.
    pub allow_issuer_change: bool,
    /// Whether publishing may replace a `jwks_uri` that is not on the site. The keys there cannot be read and kept.
    pub allow_jwks_uri_change: bool,
    /// Whether publishing accepts an issuer that Entra cannot reach.
    pub allow_private_issuer: bool,
    /// Whether publishing may overwrite a published document that cannot be parsed.
    pub replace_unreadable: bool,
    /// The Cache-Control header of both documents.
    pub cache_control: String,
}

impl DesiredState {
    /// The default of [`retain`](Self::retain): twice the maximum lifetime of a token for Azure, which is 24 hours.
    pub const RETAIN: Duration = Duration::from_hours(48);

    /// Publishes these keys for an issuer and removes none.
    pub fn new(issuer: IssuerUrl, keys: KeySet) -> Self {
        Self::of(issuer, keys)
    }

    /// Removes an owner from all keys. Keys without another owner are retired, and stay published.
    ///
    /// ```
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// # runtime.block_on(async {
    /// use issuer::{DesiredState, KeySet, KeyState, Owner, SystemClock, site::Memory};
    /// let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
    /// let (first, second): (Owner, Owner) = ("prod-1".parse()?, "prod-2".parse()?);
    /// let desired = DesiredState::new("https://issuer.example.com".parse()?, keys).owner(first.clone());
    /// let site = Memory::default();
    /// issuer::publish(&site, &desired, &SystemClock).await?;
    /// let shared = KeySet::from_keys([desired.keys[0].clone()])?;
    /// let shared = DesiredState::new(desired.issuer.clone(), shared).owner(second.clone());
    /// issuer::publish(&site, &shared, &SystemClock).await?;
    ///
    /// let leaving = DesiredState::leaving(desired.issuer, first);
    /// let plan = issuer::publish(&site, &leaving, &SystemClock).await?.plan;
    /// assert_eq!((plan.keys[0].state, &plan.keys[0].owners), (KeyState::Left, &[second].into()));
    /// assert!(matches!(plan.keys[1].state, KeyState::Retired { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn leaving(issuer: IssuerUrl, owner: Owner) -> Self {
        Self::of(issuer, KeySet::empty()).owner(owner)
    }

    fn of(issuer: IssuerUrl, keys: KeySet) -> Self {
        Self {
            issuer,
            keys,
            owner: Owner::default(),
            relying_party: RelyingParty::Entra,
            prune: false,
            retain: Self::RETAIN,
            remove: Vec::new(),
            force: false,
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

    /// Sets the owner of the keys; [`Owner::NONE`] by default.
    #[must_use]
    pub fn owner(self, owner: Owner) -> Self {
        Self { owner, ..self }
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

    /// Allows [`remove`](Self::remove) to remove keys that other owners hold.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
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

    /// Whether the owner leaves: it has no keys.
    pub fn is_leaving(&self) -> bool {
        self.keys.is_empty()
    }

    /// The owners of a key other than the owner of this state.
    pub(super) fn others(&self, owners: &BTreeSet<Owner>) -> BTreeSet<Owner> {
        owners.iter().filter(|owner| **owner != self.owner).cloned().collect()
    }

    /// The longest time that caches may keep the documents (RFC 9111 section 5.2.2.1); `None` if the header gives no
    /// time.
    pub(super) fn max_age(&self) -> Option<Duration> {
        longest_lifetime(&self.cache_control)
    }

    /// The time from which a key that was first missing at `since` may be pruned.
    pub fn due(&self, since: Timestamp) -> Timestamp {
        due(since, self.retain)
    }
}

/// The time from which a key that was first missing at `since` may be pruned.
pub(crate) fn due(since: Timestamp, retain: Duration) -> Timestamp {
    let retain = SignedDuration::try_from(retain).unwrap_or(SignedDuration::MAX);
    since.checked_add(retain).unwrap_or(Timestamp::MAX)
}
