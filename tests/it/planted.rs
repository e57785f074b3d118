//! Secrets in the wrong place are never printed: every kind of secret in every flag and every variable, in text, with
//! `-v` and in JSON. The flags come from the help text, so new flags are covered.

use std::{
    process::{Command, Stdio},
    sync::Mutex,
    thread,
};

use crate::support::{entra::unsigned, fixtures, issuer::command, recording};
use issuer::Environment;
use tempfile::TempDir;

const KEY: &str = "pQ7zzM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tqK1SZFPTOtrKBHBeksoGMGpl8w==";
const SIGNATURE: &str = "dGhpc2lzYXNpZ25hdHVyZW9mMzJieXRlc2luYmFzZTY0cGFkPQ==";
const SIGNED: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LXNlZXM";
const PEM: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj";
const CLIENT_SECRET: &str = "Xy38Q~AbCdEfGhIjKlMnOpQrStUvWxYz01234567";
const PASSWORD: &str = "hunter2-of-the-user";
const URL_SAFE_KEY: &str = "Qn7zzM02xNOcqFlqUwJPLl-EtlCDXJ1OUzFT50uSRZ6IFs_Fq2UVErCz4I6tqK1SZFPTOtrKBHBeksoGMGpl8w";
const HEX_KEY: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
/// The claims of a token of about 1 kB, without the last ones.
const CLAIMS: &str = "ZXhhbXBsZS5jb20iLCJuYW1lIjoib3BlcmF0b3IiLCJyb2xlIjoid3JpdGVyIn0";

/// Every kind of secret: the input, and the part of it that must not be printed.
fn secrets() -> Vec<(String, &'static str)> {
    let token = format!("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.{SIGNED}");
    let long = format!("eyJhbGciOiJSUzI1NiJ9.{}.{SIGNED}", CLAIMS.repeat(15));
    vec![
        (KEY.to_owned(), KEY),
        (
            format!("DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={KEY};EndpointSuffix=core.windows.net"),
            KEY,
        ),
        (format!("AccountName=acct,AccountKey={KEY}"), KEY),
        (format!("AccountName=acct AccountKey {KEY}"), KEY),
        (format!("sv=2022-11-02&ss=b&sp=rwdc&sig={SIGNATURE}"), SIGNATURE),
        (format!("https://acct.blob.core.windows.net/?sv=2022-11-02&sig={SIGNATURE}"), SIGNATURE),
        (format!("https://user:{PASSWORD}@acct.blob.core.windows.net"), PASSWORD),
        (token.clone(), SIGNED),
        (format!("https://issuer.example.com/{long}"), CLAIMS),
        (long, CLAIMS),
        (URL_SAFE_KEY.to_owned(), URL_SAFE_KEY),
        (HEX_KEY.to_owned(), HEX_KEY),
        (format!("AccountKey : {KEY}"), KEY),
        (format!("Bearer {token}"), SIGNED),
        (format!("-----BEGIN PRIVATE KEY-----\n{PEM}\n-----END PRIVATE KEY-----\n"), PEM),
        (CLIENT_SECRET.to_owned(), CLIENT_SECRET),
    ]
}

/// A command line without the flag that is tested.
struct Base {
    command: &'static str,
    words: Vec<String>,
}

fn bases(directory: &str) -> Vec<Base> {
    let run = recording("rotation");
    let (keys, token) = (run.path("sa.pub"), run.path("entra-1h.jwt"));
    let (keys, token) = (keys.to_str().unwrap(), token.to_str().unwrap());
    let jwks = run.path("jwks.json");
    let manifest = fixtures().join("manifests/sound.yaml");
    let issuer = "https://issuer.example.com";
    let identity = ["--tenant", "common", "--client-id", "00001111-aaaa-2222-bbbb-3333cccc4444"];
    let azure = ["--account", "acct", "--timeout", "200ms"];
    let base = |command, words: &[&str]| Base { command, words: words.iter().map(|word| (*word).to_owned()).collect() };
    vec![
        base("jwks", &[keys]),
        base("discovery", &["--issuer", issuer, keys]),
        base("publish", &[keys, "--issuer", issuer, "--directory", directory]),
        base("publish", &[&[keys, "--issuer", issuer, "--no-fetch-back"], &azure[..]].concat()),
        base("status", &["--issuer", issuer, "--directory", directory]),
        base("status", &[&["--issuer", issuer], &azure[..]].concat()),
        base("unpublish", &["--issuer", issuer, "--directory", directory, "--force"]),
        base("verify", &[token, "--jwks", jwks.to_str().unwrap(), "--at", "2026-11-22T00:40:00Z"]),
        base("verify", &["--batch", token, "--issuer", issuer, "--jwks", jwks.to_str().unwrap()]),
        base("doctor", &["--no-network"]),
        base("doctor", &["--manifest", manifest.to_str().unwrap(), "--no-network"]),
        base(
            "exchange",
            &[&["--resource", "keyvault", "--token-file", token, "--timeout", "200ms"], &identity[..]].concat(),
        ),
        base("exchange", &["--resource", "postgres", "--format", "pgpass", "--out", "no-such-directory/x", "--watch"]),
        base("exec", &["--resource", "postgres", "--env", "X"]),
        base("inspect", &[token]),
        base("explain", &["InvalidTenantName"]),
        base("man", &[]),
        base("completions", &[]),
        // Without a directory, the command fails before it listens.
        base("serve", &["no-such-directory"]),
    ]
}

