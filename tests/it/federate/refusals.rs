//! Refusals of Azure and Entra, and wrong command lines: one sentence, a step, an exit code, and nothing changed.

use super::{APPLICATION, CLIENT, IDENTITY, SUBSCRIPTION, World};
use crate::support::{
    arm_answer::{error, throttled},
    azure_controls::Fault,
    issuer::{stderr, stdout},
    signer::ISSUER,
    stand_in::Response,
};

#[test]
fn refusals_name_the_cause_and_a_step() {
    /// A name, a preparation, the flags of the identity, the exit code, and parts of the sentence and the hint.
    type Case<'a> = (&'a str, fn(&World), &'a [&'a str], i32, &'a str, &'a str);
    let cases: [Case<'_>; 9] = [
        (
            "no role",
            |world| world.directory.controls().forbid("Microsoft.ManagedIdentity/*"),
            &IDENTITY,
            3,
            "AuthorizationFailed",
            "Managed Identity Contributor",
        ),
        (
            "policy",
            |world| world.directory.controls().allow_only_issuers(&["https://token.actions.githubusercontent.com"]),
            &IDENTITY,
            3,
            "Azure Policy denies the request",
            "allowedIssuerExceptions",
        ),
        (
            "region",
            |world| world.directory.controls().disable_credentials_in("westeurope"),
            &IDENTITY,
            3,
            "does not support federated credentials",
            "another region",
        ),
        (
            "limit",
            |world| {
                for number in 0..20 {
                    world.add(
                        &format!("credential-{number}"),
                        ISSUER,
                        &format!("system:serviceaccount:shop:a{number}"),
                    );
                }
            },
            &IDENTITY,
            1,
            "has 20 federated credentials, the maximum",
            "issuer federate list",
        ),
        (
            "no identity",
            |_| {},
            &["--identity", "missing"],
            3,
            "there is no managed identity \"missing\"",
            "az identity list",
        ),
        (
            "no group",
            |_| {},
            &["--identity", "orders", "--resource-group", "missing", "--subscription", SUBSCRIPTION],
            3,
            "does not exist",
            "--resource-group",
        ),
        (
            "ambiguous",
            |world| {
                let other = "22222222-2222-3333-4444-555555555555";
                world.directory.add_identity(
                    other,
                    "others",
                    "orders",
                    "77770000-aaaa-2222-bbbb-3333cccc4444",
                    "66660000-aaaa-2222-bbbb-3333cccc4444",
                );
            },
            &["--identity", "orders"],
            2,
            "2 managed identities have the name \"orders\": /subscriptions/11111111-2222-3333-4444-555555555555/",
            "--resource-group",
        ),
        (
            "graph",
            |world| world.directory.controls().forbid("microsoft.directory/applications/credentials/update"),
            &["--app", APPLICATION],
            3,
            "has no permission for application",
            "owner of the application",
        ),
        ("no application", |_| {}, &["--app", "12340000-aaaa-2222-bbbb-3333cccc4444"], 3, "does not exist", "--app"),
    ];
    for (what, prepare, words, code, because, step) in cases {
        let world = World::new();
        prepare(&world);
        let output = world.federate(&[words, &["--apply"]].concat()).output().unwrap();
        let text = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(code), ""), "{what}: {text}");
        let text = text.replace('\n', " ");
        assert!(text.contains(because) && text.contains("hint: ") && text.contains(step), "{what}: {text}");
        assert!(world.directory.controls().changes().is_empty(), "{what}");
    }
}

#[test]
fn conditional_access_is_explained() {
    let world = World::new();
    let challenge = "Bearer authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", error=\"insufficient_claims\", claims=\"eyJ9\"";
    let answer = Response::new(401, &[("WWW-Authenticate", challenge)], "{}");
    world.directory.controls().fail_read(Fault::Answer(answer));
    let output = world.federate(&[&IDENTITY[..], &["--apply"]].concat()).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("Conditional Access requires a stronger sign-in"), "{}", stderr(&output));
}

#[test]
fn wrong_command_line_sends_nothing() {
    let world = World::new();
    let token = world.token();
    let cases: [(&[&str], &str); 13] = [
        (&["--apply"], "no identity is given"),
        (&["--identity", "orders", "--app", APPLICATION, "--apply"], "cannot be used with"),
        (&["--identity", "orders", "--replace"], "--apply"),
        (&["--identity", "orders", "--apply", "--wait", "1m"], "--token"),
        (&["--identity", "orders", "--apply", "--token", &token], "--wait"),
        (&["--identity", "orders", "--apply", "--wait", "soon", "--token", &token], "--wait"),
        (&["--identity", "orders", "--apply", "--format", "az"], "cannot be used with"),
        (&["--identity", "/subscriptions/x", "--apply"], "is not the resource ID"),
        (&["--app", "orders", "--apply"], "--app: "),
        (&["--identity", "orders", "--apply", "--object-id", "x"], "--object-id is not used with --apply"),
        (&["--identity", "orders", "--apply", "--dry-run", "--wait", "1m", "--token", &token], "cannot be used with"),
        (&["--app", APPLICATION, "--resource-group", "x", "--apply"], "--resource-group is not used with --app"),
        (&["--identity", "orders", "--apply", "--name", "x"], "is not 3 to 120 letters"),
    ];
    for (words, expected) in cases {
        let output = world.federate(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{words:?}: {}", stderr(&output));
    }
    // The token is for another workload than the credential.
    let other = world.write_token("other", "system:serviceaccount:shop:other", ISSUER);
    let words = [&IDENTITY[..], &["--apply", "--wait", "1m", "--token", other.to_str().unwrap()]].concat();
    let output = world.federate(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("is not for the token"), "{}", stderr(&output));
    assert!(world.arm.requests().is_empty() && world.tools.calls().is_empty());
    // A name does not change the path of a request.
    let place = ["--resource-group", "identities", "--subscription", SUBSCRIPTION, "--auth", "az"];
    let words = [&["federate", "list", "--identity", "orders?x="], &place[..]].concat();
    assert_eq!(world.issuer(&words).output().unwrap().status.code(), Some(3));
    assert!(world.arm.requests()[0].path.contains("/userAssignedIdentities/orders%3Fx%3D/"));
}

#[test]
fn command_repeats_transient_failures() {
    let world = World::new();
    let controls = world.directory.controls();
    controls.fail_read(Fault::Answer(throttled(0)));
    controls.fail_write(Fault::Answer(error(500, "InternalServerError", "try again")));
    let output = world.federate(&[&IDENTITY[..], &["--apply"]].concat()).output().unwrap();
    assert_eq!((output.status.code(), controls.faults_left()), (Some(0), 0), "{}", stderr(&output));
    assert_eq!(world.directory.credentials(CLIENT).len(), 1);
    // The time limit ends the retries, and the error names the last cause.
    controls.fail_read(Fault::Answer(throttled(0)));
    let more = ["--subscription", SUBSCRIPTION, "--apply", "--timeout", "1s"];
    let words = [&IDENTITY[..], &more].concat();
    let output = world.federate(&words).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(stderr(&output).contains("Azure is busy (429"), "{}", stderr(&output));
}
