//! Every form of a kubeconfig: each ends in keys or in a clear answer within its deadline.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::Desk;
use crate::support::{
    client_authority::ClientCertificate,
    issuer::{stderr, stdout},
    kube_apiserver::{ADMIN, JANE, KubeApiserver},
    stand_in::StandIn,
    tls::Authority,
    tunnel::Tunnel,
};

/// The name of a user, the user, and what messages must contain if the login fails.
type Case = (&'static str, Value, Result<(), Vec<String>>);

fn certificate(issued: &ClientCertificate) -> Value {
    json!({
        "client-certificate-data": BASE64_STANDARD.encode(&issued.certificate),
        "client-key-data": BASE64_STANDARD.encode(&issued.key),
    })
}

/// An exec plugin: a script with this body.
fn plugin(folder: &Path, name: &str, body: &str) -> Value {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1",
        "interactiveMode": "Never",
        "command": path,
    } })
}

fn credential(status: &Value) -> String {
    let credential =
        json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status });
    format!("printf %s '{credential}'")
}

#[test]
fn every_login_reads_the_keys_or_names_the_next_step() {
    let Some(server) = KubeApiserver::shared() else { return };
    let folder = tempfile::TempDir::new().unwrap();
    let folder = folder.path();
    fs::write(folder.join("token"), format!("{ADMIN}\n")).unwrap();
    fs::write(folder.join("old-token"), "expired").unwrap();
    let (users, admins) = (server.users(), "system:masters");
    let expired = users.issue_expired("old", admins);
    let of_plugin = users.issue("plugin", admins);
    let by_certificate = json!({ "clientCertificateData": of_plugin.certificate, "clientKeyData": of_plugin.key });
    let silent = "exec sleep 600";
    // A JWT that expired in 2020, with the secret `s3cr3t00` in its signature.
    let jwt = format!("{}.{}.s3cr3t00", encoded(&json!({ "alg": "RS256" })), encoded(&json!({ "exp": 1_577_836_800 })));
    let login = |command: &str| format!("log in again with the tool of the exec plugin {command}");
    let cases: Vec<Case> = vec![
        ("token", json!({ "token": ADMIN }), Ok(())),
        ("token-file", json!({ "tokenFile": "token" }), Ok(())),
        ("certificate", certificate(&users.issue("admin", admins)), Ok(())),
        ("exec-token", plugin(folder, "by-token", &credential(&json!({ "token": ADMIN }))), Ok(())),
        ("exec-certificate", plugin(folder, "by-certificate", &credential(&by_certificate)), Ok(())),
        (
            "no-permission",
            json!({ "token": JANE }),
            Err(vec![
                format!("error: jane may not read the JWKS at the API server {} (403 Forbidden)", server.url()),
                "kubectl create clusterrolebinding issuer-discovery-jane --clusterrole system:service-account-issuer-discovery --user jane".to_owned(),
            ]),
        ),
        (
            "wrong-token",
            json!({ "token": "wrong-s3cr3t" }),
            Err(vec![
                "does not accept the credentials of the user wrong-token of the context wrong-token (401".to_owned(),
                "kubectl config set-credentials".to_owned(),
            ]),
        ),
        (
            "expired-token",
            json!({ "token": jwt }),
            Err(vec!["; they expired at 2020-01-01T00:00:00Z".to_owned(), "kubectl config set-credentials".to_owned()]),
        ),
        (
            "old-token-file",
            json!({ "tokenFile": "old-token" }),
            Err(vec!["(401 Unauthorized)".to_owned(), "write a valid token to ".to_owned()]),
        ),
        (
            "expired-certificate",
            certificate(&expired),
            Err(vec!["; they expired at 2020-01-01T00:00:00Z".to_owned(), "kubeadm certs renew".to_owned()]),
        ),
        (
            "certificate-without-key",
            json!({ "client-certificate-data": BASE64_STANDARD.encode(&expired.certificate) }),
            Err(vec!["client key".to_owned()]),
        ),
        (
            "exec-fails",
            plugin(folder, "fails", "echo s3cr3t; echo 'AADSTS70043: the refresh token has expired' >&2; exit 1"),
            Err(vec!["the exec plugin failed with exit status: 1: AADSTS70043".to_owned(), login("fails")]),
        ),
        (
            "exec-missing",
            json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-kubelogin" } }),
            Err(vec!["the exec plugin cannot be started".to_owned(), "hint: install the exec plugin".to_owned()]),
        ),
        (
            "exec-prints-text",
            plugin(folder, "text", "echo 'please visit s3cr3t'"),
            Err(vec!["did not print an ExecCredential".to_owned(), login("text")]),
        ),
        (
            "exec-hangs",
            plugin(folder, "hangs", silent),
            Err(vec!["the exec plugin did not end within 2 s".to_owned(), login("hangs")]),
        ),
        (
            "exec-expired",
            plugin(folder, "expired", &credential(&json!({ "token": "old-s3cr3t" }))),
            Err(vec!["(401 Unauthorized)".to_owned(), login("expired")]),
        ),
    ];
    let mut kubeconfig = server.kubeconfig();
    for (name, user, _) in &cases {
        kubeconfig = kubeconfig.user(name, "c", user.clone());
    }
    let desk = Desk::with(&kubeconfig.anonymous("no-user", "c"));
    for name in ["token", "old-token"] {
        fs::copy(folder.join(name), desk.path().join(name)).unwrap();
    }
    let keys = String::from_utf8(server.get("/openid/v1/jwks")).unwrap();
    for (name, _, expected) in &cases {
        let timeout = if *name == "exec-hangs" { "2s" } else { "30s" };
        let output = desk.run(&format!("jwks --from-cluster --compact --context {name} --request-timeout {timeout}"));
        let text = stderr(&output);
        match expected {
            Ok(()) => assert_eq!((stdout(&output), output.status.code()), (keys.clone(), Some(0)), "{name}: {text}"),
            Err(parts) => {
                assert_eq!(output.status.code(), Some(3), "{name}: {text}");
                parts.iter().for_each(|part| assert!(text.contains(part.as_str()), "{name}: {part}\n{text}"));
            }
        }
        assert!(!text.contains("s3cr3t") && !text.contains(ADMIN) && !text.contains("PRIVATE"), "{name}: {text}");
    }
    let text = desk.fails(3, "jwks --from-cluster --context no-user");
    assert!(text.contains("system:anonymous may not") && text.contains("has no credentials"), "{text}");
    let text = desk.fails(2, "jwks --from-cluster --context prod-2");
    assert!(
        text.contains("has no context \"prod-2\"") && text.contains("pass --context with one of: admin, "),
        "{text}"
    );
}

