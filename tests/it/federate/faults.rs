//! The library against the stand-ins, with faults: nothing is created twice, nothing is overwritten unasked.

use std::time::Duration;

use issuer::{
    FederatedCredential,
    federate::{Application, AzureSession, CredentialChange, FederateError, FederatedIdentity, ManagedIdentity},
};

use super::{APPLICATION, CLIENT, SUBSCRIPTION, SignedIn, World};
use crate::support::{
    arm_answer::{error, throttled},
    arm_identities::concurrent_write,
    azure_controls::Fault,
    azure_credential::Credential,
    signer::ISSUER,
    stand_in::StandIn,
};

const SEEDS: u64 = 60;

/// Services of one directory, and a client of them.
struct Services {
    runtime: tokio::runtime::Runtime,
    _servers: Vec<StandIn>,
    arm: FederatedIdentity,
    graph: FederatedIdentity,
}

/// A random number from a seed (`SplitMix64`).
pub(super) fn random(seed: &mut u64, limit: u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*seed ^ (*seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % limit
}

fn credential(name: &str, subject: &str) -> FederatedCredential {
    FederatedCredential { name: Some(name.to_owned()), ..FederatedCredential::new(ISSUER, subject) }
}

impl Services {
    fn new(world: &World) -> Self {
        let SignedIn { options, servers } = SignedIn::new(world);
        let id = format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"
        );
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (arm_session, graph_session) = runtime.block_on(async {
            let arm = AzureSession::resource_manager(options()).await.unwrap();
            (arm, AzureSession::graph(options()).await.unwrap())
        });
        let fast =
            |identity: FederatedIdentity| identity.interval(Duration::from_millis(1)).timeout(Duration::from_mins(1));
        let identity = ManagedIdentity::new(&arm_session, id.parse().unwrap()).unwrap();
        let application = Application::new(&graph_session, APPLICATION.parse().unwrap());
        Self {
            runtime,
            arm: fast(FederatedIdentity::new(identity)),
            graph: fast(FederatedIdentity::new(application)),
            _servers: servers,
        }
    }
}

/// Queues some faults of any kind, for reads and writes.
fn queue_faults(world: &World, seed: &mut u64) {
    let controls = world.directory.controls();
    for _ in 0..random(seed, 4) {
        let fault = match random(seed, 7) {
            0 => Fault::Answer(throttled(0)),
            1 => Fault::Answer(error(500, "InternalServerError", "try again")),
            2 => Fault::Answer(error(503, "ServerBusy", "try again")),
            3 => Fault::Answer(concurrent_write("orders")),
            4 => Fault::AnswerAfterChange(error(503, "ServerBusy", "try again")),
            5 => Fault::LostAnswer,
            _ => Fault::LostRequest,
        };
        if random(seed, 3) == 0 { controls.fail_read(fault) } else { controls.fail_write(fault) }
    }
}

#[test]
fn faults_never_create_two_credentials() {
    let world = World::new();
    let services = Services::new(&world);
    println!("{SEEDS} seeds from 0");
    for seed in 0..SEEDS {
        let mut state = seed;
        for (identity, client) in [(&services.arm, CLIENT), (&services.graph, APPLICATION)] {
            world.directory.add_credential(client, Credential::new("by-hand", ISSUER, "kept"));
            queue_faults(&world, &mut state);
            let outcome = services.runtime.block_on(identity.apply(&credential("orders", "wanted"), None));
            let applied = outcome.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            assert_eq!((applied.change, applied.used), (CredentialChange::Created, 2), "seed {seed}");
            let subjects: Vec<_> =
                world.directory.credentials(client).into_iter().filter_map(|it| it.subject).collect();
            assert_eq!(subjects, ["kept", "wanted"], "seed {seed}");
            queue_faults(&world, &mut state);
            assert!(services.runtime.block_on(identity.delete("orders")).unwrap(), "seed {seed}");
            // A fault that no request met must not reach the next round.
            while world.directory.controls().faults_left() > 0 {
                let _ = services.runtime.block_on(identity.list());
                let _ = services.runtime.block_on(identity.delete("none"));
            }
            world.directory.remove_credential(client, "by-hand");
        }
    }
    assert!(world.directory.controls().overwrites().is_empty());
}

#[test]
fn two_callers_at_once_lose_nothing() {
    for seed in 0..SEEDS / 6 {
        let world = World::new();
        let services = Services::new(&world);
        let mut state = seed;
        for (identity, client) in [(&services.arm, CLIENT), (&services.graph, APPLICATION)] {
            // Another program writes after this one has read, and before it writes.
            let (directory, name) =
                (world.directory.clone(), if random(&mut state, 2) == 0 { "orders" } else { "other" });
            let theirs = Credential::new(name, ISSUER, "wanted");
            world.directory.controls().before_next_write(move || directory.add_credential(client, theirs));
            let applied = services.runtime.block_on(identity.apply(&credential("orders", "wanted"), None)).unwrap();
            let found = world.directory.credentials(client);
            assert_eq!((found.len(), found[0].name.as_str(), applied.name.as_str()), (1, name, name), "seed {seed}");
        }
    }
    // Another subject under the same name: Microsoft Graph refuses the second credential, which is then different.
    let world = World::new();
    let services = Services::new(&world);
    let directory = world.directory.clone();
    let theirs = Credential::new("orders", ISSUER, "theirs");
    world.directory.controls().before_next_write(move || directory.add_credential(APPLICATION, theirs));
    let outcome = services.runtime.block_on(services.graph.apply(&credential("orders", "wanted"), None));
    assert!(matches!(outcome, Err(FederateError::Different { .. })), "{outcome:?}");
    // Azure Resource Manager has no condition for a write, so the loss is reported.
    let directory = world.directory.clone();
    let theirs = Credential::new("orders", ISSUER, "theirs");
    world.directory.controls().before_next_write(move || directory.add_credential(CLIENT, theirs));
    let applied = services.runtime.block_on(services.arm.apply(&credential("orders", "wanted"), None)).unwrap();
    assert!(applied.is_overwritten, "{applied:?}");
}

#[test]
fn writes_stay_within_the_rates_of_azure() {
    let world = World::new();
    let services = Services::new(&world);
    let controls = world.directory.controls();
    controls.limit_rates();
    controls.retry_after(0);
    for number in 0..4 {
        let wanted = credential(&format!("orders-{number}"), &format!("subject-{number}"));
        services.runtime.block_on(services.arm.apply(&wanted, None)).unwrap();
    }
    assert_eq!(world.directory.credentials(CLIENT).len(), 4);
    assert!(controls.overwrites().is_empty());
}
