//! Verdicts follow Entra's own rules, and claim nothing that was not checked.

use crate::support::{
    answer::answer,
    fixtures,
    issuer::{run, stderr, stdout},
    recording,
    signer::{ENTRA, NOW, claims, now, signer, with, without},
};
use issuer::{
    CheckName, Documents, Expectations, Hint, NotPublic, Refusal, RelyingParty, TrustedIssuer, Verifier, VerifyWarning,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const HOUR: i64 = 3600;

/// The verdict on claims that a trusted key signed.
fn refusal(claims: &Value, expectations: &Expectations) -> Option<Refusal> {
    let signer = signer();
    signer.verifier().verify(&signer.sign(&signer.header(), claims), expectations, now()).err()
}

#[test]
fn entra_rejects_token_lifetimes_over_25_hours() {
    let lives = |seconds: i64| with(with(claims(), "iat", (NOW - 60).into()), "exp", (NOW - 60 + seconds).into());
    let cases = [
        ("1 h", lives(HOUR), false),
        ("24 h", lives(24 * HOUR), false),
        ("25 h", lives(25 * HOUR), false),
        ("25 h and 1 s", lives(25 * HOUR + 1), true),
        ("25 h and a moment", with(lives(25 * HOUR), "exp", json!((NOW - 60 + 25 * HOUR) as f64 + 0.5)), true),
        ("26 h", lives(26 * HOUR), true),
        ("a year", lives(365 * 24 * HOUR), true),
        ("no iat", without(claims(), "iat"), true),
        ("iat of 0", with(claims(), "iat", 0.into()), true),
        ("the last second there is", with(claims(), "exp", 253_402_207_200_i64.into()), true),
    ];
    for (what, claims, is_refused) in cases {
        let found = refusal(&claims, &Expectations::entra());
        assert_eq!(found.is_some(), is_refused, "{what}: {found:?}");
        if let Some(refusal) = found {
            assert_eq!(refusal.check(), CheckName::Lifetime, "{what}");
            assert_eq!(refusal.aadsts().map(issuer::Aadsts::code), Some(70023), "{what}");
        }
        assert_eq!(refusal(&claims, &Expectations::oidc().audience(ENTRA)), None, "{what}, for OIDC");
    }
}

#[test]
fn lifetime_is_checked_before_the_audience() {
    let claims = with(with(claims(), "exp", (NOW + 30 * HOUR).into()), "aud", "https://kubernetes.default.svc".into());
    assert_eq!(refusal(&claims, &Expectations::entra()).map(|refusal| refusal.check()), Some(CheckName::Lifetime));
    // An expired token with an excessive lifetime is refused for its lifetime, too.
    let claims = with(with(claims, "iat", (NOW - 40 * HOUR).into()), "exp", (NOW - HOUR).into());
    assert_eq!(refusal(&claims, &Expectations::entra()).map(|refusal| refusal.check()), Some(CheckName::Lifetime));
}

#[test]
fn reported_long_lived_tokens_are_refused_with_a_fix() {
    let folder = fixtures().join("field/token-lifetime");
    for (token, at, message, fix) in [
        (
            "lives-26h.jwt",
            "2026-11-26T03:00:00Z",
            "the token has a lifetime of 26h; Entra accepts at most 25h",
            "86400 or less",
        ),
        (
            "no-iat.jwt",
            "2026-11-26T03:00:00Z",
            "the token has no iat, which Entra treats as the year 1970",
            "always has an iat",
        ),
    ] {
        let (token, site) = (folder.join(token), folder.join("site"));
        let args = ["verify", token.to_str().unwrap(), "--published", site.to_str().unwrap(), "--at", at, "-o", "json"];
        let output = run(args);
        let report = answer("verify", &output);
        assert_eq!((output.status.code(), &report["refusal"]["aadsts"]), (Some(1), &70023.into()), "{report:#}");
        assert!(report["refusal"]["message"].as_str().unwrap().starts_with(message), "{report:#}");
        assert!(report["refusal"]["fix"].as_str().unwrap().contains(fix), "{report:#}");
        let oidc = run([&args[..], &["--for", "oidc", "--audience", ENTRA]].concat());
        assert_eq!(oidc.status.code(), Some(0), "{}", stdout(&oidc));
    }
}

/// Issuers with names or addresses that the internet cannot reach.
const PRIVATE: [(&str, NotPublic); 12] = [
    ("https://kubernetes.default.svc.cluster.local", NotPublic::Cluster),
    ("https://kubernetes.default.svc", NotPublic::Cluster),
    ("https://issuer.corp.cluster.local/prod", NotPublic::Cluster),
    ("https://localhost/", NotPublic::Localhost),
    ("http://localhost:8080", NotPublic::Localhost),
    ("https://127.0.0.1:6443", NotPublic::Loopback),
    ("https://[::1]/", NotPublic::Loopback),
    ("https://10.96.0.1", NotPublic::PrivateAddress),
    ("https://169.254.169.254", NotPublic::LinkLocal),
    ("https://issuer", NotPublic::SingleLabel),
    ("https://issuer.local", NotPublic::Local),
    ("https://issuer.prod.internal/", NotPublic::Internal),
];

#[test]
fn issuer_unreachable_for_entra_is_refused_with_its_code() {
    let signer = signer();
    for (url, because) in PRIVATE {
        let documents = Documents::new(url.parse().unwrap(), &signer.keys);
        let verifier = Verifier::new(&documents).unwrap();
        let token = signer.sign(&signer.header(), &with(claims(), "iss", url.into()));
        let refusal = verifier.verify(&token, &Expectations::entra(), now()).unwrap_err();
        assert_eq!(refusal, Refusal::IssuerNotPublic { issuer: url.to_owned(), because });
        assert_eq!(refusal.aadsts().map(issuer::Aadsts::code), Some(90061), "{url}");
        assert!(refusal.hint().unwrap().contains("--service-account-issuer"), "{url}");
        verifier.verify(&token, &Expectations::oidc().audience(ENTRA), now()).unwrap();
        let from_keys = Verifier::from_jwks(url.parse().unwrap(), &documents.jwks);
        assert!(from_keys.verify(&token, &Expectations::entra(), now()).is_err(), "{url}, with only its keys");
    }
}

#[test]
fn jwks_uri_unreachable_for_entra_is_refused_with_its_code() {
    let signer = signer();
    let mut documents = Documents::new("https://issuer.example.com".parse().unwrap(), &signer.keys);
    for host in ["10.0.0.1", "kubernetes.default.svc", "localhost", "jwks.internal", "[fd00::1]", "0x7f.1"] {
        documents.discovery.jwks_uri = format!("https://{host}/openid/v1/jwks");
        let trusted = TrustedIssuer::new(&documents).unwrap();
        let refusal = trusted.judge(RelyingParty::Entra).unwrap_err();
        assert!(matches!(refusal, Refusal::JwksUriNotPublic { .. }), "{host}: {refusal}");
        assert_eq!((refusal.check(), refusal.aadsts().unwrap().code()), (CheckName::KeySet, 90061), "{host}");
        assert_eq!(trusted.judge(RelyingParty::Oidc), Ok(()), "{host}");
    }
}

#[test]
fn publish_refuses_a_private_issuer_for_entra() {
    let keys = recording("rotation").path("sa.pub");
    for (url, because) in PRIVATE {
        let directory = TempDir::new().unwrap();
        let site = directory.path().join("site");
        let publish = |more: &[&str]| {
            let args = ["publish", keys.to_str().unwrap(), "--issuer", url, "--directory", site.to_str().unwrap()];
            run([&args, more].concat())
        };
        let refused = publish(&[]);
        assert_eq!(refused.status.code(), Some(1), "{url}: {}", stderr(&refused));
        let message = format!("error: Entra cannot reach the issuer {url}: its host {because}; nothing was written\n");
        assert!(stderr(&refused).contains(&message), "{}", stderr(&refused));
        let hint = stderr(&refused);
        assert!(hint.contains("--service-account-issuer") && hint.contains("--allow-private-issuer"), "{hint}");
        assert!(!site.exists(), "{url}");
        let oidc = publish(&["--for", "oidc"]);
        assert_eq!(oidc.status.code(), Some(0), "{url}: {}", stderr(&oidc));
        assert!(stderr(&oidc).contains("note: Entra cannot reach the issuer"), "{}", stderr(&oidc));
        let allowed = publish(&["--allow-private-issuer"]);
        assert_eq!(allowed.status.code(), Some(0), "{url}: {}", stderr(&allowed));
        assert!(stderr(&allowed).contains("warning: Entra cannot reach the issuer"), "{}", stderr(&allowed));
    }
}

#[test]
fn verdict_predicts_entra_only_for_the_same_input() {
    let recorded = recording("rotation");
    let site = TempDir::new().unwrap();
    let (keys, directory) = (recorded.path("sa.pub"), site.path().to_str().unwrap());
    run(["publish", keys.to_str().unwrap(), "--issuer", &recorded.issuer, "--directory", directory]);
    let (token, jwks) = (recorded.path("entra-1h.jwt"), recorded.path("jwks.json"));
    let at = ["--at", "2026-11-22T00:40:00Z"];
    let cases: [(&[&str], &[&str]); 3] = [
        (&["--jwks", jwks.to_str().unwrap()], &["the keys came from ", "as of 2026-11-22 00:40:00Z, not as of now"]),
        (&["--published", directory], &["the documents were read from ", "as of 2026-11-22 00:40:00Z, not as of now"]),
        (&["--published", directory, "--leeway", "90s"], &["the documents", "as of", "the leeway was 90 s"]),
    ];
    for (flags, limits) in cases {
        let args = [&["verify", token.to_str().unwrap()], &at[..], flags].concat();
        let text = run(&args);
        assert_eq!(text.status.code(), Some(0), "{}", stdout(&text));
        assert!(stdout(&text).contains("Entra may answer differently:"), "{}", stdout(&text));
        assert!(!stdout(&text).contains("Entra accepts"), "{}", stdout(&text));
        let report = answer("verify", &run([&args[..], &["-o", "json"]].concat()));
        let printed = report["limits"].as_array().unwrap();
        assert_eq!(printed.len(), limits.len(), "{printed:?}");
        for (printed, limit) in printed.iter().zip(limits) {
            assert!(printed.as_str().unwrap().contains(limit), "{printed} has no {limit:?}");
        }
        // A refusal keeps its code with every limit.
        let refused = run([&args[..], &["--audience", "other"]].concat());
        assert!(stdout(&refused).contains("Entra will answer AADSTS700212"), "{}", stdout(&refused));
    }
}

#[test]
fn reported_documents_and_tokens_have_warnings() {
    let cases = [
        ("two-audiences", "two.jwt", "the token has 2 audiences; Entra may reject this with AADSTS5002741: "),
        (
            "discovery-empty-members",
            "token.jwt",
            "the discovery document has empty members: \"authorization_endpoint\", \"subject_types_supported\"; Entra may reject this with AADSTS501661: ",
        ),
    ];
    for (folder, token, warning) in cases {
        let folder = fixtures().join("field").join(folder);
        let (token, site) = (folder.join(token), folder.join("site"));
        let site = site.to_str().unwrap();
        let verify = ["verify", token.to_str().unwrap(), "--published", site, "--at", "2026-11-25T01:00:00Z"];
        let output = run(verify);
        assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
        assert!(stderr(&output).contains(&format!("warning: {warning}")), "{}", stderr(&output));
        let json = answer("verify", &run([&verify[..], &["-o", "json"]].concat()));
        assert_eq!(json["warnings"].as_array().unwrap().len(), 1, "{json:#}");
    }
}

/// Requires a mount namespace, in which `/etc/hosts` is replaced.
#[test]
fn public_name_with_only_private_addresses_is_a_warning() {
    let folder = TempDir::new().unwrap();
    let hosts = folder.path().join("hosts");
    std::fs::write(&hosts, "127.0.0.1 issuer.shop.example\n").unwrap();
    let token = fixtures().join("field/two-audiences/two.jwt");
    let script = format!("mount --bind {} /etc/hosts && exec \"$@\"", hosts.display());
    let verify = |whom: &str| {
        let mut command = std::process::Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_issuer"), "verify"]).arg(&token);
        command.args(["--issuer", "https://issuer.shop.example", "--for", whom]).env("NO_COLOR", "1");
        command.output()
    };
    let Ok(output) = verify("entra") else { return eprintln!("skipped: unshare is not installed") };
    if !stderr(&output).contains("warning:") && output.stdout.is_empty() {
        return eprintln!("skipped: no mount namespace: {}", stderr(&output));
    }
    let warning =
        "warning: issuer.shop.example resolves to private addresses only on this machine; Entra may reject this";
    assert!(stderr(&output).contains(warning), "{}", stderr(&output));
    assert_eq!(
        output.status.code(),
        Some(3),
        "the port is closed, so the verdict must be inconclusive: {}",
        stdout(&output)
    );
    let oidc = verify("oidc").unwrap();
    assert!(!stderr(&oidc).contains("resolves to private"), "{}", stderr(&oidc));
}

#[test]
fn two_audiences_are_a_warning_only_for_entra() {
    let signer = signer();
    let token = signer.sign(&signer.header(), &with(claims(), "aud", json!([ENTRA, "vault"])));
    let report = signer.verifier().examine(&token, &Expectations::entra(), now());
    assert_eq!((report.refusal(), report.warnings.as_slice()), (None, [VerifyWarning::Audiences(2)].as_slice()));
    assert!(signer.verifier().examine(&token, &Expectations::oidc().audience(ENTRA), now()).warnings.is_empty());
}

#[test]
fn missing_well_known_folder_beside_a_jwks_is_named() {
    let recorded = recording("rotation");
    let site = TempDir::new().unwrap();
    let (keys, directory) = (recorded.path("sa.pub"), site.path().to_str().unwrap());
    run(["publish", keys.to_str().unwrap(), "--issuer", &recorded.issuer, "--directory", directory]);
    std::fs::remove_dir_all(site.path().join(".well-known")).unwrap();
    let server = crate::support::issuer::Server::start(site.path());
    for place in [directory, &server.url] {
        let token = recorded.path("entra-1h.jwt");
        let output = run(["verify", token.to_str().unwrap(), "--published", place]);
        assert_eq!(output.status.code(), Some(1));
        let text = stdout(&output);
        assert!(
            text.contains(".well-known/openid-configuration does not exist, but the JWKS of the issuer exists"),
            "{text}"
        );
        assert!(text.contains(".nojekyll") && text.contains("include-hidden-files: true"), "{text}");
        assert!(text.contains("AADSTS90061"), "{text}");
        let status = run(["status", &recorded.issuer, "--published", place]);
        assert!(status.status.code() == Some(1) && stderr(&status).contains(".nojekyll"), "{}", stderr(&status));
    }
}