fn encoded(value: &Value) -> String {
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

#[test]
fn server_that_cannot_be_trusted_or_reached_is_named() {
    let Some(server) = KubeApiserver::shared() else { return };
    let user = || json!({ "token": ADMIN });
    let insecure = json!({ "server": server.url(), "insecure-skip-tls-verify": true });
    // A listener that never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let authority = Authority::as_server();
    let lab = StandIn::https(&authority, |_| panic!("no request without a verified certificate"));
    let kubeconfig = server
        .kubeconfig()
        .cluster("insecure", insecure)
        .cluster("other-authority", json!({ "server": server.url() }))
        .cluster("authority", {
            let ca = BASE64_STANDARD.encode(fs::read(authority.ca_file()).unwrap());
            json!({ "server": lab.url(), "certificate-authority-data": ca })
        })
        .cluster("plain", json!({ "server": "http://api.example.com:8080" }))
        .cluster("closed", json!({ "server": "https://127.0.0.1:1" }))
        .cluster("unknown", json!({ "server": "https://no-such-host.invalid" }))
        .cluster("silent", json!({ "server": format!("https://127.0.0.1:{port}") }))
        .cluster("proxied", {
            let mut cluster = server.cluster();
            cluster["proxy-url"] = json!("http://127.0.0.1:1");
            cluster
        });
    let names = ["insecure", "other-authority", "authority", "plain", "closed", "unknown", "silent", "proxied"];
    let kubeconfig = names.into_iter().fold(kubeconfig, |kubeconfig, name| kubeconfig.user(name, name, user()));
    let desk = Desk::with(&kubeconfig);
    for (name, exit, parts) in [
        ("insecure", 2, ["does not verify the certificate of the API server", "--insecure-skip-tls-verify"]),
        ("other-authority", 3, ["invalid peer certificate", "check certificate-authority-data"]),
        ("authority", 3, ["its certificate is that of a certificate authority", "basicConstraints CA:FALSE"]),
        ("plain", 2, ["does not verify the certificate of the API server", "--insecure-skip-tls-verify"]),
        ("closed", 3, ["Connection refused", "--context closed get --raw /livez"]),
        (
            "unknown",
            3,
            ["no response from the API server https://no-such-host.invalid", "--context unknown config view --minify"],
        ),
        ("silent", 3, ["no answer within 1 s", "check that the API server runs"]),
        ("proxied", 3, ["Connection refused", "hint: "]),
    ] {
        let text = desk.fails(exit, &format!("jwks --from-cluster --context {name} --request-timeout 1s"));
        parts.into_iter().for_each(|part| assert!(text.contains(part), "{name}: {part}\n{text}"));
        assert!(!text.contains(ADMIN), "{text}");
    }
    let allowed = desk.run("jwks --from-cluster --context insecure --insecure-skip-tls-verify --compact");
    assert_eq!(stdout(&allowed).into_bytes(), server.get("/openid/v1/jwks"), "{}", stderr(&allowed));
    assert!(stderr(&allowed).starts_with("warning: the certificate of the API server is not verified"));
}

/// As kubectl: the proxy of the kubeconfig comes first and ignores `NO_PROXY`, which is compared with the API server.
#[test]
fn proxy_of_the_kubeconfig_or_the_environment_is_used() {
    let Some(server) = KubeApiserver::shared() else { return };
    let address = server.url().replace("https://", "");
    let tunnel = Tunnel::start(vec![("api.example.com", address)]);
    let proxy = format!("http://user:p4ssw0rd@{}", tunnel.address);
    let behind = |proxy_url: Option<&str>| {
        let mut cluster = server.cluster();
        cluster["server"] = json!("https://api.example.com");
        cluster["tls-server-name"] = json!("localhost");
        if let Some(url) = proxy_url {
            cluster["proxy-url"] = json!(url);
        }
        cluster
    };
    let (of_cluster, closed) = (behind(Some(&proxy)), "http://user:p4ssw0rd@127.0.0.1:1");
    let kubeconfig = server.kubeconfig().cluster("proxied", of_cluster).cluster("behind", behind(None));
    let kubeconfig = kubeconfig.user("proxied", "proxied", json!({ "token": ADMIN }));
    let desk = Desk::with(&kubeconfig.user("behind", "behind", json!({ "token": ADMIN })));
    let host = "127.0.0.1";
    for (context, of_environment, no_proxy, is_reached) in [
        ("proxied", None, "", true),
        ("proxied", Some(closed), host, true),
        ("behind", Some(proxy.as_str()), "", true),
        ("behind", Some(proxy.as_str()), host, true),
        ("behind", Some(proxy.as_str()), "api.example.com", false),
        ("behind", Some(closed), "", false),
        // A server on this machine is reached without the proxy of the environment.
        ("admin", Some(closed), "", true),
    ] {
        let mut command = crate::support::issuer::command();
        command.args(["jwks", "--from-cluster", "--request-timeout", "5s", "--context", context]);
        command.env("KUBECONFIG", &desk.kubeconfig).env("NO_PROXY", no_proxy);
        if let Some(proxy) = of_environment {
            command.env("HTTPS_PROXY", proxy);
        }
        let output = command.output().unwrap();
        let expected = if is_reached { 0 } else { 3 };
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(expected), "{context}, {of_environment:?}, {no_proxy}: {text}");
        assert!(!text.contains("p4ssw0rd"), "{text}");
    }
}

