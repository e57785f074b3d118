use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep},
};
use tracing::info;

use super::{CredentialStore, FederateError, StoreError};
use crate::{
    backoff::{Backoff, random},
    entra::{CredentialPlan, CredentialProblem, FederatedCredential},
    redact::redacted,
};

/// The pause between two writes, and after the first failure: Azure allows one write of an identity in four seconds
/// (Microsoft Learn, "Important considerations and restrictions for federated identity credentials").
const INTERVAL: Duration = Duration::from_secs(4);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
const TIMEOUT: Duration = Duration::from_mins(2);

/// The federated identity credentials of an application or managed identity, changed one after another.
///
/// Each change reads the credentials first, and reads them again after a failure, so that a lost answer is not repeated
/// blindly. Nothing is replaced that the caller did not name.
///
/// ```no_run
/// use issuer::{FederatedCredential, federate::*, site::AzureOptions};
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let session = AzureSession::resource_manager(AzureOptions::new(None)).await?;
/// let id = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders";
/// let identity = ManagedIdentity::new(&session, id.parse()?).ok_or("no subscription")?;
/// let identity = FederatedIdentity::new(identity);
/// let subject = "system:serviceaccount:shop:orders";
/// let credential = FederatedCredential {
///     name: Some("shop-orders".to_owned()),
///     ..FederatedCredential::new("https://issuer.example.com", subject)
/// };
/// let applied = identity.apply(&credential, None).await?;
/// println!("{}: {:?}", applied.name, applied.change);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FederatedIdentity {
    store: Arc<dyn CredentialStore>,
    timeout: Duration,
    backoff: Backoff,
    /// When the last write was sent.
    last_write: Arc<Mutex<Option<Instant>>>,
}

/// A change that is made.
///
/// ```
/// use issuer::federate::CredentialChange;
/// assert_ne!(CredentialChange::Unchanged, CredentialChange::Created);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialChange {
    /// An equal credential exists.
    Unchanged,
    /// The credential was created.
    Created,
    /// The values of an existing credential were replaced.
    Replaced,
}

/// The result of [`FederatedIdentity::apply`].
///
/// ```
/// use issuer::federate::{Applied, CredentialChange};
/// let applied = Applied { change: CredentialChange::Created, name: "shop-orders".to_owned(), used: 3, is_overwritten: false };
/// assert_eq!(applied.used, 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// What was changed.
    pub change: CredentialChange,
    /// The name of the credential, which may be another one than the given.
    pub name: String,
    /// The number of credentials of the identity after the change.
    pub used: usize,
    /// Whether another program created a credential of this name at the same time, and this write replaced it. Azure
    /// Resource Manager has no condition for a write.
    pub is_overwritten: bool,
}

/// The outcome of one round.
enum Round {
    Final(FederateError),
    Again(StoreError),
}

impl FederatedIdentity {
    /// The credentials of a store.
    pub fn new(store: impl CredentialStore + 'static) -> Self {
        let backoff = Backoff { first: INTERVAL, longest: LONGEST_PAUSE };
        Self { store: Arc::new(store), timeout: TIMEOUT, backoff, last_write: Arc::default() }
    }

    /// Sets the time limit of one change or list, including its retries. The default is two minutes.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the pause between two writes and after the first failure. The default is four seconds, which is the rate limit
    /// of Azure. The pause doubles with each further failure, up to a minute.
    #[must_use]
    pub fn interval(self, interval: Duration) -> Self {
        let backoff = Backoff { first: interval, ..self.backoff };
        Self { backoff, ..self }
    }

    /// The name of the identity, for messages.
    pub fn name(&self) -> String {
        self.store.name()
    }

    /// All credentials.
    ///
    /// # Errors
    ///
    /// [`FederateError::Azure`] if the credentials cannot be read.
    pub async fn list(&self) -> Result<Vec<FederatedCredential>, FederateError> {
        self.rounds(async || self.store.list().await.map_err(Round::Again)).await
    }

    /// Creates a credential, or replaces the values of the credential that the caller gives as it is now.
    ///
    /// # Errors
    ///
    /// - [`FederateError::Invalid`] if the credential has no name, or breaks a rule of Entra
    /// - [`FederateError::Different`] if a credential has the name, or the issuer and subject, and is not `replaced`
    /// - [`FederateError::Full`] if the identity has the maximum number of credentials
    /// - [`FederateError::Azure`] if a request fails
    pub async fn apply(
        &self,
        wanted: &FederatedCredential,
        replaced: Option<&FederatedCredential>,
    ) -> Result<Applied, FederateError> {
        self.apply_to(None, wanted, replaced).await
    }

    /// The same with credentials that [`list`](Self::list) has just returned, so that they are not read twice: Azure allows
    /// one list of an identity in four seconds.
    ///
    /// # Errors
    ///
    /// As for [`apply`](Self::apply).
    pub async fn apply_listed(
        &self,
        listed: Vec<FederatedCredential>,
        wanted: &FederatedCredential,
        replaced: Option<&FederatedCredential>,
    ) -> Result<Applied, FederateError> {
        self.apply_to(Some(listed), wanted, replaced).await
    }

