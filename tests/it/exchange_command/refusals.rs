//! Usage errors, refusals and retries.

use std::{fs, net::TcpListener, os::unix::fs::symlink};

use super::{audience_of, bare, exchange, in_pod, printed};
use crate::{
    resources::{CLIENT, TENANT, World},
    support::{
        answer::answer,
        entra_controls::fault,
        issuer::{stderr, stdout},
        other_user::mode,
        pty::Terminal,
        stand_in::{Response, StandIn},
    },
};

#[test]
fn usage_error_sends_nothing() {
    let world = World::new();
    let out = world.folder.path().join("out");
    let out = out.to_str().unwrap();
    let postgres = ["--resource", "postgres"];
    let token = world.folder.path().join("token");
    let cases: [(&[&str], &str); 30] = [
        (&[], "no resource is given"),
        (&["--scope", "https://vault.azure.net"], "/.default"),
        (
            &["--scope", "https://vault.azure.net/.default https://storage.azure.com/.default"],
            "the scope names 2 resources",
        ),
        (&["--scope", "openid"], "/.default"),
        (&["--scope", ""], "scope"),
        (&["--resource", "key-vault"], "there is no resource \"key-vault\""),
        (&["--scope", "a/.default", "--resource", "aks"], "cannot be used with"),
        (&["--resource", "keyvault", "--format", "pgpass"], "--format pgpass is a password file of PostgreSQL"),
        (
            &["--scope", "https://vault.azure.net/.default", "--format", "pgpass"],
            "--format pgpass is a password file of PostgreSQL",
        ),
        (&["--resource", "aks", "--timeout", "0"], "--timeout 0 leaves no time for a request"),
        (&["--resource", "aks", "--format", "yaml"], "invalid value 'yaml'"),
        (&["--resource", "aks", "--env", "X"], "--env is not used by --format token"),
        (&["--resource", "aks", "--format", "env", "--env", "1X"], "is no name of a variable"),
        (&[&postgres[..], &["--connection", "host=db"]].concat(), "--connection is not used by --format token"),
        (&[&postgres[..], &["--format", "pgpass", "--connection", "jdbc:postgresql://db/x"]].concat(), "JDBC"),
        (&["--resource", "aks", "--mode", "0600"], "--out"),
        (&["--resource", "aks", "--out", out, "--mode", "0200"], "--mode \"0200\" does not let the owner read"),
        (&["--resource", "aks", "--out", out, "--mode", "rw"], "--mode \"rw\""),
        (&["--resource", "aks", "--watch"], "--out"),
        (&["--resource", "aks", "--out", out, "--ready-file", "r"], "--watch"),
        (&["--resource", "aks", "--out", out, "--listen", "0"], "--watch"),
        (&["--resource", "aks", "--out", out, "--watch", "--ready-file", out], "are the same file"),
        (&["--resource", "aks", "--out", out, "--watch", "--listen", "localhost:80"], "is not an address and a port"),
        (&["--resource", "aks", "--out", token.to_str().unwrap()], "--out is the file with the projected token"),
        (&["--resource", "aks", "--issuer", "https://issuer.example.com"], "--check"),
        (&["--resource", "aks", "--format", "token", "-o", "json"], "-o json prints the token in a format of its own"),
        (&["--resource", "aks", "--tenant", "a b"], "--tenant"),
        (&["--resource", "aks", "--client-id", "x"], "--client-id"),
        (&["--resource", "aks", "--authority-host", "http://login.example.com"], "accepted only for"),
        (&["--resource", "aks", "--timeout", "soon"], "--timeout"),
    ];
    for (words, expected) in cases {
        let output = exchange(&world, words);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(expected) && stdout(&output).is_empty() || words.contains(&"json"),
            "{words:?}: {}",
            stderr(&output)
        );
    }
    let mut command = in_pod(&world, &["--resource", "aks", "--format", "exec-credential"]);
    let output = command.env("KUBERNETES_EXEC_INFO", "{}").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let output = bare(&["--resource", "aks"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).starts_with("error: AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_FEDERATED_TOKEN_FILE"));
    assert_eq!((world.azure.controls.requests(), fs::exists(out).unwrap()), (0, false));
}

