//! Publishing to a storage account: Azurite is the account, a stand-in serves its static website.

use std::{
    process::{Command, Output},
    time::Duration,
};

use crate::support::{
    answer::answer,
    azurite::{Account, account},
    front::Front,
    issuer::{command, stderr, stdout},
    proxy::{Fault, Proxy},
    recording, recordings, segment,
    storage::elements,
};
use issuer::Timestamp;
use serde_json::Value;

/// The binary with an account's connection string.
fn issuer(account: &Account) -> Command {
    let mut command = command();
    command.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string());
    command
}

fn run<const N: usize>(account: &Account, args: [&str; N]) -> Output {
    issuer(account).args(args).output().unwrap()
}

fn json(output: &Output) -> Value {
    answer("publish", output)
}

fn keys(name: &'static str) -> String {
    recording(name).path("sa.pub").to_str().unwrap().to_owned()
}

fn published_kids(account: &Account) -> Vec<String> {
    let jwks: Value = serde_json::from_slice(&account.get_blob("$web", "openid/v1/jwks").unwrap().body).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// The steps of a typical shell script: create the container, enable the static website, upload twice, try a token.
#[test]
fn first_publish_on_an_empty_account_makes_tokens_verify() {
    for recorded in recordings() {
        let whom = if recorded.name == "mixed-keys" { "oidc" } else { "entra" };
        let account = account();
        let front = Front::start(&account);
        let published = format!("{}/{}", front.url(), recorded.issuer_path());
        let output = run(
            &account,
            [
                "publish",
                &keys(recorded.name),
                "--issuer",
                &recorded.issuer,
                "--published",
                &published,
                "--account",
                &account.name,
            ],
        );
        assert_eq!(output.status.code(), Some(0), "{}: {output:?}", recorded.name);
        assert!(stdout(&output).contains("static website"), "{output:?}");
        assert!(stdout(&output).contains("and read back from"), "{output:?}");

        let place = |path: &str| format!("{}/{path}", recorded.issuer_path()).trim_start_matches('/').to_owned();
        let jwks = account.get_blob("$web", &place("openid/v1/jwks")).unwrap();
        assert_eq!(jwks.body, recorded.bytes("jwks.json"));
        let discovery = account.get_blob("$web", &place(".well-known/openid-configuration")).unwrap();
        for blob in [&jwks, &discovery] {
            assert_eq!(blob.header("Content-Type"), Some("application/json"));
            assert_eq!(blob.header("Cache-Control"), Some("public, max-age=300"));
        }
        assert_eq!(elements(&account.get_properties(), "Enabled").last().unwrap(), "true");

        for token in ["entra.jwt", "entra-1h.jwt", "pod-bound.jwt", "two-audiences.jwt"] {
            let token = recorded.path(token);
            let iat = segment(&std::fs::read_to_string(&token).unwrap(), 1)["iat"].as_i64().unwrap();
            let at = Timestamp::from_second(iat).unwrap().to_string();
            let audience = segment(&std::fs::read_to_string(&token).unwrap(), 1)["aud"][0].as_str().unwrap().to_owned();
            let whom = if token.ends_with("entra-1h.jwt") { whom } else { "oidc" };
            let token = token.to_str().unwrap();
            let verified = command()
                .args(["verify", token, "--published", &published, "--for", whom, "--at", &at, "--audience", &audience])
                .output()
                .unwrap();
            assert_eq!(verified.status.code(), Some(0), "{token}: {}", stdout(&verified));
        }
    }
}

#[test]
fn publish_without_changes_sends_no_write() {
    let account = account();
    let front = Front::start(&account);
    let proxy = Proxy::start(account.address(), |_| Fault::Pass);
    let args = ["publish", &keys("rotation"), "--issuer", "https://issuer.example.com", "--published", &front.url()];
    assert!(run(&account, args).status.success());
    let etags =
        ["openid/v1/jwks", ".well-known/openid-configuration"].map(|name| account.get_blob("$web", name).unwrap().etag);
    let again = run(&account.through(&proxy.address), args);
    assert!(again.status.success() && stdout(&again).contains("unchanged"), "{again:?}");
    assert!(proxy.exchanges().iter().all(|exchange| exchange.seen.method == "GET"));
    let after =
        ["openid/v1/jwks", ".well-known/openid-configuration"].map(|name| account.get_blob("$web", name).unwrap().etag);
    assert_eq!(after, etags);
}

#[test]
fn enabling_the_website_keeps_all_other_service_properties() {
    let account = account();
    account.set_properties(concat!(
        r#"<?xml version="1.0" encoding="utf-8"?><StorageServiceProperties>"#,
        "<Logging><Version>1.0</Version><Delete>true</Delete><Read>false</Read><Write>true</Write>",
        "<RetentionPolicy><Enabled>true</Enabled><Days>5</Days></RetentionPolicy></Logging>",
        "<Cors><CorsRule><AllowedOrigins>https://a.example.com</AllowedOrigins><AllowedMethods>GET</AllowedMethods>",
        "<AllowedHeaders>x</AllowedHeaders><ExposedHeaders>y</ExposedHeaders><MaxAgeInSeconds>60</MaxAgeInSeconds></CorsRule></Cors>",
        "<StaticWebsite><Enabled>false</Enabled><IndexDocument>home.html</IndexDocument>",
        "<ErrorDocument404Path>lost.html</ErrorDocument404Path></StaticWebsite></StorageServiceProperties>"
    ));
    let before = account.get_properties();
    let front = Front::start(&account);
    let output = run(
        &account,
        ["publish", &keys("rotation"), "--issuer", "https://issuer.example.com", "--published", &front.url()],
    );
    assert!(output.status.success(), "{output:?}");
    let off = "<StaticWebsite><Enabled>false</Enabled>";
    assert!(before.contains(off));
    assert_eq!(account.get_properties(), before.replace(off, "<StaticWebsite><Enabled>true</Enabled>"));
}

#[test]
fn dry_run_and_check_change_nothing_and_report_website_off() {
    let account = account();
    let args = |flag| ["publish", "--issuer", "https://issuer.example.com", "--no-fetch-back", flag];
    let dry = issuer(&account).args(args("--dry-run")).arg(keys("rotation")).output().unwrap();
    assert!(dry.status.success() && stdout(&dry).contains("off → on"), "{dry:?}");
    assert!(!account.container_exists("$web"));
    assert!(issuer(&account).args(args("--quiet")).arg(keys("rotation")).output().unwrap().status.success());
    let check = issuer(&account).args(args("--check")).arg(keys("rotation")).output().unwrap();
    assert_eq!(check.status.code(), Some(0), "{check:?}");
    account.set_properties(
        r#"<?xml version="1.0"?><StorageServiceProperties><StaticWebsite><Enabled>false</Enabled></StaticWebsite></StorageServiceProperties>"#,
    );
    let check = issuer(&account).args(args("--check")).arg(keys("rotation")).output().unwrap();
    assert_eq!(check.status.code(), Some(1), "{check:?}");
}

/// A change made before a lost race is reported, too.
#[test]
fn enabling_the_website_is_reported_after_a_lost_race() {
    let account = account();
    let rival = std::sync::Mutex::new(Some(account.clone()));
    let proxy = Proxy::start(account.address(), move |seen| {
        if seen.method == "PUT"
            && seen.path.ends_with("jwks")
            && let Some(account) = rival.lock().unwrap().take()
        {
            account.put_blob("$web", "openid/v1/jwks", &recording("rotation").bytes("jwks.json"), &[]);
        }
        Fault::Pass
    });
    let args = ["publish", &keys("rotation"), "--issuer", "https://issuer.example.com", "--no-fetch-back"];
    let output = run(&account.through(&proxy.address), args);
    assert!(output.status.success() && stdout(&output).contains("off → on"), "{output:?}");
}

#[test]
fn publish_without_issuer_keeps_the_published_issuer() {
    let account = account();
    let front = Front::start(&account);
    let first = run(
        &account,
        ["publish", &keys("rotation"), "--issuer", "https://issuer.example.com/", "--published", &front.url()],
    );
    assert!(first.status.success());
    let second = run(&account, ["publish", &keys("rotation"), "--published", &front.url(), "-o", "json"]);
    assert_eq!(json(&second)["issuer"], "https://issuer.example.com/");
    assert_eq!(json(&second)["changed"], false);
}

#[test]
fn extra_slash_is_another_issuer_and_refused() {
    let account = account();
    let args = |issuer| ["publish", "--issuer", issuer, "--no-fetch-back", "-o", "json"];
    let keys = keys("rotation");
    assert!(issuer(&account).args(args("https://issuer.example.com")).arg(&keys).output().unwrap().status.success());
    let refused = issuer(&account).args(args("https://issuer.example.com/")).arg(&keys).output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("nothing was written"), "{refused:?}");
}

