//! `issuer status --from-cluster`: the API server, the site and the public documents in three columns.

use serde_json::json;

use super::Desk;
use crate::support::{
    kube_apiserver::{Flags, ISSUER, KubeApiserver},
    service_account_key::ServiceAccountKey,
};

#[test]
fn status_shows_drift_between_any_two() {
    let folder = tempfile::TempDir::new().unwrap();
    let keys = ["one", "two"].map(|name| ServiceAccountKey::new(folder.path(), name));
    let flags = |keys: &[&ServiceAccountKey]| Flags {
        issuers: vec![ISSUER.to_owned()],
        keys: keys.iter().map(|key| (*key).clone()).collect(),
        others: Vec::new(),
    };
    let Some(server) = KubeApiserver::start(&flags(&[&keys[0]])) else { return };
    let status = "status --from-cluster --directory site --published site/clusters/prod-1";
    let desk = Desk::new(&server);
    desk.succeeds("publish --from-cluster --directory site");
    let answer = desk.json(0, status);
    assert_eq!(answer["api_server"]["drift"], json!([]));
    let text = desk.succeeds(status);
    assert!(text.lines().any(|line| line.split_whitespace().eq(["API", "server", "stored", "public"])), "{text}");
    let table = text.lines().skip_while(|line| !line.contains("API server"));
    assert!(table.clone().count() > 3 && table.into_iter().all(|line| line.chars().count() <= 80), "{text}");

    // The public documents are of another time.
    std::fs::rename(desk.path().join("site"), desk.path().join("old")).unwrap();
    // A rotation: the API server signs with a new key.
    let server = server.restarted(&flags(&[&keys[1], &keys[0]]));
    let desk = Desk { kubeconfig: server.kubeconfig().write(desk.path()), ..desk };
    std::process::Command::new("cp").args(["-r", "old", "site"]).current_dir(desk.path()).status().unwrap();
    let answer = desk.json(1, status);
    let drift = answer["api_server"]["drift"].as_array().unwrap();
    assert!(drift[0]["message"].as_str().unwrap().starts_with("the site does not have the key "), "{drift:?}");
    assert!(drift[1]["message"].as_str().unwrap().starts_with("relying parties do not find the key "), "{drift:?}");
    assert!(drift[0]["fix"].as_str().unwrap().contains("issuer publish --from-cluster"));

    // After publishing, only the public documents are old.
    desk.succeeds("publish --from-cluster --directory site");
    let words = "status --from-cluster --directory site --published old/clusters/prod-1";
    let answer = desk.json(1, words);
    assert!(answer["public"]["mismatch"].is_object(), "{answer}");

    // The old key left the API server: the site still has it, in use until the next publish.
    let server = server.restarted(&flags(&[&keys[1]]));
    let desk = Desk { kubeconfig: server.kubeconfig().write(desk.path()), ..desk };
    let answer = desk.json(1, status);
    let message = answer["api_server"]["drift"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("the API server does not serve the key "), "{message}");
    desk.succeeds("publish --from-cluster --directory site");
    let answer = desk.json(0, status);
    assert_eq!(answer["api_server"]["drift"], json!([]), "a retired key is no drift");

    // The issuer differs.
    desk.succeeds("publish --from-cluster --directory new --issuer https://issuer.example.com");
    let text = desk.fails(1, "status --from-cluster --directory new");
    assert!(
        text.contains(&format!("issues tokens with the issuer {ISSUER}, not https://issuer.example.com")),
        "{text}"
    );

    // The keys of a fleet: those of another owner are no drift, and a wrong owner is one.
    desk.succeeds("publish --from-cluster --owner-from-cluster --directory fleet");
    desk.succeeds("status --from-cluster --owner-from-cluster --directory fleet");
    let text = desk.fails(1, "status --from-cluster --owner prod-2 --directory fleet");
    let system: serde_json::Value = serde_json::from_slice(&server.get("/api/v1/namespaces/kube-system")).unwrap();
    let expected =
        format!("belongs to the owner {}, not to the owner prod-2", system["metadata"]["uid"].as_str().unwrap());
    assert!(text.contains(&expected), "{text}");
    desk.succeeds(&format!("publish --leave --from-cluster --owner-from-cluster --directory fleet --issuer {ISSUER}"));
    let text =
        desk.fails(1, &format!("status --from-cluster --owner-from-cluster --directory fleet --issuer {ISSUER}"));
    assert!(text.contains("of the API server is retired on the site, so --prune may remove it"), "{text}");
    // A cluster that has moved leaves its old issuer. No step leads back to it.
    let old = "https://old.example.com";
    desk.succeeds(&format!("publish --from-cluster --owner-from-cluster --directory moved --issuer {old}"));
    let answer = desk.json(0, "publish --leave --from-cluster --owner-from-cluster --directory moved");
    assert_eq!((&answer["issuer"], &answer["api_server"]), (&json!(old), &json!(null)), "{answer}");
    let answer = desk.json(1, &format!("status --from-cluster --directory fleet --issuer {ISSUER}"));
    assert!(answer["stored"]["keys"][0]["retired_since"].is_string(), "{answer}");
}
