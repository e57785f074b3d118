//! `--apply`: created, unchanged, replaced, and the wait for Entra.

use serde_json::Value;

use super::{APPLICATION, CLIENT, IDENTITY, NAME, SUBJECT, SUBSCRIPTION, World, wanted};
use crate::support::{
    answer::answer,
    azure_credential::Credential,
    issuer::{stderr, stdout},
    signer::{ENTRA, ISSUER},
};

fn applied(world: &World, words: &[&str]) -> Value {
    let output = world.federate(&[words, &["--apply", "-o", "json"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    answer("federate", &output)
}

#[test]
fn credential_is_created_once() {
    let world = World::new();
    let id = format!(
        "/subscriptions/{SUBSCRIPTION}/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities/orders"
    );
    let first = applied(&world, &IDENTITY);
    assert_eq!((first["change"].as_str(), first["used"].as_u64()), (Some("created"), Some(1)), "{first}");
    assert_eq!(world.credentials(), [wanted()]);
    // A name alone, a name with its subscription, and the resource ID lead to the same identity.
    let others: [&[&str]; 3] =
        [&["--identity", "orders"], &["--identity", "orders", "--subscription", SUBSCRIPTION], &["--identity", &id]];
    for words in others {
        let again = applied(&world, words);
        assert_eq!((again["change"].as_str(), again["used"].as_u64()), (Some("unchanged"), Some(1)), "{words:?}");
    }
    assert_eq!((world.directory.controls().changes().len(), world.directory.controls().count("PUT")), (1, 1));
}

#[test]
fn text_shows_the_credential_and_its_change() {
    let world = World::new();
    for (more, used, verdict) in [(&["--dry-run"][..], 0, "planned: nothing was written"), (&[], 1, "created")] {
        let output = world.federate(&[&IDENTITY[..], &["--apply"], more].concat()).output().unwrap();
        let expected = format!(
            "identity  managed identity orders, {used} of 20 credentials

  + {NAME}
      issuer    {ISSUER}
      subject   {SUBJECT}
      audience  {ENTRA}

{verdict}
"
        );
        assert_eq!((stdout(&output), stderr(&output)), (expected, String::new()));
        assert_eq!(world.credentials().len(), used);
    }
    // One list and one write.
    assert_eq!(world.directory.controls().count("PUT"), 1);
}

#[test]
fn same_issuer_and_subject_is_found_under_another_name() {
    let world = World::new();
    world.add("by-hand", ISSUER, SUBJECT);
    let found = applied(&world, &IDENTITY);
    assert_eq!((found["change"].as_str(), found["credential"]["name"].as_str()), (Some("unchanged"), Some("by-hand")));
    assert!(world.directory.controls().changes().is_empty());
}

#[test]
fn other_values_are_replaced_only_with_replace() {
    let cases = [
        // The name has another subject.
        (Credential::new(NAME, ISSUER, "system:serviceaccount:shop:old"), NAME),
        // Issuer and subject have another audience, and keep their name.
        (Credential::new("by-hand", ISSUER, SUBJECT).for_audience("api://other"), "by-hand"),
    ];
    for (current, name) in cases {
        let world = World::new();
        world.directory.add_credential(CLIENT, current.clone());
        let output = world.federate(&[&IDENTITY[..], &["--apply"]].concat()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stdout(&output).contains(" → ") && stdout(&output).ends_with("not changed\n"), "{}", stdout(&output));
        assert!(stderr(&output).contains("--replace"), "{}", stderr(&output));
        assert!(world.directory.controls().changes().is_empty());
        let planned = applied(&world, &[&IDENTITY[..], &["--replace", "--dry-run"]].concat());
        assert_eq!((planned["change"].as_str(), planned["written"].as_bool()), (Some("replaced"), Some(false)));
        assert!(world.directory.controls().changes().is_empty());
        let replaced = applied(&world, &[&IDENTITY[..], &["--replace"]].concat());
        assert_eq!(replaced["change"], "replaced");
        assert_eq!(replaced["previous"]["audience"].as_str(), Some(current.audiences[0].as_str()));
        let [_, issuer, subject, audience] = wanted();
        assert_eq!(world.credentials(), [[name.to_owned(), issuer, subject, audience]]);
    }
}

#[test]
fn application_gets_its_credential_from_graph() {
    let world = World::new();
    let application = ["--app", APPLICATION];
    let with_description = [&application[..], &["--description", "the shop"]].concat();
    assert_eq!(applied(&world, &with_description)["change"], "created");
    assert_eq!(world.of(APPLICATION), [wanted()]);
    assert_eq!(world.directory.credentials(APPLICATION)[0].description.as_deref(), Some("the shop"));
    assert_eq!(applied(&world, &application)["change"], "unchanged");
    let other = [&application[..], &["--audience", "api://other"]].concat();
    let output = world.federate(&[&other[..], &["--apply"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert_eq!(applied(&world, &[&other[..], &["--replace"]].concat())["change"], "replaced");
    assert_eq!(world.of(APPLICATION)[0][3], "api://other");
}

#[test]
fn near_duplicates_are_warned_about() {
    let world = World::new();
    world.add("slash", &format!("{ISSUER}/"), SUBJECT);
    world.add("case", ISSUER, "system:serviceaccount:shop:Orders");
    let output = world.federate(&[&IDENTITY[..], &["--apply"]].concat()).output().unwrap();
    let text = stderr(&output);
    assert_eq!((output.status.code(), text.matches("warning: ").count()), (Some(0), 2), "{text}");
    assert!(text.contains("slash is nearly the same") && text.contains("case is nearly the same"), "{text}");
}

#[test]
fn wait_lasts_until_entra_accepts_the_token() {
    let world = World::new();
    // One token request is refused, and the next one comes after five seconds.
    world.directory.controls().propagate_after(1);
    let token = world.token();
    let waiting = [&IDENTITY[..], &["--wait", "1m", "--token", &token]].concat();
    let created = applied(&world, &waiting);
    assert!(created["accepted_after_seconds"].as_f64().unwrap() > 1.0, "{created}");
    assert_eq!(world.azure.controls.exchanges(), 1);
    // An existing credential is accepted at once.
    assert!(applied(&world, &waiting)["accepted_after_seconds"].as_f64().unwrap() < 1.0);
    // The application has no tenant in its service principal, or the same.
    let of_application = ["--app", APPLICATION, "--wait", "1m", "--token", &token];
    let output = world
        .federate(&[&of_application[..], &["--apply"]].concat())
        .env("AZURE_TENANT_ID", super::TENANT)
        .output()
        .unwrap();
    assert!(stdout(&output).contains("Entra accepted the token after "), "{} {}", stdout(&output), stderr(&output));
}

#[test]
fn formats_read_the_ids_from_azure() {
    let world = World::new();
    let print = |words: &[&str]| {
        let output = world.federate(words).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    let kubernetes = print(&[&IDENTITY[..], &["--format", "kubernetes"]].concat());
    assert!(kubernetes.contains(CLIENT), "{kubernetes}");
    let sql = print(&[&IDENTITY[..], &["--format", "sql"]].concat());
    assert!(sql.contains(super::PRINCIPAL), "{sql}");
    let requests = world.arm.requests().len();
    print(&[&IDENTITY[..], &["--format", "az"]].concat());
    assert_eq!(world.arm.requests().len(), requests, "nothing is asked without need");
}

#[test]
fn issuer_of_an_aks_cluster_keeps_its_slash() {
    let world = World::new();
    let issuer = "https://westeurope.oic.prod-aks.azure.com/1/2/";
    world.directory.add_cluster(SUBSCRIPTION, "clusters", "prod", Some(issuer), true);
    let words = [
        "federate",
        "--auth",
        "az",
        "--service-account",
        "shop/orders",
        "--aks",
        "prod",
        "--identity",
        "orders",
        "--apply",
    ];
    let output = world.issuer(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(world.credentials()[0][1], issuer);
}