    async fn apply_to(
        &self,
        mut listed: Option<Vec<FederatedCredential>>,
        wanted: &FederatedCredential,
        replaced: Option<&FederatedCredential>,
    ) -> Result<Applied, FederateError> {
        let unnamed = || wanted.name.is_none().then(|| CredentialProblem::Name(String::new()));
        if let Some(problem) = wanted.problems().into_iter().next().or_else(unnamed) {
            return Err(FederateError::Invalid(problem));
        }
        let mut last_write = self.last_write.lock().await;
        let (mut sent, last_write) = (None, &mut *last_write);
        self.rounds(async || {
            let existing = match listed.take() {
                Some(listed) => listed,
                None => self.store.list().await.map_err(Round::Again)?,
            };
            self.apply_once(existing, wanted, replaced, &mut sent, last_write).await
        })
        .await
    }

    /// Deletes the credential with this name. Returns whether there was one.
    ///
    /// # Errors
    ///
    /// [`FederateError::Azure`] if a request fails.
    pub async fn delete(&self, name: &str) -> Result<bool, FederateError> {
        let mut last_write = self.last_write.lock().await;
        let (mut is_sent, last_write) = (false, &mut *last_write);
        self.rounds(async || {
            self.pace(last_write).await;
            let deleted = self.store.delete(name).await.map_err(Round::Again);
            // After a lost answer, the credential is gone.
            deleted.map(|deleted| deleted || is_sent).inspect_err(|_| is_sent = true)
        })
        .await
    }

    async fn apply_once(
        &self,
        existing: Vec<FederatedCredential>,
        wanted: &FederatedCredential,
        replaced: Option<&FederatedCredential>,
        sent: &mut Option<CredentialChange>,
        last_write: &mut Option<Instant>,
    ) -> Result<Applied, Round> {
        let used = existing.len();
        let name_of = |credential: &FederatedCredential| credential.name.clone().unwrap_or_default();
        match CredentialPlan::new(&existing, wanted) {
            CredentialPlan::Unchanged(found) => {
                let change = sent.unwrap_or(CredentialChange::Unchanged);
                Ok(Applied { change, name: name_of(&found), used, is_overwritten: false })
            }
            CredentialPlan::Create => {
                self.pace(last_write).await;
                *sent = Some(CredentialChange::Created);
                let is_new = self.store.create(wanted).await.map_err(Round::Again)?;
                let name = name_of(wanted);
                Ok(Applied {
                    change: CredentialChange::Created,
                    name,
                    used: used + usize::from(is_new),
                    is_overwritten: !is_new,
                })
            }
            CredentialPlan::Replace(current) if replaced == Some(&current) => {
                self.pace(last_write).await;
                *sent = Some(CredentialChange::Replaced);
                let credential = FederatedCredential { name: current.name, ..wanted.clone() };
                self.store.replace(&credential).await.map_err(Round::Again)?;
                Ok(Applied {
                    change: CredentialChange::Replaced,
                    name: name_of(&credential),
                    used,
                    is_overwritten: false,
                })
            }
            CredentialPlan::Replace(current) => {
                Err(Round::Final(FederateError::Different { identity: self.store.name(), current: Box::new(current) }))
            }
            CredentialPlan::Full => Err(Round::Final(FederateError::Full(self.store.name()))),
        }
    }

    /// Waits until the next write is within the rate limit.
    async fn pace(&self, last_write: &mut Option<Instant>) {
        if let Some(last) = last_write {
            tokio::time::sleep_until(*last + self.backoff.first).await;
        }
        *last_write = Some(Instant::now());
    }

    /// Repeats rounds with backoff until one succeeds, fails permanently, or the time limit is over.
    async fn rounds<T>(&self, mut round: impl AsyncFnMut() -> Result<T, Round>) -> Result<T, FederateError> {
        // An overflowing timeout means no limit.
        let limit = Instant::now().checked_add(self.timeout);
        let mut attempts = 0;
        loop {
            let StoreError { error, retry_after } = match round().await {
                Ok(done) => return Ok(done),
                Err(Round::Final(error)) => return Err(error),
                Err(Round::Again(error)) => error,
            };
            let Some(requested) = retry_after else { return Err(FederateError::Azure(error)) };
            attempts += 1;
            let pause = requested.max(self.backoff.pause(attempts, random()));
            if limit.is_some_and(|limit| limit.saturating_duration_since(Instant::now()) <= pause) {
                return Err(FederateError::Azure(error));
            }
            info!(cause = %redacted(&error.to_string()), "retry in {:.1} s", pause.as_secs_f64());
            sleep(pause).await;
        }
    }
}

impl fmt::Debug for FederatedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FederatedIdentity").field("store", &self.store.name()).finish_non_exhaustive()
    }
}
