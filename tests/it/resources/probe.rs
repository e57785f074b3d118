//! `issuer doctor --probe` in a pod: the last link of the chain, with the fix for each refusal.

use serde_json::Value;

use super::{CLIENT, OTHER, World, gate, unique};
use crate::support::{
    answer::answer,
    issued_tokens::object_id,
    key_vault::PermissionModel,
    stand_in::{Response, StandIn},
};

/// Name, outcome, message and fix of a check.
type Found = (String, String, String, String);

/// The checks of a probe of this resource.
fn probe(world: &World, client_id: &str, target: &str) -> (Option<i32>, Vec<Found>) {
    let mut issuer = world.issuer(client_id);
    issuer.args(["doctor", "--probe", target, "--probe-any-host", "-o", "json", "--published", "/", "--ca-file"]);
    let output = issuer.arg(world.ca_file()).output().unwrap();
    let answer = answer("doctor", &output);
    let text = |check: &Value, member: &str| check[member].as_str().unwrap_or_default().to_owned();
    let of_probe = |check: &&Value| ["exchange", "resource", "sslmode"].contains(&check["check"].as_str().unwrap());
    let checks = answer["checks"].as_array().unwrap().iter().filter(of_probe);
    let checks =
        checks.map(|check| (text(check, "check"), text(check, "outcome"), text(check, "message"), text(check, "fix")));
    let checks: Vec<_> = checks.collect();
    let printed = format!("{output:?}");
    for token in world.azure.controls.tokens.all() {
        assert!(!printed.contains(&token), "no access token is printed");
    }
    (output.status.code(), checks)
}

#[test]
fn key_vault_tells_whether_it_accepts_the_token() {
    let world = World::new();
    let vault = &world.azure.vault;
    vault.set("password", "secret-value-of-the-vault", None);
    vault.permit(&object_id(CLIENT));
    let url = format!("{}/secrets/password", world.azure.vault_url());

    let (_, checks) = probe(&world, CLIENT, &url);
    assert_eq!((checks[0].0.as_str(), checks[0].1.as_str()), ("exchange", "passed"), "{checks:?}");
    assert!(checks[0].2.contains(&format!("object ID {}", object_id(CLIENT))), "{checks:?}");
    assert_eq!((checks[1].1.as_str(), checks[1].2.as_str()), ("passed", "it accepts the token: HTTP 200"));

    let (_, checks) = probe(&world, CLIENT, &url.replace("password", "no-such-secret"));
    assert_eq!(checks[1].1, "warning");
    assert!(checks[1].2.contains("SecretNotFound"), "{checks:?}");

    let (code, checks) = probe(&world, OTHER, &url);
    assert_eq!((code, checks[1].1.as_str()), (Some(1), "failed"));
    assert!(checks[1].2.contains("no role for this action") && checks[1].2.contains("HTTP 403"), "{checks:?}");
    let role = format!("--assignee-object-id {}", object_id(OTHER));
    assert!(checks[1].3.contains(&role) && checks[1].3.contains("wait up to ten minutes"), "{checks:?}");

    vault.use_model(PermissionModel::AccessPolicies);
    let (_, checks) = probe(&world, OTHER, &url);
    let policy = format!("az keyvault set-policy --name localhost --object-id {}", object_id(OTHER));
    assert!(checks[1].3.contains(&policy), "{checks:?}");

    world.azure.vault.block_network();
    let (_, checks) = probe(&world, CLIENT, &url);
    assert!(checks[1].2.contains("network rules of the vault"), "{checks:?}");
}

#[test]
fn postgresql_tells_whether_the_role_accepts_the_token() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let at = format!("localhost:{}", gate.port());
    let (_, checks) = probe(&world, CLIENT, &format!("postgresql://{role}@{at}/{role}?sslmode=verify-full"));
    let seen = format!("it accepts the token: logged in as {role}, and select 1 succeeds");
    assert_eq!((checks.len(), checks[1].1.as_str(), checks[1].2.as_str()), (2, "passed", seen.as_str()), "{checks:?}");

    let (code, checks) =
        probe(&world, CLIENT, &format!("host=localhost port={} user={role} dbname={role}", gate.port()));
    assert_eq!((checks[1].0.as_str(), checks[1].1.as_str()), ("sslmode", "warning"), "{checks:?}");
    assert_eq!(checks[2].1, "passed", "{checks:?} {code:?}");

    let other = unique("role-of-another-application");
    gate.create_service(&other, &object_id(OTHER), &other);
    let (code, checks) = probe(&world, CLIENT, &format!("postgresql://{other}@{at}/{other}?sslmode=verify-full"));
    assert_eq!((code, checks[1].1.as_str()), (Some(1), "failed"), "{checks:?}");
    assert!(!checks[1].3.is_empty(), "{checks:?}");

    let missing = unique("no-such-role");
    let (_, checks) = probe(&world, CLIENT, &format!("postgresql://{missing}@{at}/postgres?sslmode=verify-full"));
    assert_eq!(checks[1].1, "failed", "{checks:?}");
    let create = format!("pgaadauth_create_principal_with_oid('{missing}', '{}', 'service'", object_id(CLIENT));
    assert!(checks[1].3.contains(&create), "{checks:?}");
}

#[test]
fn server_with_an_unknown_certificate_gets_no_token() {
    let world = World::new();
    let Some((gate, role)) = gate(&world) else { return };
    let before = gate.logins().len();
    let target = format!("postgresql://{role}@127.0.0.2:{}/{role}", gate.port());
    let (_, checks) = probe(&world, CLIENT, &target);
    assert_eq!((checks.last().unwrap().1.as_str(), gate.logins().len()), ("failed", before), "{checks:?}");
}

#[test]
fn refused_exchange_skips_the_resource() {
    let world = World::new();
    let unknown = "77777777-aaaa-4bbb-8ccc-000000000007";
    let (code, checks) = probe(&world, unknown, &format!("{}/secrets/password", world.azure.vault_url()));
    assert_eq!((code, checks[0].1.as_str(), checks[1].1.as_str()), (Some(1), "failed", "skipped"), "{checks:?}");
    assert!(checks[0].2.contains("AADSTS700016") && checks[0].2.contains("trace ID"), "{checks:?}");
    assert_eq!(world.azure.vault.requests(), 0);
}

#[test]
fn only_401_and_403_are_refusals() {
    for (status, outcome, words) in [
        (200, "passed", "it accepts the token"),
        (404, "warning", "the object does not exist"),
        (401, "failed", "it refuses the token"),
        (403, "failed", "it refuses the token"),
        (302, "failed", "does not tell whether it accepts the token"),
        (400, "failed", "does not tell whether it accepts the token"),
        (409, "failed", "does not tell whether it accepts the token"),
        (503, "failed", "does not tell whether it accepts the token"),
    ] {
        let world = World::new();
        let resource = StandIn::https(world.azure.authority(), move |_| Response::new(status, &[], "an unknown text"));
        let (_, checks) = probe(&world, CLIENT, &format!("{}/x", resource.url()));
        assert_eq!(checks[1].1, outcome, "{status}: {checks:?}");
        assert!(checks[1].2.contains(words), "{status}: {checks:?}");
    }
}

#[test]
fn port_that_is_no_number_is_not_replaced() {
    let world = World::new();
    let (_, checks) = probe(&world, CLIENT, "host=localhost port=abc user=orders sslmode=verify-full");
    assert!(checks[1].2.contains("a port that is no number"), "{checks:?}");
}
