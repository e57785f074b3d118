//! Fifty owners publish to one issuer at once, under faults: no key is lost, and no key of another owner is retired.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use issuer::{
    DesiredState, DocumentPath, DropReason, Jwks, KeyState, Owner, Plan, PublishError, Timestamp,
    site::{Condition, Content, ETag, Memory, Site, SiteError, Stored, Written},
};

use crate::{
    azure_faults::{Rng, block_on, fault, open},
    plan::{hour, issuer, keys, kid},
    support::{
        azurite::account,
        proxy::{Fault, Proxy},
    },
};

const OWNERS: u8 = 50;
/// The number of a key that all owners have.
const SHARED: u8 = 200;

/// An owner with the name of a cluster's UID.
fn owner(number: u8) -> Owner {
    format!("2f1c4b6e-6d0e-4c57-9a41-0d6c2f2a7{number:03}").parse().unwrap()
}

fn of(number: u8, numbers: &[u8]) -> DesiredState {
    DesiredState::new(issuer(), keys(numbers)).owner(owner(number))
}

fn publish(site: &dyn Site, desired: &DesiredState, at: Timestamp) -> Plan {
    block_on(issuer::publish(site, desired, &at)).unwrap().plan
}

/// Publishes as a `CronJob` does: a run that fails is followed by another.
async fn publish_until_done(site: &dyn Site, desired: &DesiredState, at: Timestamp) {
    while let Err(error) = issuer::publish(site, desired, &at).await {
        assert!(matches!(error, PublishError::Site(_)), "{error}");
    }
}

/// Checks that each key is published with exactly its owners, and that none is retired.
fn assert_complete(site: &dyn Site, when: &str) {
    let stored = block_on(site.read(&issuer().jwks_path())).unwrap().unwrap();
    let record = stored.retention.record().unwrap();
    let jwks = Jwks::parse(&stored.bytes).unwrap();
    let found: BTreeMap<_, Vec<_>> =
        jwks.keys.iter().map(|jwk| (jwk.kid().unwrap().to_owned(), record.owners(jwk).cloned().collect())).collect();
    let all: Vec<_> = (0..OWNERS).map(owner).collect();
    let own = (0..OWNERS).map(|number| (kid(number + 1), vec![owner(number)]));
    let expected: BTreeMap<_, _> = own.chain([(kid(SHARED), all)]).collect();
    assert_eq!((jwks.keys.len(), &found), (expected.len(), &expected), "{when}");
    assert!(jwks.keys.iter().all(|jwk| record.retired_since(jwk).is_none()), "{when}");
    assert!(block_on(site.read(&issuer().discovery_path())).unwrap().is_some(), "{when}");
}

/// One owner rotates: only its old key is retired, and only this owner prunes it.
fn assert_rotation(site: &dyn Site) {
    let (old, new) = ([kid(1)], 100);
    let rotated = publish(site, &of(0, &[new, SHARED]), hour(0));
    let retired = |plan: &Plan| {
        let retired = plan.keys.iter().filter(|key| matches!(key.state, KeyState::Retired { .. }));
        retired.map(|key| key.kid().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(retired(&rotated), old);
    let other = publish(site, &of(1, &[2, SHARED]).prune(true), hour(1000));
    assert!(other.is_unchanged(), "{:?}", other.documents);
    assert_eq!(retired(&other), old);
    let own = publish(site, &of(0, &[new, SHARED]).prune(true), hour(1000));
    let dropped: Vec<_> = own.keys.iter().filter(|key| !key.is_published()).collect();
    assert_eq!(dropped.len(), 1);
    assert!(dropped[0].kid() == old[0] && matches!(dropped[0].state, KeyState::Dropped(DropReason::Pruned { .. })));
}

/// A site in memory whose requests are interleaved, fail, or lose their answer, by a seed.
struct Faulty<'a> {
    site: &'a Memory,
    rng: Mutex<Rng>,
}

/// What happens to a request of [`Faulty`].
enum Happens {
    Fails,
    /// It takes effect, and the answer is an error.
    LosesAnswer,
    /// It takes effect, and the answer to a retry is that the condition failed.
    IsRetried,
    Passes,
}

impl Faulty<'_> {
    async fn happens(&self) -> Happens {
        let (pauses, sides) = {
            let mut rng = self.rng.lock().unwrap();
            (rng.below(4), rng.below(20))
        };
        for _ in 0..pauses {
            tokio::task::yield_now().await;
        }
        match sides {
            0 => Happens::Fails,
            1 => Happens::LosesAnswer,
            2 => Happens::IsRetried,
            _ => Happens::Passes,
        }
    }
}

#[async_trait]
impl Site for Faulty<'_> {
    fn name(&self) -> String {
        self.site.name()
    }

    async fn read(&self, path: &DocumentPath) -> Result<Option<Stored>, SiteError> {
        match self.happens().await {
            Happens::Fails | Happens::LosesAnswer => Err(SiteError::other("lost")),
            Happens::IsRetried | Happens::Passes => self.site.read(path).await,
        }
    }

    async fn write(&self, path: &DocumentPath, content: &Content, condition: &Condition) -> Result<Written, SiteError> {
        let happens = self.happens().await;
        if matches!(happens, Happens::Fails) {
            return Err(SiteError::other("failed"));
        }
        let written = self.site.write(path, content, condition).await?;
        match happens {
            Happens::LosesAnswer => Err(SiteError::other("lost")),
            Happens::IsRetried => Ok(Written::PreconditionFailed),
            Happens::Fails | Happens::Passes => Ok(written),
        }
    }

    async fn remove(&self, path: &DocumentPath, etag: &ETag) -> Result<Written, SiteError> {
        self.site.remove(path, etag).await
    }
}

#[test]
fn fifty_owners_at_once_lose_and_retire_nothing() {
    for seed in 0..2 {
        let site = Memory::default();
        let faulty = Faulty { site: &site, rng: Mutex::new(Rng(seed)) };
        let desired: Vec<_> = (0..OWNERS).map(|number| of(number, &[number + 1, SHARED])).collect();
        block_on(join_all(desired.iter().map(|desired| publish_until_done(&faulty, desired, hour(0)))));
        assert_complete(&site, &format!("seed {seed}"));
        assert_rotation(&site);
    }
}

#[test]
fn fifty_owners_at_once_in_azure_lose_and_retire_nothing() {
    let account = account();
    let requests = AtomicUsize::new(0);
    let proxy = Proxy::start(account.address(), move |_| {
        let number = requests.fetch_add(1, Ordering::SeqCst) as u64;
        // Every request of a retry may be hit, too.
        if number.is_multiple_of(3) { fault(&mut Rng(number)) } else { Fault::Pass }
    });
    let through = account.through(&proxy.address);
    thread::scope(|scope| {
        for number in 0..OWNERS {
            let through = &through;
            scope.spawn(move || {
                let site = open(through, Duration::from_mins(1));
                block_on(publish_until_done(&site, &of(number, &[number + 1, SHARED]), Timestamp::now()));
            });
        }
    });
    let site = open(&account, Duration::from_secs(30));
    assert_complete(&site, "Azure");
}