#[test]
fn refusal_has_code_cause_fix_and_ids() {
    let world = World::new();
    // A client that Entra does not know, without a fault.
    let other = "22223333-aaaa-2222-bbbb-3333cccc4444";
    let output = exchange(&world, &["--resource", "aks", "--client-id", other]);
    let text = stderr(&output);
    assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()));
    for part in ["AADSTS700016", "(trace ID ", ", correlation ID ", "\nhint: "] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = exchange(&world, &["--resource", "aks", "--client-id", other, "-o", "json"]);
    let value = answer("exchange", &output);
    assert!(value["error"]["message"].as_str().unwrap().contains("AADSTS700016"), "{value}");

    // Each fault is final, and leaves the file as it was.
    let out = world.folder.path().join("out");
    fs::write(&out, "the last token").unwrap();
    let path = out.to_str().unwrap();
    let loop_detected = fault::refusal("invalid_request", 50_196, "The server terminated an operation.");
    let cases = [
        (loop_detected, 1, "AADSTS50196"),
        (fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."), 1, "AADSTS7000215"),
        (fault::throttled(0), 3, "AADSTS90055"),
        (Response::new(200, &[], "{}"), 3, "is not valid"),
        (Response::new(404, &[], "not here"), 1, "status 404"),
    ];
    for (fault, exit, expected) in cases {
        let before = world.azure.controls.requests();
        world.azure.controls.fail(fault);
        let output = exchange(&world, &["--resource", "aks", "--out", path]);
        assert_eq!(output.status.code(), Some(exit), "{expected}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{expected}: {}", stderr(&output));
        assert_eq!(world.azure.controls.requests() - before, 1, "{expected}");
        assert_eq!(fs::read_to_string(&out).unwrap(), "the last token");
    }
}

#[test]
fn terminal_shows_a_refusal_once() {
    let world = World::new();
    world.azure.controls.fail(fault::refusal("invalid_client", 7_000_215, "Invalid client secret provided."));
    let (terminal, mut child) = Terminal::run(500, &mut in_pod(&world, &["--resource", "aks"]), false);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let text = terminal.read_all();
    assert_eq!(text.matches("AADSTS7000215").count(), 1, "{text}");
}

