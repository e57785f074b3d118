//! The issuer, the keys and the tokens of an API server, and the Secret of Cluster API.

use base64::{Engine, prelude::BASE64_STANDARD};
use issuer::Token;
use serde_json::json;

use super::Desk;
use crate::support::{
    api_server_stand_in::ApiServerStandIn,
    azurite::account,
    issuer::stderr,
    kube_apiserver::{Flags, ISSUER, KubeApiserver},
    service_account_key::ServiceAccountKey,
};

const JWKS: &str = "/openid/v1/jwks";

#[test]
fn jwks_from_cluster_has_the_bytes_of_the_api_server() {
    let Some(server) = KubeApiserver::shared() else { return };
    let desk = Desk::new(server);
    assert_eq!(desk.succeeds("jwks --from-cluster --compact").into_bytes(), server.get(JWKS));
    let discovery = desk.succeeds("discovery --from-cluster --compact");
    let own = String::from_utf8(server.get("/.well-known/openid-configuration")).unwrap();
    let (own, below) = (own.split("\"jwks_uri\"").next().unwrap(), format!("\"jwks_uri\":\"{ISSUER}/openid/v1/jwks\""));
    assert!(discovery.starts_with(&format!("{own}{below}")), "{discovery}");
    // A file may bring the next key before the API server serves it.
    ServiceAccountKey::new(desk.path(), "next");
    let both = desk.succeeds("jwks --from-cluster next.pub --compact");
    let served = String::from_utf8(server.get(JWKS)).unwrap();
    assert!(both.starts_with(served.trim_end_matches("]}")), "{both}");
    assert_eq!(both.matches("\"kid\"").count(), 2);
}

#[test]
fn publish_from_cluster_names_the_jwks_uri_of_the_api_server() {
    let Some(server) = KubeApiserver::shared() else { return };
    let desk = Desk::new(server);
    let output = desk.run("publish --from-cluster --directory site");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let site = desk.path().join("site/clusters/prod-1");
    assert_eq!(std::fs::read(site.join("openid/v1/jwks")).unwrap(), server.get(JWKS));
    let discovery = std::fs::read_to_string(site.join(".well-known/openid-configuration")).unwrap();
    assert!(discovery.contains(&format!("\"jwks_uri\":\"{ISSUER}/openid/v1/jwks\"")), "{discovery}");
    let own: serde_json::Value = serde_json::from_slice(&server.get("/.well-known/openid-configuration")).unwrap();
    let own = own["jwks_uri"].as_str().unwrap();
    assert!(stderr(&output).contains(&format!("the API server itself names the jwks_uri {own}")), "{output:?}");
    // The second run changes nothing.
    let again = desk.json(0, "publish --from-cluster --directory site");
    assert_eq!((&again["changed"], &again["api_server"]["steps"]), (&json!(false), &json!([])));
}

#[test]
fn publish_for_another_issuer_prints_the_order_of_changes() {
    let Some(server) = KubeApiserver::shared() else { return };
    let desk = Desk::new(server);
    let other = "https://acct.z6.web.core.windows.net";
    let output = desk.run(&format!("publish --from-cluster --directory site --issuer {other}"));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains(&format!("have the issuer {ISSUER}, not {other}")), "{}", stderr(&output));
    let text = crate::support::issuer::stdout(&output);
    let second = format!("--service-account-issuer={ISSUER}\n     --service-account-issuer={other}");
    let third = format!("--service-account-issuer={other}\n     --service-account-issuer={ISSUER}");
    let (accepts, issues) = (text.find(&second).unwrap(), text.find(&third).unwrap());
    assert!(accepts < issues, "the old issuer stays accepted\n{text}");
    for tool in ["kubeadm", "Cluster API", "k3s", "RKE2", "Talos", "--api-audiences="] {
        assert!(text.contains(tool), "{tool}\n{text}");
    }
    let mut steps = text.lines().skip_while(|line| !line.starts_with("change the issuer"));
    assert!(steps.all(|line| line.chars().count() <= 80 || line.contains("https://")), "{text}");
}

#[test]
fn publish_refuses_the_private_issuer_of_k3s_with_a_way_out() {
    let server = ApiServerStandIn::new("https://kubernetes.default.svc.cluster.local");
    let desk = Desk::with(&server.kubeconfig());
    let text = desk.fails(1, "publish --from-cluster --directory site");
    assert!(text.contains("Entra cannot reach the issuer https://kubernetes.default.svc.cluster.local"), "{text}");
    assert!(text.contains("hint: publish for a public issuer first: pass --issuer"), "{text}");
    assert!(!desk.path().join("site/openid").exists());
}

