//! Python reads secrets, and each refusal of the vault is as documented.

use super::{CLIENT, OTHER, TENANT, World};
use crate::support::{
    issued_tokens::{Principal, object_id},
    key_vault::{AUDIENCE, PermissionModel},
    python::{lines, python},
    stand_in::Request,
};
use serde_json::{Value, json};

/// What the plain request and `SecretClient` get for a secret, once for each client ID.
fn read_secret(world: &World, client_ids: &[&str], secret: &str) -> Vec<String> {
    let pods = client_ids.iter().map(|client_id| {
        let mut pod = world.pod(client_id);
        pod.extend([("VAULT_URL", world.azure.vault_url()), ("SECRET", secret.to_owned())]);
        serde_json::to_value(pod).unwrap()
    });
    let mut program = python("read_secret.py");
    program.env("REQUESTS_CA_BUNDLE", world.ca_file()).env("SSL_CERT_FILE", world.ca_file());
    lines(&mut program, &pods.collect::<Vec<_>>())
}

#[test]
fn python_reads_a_secret_with_the_token_of_a_pod() {
    let world = World::new();
    let vault = &world.azure.vault;
    vault.set("greeting", "an older value", None);
    let version = vault.set("greeting", "Hello!", Some("text/plain"));
    vault.permit(&object_id(CLIENT));
    let answers = read_secret(&world, &[CLIENT, OTHER], "greeting");
    let body: Value = serde_json::from_str(answers[0].strip_prefix("200 ").unwrap()).unwrap();
    assert_eq!((&body["value"], &body["contentType"]), (&json!("Hello!"), &json!("text/plain")));
    assert_eq!(body["id"], format!("https://contoso.vault.azure.net/secrets/greeting/{version}"));
    assert_eq!(answers[1], format!("Hello! {version} text/plain"));
    assert!(answers[2].starts_with("403 ") && answers[2].contains("\"innererror\":{\"code\":\"ForbiddenByRbac\"}"));
    assert!(answers[3].starts_with("error 403 (Forbidden) Caller is not authorized"), "{}", answers[3]);
    // SecretClient sends its first request without a token, and keeps the challenge of the vault.
    let requests = world.azure.vault_requests();
    assert_eq!(requests.iter().filter(|request| request.bearer().is_none()).count(), 1);
    assert_eq!((requests.len(), vault.requests()), (5, 5));

    let missing = read_secret(&world, &[CLIENT], "no-such-secret");
    assert!(missing[0].starts_with("404 ") && missing[0].contains("SecretNotFound"), "{missing:?}");
    assert!(missing[1].starts_with("error 404 (SecretNotFound) A secret with (name/id)"), "{missing:?}");
    assert!(world.azure.controls.exchanges() > 0);
}

/// The vault's answer to a request with this token: the status, the challenge, and the error.
fn get(world: &World, token: Option<&str>) -> (u16, String, Value) {
    let header = token.map(|token| ("authorization".to_owned(), format!("Bearer {token}")));
    let request = Request {
        method: "GET".to_owned(),
        origin: world.azure.vault_url(),
        path: "/secrets/greeting".to_owned(),
        query: vec![("api-version".to_owned(), "7.4".to_owned())],
        headers: header.into_iter().collect(),
        body: Vec::new(),
    };
    let response = world.azure.vault.handler()(&request);
    let challenge = response.headers.iter().find(|(name, _)| name == "WWW-Authenticate");
    let challenge = challenge.map(|(_, value)| value.clone()).unwrap_or_default();
    (response.status, challenge, serde_json::from_slice::<Value>(&response.body).unwrap()["error"].clone())
}

#[test]
fn each_key_vault_refusal_has_its_code() {
    let world = World::new();
    let (vault, tokens) = (&world.azure.vault, &world.azure.controls.tokens);
    vault.set("greeting", "Hello!", None);
    let app = Principal::app(TENANT, CLIENT);
    let other_tenant = Principal::app("11111111-1111-4111-8111-111111111111", CLIENT);
    let vault_token = |principal: &Principal, age| tokens.issue(principal, AUDIENCE, 3599, age);
    let china = tokens.issue(&app, "https://vault.azure.cn", 3599, 0);
    let cases = [
        (None, "AKV10000: Request is missing a Bearer or PoP token."),
        (Some("abc".to_owned()), "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'."),
        (Some(vault_token(&app, 3600)), "[TokenExpired] Error validating token: 'S2S12086'."),
        (Some(china), "AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://vault.azure.cn."),
        (
            Some(vault_token(&other_tenant, 0)),
            "AKV10032: Invalid issuer. Expected one of https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/, \
             found https://sts.windows.net/11111111-1111-4111-8111-111111111111/.",
        ),
    ];
    for (token, message) in cases {
        let (status, challenge, error) = get(&world, token.as_deref());
        assert_eq!((status, &error["code"], &error["message"]), (401, &json!("Unauthorized"), &json!(message)));
        let expected = format!(
            "Bearer authorization=\"https://login.microsoftonline.com/{TENANT}\", resource=\"https://vault.azure.net\""
        );
        assert_eq!(challenge, expected);
    }
    let good = vault_token(&app, 0);
    let inner = |world: &World| get(world, Some(&good)).2["innererror"]["code"].clone();
    assert_eq!(inner(&world), "ForbiddenByRbac");
    vault.use_model(PermissionModel::AccessPolicies);
    let (status, challenge, error) = get(&world, Some(&good));
    assert_eq!((status, challenge.as_str(), &error["innererror"]["code"]), (403, "", &json!("AccessDenied")));
    let message = error["message"].as_str().unwrap();
    let caller = format!("'appid={CLIENT};oid={};iss=https://sts.windows.net/{TENANT}/'", object_id(CLIENT));
    assert!(message.contains(&caller) && message.contains("does not have secrets get permission on key vault"));

    // A role assignment that has not reached the vault yet.
    vault.use_model(PermissionModel::Roles);
    vault.permit_after(&object_id(CLIENT), 2);
    let statuses: Vec<_> = (0..4).map(|_| get(&world, Some(&good)).0).collect();
    assert_eq!(statuses, [403, 403, 200, 200]);
    vault.block_network();
    assert_eq!(inner(&world), "ForbiddenByFirewall");
}
