//! The formats, the file, and the answer in JSON.

use std::{fs, io::Write, process::Stdio};

use issuer::{Cloud, Resource};
use serde_json::{Value, json};

use super::{POSTGRES, audience_of, bare, exchange, in_pod, printed};
use crate::{
    resources::{CLIENT, TENANT, World},
    support::{
        answer::answer,
        issued_tokens::object_id,
        issuer::{command, stderr, stdout},
        other_user::mode,
    },
};

const VAULT: &str = "https://vault.azure.net/.default";

#[test]
fn every_format_contains_the_token() {
    let world = World::new();
    let cases = [
        ("token", "", "\n"),
        ("env", "AZURE_ACCESS_TOKEN=", "\n"),
        ("header", "Authorization: Bearer ", "\n"),
        ("pgpass", "# issuer writes this file and renews the token in it; changes are lost\n*:*:*:*:", "\n"),
    ];
    for (format, before, after) in cases {
        let text = printed(&exchange(&world, &["--resource", "postgres", "--format", format]));
        let token = text.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        let token = token.unwrap_or_else(|| panic!("{format}: {text:?}"));
        assert_eq!(audience_of(&world, token), POSTGRES, "{format}");
    }
    let text = printed(&exchange(&world, &["--scope", VAULT]));
    assert_eq!(audience_of(&world, text.trim_end()), "https://vault.azure.net");
    let text = printed(&exchange(&world, &["--resource", "aks", "--format", "env", "--env", "TOKEN_2"]));
    assert!(text.starts_with("TOKEN_2=eyJ"), "{text}");
}

#[test]
fn exec_credential_has_the_requested_version() {
    let world = World::new();
    for (info, version) in [
        (None, "client.authentication.k8s.io/v1"),
        (Some("client.authentication.k8s.io/v1"), "client.authentication.k8s.io/v1"),
        (Some("client.authentication.k8s.io/v1beta1"), "client.authentication.k8s.io/v1beta1"),
    ] {
        let mut command = in_pod(&world, &["--resource", "aks", "--format", "exec-credential"]);
        if let Some(version) = info {
            // The value of client-go, "client-go credential plugins".
            let info = json!({ "kind": "ExecCredential", "apiVersion": version, "spec": { "interactive": true } });
            command.env("KUBERNETES_EXEC_INFO", info.to_string());
        }
        let text = printed(&command.output().unwrap());
        let credential: Value = serde_json::from_str(&text).unwrap();
        let token = credential["status"]["token"].as_str().unwrap();
        assert_eq!(audience_of(&world, token), Resource::Aks.scope(Cloud::Public).resource());
        let expires: issuer::Timestamp = credential["status"]["expirationTimestamp"].as_str().unwrap().parse().unwrap();
        let issued = world.azure.controls.tokens.find(token).unwrap();
        assert!((expires.as_second() - issued.expires_at).abs() <= 2, "{text}");
        let expected = json!({
            "kind": "ExecCredential",
            "apiVersion": version,
            "spec": { "interactive": false },
            "status": { "expirationTimestamp": credential["status"]["expirationTimestamp"], "token": token },
        });
        assert_eq!(credential, expected);
    }
}

#[test]
fn line_of_a_shell_sets_the_variable() {
    let world = World::new();
    let out = world.folder.path().join("env");
    printed(&exchange(&world, &["--resource", "arm", "--format", "env", "--out", out.to_str().unwrap()]));
    let line = fs::read_to_string(&out).unwrap();
    let token = line.trim_end().strip_prefix("AZURE_ACCESS_TOKEN=").unwrap();
    for script in [
        "set -a; . \"$1\"; exec printenv AZURE_ACCESS_TOKEN",
        "exec env $(cat \"$1\") printenv AZURE_ACCESS_TOKEN",
        "eval \"$(cat \"$1\")\"; echo \"$AZURE_ACCESS_TOKEN\"",
    ] {
        let mut shell = std::process::Command::new("sh");
        let output = shell.args(["-euc", script, "sh"]).arg(&out).output().unwrap();
        assert_eq!(stdout(&output).trim_end(), token, "{script}");
    }
}

