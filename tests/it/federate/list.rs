//! `issuer federate list`.

use serde_json::Value;

use super::{APPLICATION, CLIENT, IDENTITY, SUBJECT, World};
use crate::support::{
    answer::answer,
    azure_credential::Credential,
    issuer::{stderr, stdout},
    signer::ISSUER,
};

fn list(world: &World, words: &[&str]) -> std::process::Command {
    world.issuer(&[&["federate", "list", "--auth", "az"], words].concat())
}

/// The kinds of the marks of each credential.
fn marks(value: &Value) -> Vec<(&str, Vec<&str>)> {
    value["credentials"]
        .as_array()
        .unwrap()
        .iter()
        .map(|credential| {
            let marks = credential["marks"].as_array().unwrap();
            (credential["name"].as_str().unwrap(), marks.iter().map(|mark| mark["kind"].as_str().unwrap()).collect())
        })
        .collect()
}

#[test]
fn credentials_without_use_are_marked() {
    let world = World::new();
    world.directory.controls().page(2);
    world.add("good", ISSUER, SUBJECT);
    world.add("near", ISSUER, "system:serviceaccount:shop:Orders");
    world.add("slash", &format!("{ISSUER}/"), SUBJECT);
    world.add("path", &format!("{ISSUER}/other"), "system:serviceaccount:shop:billing");
    world.add("private", "https://kubernetes.default.svc.cluster.local", SUBJECT);
    world.directory.add_credential(CLIENT, Credential::flexible("flexible", ISSUER));
    let manifest = "kind: ServiceAccount\nmetadata: {name: orders, namespace: shop}\n";
    std::fs::write(world.folder.path().join("sa.yaml"), manifest).unwrap();
    let words = [&IDENTITY[..], &["--manifest", "sa.yaml", "-o", "json"]].concat();
    let output = list(&world, &words).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let listed = answer("federate-list", &output);
    assert_eq!((listed["used"].as_u64(), listed["limit"].as_u64()), (Some(6), Some(20)));
    let mut found = marks(&listed);
    found.sort();
    let expected = [
        ("flexible", vec!["invalid"]),
        ("good", vec!["near_duplicate", "near_duplicate"]),
        ("near", vec!["near_duplicate", "near_duplicate", "not_in_manifest"]),
        ("path", vec!["issuer_not_published", "not_in_manifest"]),
        ("private", vec!["issuer_not_published"]),
        ("slash", vec!["issuer_not_published", "near_duplicate", "near_duplicate"]),
    ];
    assert_eq!(found, expected, "{listed:#}");
}

#[test]
fn text_shows_how_many_are_used() {
    let world = World::new();
    world.add("good", ISSUER, SUBJECT);
    world.directory.add_credential(APPLICATION, Credential::new("app", &format!("{ISSUER}/no"), SUBJECT));
    let output = list(&world, &IDENTITY).output().unwrap();
    let expected = format!(
        "identity  managed identity orders, 1 of 20 credentials

  ok       good
           issuer    {ISSUER}
           subject   {SUBJECT}
           audience  api://AzureADTokenExchange
"
    );
    assert_eq!((stdout(&output), stderr(&output)), (expected, String::new()));
    let output = list(&world, &["--app", APPLICATION]).output().unwrap();
    assert!(stdout(&output).contains("! the issuer is not published: "), "{}", stdout(&output));
    let output = list(&world, &["--app", APPLICATION, "--no-fetch"]).output().unwrap();
    assert!(stdout(&output).contains("  ok       app\n"), "{}", stdout(&output));
}
