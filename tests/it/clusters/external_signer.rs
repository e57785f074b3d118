//! An API server with an external signer (KEP-740), whose key IDs are no hashes of keys.

use serde_json::{Value, json};

use super::Desk;
use crate::support::{
    api_server_stand_in::{ADMIN, ApiServerStandIn, JWKS, KID, jwks, long_kid},
    segment,
    signer::ISSUER,
    stand_in::Response,
};

fn kids(text: &[u8]) -> Vec<String> {
    let jwks: Value = serde_json::from_slice(text).unwrap();
    jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn key_ids_of_the_signer_reach_the_published_documents() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    let expected = [KID.to_owned(), long_kid()];
    let printed: Value = serde_json::from_str(&desk.succeeds("jwks --from-cluster")).unwrap();
    assert_eq!(printed, jwks(), "each member is that of the API server");
    desk.succeeds("publish --from-cluster --directory site");
    assert_eq!(kids(&std::fs::read(desk.path().join("site/openid/v1/jwks")).unwrap()), expected);
    let again = desk.json(0, "publish --from-cluster --directory site");
    assert_eq!(again["changed"], json!(false));
    let status = desk.json(0, "status --from-cluster --directory site --published site");
    assert_eq!(status["api_server"]["drift"], json!([]));
    let compared: Vec<_> = status["api_server"]["keys"].as_array().unwrap().iter().map(|key| &key["kid"]).collect();
    assert_eq!(compared, expected.each_ref());
    let seen = server.requests().iter().all(|request| request.bearer() == Some(ADMIN));
    assert!(seen, "each request has the credentials of the user");
}

#[test]
fn token_with_the_key_id_of_the_signer_is_accepted() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    desk.succeeds("publish --from-cluster --directory site");
    let verify = "verify --from-cluster --service-account shop/orders --published site";
    let answer = desk.json(0, verify);
    assert_eq!(answer["verdict"], "accepted", "{answer:#}");
    assert_eq!(answer["checks"][0]["seen"], format!("RS256, kid {KID}"), "{answer:#}");
    assert_eq!(answer["warnings"], json!([]), "the claims of the node and the pod are no fault");
    let token = &server.tokens()[0];
    assert_eq!((&segment(token, 0)["kid"], &segment(token, 0)["typ"]), (&json!(KID), &json!("JWT")));
    assert!(segment(token, 1)["kubernetes.io"]["node"].is_object());
    let text = desk.succeeds(verify);
    assert!(!text.contains(token.rsplit('.').next().unwrap()), "{text}");
}

#[test]
fn key_id_of_a_replaced_key_is_reused_only_on_request() {
    let server = ApiServerStandIn::new(ISSUER);
    let desk = Desk::with(&server.kubeconfig());
    desk.succeeds("publish --from-cluster --directory site");
    let mut reused = jwks();
    let (first, second) = (reused["keys"][0]["n"].clone(), reused["keys"][1]["n"].clone());
    (reused["keys"][0]["n"], reused["keys"][1]["n"]) = (second.clone(), first);
    reused["keys"].as_array_mut().unwrap().truncate(1);
    server.replace(JWKS, Response::json(200, reused));
    let text = desk.fails(1, "publish --from-cluster --directory site");
    assert!(text.contains("another key with the key ID \"kms-2026-11/1\" is published"), "{text}");
    assert!(text.contains("hint: ") && text.contains("pass --remove kms-2026-11/1"), "{text}");
    let answer = desk.json(0, "publish --from-cluster --directory site --remove kms-2026-11/1");
    let states: Vec<_> = answer["keys"].as_array().unwrap().iter().map(|key| (&key["kid"], &key["state"])).collect();
    let (kid, other) = (json!(KID), json!(long_kid()));
    assert_eq!(states, [(&kid, &json!("added")), (&kid, &json!("removed")), (&other, &json!("retired"))], "{answer:#}");
    let site: Value = serde_json::from_slice(&std::fs::read(desk.path().join("site/openid/v1/jwks")).unwrap()).unwrap();
    assert_eq!(site["keys"][0]["n"], second);
}
