//! `publish --create`: a storage account is created once, with safe properties, and an existing one is left alone.

use issuer::{
    federate::AzureSession,
    site::{ExistingAccount, NewAccount},
};
use serde_json::Value;

use super::{SUBSCRIPTION, SignedIn, World, faults::random};
use crate::support::{
    arm::StorageAccount,
    arm_answer::{error, throttled},
    azure_controls::Fault,
    issuer::{stderr, stdout},
    recording,
};

const OTHER: &str = "22222222-2222-3333-4444-555555555555";
const ID: &str = "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/clusters/providers/Microsoft.Storage/storageAccounts/acct";
const SEEDS: u64 = 60;

/// Creates the account `acct`. The error is its sentence and its hint.
fn create(world: &World, account: &NewAccount) -> Result<ExistingAccount, String> {
    let signed_in = SignedIn::new(world);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let created = runtime.block_on(async {
        let session = AzureSession::resource_manager((signed_in.options)()).await.unwrap();
        account.create(&session).await
    });
    created.map_err(|error| format!("{error}; hint: {}", issuer::Hint::hint(&error).unwrap_or_default()))
}

fn acct() -> NewAccount {
    NewAccount::new("acct", "clusters", "westeurope")
}

fn world() -> World {
    let world = World::new();
    world.directory.add_resource_group(SUBSCRIPTION, "clusters");
    world
}

#[test]
fn account_has_safe_properties() {
    let world = world();
    world.directory.controls().polls(3);
    let created = create(&world, &acct()).unwrap();
    assert_eq!(created, ExistingAccount { id: ID.to_owned(), is_new: true });
    let accounts = world.directory.accounts(SUBSCRIPTION);
    let properties: &Value = accounts[0].properties();
    for (name, value) in [
        ("minimumTlsVersion", Value::from("TLS1_2")),
        ("supportsHttpsTrafficOnly", Value::from(true)),
        ("allowSharedKeyAccess", Value::from(false)),
        ("allowBlobPublicAccess", Value::from(false)),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    assert_eq!((accounts[0].location.as_str(), accounts[0].sku.as_str()), ("westeurope", "Standard_LRS"));
    // A second run changes nothing, also with other values.
    let other = NewAccount { sku: "Standard_GRS".to_owned(), ..NewAccount::new("acct", "clusters", "northeurope") };
    assert_eq!(create(&world, &other), Ok(ExistingAccount { id: ID.to_owned(), is_new: false }));
    assert_eq!(world.directory.controls().count("PUT"), 1);
    assert!(world.directory.controls().overwrites().is_empty());
}

#[test]
fn account_elsewhere_is_used_and_not_changed() {
    let world = world();
    let account = StorageAccount::new("acct", "others", "https://acct.z6.web.core.windows.net/");
    world.directory.add_account(OTHER, account);
    let found = create(&world, &acct()).unwrap();
    assert!(!found.is_new && found.id.contains(OTHER) && found.id.contains("/others/"), "{found:?}");
    assert_eq!(world.directory.controls().count("PUT"), 0);
}

#[test]
fn refusals_name_the_account_and_a_step() {
    type Case<'a> = (&'a str, fn(&World), NewAccount, &'a str, &'a str);
    let cases: [Case<'_>; 7] = [
        ("taken", |world| world.directory.take_account_name("acct"), acct(), "already taken", "--account"),
        (
            "name",
            |_| {},
            NewAccount::new("My_Account", "clusters", "westeurope"),
            "is not a storage account name",
            "--account",
        ),
        (
            "no group",
            |_| {},
            NewAccount::new("acct", "missing", "westeurope"),
            "no subscription of the credential has the resource group missing",
            "az group create --name missing --location westeurope",
        ),
        (
            "two groups",
            |world| world.directory.add_resource_group(OTHER, "clusters"),
            acct(),
            "2 subscriptions have a resource group clusters: 11111111-2222-3333-4444-555555555555, 22222222-",
            "--subscription",
        ),
        (
            "no role",
            |world| world.directory.controls().forbid("Microsoft.Storage/storageAccounts/write"),
            acct(),
            "over scope '/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/clusters",
            "Storage Account Contributor",
        ),
        (
            "policy",
            |world| {
                world.directory.controls().fail_write(Fault::Answer(error(
                    403,
                    "RequestDisallowedByPolicy",
                    "Resource 'acct' was disallowed by policy.",
                )));
            },
            acct(),
            "Azure Policy denies the request: Resource 'acct'",
            "exception",
        ),
        (
            "redundancy",
            |_| {},
            NewAccount { sku: "Premium_XXX".to_owned(), ..acct() },
            "rejects a value of storage account acct",
            "--sku",
        ),
    ];
    for (what, prepare, account, because, step) in cases {
        let world = world();
        prepare(&world);
        let failed = create(&world, &account).unwrap_err();
        assert!(failed.contains(because), "{what}: {failed}");
        assert!(failed.split("hint: ").nth(1).unwrap().contains(step), "{what}: {failed}");
        assert!(world.directory.controls().changes().is_empty(), "{what}");
    }
}