/// The flags of a command that take a value, as its help lists them.
fn flags(command_name: &str) -> Vec<String> {
    let help = command().args([command_name, "--help"]).output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let lines = help.lines().map(str::trim).filter(|line| line.starts_with('-') && line.contains('<'));
    let flag = |line: &str| line.split([' ', ',']).find(|word| word.starts_with("--")).map(str::to_owned);
    let flags: Vec<_> = lines.filter_map(flag).collect();
    assert!(flags.iter().any(|flag| flag == "--output"), "{help}");
    flags
}

fn without_network(command: &mut Command) {
    command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9").env("PATH", "/nonexistent");
    command.env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9").env("RUST_LOG", "trace").stdin(Stdio::null());
}

/// Runs commands on several threads, and returns every output with a part of the secret.
fn leaks(runs: Vec<(Command, &'static str, String)>) -> Vec<String> {
    let (runs, leaks) = (Mutex::new(runs), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let Some((mut command, secret, what)) = runs.lock().unwrap().pop() else { return };
                    let output = command.output().unwrap();
                    let printed = [output.stdout, output.stderr].concat();
                    let printed = String::from_utf8_lossy(&printed);
                    // Escaped slashes and line ends do not hide a secret.
                    let part = 24.min(secret.len());
                    let parts =
                        [&secret[..part], &secret[(secret.len() - part) / 2..][..part], &secret[secret.len() - part..]];
                    if parts.iter().any(|part| printed.contains(part)) {
                        leaks.lock().unwrap().push(format!("{what}: {printed}"));
                    }
                }
            });
        }
    });
    leaks.into_inner().unwrap()
}

#[test]
fn no_flag_prints_a_secret() {
    let folder = TempDir::new().unwrap();
    let site = folder.path().join("site");
    let mut runs = Vec::new();
    for base in bases(site.to_str().unwrap()) {
        // As a flag's value, as a positional argument, as a flag, and as a subcommand.
        let mut places: Vec<Vec<&str>> = Vec::new();
        let flags = flags(base.command);
        for flag in &flags {
            places.push(vec![flag]);
        }
        places.push(vec![]);
        for place in &places {
            for ((value, secret), format) in
                secrets().into_iter().flat_map(|secret| [(secret.clone(), "text"), (secret, "json")])
            {
                let mut words = base.words.clone();
                // The flag replaces the one of the base.
                if let Some(index) = place.first().and_then(|flag| words.iter().position(|word| word == flag)) {
                    words.drain(index..=index + 1);
                }
                let mut command = command();
                without_network(&mut command);
                command.env("AZURE_STORAGE_KEY", "c2VjcmV0").current_dir(folder.path());
                command.arg(base.command).args(&words).args(place).arg(&value).arg("-v");
                if place.first() != Some(&"--output") {
                    command.args(["-o", format]);
                }
                runs.push((command, secret, format!("{} {place:?} {value:?} {format}", base.command)));
            }
        }
    }
    for (value, secret) in secrets() {
        for format in ["text", "json"] {
            for words in
                [vec![value.clone()], vec![format!("--{value}")], vec!["jwks".to_owned(), format!("--{value}")]]
            {
                let mut command = command();
                command.args(&words).args(["-o", format]);
                runs.push((command, secret, format!("{words:?}")));
            }
        }
    }
    assert!(runs.len() > 1000, "{} runs", runs.len());
    let leaks = leaks(runs);
    assert!(leaks.is_empty(), "{} leaks: {}", leaks.len(), leaks.join("\n====\n"));
}

