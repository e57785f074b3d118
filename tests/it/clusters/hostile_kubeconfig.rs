//! Kubeconfigs that hang, flood or mislead: each ends in time, without a secret and without a control character.

use std::{
    fs::{self, File},
    process::Command,
};

use serde_json::{Value, json};

use super::Desk;
use crate::support::{
    api_server_stand_in::{ADMIN, ApiServerStandIn, KID, status},
    issuer::stderr,
    signer::ISSUER,
    stand_in::{Response, StandIn},
};

/// An exec plugin: this script of a shell.
fn plugin(script: &str) -> Value {
    json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never",
        "command": "sh",
        "args": ["-c", script, "sh", "admin"],
        "env": [{ "name": "PREFIX", "value": "s3cr3t" }],
    } })
}

const CREDENTIAL: &str = r#"printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s-%s-token"}}' "$PREFIX" "$1""#;

#[test]
fn credentials_that_cannot_be_used_end_in_time() {
    let server = ApiServerStandIn::new(ISSUER);
    let folder = tempfile::TempDir::new().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let long = folder.path().join("long");
    File::create(&long).unwrap().set_len(2 << 20).unwrap();
    let not_a_file = "the tokenFile of the user is not a file with a token";
    let newline = r#"printf %s '{"kind":"ExecCredential","status":{"token":"s3cr3t\n"}}'"#;
    let cases = [
        ("newline", json!({ "token": "s3cr3t-admin\n" }), "the token has a character that an HTTP header cannot have"),
        ("pipe", json!({ "tokenFile": pipe }), not_a_file),
        ("device", json!({ "tokenFile": "/dev/zero" }), not_a_file),
        ("long", json!({ "tokenFile": long }), not_a_file),
        ("folder", json!({ "tokenFile": folder.path() }), "Is a directory"),
        ("no command", json!({ "exec": { "apiVersion": "v1" } }), "the exec plugin of this user has no command"),
        (
            "newline of a plugin",
            plugin(newline),
            "the token of the exec plugin has a character that an HTTP header cannot have",
        ),
        ("flood", plugin("head -c 100000000 /dev/zero | tr '\\0' s"), "the exec plugin printed more than"),
        (
            "hostile",
            plugin("printf '\\033[2J\\033]0;title\\007 %s' \"$0\" >&2; exit 3"),
            "status: 3: \\u{1b}[2J\\u{1b}]0;",
        ),
        ("\u{1b}[31mred\nerror: x", json!({ "token": "old" }), "\\u{1b}[31mred\\u{a}error: x"),
    ];
    let mut kubeconfig = server.kubeconfig().user("plugin", "c", plugin(CREDENTIAL));
    for (name, user, _) in &cases {
        kubeconfig = kubeconfig.user(name, "c", user.clone());
    }
    let desk = Desk::with(&kubeconfig);
    let run = |context: &str| {
        let mut command = desk.command("jwks --from-cluster --compact --request-timeout 2s");
        command.args(["--context", context]).output().unwrap()
    };
    for (name, _, expected) in &cases {
        let output = run(name);
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{name}: {text}");
        assert!(text.starts_with("error: ") && text.contains(expected) && text.contains("\nhint: "), "{name}: {text}");
        assert_eq!(text.lines().count(), 2, "{name}: {text}");
        assert!(!text.contains("s3cr3t") && !text.contains('\u{1b}') && !text.contains(ADMIN), "{name}: {text}");
    }
    let output = run("plugin");
    assert!(String::from_utf8_lossy(&output.stdout).contains(KID), "{}", stderr(&output));
}

#[test]
fn passwords_in_urls_are_not_shown() {
    let server = ApiServerStandIn::new(ISSUER);
    let proxy = StandIn::http(|_| Response::new(407, &[("Proxy-Authenticate", "Basic realm=\"s3cr3t\"")], ""));
    let host = server.url().trim_start_matches("https://");
    let with_password = format!("http://joe:s3cr3t@{}", proxy.url().trim_start_matches("http://"));
    let clusters = [
        ("proxy", json!({ "server": server.url(), "proxy-url": with_password }), "the proxy did not connect"),
        ("proxy-scheme", json!({ "server": server.url(), "proxy-url": "ftp://joe:s3cr3t@h" }), "none of http, https"),
        ("proxy-url", json!({ "server": server.url(), "proxy-url": "http://joe:s3cr3t pw@h" }), "is not a URL"),
        ("server", json!({ "server": format!("https://joe:s3cr3t@{host}") }), "https://…@127.0.0.1:"),
        ("user", json!({ "server": format!("https://s3cr3t@{host}") }), "https://…@127.0.0.1:"),
        ("scheme", json!({ "server": "ftp://joe:s3cr3t@example.com" }), "is not an https URL"),
        ("text", json!({ "server": "joe:s3cr3t in a text" }), "failed to parse cluster url"),
    ];
    let mut kubeconfig = server.kubeconfig();
    for (name, cluster, _) in &clusters {
        kubeconfig = kubeconfig.cluster(name, cluster.clone()).user(name, name, json!({ "token": ADMIN }));
    }
    let desk = Desk::with(&kubeconfig);
    for (name, _, expected) in &clusters {
        let text = desk.fails(3, &format!("jwks --from-cluster -v --request-timeout 2s --context {name}"));
        assert!(text.contains(expected) && text.contains("\nhint: "), "{name}: {text}");
        assert!(!text.contains("s3cr3t"), "{name}: {text}");
    }
}

#[test]
fn files_and_limits_that_cannot_be_used_are_named() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    File::create(desk.path().join("huge")).unwrap().set_len(17 << 20).unwrap();
    fs::write(desk.path().join("types"), "{clusters: 5, users: {s3cr3t: 1}}").unwrap();
    for (words, exit, expected) in [
        ("--kubeconfig /dev/zero", 3, "cannot use /dev/zero: it is longer than 16777216 bytes"),
        ("--kubeconfig /dev/null", 2, "/dev/null has no current context"),
        ("--kubeconfig huge", 3, "cannot use huge: it is longer than 16777216 bytes"),
        ("--kubeconfig types", 3, "cannot use types: it is not a kubeconfig: line 1 cannot be parsed"),
        ("--kubeconfig .", 3, "cannot use .: Is a directory"),
        ("--request-timeout 0", 2, "--request-timeout 0 leaves no time for a request"),
    ] {
        let text = desk.fails(exit, &format!("jwks --from-cluster {words}"));
        assert!(text.contains(expected) && !text.contains("s3cr3t"), "{words}: {text}");
    }
    let mut listed = desk.command("jwks --from-cluster");
    let listed = listed.env("KUBECONFIG", format!("none::{}:kubeconfig", desk.path().display())).output().unwrap();
    assert!(stderr(&listed).contains("Is a directory"), "{}", stderr(&listed));
    // An overflowing time limit means no deadline.
    desk.succeeds("jwks --from-cluster --request-timeout 9999999999999999999");
    server.fail(status(503, "ServiceUnavailable", "starting"));
    desk.succeeds("jwks --from-cluster --request-timeout 9999999999999999999");
}