#[test]
fn no_answer_is_incomplete() {
    let world = World::new();
    // A port without a server.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output =
        exchange(&world, &["--resource", "aks", "--authority-host", &format!("http://{closed}"), "--timeout", "1"]);
    assert_eq!((output.status.code(), stdout(&output)), (Some(3), String::new()));
    assert!(stderr(&output).contains(&format!("http://{closed} did not answer the token request")), "{output:?}");
    // A certificate that is not trusted.
    let output = bare(&["--resource", "aks", "--timeout", "5"]).envs(world.pod(CLIENT)).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(stderr(&output).contains("\nhint: "), "{output:?}");
    let missing = world.folder.path().join("missing");
    let output = exchange(&world, &["--resource", "aks", "--token-file", missing.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_eq!(world.azure.controls.requests(), 0);
}

#[test]
fn authority_host_may_be_http_on_loopback() {
    let world = World::new();
    let body = r#"{"token_type":"Bearer","expires_in":60,"access_token":"opaque"}"#;
    let entra = StandIn::http(move |_| Response::new(200, &[], body));
    let output = exchange(&world, &["--resource", "aks", "--authority-host", &format!("{}/", entra.url()), "-v"]);
    assert_eq!(printed(&output), "opaque\n");
    assert!(stderr(&output).contains("is opaque, lifetime 60 s"), "{output:?}");
    assert_eq!(entra.requests()[0].path, format!("/{TENANT}/oauth2/v2.0/token"));
}

#[test]
fn transient_answers_are_retried() {
    let world = World::new();
    let controls = &world.azure.controls;
    for fault in [fault::gateway(503), fault::gateway(429).with("Retry-After", "0"), fault::transient()] {
        let before = controls.requests();
        controls.fail(fault);
        printed(&exchange(&world, &["--resource", "aks"]));
        assert_eq!(controls.requests() - before, 2);
    }
    // The server asks for a longer pause than is left.
    controls.fail(fault::gateway(429).with("Retry-After", "60"));
    let before = controls.requests();
    let output = exchange(&world, &["--resource", "aks", "--timeout", "5"]);
    assert_eq!((output.status.code(), controls.requests() - before), (Some(3), 1), "{output:?}");
}

#[test]
fn new_credential_is_awaited_only_with_wait() {
    let world = World::new();
    let controls = &world.azure.controls;
    controls.propagate_after(CLIENT, 1);
    let output = exchange(&world, &["--resource", "aks"]);
    assert_eq!((output.status.code(), controls.requests()), (Some(1), 1));
    assert!(stderr(&output).contains("AADSTS700211"), "{output:?}");
    controls.propagate_after(CLIENT, 1);
    let text = printed(&exchange(&world, &["--resource", "aks", "--wait", "30s"]));
    audience_of(&world, text.trim_end());
    assert_eq!(controls.requests(), 3);
}

#[test]
fn check_verifies_before_it_sends() {
    let world = World::new();
    let expired = world.write_assertion("expired", "", 9000);
    let checked = |token: &str, more: &[&str]| {
        let words = ["--resource", "aks", "--check", "--published", world.site_url(), "--token-file", token];
        exchange(&world, &[&words, more].concat())
    };
    let out = world.folder.path().join("out");
    for more in [&[][..], &["--out", out.to_str().unwrap()], &["--out", out.to_str().unwrap(), "--watch"]] {
        let output = checked(expired.to_str().unwrap(), more);
        let text = stderr(&output);
        assert_eq!((output.status.code(), stdout(&output)), (Some(1), String::new()), "{text}");
        let start = "error: the projected token fails the check time: ";
        assert!(text.starts_with(start) && text.contains("AADSTS700024") && text.contains("\nhint: "), "{text}");
    }
    let wrong = ["--issuer", "https://another.example.com"];
    let output = checked(world.folder.path().join("token").to_str().unwrap(), &wrong);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stderr(&output).contains("fails the check "), "{output:?}");
    // The documents cannot be read, so nothing is decided.
    let output = checked(world.folder.path().join("token").to_str().unwrap(), &["--published", "http://127.0.0.1:9"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!((world.azure.controls.requests(), fs::exists(&out).unwrap()), (0, false));
    let sound = world.folder.path().join("token");
    audience_of(&world, printed(&checked(sound.to_str().unwrap(), &[])).trim_end());
}

#[test]
fn only_an_own_file_is_replaced() {
    let world = World::new();
    let folder = world.folder.path();
    let passwords = "db.example.com:*:*:*:a password of a person\n";
    fs::write(folder.join("pgpass"), passwords).unwrap();
    symlink("pgpass", folder.join("link")).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    for (name, expected) in [
        ("pgpass", "it is a password file that this program did not write"),
        ("link", "it is a symbolic link"),
        ("folder", "it is a folder"),
        ("missing/pgpass", "No such file"),
    ] {
        for watch in [&[][..], &["--watch"]] {
            let path = folder.join(name);
            let words = ["--resource", "postgres", "--format", "pgpass", "--out", path.to_str().unwrap()];
            let output = exchange(&world, &[&words, watch].concat());
            assert_eq!(output.status.code(), Some(3), "{output:?}");
            assert!(stderr(&output).to_lowercase().contains(&expected.to_lowercase()), "{output:?}");
        }
    }
    assert_eq!(fs::read_to_string(folder.join("pgpass")).unwrap(), passwords);
    assert!(mode(&folder.join("pgpass")) != 0o600 && folder.join("link").is_symlink());
    assert_eq!(world.azure.controls.requests(), 0, "a token was requested for a file that cannot be written");
}
