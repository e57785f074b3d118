//! A second API server that trusts the published issuer as an OIDC relying party. The project wrote nothing of it.

use std::{ffi::OsString, fs, path::Path};

use serde_json::json;
use tempfile::TempDir;

use super::{Desk, served};
use crate::support::{
    kube_apiserver::{ADMIN, Flags, KubeApiserver},
    service_account_key::ServiceAccountKey,
    tls::Authority,
};

const AUDIENCE: &str = "cluster-b";

/// Cluster B, which trusts the issuer.
fn relying_party(issuer: &str, authority: &Authority, folder: &Path) -> Option<KubeApiserver> {
    let mut ca_file = OsString::from("--oidc-ca-file=");
    ca_file.push(authority.ca_file());
    let others = vec![
        format!("--oidc-issuer-url={issuer}").into(),
        format!("--oidc-client-id={AUDIENCE}").into(),
        "--oidc-username-prefix=a:".into(),
        ca_file,
    ];
    let keys = vec![ServiceAccountKey::new(folder, "b")];
    KubeApiserver::start(&Flags { issuers: vec!["https://b.example.com".to_owned()], keys, others })
}

/// The status of a request with a token. An API server that has not read the documents yet rejects each token, so the
/// request is repeated until the server accepts this one, which it must accept.
fn status(server: &KubeApiserver, token: &str) -> u16 {
    server.call("GET", "/api/v1/namespaces/default", token, None).0
}

fn becomes(server: &KubeApiserver, token: &str, expected: u16) -> bool {
    (0..300).any(|_| {
        let is_reached = status(server, token) == expected;
        if !is_reached {
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        is_reached
    })
}

#[test]
fn token_logs_in_at_another_cluster_until_its_key_is_pruned() {
    let (authority, folder) = (Authority::new(), TempDir::new().unwrap());
    let site = folder.path().join("site");
    fs::create_dir(&site).unwrap();
    let server = served(&authority, &site);
    // The certificate is that of localhost, too.
    let issuer = server.url().replace("127.0.0.1", "localhost");
    let keys = ["one", "two"].map(|name| ServiceAccountKey::new(folder.path(), name));
    let flags = |keys: &[&ServiceAccountKey]| Flags {
        issuers: vec![issuer.clone()],
        keys: keys.iter().map(|key| (*key).clone()).collect(),
        others: Vec::new(),
    };
    let Some(a) = KubeApiserver::start(&flags(&[&keys[0]])) else { return };
    let Some(b) = relying_party(&issuer, &authority, folder.path()) else { return };
    a.create_namespace("shop");
    a.create_service_account("shop", "orders");
    b.bind_cluster_role("orders", "cluster-admin", "a:system:serviceaccount:shop:orders");
    let old = a.token("shop", "orders", AUDIENCE);
    assert_eq!(status(&b, &old), 401, "nothing is published yet");

    let publish = |a: &KubeApiserver, words: &str| {
        let desk = Desk::with(&a.kubeconfig());
        let site = site.display();
        desk.succeeds(&format!("publish --from-cluster --for oidc --directory {site} {words}"));
    };
    publish(&a, "");
    assert!(becomes(&b, &old, 200), "the token of cluster A logs in");
    assert_eq!(status(&b, &a.token("shop", "orders", "another")), 401, "the audience is checked");

    // A rotation: the file of the next key is published before this key signs.
    let next = keys[1].public().display();
    publish(&a, &format!("{next}"));
    let a = a.restarted(&flags(&[&keys[1], &keys[0]]));
    let new = a.token("shop", "orders", AUDIENCE);
    assert!(becomes(&b, &new, 200), "the new key is published");
    assert_eq!(status(&b, &old), 200, "the old key is published");

    // A kubeconfig with this token as the ID token of its auth provider logs in, too.
    let provider =
        json!({ "name": "oidc", "config": { "id-token": new, "idp-issuer-url": issuer, "client-id": AUDIENCE } });
    let user = json!({ "auth-provider": provider });
    let desk = Desk::with(&b.kubeconfig().user("orders", "c", user));
    let served = desk.succeeds("jwks --from-cluster --context orders --compact");
    assert_eq!(served.into_bytes(), b.get("/openid/v1/jwks"));

    // The old key leaves the input, is retired, and is pruned.
    let desk = Desk::with(&a.kubeconfig());
    let only_new = format!("publish {next} --issuer {issuer} --for oidc --directory {}", site.display());
    desk.succeeds(&only_new);
    assert_eq!(status(&b, &old), 200, "a retired key stays published");
    desk.succeeds(&format!("{only_new} --prune --retain 0s"));
    let b = b.restarted_alike();
    assert!(becomes(&b, &new, 200), "the new key stays");
    assert_eq!(status(&b, &old), 401, "the old key was pruned, and the restarted server has no cached keys");
    assert_eq!(status(&b, ADMIN), 200);
    // The objects of cluster B are those from before its restart.
    let role = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/orders";
    let binding: serde_json::Value = serde_json::from_slice(&b.get(role)).unwrap();
    assert_eq!(binding["roleRef"]["name"], json!("cluster-admin"));
}