#[test]
fn no_variable_prints_a_secret() {
    let run = recording("rotation");
    let keys = run.path("sa.pub");
    let more = ["AZURE_STORAGE_ACCOUNT", "HTTPS_PROXY", "SSL_CERT_FILE", "IDENTITY_HEADER", "MSI_SECRET", "NO_COLOR"];
    let tenant = ("AZURE_TENANT_ID", "72f988bf-86f1-41af-91ab-2d7cd011db47");
    let client = ("AZURE_CLIENT_ID", "00001111-aaaa-2222-bbbb-3333cccc4444");
    let mut runs = Vec::new();
    for name in Environment::NAMES.into_iter().chain(more) {
        for (value, secret) in secrets() {
            for format in ["text", "json"] {
                let mut command = command();
                without_network(&mut command);
                command.args(["publish", keys.to_str().unwrap(), "--issuer", "https://issuer.example.com"]);
                command.args(["--no-fetch-back", "--timeout", "200ms", "-v", "-o", format]);
                command.env("AZURE_STORAGE_ACCOUNT", "acct").envs([tenant, client]);
                command.env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9").env(name, &value);
                runs.push((command, secret, format!("{name}={value:?} {format}")));
            }
        }
    }
    for name in ["AZURE_FEDERATED_TOKEN_FILE"] {
        for (value, secret) in secrets().into_iter().chain([(PASSWORD.to_owned(), PASSWORD)]) {
            let mut command = command();
            command.arg("verify").env(name, &value);
            runs.push((command, secret, format!("verify with {name}={value:?}")));
        }
        for (value, secret) in secrets() {
            let mut command = command();
            without_network(&mut command);
            command.args(["exchange", "--resource", "aks", "--timeout", "200ms"]).envs([tenant, client]);
            command.env(name, &value);
            runs.push((command, secret, format!("exchange with {name}={value:?}")));
        }
    }
    // URLs that the SDK rejects with its own message.
    for (name, with) in [("IDENTITY_ENDPOINT", "IDENTITY_HEADER"), ("AZURE_AUTHORITY_HOST", "AZURE_CLIENT_SECRET")] {
        for value in [
            format!("https://user:a/{PASSWORD}@127.0.0.1/a"),
            format!("user:{PASSWORD}@127.0.0.1/a"),
            PASSWORD.to_owned(),
        ] {
            let mut command = command();
            without_network(&mut command);
            command.args(["status", "--issuer", "https://issuer.example.com", "--timeout", "200ms"]);
            command.env("AZURE_STORAGE_ACCOUNT", "acct").env(with, "abcdefgh").env(name, &value);
            if name == "AZURE_AUTHORITY_HOST" {
                command.envs([tenant, client]);
            }
            runs.push((command, PASSWORD, format!("status with {name}={value:?}")));
        }
    }
    // A password of no known form, in every variable except the account name, which is shown.
    for name in Environment::NAMES.into_iter().chain(more).filter(|name| *name != "AZURE_STORAGE_ACCOUNT") {
        for words in
            [&["publish", keys.to_str().unwrap(), "--no-fetch-back"][..], &["status"], &["unpublish", "--force"]]
        {
            for format in ["text", "json"] {
                let mut command = command();
                without_network(&mut command);
                command.args(words).args([
                    "--issuer",
                    "https://issuer.example.com",
                    "--timeout",
                    "200ms",
                    "-v",
                    "-o",
                    format,
                ]);
                command.env("AZURE_STORAGE_ACCOUNT", "acct").envs([tenant, client]);
                command.env("AZURE_AUTHORITY_HOST", "http://127.0.0.1:9").env(name, PASSWORD);
                runs.push((command, PASSWORD, format!("{words:?} with {name}={PASSWORD:?} {format}")));
            }
        }
    }
    let leaks = leaks(runs);
    assert!(leaks.is_empty(), "{} leaks: {}", leaks.len(), leaks.join("\n====\n"));
}

#[test]
fn no_verdict_prints_a_secret_from_a_token() {
    let folder = TempDir::new().unwrap();
    let jwks = recording("rotation").path("jwks.json");
    let mut runs = Vec::new();
    for (index, (value, secret)) in secrets().into_iter().enumerate() {
        for claim in ["iss", "aud", "sub"] {
            let mut claims = serde_json::json!({ "iss": "https://issuer.example.com", "aud": "x", "sub": "y" });
            claims[claim] = value.clone().into();
            let path = folder.path().join(format!("{index}-{claim}"));
            std::fs::write(&path, unsigned(&claims)).unwrap();
            let path = path.to_str().unwrap();
            let trust = ["--issuer", "https://issuer.example.com", "--jwks", jwks.to_str().unwrap()];
            for words in [&["verify", path, "-o", "json"][..], &["verify", path], &["verify", "--batch", path]] {
                let mut command = command();
                command.args(words).args(trust);
                runs.push((command, secret, format!("{words:?} with {value:?} as {claim}")));
            }
        }
    }
    let leaks = leaks(runs);
    assert!(leaks.is_empty(), "{} leaks: {}", leaks.len(), leaks.join("\n====\n"));
}