#[test]
fn faults_create_one_account() {
    println!("{SEEDS} seeds from 0");
    let world = world();
    let controls = world.directory.controls();
    for seed in 0..SEEDS {
        let mut state = seed;
        for _ in 0..random(&mut state, 4) {
            let fault = match random(&mut state, 6) {
                0 => Fault::Answer(throttled(0)),
                1 => Fault::Answer(error(500, "InternalServerError", "try again")),
                2 => Fault::Answer(error(409, "StorageAccountOperationInProgress", "An operation is in progress.")),
                3 => Fault::AnswerAfterChange(error(503, "ServerBusy", "try again")),
                4 => Fault::LostAnswer,
                _ => Fault::LostRequest,
            };
            // Only a write meets an operation in progress.
            let is_conflict = matches!(&fault, Fault::Answer(answer) if answer.status == 409);
            let is_read = !is_conflict && random(&mut state, 3) == 0;
            if is_read { controls.fail_read(fault) } else { controls.fail_write(fault) }
        }
        let created = create(&world, &acct()).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        assert_eq!(created, ExistingAccount { id: ID.to_owned(), is_new: true }, "seed {seed}");
        assert_eq!(world.directory.accounts(SUBSCRIPTION).len(), 1, "seed {seed}");
        // A fault that no request met must not reach the next round.
        while controls.faults_left() > 0 {
            let _ = create(&world, &NewAccount::new("other", "clusters", "westeurope"));
        }
        for name in ["acct", "other"] {
            world.directory.remove_account(name);
        }
    }
    assert!(controls.overwrites().is_empty());
}

#[test]
fn command_line_needs_a_group_and_a_region() {
    let world = world();
    let keys = recording("rotation").path("sa.pub");
    let all = ["--account", "acct", "--create", "--resource-group", "clusters", "--location", "westeurope"];
    let cases: [(&[&str], &str); 6] = [
        (&all[..5], "--location"),
        (&["--account", "acct", "--create", "--location", "westeurope"], "--resource-group"),
        (&["--account", "acct", "--location", "westeurope"], "--create"),
        (&["--create", "--resource-group", "clusters", "--location", "westeurope"], "no storage account was given"),
        (&[&all[..], &["--dry-run"]].concat(), "cannot be used with"),
        (&[&all[..], &["--auth", "sas"]].concat(), "gives access to Azure Storage only"),
    ];
    for (words, expected) in cases {
        let output = world.issuer(&[&["publish", keys.to_str().unwrap()], words].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
    }
    assert!(world.arm.requests().is_empty());
    // The account is created before the site is read, which this world does not have.
    let words = [&["publish", keys.to_str().unwrap()], &all[..], &["--auth", "az", "--timeout", "5s"]].concat();
    let output = world.issuer(&words).output().unwrap();
    let text = stderr(&output).split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(&format!("created the storage account acct: {ID}")), "{text} {}", stdout(&output));
    assert!(
        text.contains(&format!(
            "az role assignment create --role \"Storage Blob Data Contributor\" --assignee PRINCIPAL --scope {ID}"
        )),
        "{text}"
    );
}
