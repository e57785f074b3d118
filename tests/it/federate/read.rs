//! `verify` and `doctor` with credentials and issuers that are read from Azure.

use super::{APPLICATION, CLIENT, IDENTITY, SUBJECT, SUBSCRIPTION, World};
use crate::support::{
    answer::answer,
    azure_credential::Credential,
    issuer::{stderr, stdout},
    signer::ISSUER,
};

#[test]
fn verify_matches_the_credentials_of_an_identity() {
    type Case<'a> = (&'a str, fn(&World), &'a [&'a str], i32, &'a str);
    let cases: [Case<'_>; 7] = [
        ("accepted", |world| world.add("good", ISSUER, SUBJECT), &IDENTITY, 0, "accepted"),
        ("by its name alone", |world| world.add("good", ISSUER, SUBJECT), &["--identity", "orders"], 0, "accepted"),
        ("slash", |world| world.add("slash", &format!("{ISSUER}/"), SUBJECT), &IDENTITY, 1, "AADSTS700211"),
        ("none", |_| {}, &IDENTITY, 1, "AADSTS70025"),
        (
            "application",
            |world| world.directory.add_credential(APPLICATION, Credential::new("good", ISSUER, SUBJECT)),
            &["--app", APPLICATION],
            0,
            "accepted",
        ),
        ("missing", |_| {}, &["--identity", "missing"], 3, "there is no managed identity \"missing\""),
        (
            "no role",
            |world| world.directory.controls().forbid("Microsoft.ManagedIdentity/*"),
            &IDENTITY,
            3,
            "Managed Identity Contributor",
        ),
    ];
    for (what, prepare, words, code, expected) in cases {
        let world = World::new();
        prepare(&world);
        let output = world.issuer(&[&["verify", &world.token(), "--auth", "az"], words].concat()).output().unwrap();
        let text = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{what}: {text}");
        assert!(text.contains(expected), "{what}: {text}");
    }
}

#[test]
fn credentials_of_a_file_and_of_azure_are_joined() {
    let world = World::new();
    world.add("slash", &format!("{ISSUER}/"), SUBJECT);
    let given = format!("issuer={ISSUER},subject={SUBJECT},audience=api://AzureADTokenExchange");
    let token = world.token();
    let words = [&["verify", &token, "--auth", "az", "--credential", &given, "-o", "json"], &IDENTITY[..]].concat();
    let output = world.issuer(&words).output().unwrap();
    assert_eq!(answer("verify", &output)["verdict"], "accepted", "{}", stderr(&output));
    let words = [&["verify", &token, "--auth", "az", "--for", "oidc"], &IDENTITY[..]].concat();
    let output = world.issuer(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

#[test]
fn doctor_matches_the_credentials_of_an_identity() {
    let world = World::new();
    world.add("other", ISSUER, "system:serviceaccount:shop:other");
    let manifest = format!(
        "kind: Pod\nmetadata: {{name: orders, namespace: shop, labels: {{azure.workload.identity/use: 'true'}}}}\nspec: {{serviceAccountName: orders, containers: [{{name: app}}]}}\n---\nkind: ServiceAccount\nmetadata: {{name: orders, namespace: shop, annotations: {{azure.workload.identity/client-id: {CLIENT}}}}}\n"
    );
    std::fs::write(world.folder.path().join("pod.yaml"), manifest).unwrap();
    let doctor = || {
        let words = ["doctor", "--manifest", "pod.yaml", "--issuer", ISSUER, "--auth", "az"];
        world.issuer(&[&words[..], &IDENTITY].concat()).output().unwrap()
    };
    let output = doctor();
    assert_eq!(output.status.code(), Some(1), "{}{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("AADSTS700213"), "{}", stdout(&output));
    world.add("orders", ISSUER, SUBJECT);
    let output = doctor();
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn issuer_of_an_aks_cluster_is_trusted() {
    type Case<'a> = (&'a str, fn(&World), i32, &'a str);
    let cases: [Case<'_>; 4] = [
        (
            "another issuer",
            |world| {
                world.directory.add_cluster(
                    SUBSCRIPTION,
                    "clusters",
                    "prod",
                    Some("https://oidc.example.com/1/"),
                    true,
                );
            },
            1,
            "https://oidc.example.com/1/",
        ),
        (
            "no issuer",
            |world| world.directory.add_cluster(SUBSCRIPTION, "clusters", "prod", None, false),
            3,
            "has no OIDC issuer",
        ),
        ("no cluster", |_| {}, 3, "AKS cluster prod does not exist"),
        (
            "two clusters",
            |world| {
                world.directory.add_cluster(
                    SUBSCRIPTION,
                    "clusters",
                    "prod",
                    Some("https://oidc.example.com/1/"),
                    true,
                );
                world.directory.add_cluster(
                    "22222222-2222-3333-4444-555555555555",
                    "others",
                    "prod",
                    Some("https://oidc.example.com/2/"),
                    true,
                );
            },
            3,
            "2 clusters have the name prod: /subscriptions/11111111-",
        ),
    ];
    for (what, prepare, code, expected) in cases {
        let world = World::new();
        prepare(&world);
        let output = world.issuer(&["verify", &world.token(), "--auth", "az", "--aks", "prod"]).output().unwrap();
        let text = format!("{}{}", stdout(&output), stderr(&output));
        assert_eq!(output.status.code(), Some(code), "{what}: {text}");
        assert!(text.contains(expected), "{what}: {text}");
    }
}