#[test]
fn other_container_is_created_without_a_website() {
    let account = account();
    let output = run(
        &account,
        [
            "publish",
            &keys("rotation"),
            "--issuer",
            "https://cdn.example.com/a",
            "--container",
            "documents",
            "--no-fetch-back",
        ],
    );
    assert!(output.status.success(), "{output:?}");
    assert_eq!(account.list_blobs("documents"), ["a/.well-known/openid-configuration", "a/openid/v1/jwks"]);
    assert!(!account.container_exists("$web"));
    assert_eq!(elements(&account.get_properties(), "Enabled").last().unwrap(), "false");
}

/// An issuer at the blob endpoint, with the container in its path, as shell scripts often make it.
#[test]
fn blob_endpoint_issuer_uses_the_container_in_its_path() {
    let account = account();
    assert_eq!(
        account.call("PUT", "/oidc", "restype=container", &[("x-ms-blob-public-access", "container")], b"").status(),
        201
    );
    let url = format!("{}/oidc/", account.endpoint);
    let refused = run(&account, ["publish", &keys("rotation"), "--issuer", &url, "--container", "oidc"]);
    assert_eq!(refused.status.code(), Some(1), "Entra cannot reach this machine: {refused:?}");
    let publish = ["publish", &keys("rotation"), "--issuer", &url, "--container", "oidc", "--allow-private-issuer"];
    let output = run(&account, publish);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(account.list_blobs("oidc"), [".well-known/openid-configuration", "openid/v1/jwks"]);
    assert!(stdout(&output).contains("and read back from the issuer URL: 2 keys, issuer identical"), "{output:?}");
    // A second run finds it without --issuer.
    let publish = ["publish", &keys("rotation"), "--container", "oidc", "--for", "oidc", "-o", "json"];
    let again = run(&account, publish);
    assert_eq!([&json(&again)["issuer"], &json(&again)["changed"]], [&Value::from(url.as_str()), &Value::from(false)]);
    let status = run(&account, ["status", "--account", &account.name, "--container", "oidc", "--for", "oidc"]);
    assert!(status.status.success(), "{status:?}");
    let for_entra = run(&account, ["status", "--account", &account.name, "--container", "oidc"]);
    assert_eq!(for_entra.status.code(), Some(1), "{for_entra:?}");
    let output = run(&account, ["unpublish", "--force", "--container", "oidc"]);
    assert!(output.status.success() && account.list_blobs("oidc").is_empty(), "{output:?}");
}