#[test]
fn curl_reads_the_header_and_a_secret() {
    let world = World::new();
    world.azure.vault.set("greeting", "Hello!", None);
    world.azure.vault.permit(&object_id(CLIENT));
    let header = printed(&exchange(&world, &["--resource", "keyvault", "--format", "header"]));
    let mut curl = std::process::Command::new("curl");
    curl.args(["-sS", "--noproxy", "*", "-H", "@-", "--cacert"]).arg(world.ca_file());
    curl.arg(format!("{}/secrets/greeting?api-version=7.4", world.azure.vault_url()));
    let mut curl = curl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    curl.stdin.take().unwrap().write_all(header.as_bytes()).unwrap();
    let body: Value = serde_json::from_slice(&curl.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(body["value"], "Hello!", "{body}");
}

#[test]
fn password_file_takes_the_connection_or_the_variables() {
    let world = World::new();
    let variables: [(&[(&str, &str)], &str); 4] = [
        // Every server gets the token.
        (&[], "*:*:*:*:"),
        (&[("PGHOST", "db"), ("PGPORT", "6432"), ("PGDATABASE", "a:b"), ("PGUSER", r"c\d")], r"db:6432:a\:b:c\\d:"),
        (&[("PGHOSTADDR", "10.0.0.1"), ("PGUSER", "")], "10.0.0.1:*:*:*:"),
        (&[("PGHOST", "one,two"), ("PGUSER", "app")], "one:*:*:app:"),
    ];
    for (variables, start) in variables {
        let mut command = in_pod(&world, &["--resource", "postgres", "--format", "pgpass"]);
        let output = command.envs(variables.iter().copied()).output().unwrap();
        let text = printed(&output);
        assert!(text.lines().nth(1).unwrap().starts_with(start), "{text}");
        assert_eq!(stderr(&output).contains("names no host"), variables.is_empty(), "{}", stderr(&output));
    }
    let connections = [
        ("postgres://app@db.example.com:6432/shop?sslmode=verify-full", "db.example.com:6432:shop:app:", 0),
        ("host=db.example.com dbname=shop user=app sslmode=verify-full", "db.example.com:*:shop:app:", 0),
        ("host=db.example.com", "db.example.com:*:*:*:", 2),
        ("postgres://app:entraid@db.example.com/shop", "db.example.com:*:shop:app:", 1),
    ];
    for (connection, start, warnings) in connections {
        let mut command = in_pod(&world, &["--resource", "postgres", "--format", "pgpass", "--connection", connection]);
        let output = command.env("PGHOST", "another").output().unwrap();
        let text = printed(&output);
        assert!(text.lines().nth(1).unwrap().starts_with(start), "{text}");
        assert_eq!(stderr(&output).matches("warning: ").count(), warnings, "{}", stderr(&output));
    }
}

#[test]
fn json_answer_has_the_token_or_its_file() {
    let world = World::new();
    world.azure.controls.refresh_in(Some(1200));
    let output = exchange(&world, &["--resource", "keyvault", "-o", "json"]);
    let value = answer("exchange", &output);
    let token = value["access_token"].as_str().unwrap().to_owned();
    assert_eq!(audience_of(&world, &token), "https://vault.azure.net");
    let times =
        ["expires_at", "refresh_at"].map(|name| value[name].as_str().unwrap().parse::<issuer::Timestamp>().unwrap());
    assert_eq!(times[0].as_second() - times[1].as_second(), 3599 - 1200);
    let expected = json!({
        "scope": VAULT,
        "audience": "https://vault.azure.net",
        "client_id": CLIENT,
        "object_id": object_id(CLIENT),
        "tenant": TENANT,
        "lifetime_seconds": 3599,
        "expires_at": value["expires_at"],
        "refresh_at": value["refresh_at"],
        "access_token": token,
    });
    assert_eq!((value, stderr(&output)), (expected, String::new()));

    let out = world.folder.path().join("header");
    let words = ["--resource", "keyvault", "--format", "header", "--out", out.to_str().unwrap(), "-o", "json"];
    let output = exchange(&world, &words);
    let value = answer("exchange", &output);
    assert_eq!((value["out"].as_str(), value["format"].as_str()), (out.to_str(), Some("header")));
    assert_eq!((value["client_id"].as_str(), value["tenant"].as_str()), (Some(CLIENT), Some(TENANT)));
    assert!(value.get("access_token").is_none() && !stdout(&output).contains("eyJ"), "{value}");
    assert!(fs::read_to_string(&out).unwrap().starts_with("Authorization: Bearer eyJ"));
}

#[test]
fn file_has_the_mode_at_each_write() {
    let world = World::new();
    let out = world.folder.path().join("out");
    let path = out.to_str().unwrap();
    for (more, wanted) in [(&[][..], 0o600), (&["--mode", "0640"], 0o640), (&["--mode", "444"], 0o444), (&[], 0o600)] {
        let output = exchange(&world, &[&["--resource", "aks", "--out", path], more].concat());
        assert_eq!((printed(&output), stderr(&output)), (String::new(), format!("note: wrote {path}\n")));
        assert_eq!(mode(&out), wanted);
        audience_of(&world, fs::read_to_string(&out).unwrap().trim_end());
    }
    let passwords = world.folder.path().join("pgpass");
    let words =
        ["--resource", "postgres", "--format", "pgpass", "--out", passwords.to_str().unwrap(), "--mode", "0640"];
    let output = exchange(&world, &words);
    assert!(stderr(&output).contains("warning: libpq ignores a password file with the mode 0640;"), "{output:?}");
    assert_eq!((output.status.code(), mode(&passwords)), (Some(0), 0o640));
}

#[test]
fn verbose_shows_audience_lifetime_and_identity() {
    let world = World::new();
    let output = exchange(&world, &["--resource", "keyvault", "-v"]);
    let token = printed(&output).trim_end().to_owned();
    let text = stderr(&output);
    for part in ["audience https://vault.azure.net", CLIENT, &object_id(CLIENT), TENANT, "lifetime 3599 s, expires 20"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(token.split('.').all(|part| !text.contains(part)), "{text}");
    let quiet = exchange(&world, &["--resource", "keyvault", "-q"]);
    assert_eq!(stderr(&quiet), "");
}

#[test]
fn flags_replace_the_variables() {
    let world = World::new();
    let entra = world.azure.entra.url().replace("127.0.0.1", "localhost");
    let token = world.write_assertion("padded", " \n\t", 0);
    for authority in [entra.clone(), format!("{entra}/")] {
        for of_variables in [false, true] {
            let mut command = bare(&["--resource", "arm"]);
            command.arg("--ca-file").arg(world.ca_file());
            if of_variables {
                command.envs([("AZURE_TENANT_ID", TENANT), ("AZURE_CLIENT_ID", CLIENT)]);
                command.env("AZURE_AUTHORITY_HOST", &authority).env("AZURE_FEDERATED_TOKEN_FILE", &token);
            } else {
                command.args(["--tenant", TENANT, "--client-id", CLIENT, "--authority-host", &authority]);
                command.arg("--token-file").arg(&token);
                for name in ["AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_AUTHORITY_HOST", "AZURE_FEDERATED_TOKEN_FILE"]
                {
                    command.env(name, "not a valid value");
                }
            }
            let text = printed(&command.output().unwrap());
            assert_eq!(audience_of(&world, text.trim_end()), "https://management.azure.com");
        }
    }
    let request = world.azure.entra.requests().pop().unwrap();
    let assertion = request.form().into_iter().find(|(name, _)| name == "client_assertion").unwrap().1;
    assert_eq!(assertion, fs::read_to_string(token).unwrap().trim(), "the white space was sent");
}

#[test]
fn each_resource_has_the_scope_of_the_cloud() {
    let world = World::new();
    let entra = world.azure.entra.url();
    for resource in Resource::ALL {
        for cloud in Cloud::ALL {
            let words = ["--resource", resource.name(), "--cloud", cloud.name(), "--authority-host", entra];
            let text = printed(&exchange(&world, &words));
            let expected = resource.scope(cloud);
            assert_eq!(audience_of(&world, text.trim_end()), expected.resource(), "{words:?}");
        }
    }
    let help = stdout(&command().args(["exchange", "--help"]).output().unwrap());
    assert!(Resource::ALL.iter().all(|resource| help.contains(resource.name())), "{help}");
}