#[test]
fn files_that_are_no_kubeconfig_are_named_without_their_text() {
    let folder = tempfile::TempDir::new().unwrap();
    fs::write(folder.path().join("broken"), "users:\n- name: a\n  user: {token: s3cr3t, : [\n").unwrap();
    let desk = Desk { kubeconfig: folder.path().join("none"), folder };
    for (words, exit, part) in [
        ("jwks --from-cluster --kubeconfig broken", 3, "cannot use broken: it is not a kubeconfig"),
        ("jwks --from-cluster --kubeconfig missing", 3, "cannot use missing: No such file"),
        ("jwks --from-cluster", 3, "KUBECONFIG names no file that exists"),
        ("jwks --from-cluster --secret a/b", 2, "cannot be used with"),
        ("jwks --secret default", 2, "--secret \"default\" is not a namespace and a name"),
        ("jwks broken --context c", 2, "--context is given, but nothing is read from a cluster"),
        ("verify --from-cluster", 2, "--from-cluster needs a service account"),
        (
            "exchange --from-cluster --resource keyvault --tenant contoso.com --client-id 11111111-aaaa-4bbb-8ccc-000000000001",
            2,
            "--from-cluster needs a service account",
        ),
    ] {
        let text = desk.fails(exit, words);
        assert!(text.contains(part), "{words}: {text}");
        assert!(!text.contains("s3cr3t"), "{text}");
    }
}