#[test]
fn deleted_container_is_created_again() {
    let account = account();
    account.set_properties(
        r#"<?xml version="1.0"?><StorageServiceProperties><StaticWebsite><Enabled>true</Enabled></StaticWebsite></StorageServiceProperties>"#,
    );
    let output =
        run(&account, ["publish", &keys("rotation"), "--issuer", "https://issuer.example.com", "--no-fetch-back"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(published_kids(&account).len(), 2);
}

/// The environment variables of a case.
type Variables = fn(&Account) -> Vec<(&'static str, String)>;

#[test]
fn every_storage_credential_works_and_is_never_printed() {
    let secret = |account: &Account| [account.key.clone(), account.account_sas("rwdc", "sco", 10)];
    let cases: [(&str, Variables); 5] = [
        ("connection string", |account| vec![("AZURE_STORAGE_CONNECTION_STRING", account.connection_string())]),
        ("connection string", |account| {
            let sas = account.account_sas("rwdc", "sco", 10);
            let text =
                format!("BlobEndpoint={};AccountName={};SharedAccessSignature={sas}", account.endpoint, account.name);
            vec![("AZURE_STORAGE_CONNECTION_STRING", text)]
        }),
        ("SAS", |account| {
            let endpoint = ("AZURE_STORAGE_SERVICE_ENDPOINT", account.endpoint.clone());
            vec![("AZURE_STORAGE_SAS_TOKEN", account.account_sas("rwdc", "sco", 10)), endpoint]
        }),
        ("SAS", |account| {
            let endpoint = ("AZURE_STORAGE_SERVICE_ENDPOINT", account.endpoint.clone());
            vec![("AZURE_STORAGE_SAS_TOKEN", format!("?{}", account.account_sas("rwdc", "sco", 10))), endpoint]
        }),
        ("account key", |account| {
            let endpoint = ("AZURE_STORAGE_SERVICE_ENDPOINT", account.endpoint.clone());
            vec![("AZURE_STORAGE_KEY", account.key.clone()), endpoint]
        }),
    ];
    for (name, variables) in cases {
        let account = account();
        let output = command()
            .envs(variables(&account))
            .env("AZURE_STORAGE_ACCOUNT", &account.name)
            .args(["publish", &keys("rotation"), "--issuer", "https://issuer.example.com", "--no-fetch-back", "-v"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {output:?}");
        let site = format!("$web of {} at {}", account.name, account.address());
        assert!(stderr(&output).contains(&format!("credential for {site}: {name}\n")), "{output:?}");
        let printed = format!("{}{}", stdout(&output), stderr(&output));
        assert!(secret(&account).iter().all(|secret| !printed.contains(secret.as_str())), "{printed}");
        assert_eq!(published_kids(&account).len(), 2, "{name}");
    }
}

#[test]
fn connection_string_of_the_emulator_works() {
    let account = account();
    let emulator = format!("http://{}/devstoreaccount1", account.address());
    let output = command()
        .env("AZURE_STORAGE_CONNECTION_STRING", "UseDevelopmentStorage=true")
        .args(["publish", &keys("rotation"), "--endpoint", &emulator, "--issuer", "https://issuer.example.com"])
        .args(["--no-fetch-back", "--container", "emulator"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn azure_smoke_runs_on_the_emulator_and_cleans_up() {
    let account = account();
    let front = Front::start(&account);
    let output = issuer(&account)
        .get_envs()
        .fold(Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/azure-smoke")), |mut script, (name, value)| {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
            script
        })
        .env("ISSUER", env!("CARGO_BIN_EXE_issuer"))
        .env("AZURE_STORAGE_ACCOUNT", &account.name)
        .env("SMOKE_ISSUER", "https://issuer.example.com")
        .env("SMOKE_PUBLISHED", front.url())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}\n{}", stdout(&output), stderr(&output));
    assert!(stdout(&output).contains("# Done"), "{}", stdout(&output));
    assert!(account.list_blobs("$web").is_empty());
}

#[test]
fn verbose_logs_steps_and_terminal_shows_the_slow_one() {
    let account = account();
    let front = Front::start(&account);
    let proxy = Proxy::start(account.address(), |_| Fault::Delay(Duration::from_millis(450)));
    let (keys, published) = (keys("rotation"), front.url());
    let args = ["publish", &keys, "--issuer", "https://issuer.example.com", "--published", &published];
    let verbose = issuer(&account.through(&proxy.address)).args(args).arg("-v").output().unwrap();
    assert!(verbose.status.success(), "{verbose:?}");
    let steps = [
        "find a credential",
        "read openid/v1/jwks",
        "read .well-known/openid-configuration",
        "read the static website setting",
        "enable the static website",
        "write openid/v1/jwks",
        "write .well-known/openid-configuration",
        "read back from",
    ];
    let told = stderr(&verbose);
    for step in steps {
        let line = told.lines().find(|line| line.contains(step)).unwrap_or_else(|| panic!("{step}: {told}"));
        let (seconds, _) = line.trim().split_once(" s  ").unwrap();
        assert!(seconds.parse::<f64>().is_ok(), "{line}");
    }
    let terminal = |account: &Account| {
        let line = [&[env!("CARGO_BIN_EXE_issuer")], &args[..]].concat().join(" ");
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string());
        let output = script.stdin(std::process::Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        stdout(&output)
    };
    let slow = terminal(&account.through(&proxy.address));
    assert!(slow.contains("read openid/v1/jwks …") && !told.contains('…'), "{slow}");
    // Every progress line is erased.
    let last = slow.rfind(" …").unwrap();
    assert!(slow[last..].contains("\r\x1b[2K"), "{slow:?}");
}

#[test]
fn container_without_a_website_reports_none() {
    let account = account();
    let args = ["publish", &keys("rotation"), "--issuer", "https://cdn.example.com", "--container", "documents"];
    let output = issuer(&account).args(args).args(["--no-fetch-back", "-o", "json"]).output().unwrap();
    assert_eq!(json(&output)["static_website"], Value::Null);
    let output =
        issuer(&account).args(["status", "--container", "documents", "--published", "http://127.0.0.1:9"]).output();
    assert!(!stdout(&output.unwrap()).contains("website"));
}