/// Replaces the first five steps of the article: kubectl, base64, azwi, a heredoc, az. The account is one of Azurite.
#[test]
fn published_secret_has_the_bytes_of_the_api_server() {
    let Some(server) = KubeApiserver::shared() else { return };
    let folder = tempfile::TempDir::new().unwrap();
    let key = ServiceAccountKey::new(folder.path(), "prod-1");
    // Cluster API stores a public key as tls.crt, not a certificate.
    let encoded = |path: &std::path::Path| BASE64_STANDARD.encode(std::fs::read(path).unwrap());
    server.create_namespace("org-acme");
    server.create(
        "/api/v1/namespaces/org-acme/secrets",
        &json!({
            "metadata": { "name": "prod-1-sa", "labels": { "cluster.x-k8s.io/cluster-name": "prod-1" } },
            "type": "cluster.x-k8s.io/secret",
            "data": { "tls.crt": encoded(key.public()), "tls.key": encoded(key.private()) },
        }),
    );
    // The workload cluster, whose keys these are.
    let flags = Flags { issuers: vec![ISSUER.to_owned()], keys: vec![key], others: Vec::new() };
    let Some(workload) = KubeApiserver::start(&flags) else { return };
    let management = server.kubeconfig().user("mc", "c", json!({ "token": crate::support::kube_apiserver::ADMIN }));
    let desk = Desk::with(&management);
    let account = account();
    let words = format!("publish --secret org-acme/prod-1-sa --context mc --issuer {ISSUER} --no-fetch-back");
    let mut publish = crate::support::issuer::command();
    publish.args(words.split_whitespace()).env("KUBECONFIG", &desk.kubeconfig);
    let output = publish.env("AZURE_STORAGE_CONNECTION_STRING", account.connection_string()).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!stderr(&output).contains("BEGIN"), "{}", stderr(&output));
    let published = account.get_blob("$web", "clusters/prod-1/openid/v1/jwks").unwrap();
    assert_eq!(published.body, workload.get(JWKS));
    let text = desk.fails(3, "jwks --secret org-acme/none");
    assert!(text.contains("has no Secret org-acme/none"), "{text}");
}

#[test]
fn secret_gives_service_account_keys_only() {
    let Some(server) = KubeApiserver::shared() else { return };
    let desk = Desk::new(server);
    ServiceAccountKey::new(desk.path(), "sa");
    ServiceAccountKey::new(desk.path(), "other");
    let encoded = |name: &str| BASE64_STANDARD.encode(std::fs::read(desk.path().join(name)).unwrap());
    let (sa, other) = (encoded("sa.pub"), encoded("other.key"));
    server.create_namespace("pki");
    server.create(
        "/api/v1/namespaces/pki/secrets",
        &json!({ "metadata": { "name": "certs" }, "data": { "sa.pub": sa, "ca.key": other } }),
    );
    assert_eq!(desk.succeeds("jwks --secret pki/certs --compact"), desk.succeeds("jwks sa.pub --compact"));
}

#[test]
fn verify_from_cluster_requests_a_fresh_token() {
    let Some(server) = KubeApiserver::shared() else { return };
    server.create_namespace("verify");
    server.create_service_account("verify", "app");
    let desk = Desk::new(server);
    desk.succeeds("publish --from-cluster --directory site");
    let published = "--published site/clusters/prod-1";
    let words = format!("verify --from-cluster --service-account verify/app {published}");
    let answer = desk.json(0, &words);
    assert_eq!(answer["subject"], "system:serviceaccount:verify:app", "{answer}");
    assert_eq!(answer["verdict"], "accepted", "{answer}");
    // Another cluster has another key: the same site refuses its token.
    let Some(other) = KubeApiserver::start_issuer(ISSUER) else { return };
    other.create_namespace("verify");
    other.create_service_account("verify", "app");
    let answer = Desk { kubeconfig: other.kubeconfig().write(other.folder()), ..desk };
    let answer = answer.json(1, &words);
    assert_eq!((&answer["verdict"], &answer["refusal"]["check"]), (&json!("refused"), &json!("key")), "{answer}");
    let text = Desk::new(server).fails(3, "verify --from-cluster --service-account verify/none");
    assert!(text.contains("has no service account verify/none"), "{text}");
    assert!(text.contains("create serviceaccount none --namespace verify"), "{text}");
}

#[test]
fn federate_from_cluster_has_the_issuer_byte_for_byte() {
    let Some(server) = KubeApiserver::shared() else { return };
    let desk = Desk::new(server);
    let words = "federate --from-cluster --service-account shop/orders --identity orders --resource-group shop";
    let answer = desk.json(0, words);
    assert_eq!(answer["credential"]["issuer"], ISSUER, "{answer}");
    let text = desk.fails(1, &format!("{words} --issuer {ISSUER}/"));
    assert!(text.contains(&format!("has the issuer {ISSUER}, not {ISSUER}/")), "{text}");
}

#[test]
fn requested_token_has_the_audience_and_expires_soon() {
    let Some(server) = KubeApiserver::shared() else { return };
    server.create_namespace("library");
    server.create_service_account("library", "app");
    let desk = Desk::new(server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use issuer::kubernetes::{Cluster, ClusterOptions, TokenRequest};
        let cluster = Cluster::connect(&ClusterOptions::default().kubeconfig(&desk.kubeconfig)).await.unwrap();
        let request = TokenRequest::new("library/app".parse().unwrap()).audience("api://AzureADTokenExchange");
        let requested = cluster.request_token(&request).await.unwrap();
        let mut buffer = Vec::new();
        let token = Token::parse(requested.secret(), &mut buffer).unwrap();
        assert_eq!(token.claims.aud.unwrap(), ["api://AzureADTokenExchange"]);
        assert_eq!(token.claims.exp, requested.expires_at);
        assert_eq!(token.claims.exp.unwrap().duration_since(token.claims.iat.unwrap()).as_secs(), 600);
        assert!(!format!("{requested:?}{cluster:?}").contains("eyJ"));
        let issuer = cluster.issuer().await.unwrap();
        assert_eq!((issuer.issuer.as_str(), issuer.keys.len()), (ISSUER, 1));
        let uid = cluster.namespace_uid("kube-system").await.unwrap();
        assert_eq!(uid.len(), 36);
    });
}
