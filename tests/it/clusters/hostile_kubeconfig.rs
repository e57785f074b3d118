//! Kubeconfigs that hang, flood or mislead: each ends in time, without a secret and without a control character.

use std::{
    fs::{self, File},
    process::Command,
};

use serde_json::{Value, json};

use super::Desk;
use crate::support::{
    api_server_stand_in::{ADMIN, ApiServerStandIn, KID, jwks, status},
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
        "env": [{ "name": "PREFIX", "value": "s3cr3t" }, { "name": "SECRET", "value": "s3cr3t-p4ss" }],
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
    let newline = CREDENTIAL.replace("%s-%s-token", "s3cr3t%s%s\\\\n");
    let cases = [
        ("newline", json!({ "token": "s3cr3t-admin\n" }), "the token has a character that an HTTP header cannot have"),
        ("pipe", json!({ "tokenFile": pipe }), not_a_file),
        ("device", json!({ "tokenFile": "/dev/zero" }), not_a_file),
        ("long", json!({ "tokenFile": long }), not_a_file),
        ("folder", json!({ "tokenFile": folder.path() }), "Is a directory"),
        (
            "pipe as a certificate",
            json!({ "client-certificate": pipe, "client-key": "k" }),
            "the client-certificate of the user is not a file, or it is longer than 1048576 bytes",
        ),
        (
            "long certificate",
            json!({ "client-certificate": long, "client-key": "k" }),
            "the client-certificate of the user is not a file, or it is longer",
        ),
        (
            "endless key",
            json!({ "client-certificate": "c", "client-key": "/dev/zero" }),
            "the client-key of the user is not a file, or it is longer",
        ),
        ("no command", json!({ "exec": { "apiVersion": "v1" } }), "the exec plugin of this user has no command"),
        (
            "other version",
            plugin(&CREDENTIAL.replace("/v1\"", "/v1beta1\"")),
            "client.authentication.k8s.io/v1beta1 ExecCredential",
        ),
        (
            "other kind",
            plugin(&CREDENTIAL.replace("ExecCredential", "Secret")),
            "client.authentication.k8s.io/v1 Secret",
        ),
        ("environment", plugin("echo \"no login for $SECRET\" >&2; exit 1"), "status: 1: no login for …"),
        (
            "newline of a plugin",
            plugin(&newline),
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
fn proxy_does_not_answer_for_a_server_without_tls() {
    let attacker = StandIn::http(|request| match request.method.as_str() {
        "CONNECT" => Response::new(200, &[], ""),
        _ => Response::json(200, jwks()),
    });
    let server = ApiServerStandIn::new(ISSUER);
    let cluster = json!({ "server": "http://127.0.0.1:8001", "proxy-url": attacker.url() });
    let desk =
        Desk::with(&server.kubeconfig().cluster("proxied", cluster).user("p", "proxied", json!({ "token": ADMIN })));
    for command in ["jwks --from-cluster", "publish --from-cluster --directory site"] {
        let text = desk.fails(2, &format!("{command} --context p --request-timeout 2s"));
        assert!(text.contains("does not verify the certificate of the API server"), "{text}");
    }
    assert!(attacker.requests().is_empty() && !desk.path().join("site").exists());
}

/// As kubectl: a name that is missing or repeated is an error, and never another cluster or no user.
#[test]
fn kubeconfig_with_missing_or_repeated_names_is_refused() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    let write = |name: &str, change: &dyn Fn(&mut Value)| {
        let mut value: Value = serde_json::from_slice(&fs::read(&desk.kubeconfig).unwrap()).unwrap();
        change(&mut value);
        fs::write(desk.path().join(name), value.to_string()).unwrap();
    };
    let repeat = |list: &'static str| {
        move |value: &mut Value| {
            let first = value[list][0].clone();
            value[list].as_array_mut().unwrap().push(first);
        }
    };
    write("clusters", &repeat("clusters"));
    write("users", &repeat("users"));
    write("contexts", &repeat("contexts"));
    write("no-user", &|value| value["users"] = json!([]));
    write("authority", &|value| {
        value["clusters"][0]["cluster"] = json!({ "server": server.url(), "certificate-authority": "/dev/zero" });
    });
    write("no-cluster", &|value| value["clusters"] = json!([]));
    for (file, expected) in [
        ("no-cluster", "the cluster \"c\" of the context is not in it"),
        ("clusters", "cannot use clusters: it has two clusters with the name \"c\""),
        ("users", "it has two users with the name \"admin\""),
        ("contexts", "it has two contexts with the name \"admin\""),
        ("no-user", "the user \"admin\" of the context \"admin\" is not in it"),
        ("authority", "the certificate-authority of the cluster is not a file, or it is longer than 1048576 bytes"),
    ] {
        let text = desk.fails(3, &format!("jwks --from-cluster --kubeconfig {file}"));
        assert!(text.contains(expected) && text.contains("\nhint: "), "{file}: {text}");
    }
    for words in ["publish --secret a/b --owner-from-cluster --directory site", "status --owner b --directory site"] {
        let text = desk.fails(2, words);
        assert!(text.contains("--owner"), "{words}: {text}");
    }
    assert!(server.requests().is_empty());

    // The first context with a name counts.
    write("empty", &|value| *value = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "" }));
    let listed = |paths: &str| {
        desk.command("jwks --from-cluster").env("KUBECONFIG", paths).env("HOME", desk.path()).output().unwrap()
    };
    let output = listed("empty:kubeconfig");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // A variable without a file is not an unset one.
    fs::create_dir(desk.path().join(".kube")).unwrap();
    fs::copy(&desk.kubeconfig, desk.path().join(".kube/config")).unwrap();
    assert_eq!(listed("").status.code(), Some(0));
    let output = listed(":");
    assert!(stderr(&output).contains("KUBECONFIG names no file that exists"), "{}", stderr(&output));

    // The file comes before the token.
    fs::write(desk.path().join("token"), format!("{ADMIN}\n")).unwrap();
    write("both", &|value| value["users"][0]["user"] = json!({ "token": "old-token", "tokenFile": "token" }));
    desk.succeeds("jwks --from-cluster --kubeconfig both");
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
