//! The recorded runs of a real kube-apiserver, from `sa.pub` to tokens verified over HTTP.

use std::{fs, process::Output};

use crate::support::{
    Recording,
    answer::answer,
    issuer::{Server, run, stdout},
    recordings, segment,
};
use tempfile::TempDir;

/// Publishes a run's keys to a directory, as its issuer.
fn publish(run: &Recording) -> TempDir {
    let site = TempDir::new().unwrap();
    let output = crate::support::issuer::run([
        "publish",
        run.path("sa.pub").to_str().unwrap(),
        "--issuer",
        &run.issuer,
        "--directory",
        site.path().to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{output:?}");
    site
}

fn verify(server: &Server, site: &Recording, token: &std::path::Path, more: &[&str]) -> Output {
    let published = format!("{}/{}", server.url, site.issuer_path());
    run(["verify", token.to_str().unwrap(), "--published", &published, "-o", "json"].iter().chain(more))
}

fn json(output: &Output) -> serde_json::Value {
    answer("verify", output)
}

/// The API server signed the mixed-keys run with ES256, which Entra does not accept.
fn relying_party(run: &Recording) -> &'static str {
    if run.name == "mixed-keys" { "oidc" } else { "entra" }
}

#[test]
fn jwks_equals_the_api_server_jwks_byte_for_byte() {
    for recorded in recordings() {
        let output = run(["jwks", "--compact", recorded.path("sa.pub").to_str().unwrap()]);
        assert_eq!(stdout(&output), recorded.text("jwks.json"), "{}", recorded.name);
    }
}

#[test]
fn discovery_equals_the_api_server_document_but_jwks_uri() {
    for recorded in recordings() {
        let served: serde_json::Value = serde_json::from_slice(&recorded.bytes("openid-configuration.json")).unwrap();
        let output = run([
            "discovery",
            "--compact",
            "--issuer",
            &recorded.issuer,
            "--jwks-uri",
            served["jwks_uri"].as_str().unwrap(),
            recorded.path("sa.pub").to_str().unwrap(),
        ]);
        assert_eq!(stdout(&output), recorded.text("openid-configuration.json"), "{}", recorded.name);
    }
}

#[test]
fn second_publish_of_a_recording_changes_nothing() {
    for recorded in recordings() {
        let site = publish(&recorded);
        let jwks = site.path().join(recorded.issuer_path()).join("openid/v1/jwks");
        assert_eq!(fs::read_to_string(jwks).unwrap(), recorded.text("jwks.json"), "{}", recorded.name);
        let check = run([
            "publish",
            "--check",
            recorded.path("sa.pub").to_str().unwrap(),
            "--issuer",
            &recorded.issuer,
            "--directory",
            site.path().to_str().unwrap(),
        ]);
        assert_eq!(check.status.code(), Some(0), "{}", stdout(&check));
    }
}

#[test]
fn ten_year_tokens_verify_for_oidc_and_not_for_entra() {
    for recorded in recordings() {
        let site = publish(&recorded);
        let server = Server::start(site.path());
        for file in ["entra.jwt", "pod-bound.jwt", "two-audiences.jwt"] {
            let audience = ["--for", "oidc", "--audience", "api://AzureADTokenExchange"];
            let output = verify(&server, &recorded, &recorded.path(file), &audience);
            assert_eq!(output.status.code(), Some(0), "{} {file}: {}", recorded.name, stdout(&output));
            assert_eq!(json(&output)["verdict"], "accepted");
            // Entra rejects a token with a lifetime of ten years before it checks the audience.
            let output = verify(&server, &recorded, &recorded.path(file), &["--audience", "other"]);
            let code = if recorded.name == "mixed-keys" { 5_002_738 } else { 70023 };
            assert_eq!((output.status.code(), &json(&output)["refusal"]["aadsts"]), (Some(1), &code.into()));
        }
    }
}

#[test]
fn one_hour_token_verifies_only_at_its_time() {
    for recorded in recordings() {
        let site = publish(&recorded);
        let server = Server::start(site.path());
        let token = recorded.path("entra-1h.jwt");
        let iat = segment(&recorded.text("entra-1h.jwt"), 1)["iat"].as_i64().unwrap();
        let iat = issuer::Timestamp::from_second(iat).unwrap().to_string();
        let whom = ["--for", relying_party(&recorded)];
        let then = verify(&server, &recorded, &token, &[&whom[..], &["--at", &iat]].concat());
        assert_eq!(then.status.code(), Some(0), "{}", stdout(&then));
        let today = verify(&server, &recorded, &token, &["--for", "entra"]);
        assert_eq!(today.status.code(), Some(1), "{}", stdout(&today));
        if recorded.name != "mixed-keys" {
            assert_eq!(json(&today)["refusal"]["aadsts"], 700_024);
        }
    }
}

#[test]
fn token_for_another_audience_is_refused() {
    for recorded in recordings().into_iter().filter(|recorded| recorded.name != "mixed-keys") {
        let site = publish(&recorded);
        let server = Server::start(site.path());
        let at = ["--at", "2026-11-22T00:40:00Z", "--audience", "https://kubernetes.default.svc.cluster.local"];
        let output = verify(&server, &recorded, &recorded.path("entra-1h.jwt"), &at);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(json(&output)["refusal"]["aadsts"], 700_212, "{}", recorded.name);
        let output = verify(&server, &recorded, &recorded.path("apiserver-audience.jwt"), &["--for", "oidc"]);
        assert_eq!(output.status.code(), Some(0), "without --audience, any audience is accepted");
        let ours = ["--for", "oidc", "--audience", "api://AzureADTokenExchange"];
        let output = verify(&server, &recorded, &recorded.path("apiserver-audience.jwt"), &ours);
        assert_eq!((output.status.code(), &json(&output)["refusal"]["check"]), (Some(1), &"audience".into()));
    }
}

#[test]
fn es256_token_is_refused_only_for_entra() {
    let recorded = crate::support::recording("mixed-keys");
    let site = publish(&recorded);
    let server = Server::start(site.path());
    let token = recorded.path("entra.jwt");
    let output = verify(&server, &recorded, &token, &[]);
    let report = json(&output);
    assert_eq!((output.status.code(), &report["refusal"]["aadsts"]), (Some(1), &5_002_738.into()));
    let signature = report["checks"].as_array().unwrap().iter().find(|check| check["check"] == "signature").unwrap();
    assert_eq!(signature["outcome"], "passed");
    assert_eq!(verify(&server, &recorded, &token, &["--for", "oidc"]).status.code(), Some(0));
}

#[test]
fn token_verifies_only_at_sites_with_its_issuer_and_key() {
    let runs = recordings();
    let mut accepted = 0;
    for site_run in &runs {
        let site = publish(site_run);
        let server = Server::start(site.path());
        let kids: Vec<_> = serde_json::from_slice::<serde_json::Value>(&site_run.bytes("jwks.json")).unwrap()["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| key["kid"].clone())
            .collect();
        for token_run in &runs {
            let expected =
                site_run.issuer == token_run.issuer && kids.contains(&segment(&token_run.text("entra.jwt"), 0)["kid"]);
            let output = verify(&server, site_run, &token_run.path("entra.jwt"), &["--for", "oidc"]);
            let code = i32::from(!expected);
            let pair = format!("{} at {}: {}", token_run.name, site_run.name, stdout(&output));
            assert_eq!(output.status.code(), Some(code), "{pair}");
            accepted += usize::from(expected);
            if site_run.issuer != token_run.issuer {
                assert_eq!(json(&output)["refusal"]["check"], "discovery", "{pair}");
            }
        }
    }
    // Each run at its own site; tokens of the old key at two more sites, tokens of the new key at one more.
    assert_eq!(accepted, 8);
}

#[test]
fn trailing_slash_mismatch_is_refused_with_its_code() {
    for (site_run, token_run) in [("trailing-slash", "no-trailing-slash"), ("no-trailing-slash", "trailing-slash")] {
        let (site_run, token_run) = (crate::support::recording(site_run), crate::support::recording(token_run));
        let site = publish(&site_run);
        let server = Server::start(site.path());
        let output = verify(&server, &site_run, &token_run.path("entra.jwt"), &[]);
        assert_eq!(output.status.code(), Some(1));
        let report = json(&output);
        assert_eq!(report["refusal"]["aadsts"], 700_211);
        assert!(report["refusal"]["fix"].as_str().unwrap().contains("trailing slash"));
    }
}
