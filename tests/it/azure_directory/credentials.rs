//! Federated identity credentials of managed identities in Azure Resource Manager.

use std::thread;

use super::{
    APPLICATION, Azure, CLIENT, ISSUER, OBJECT, PRINCIPAL, SUBJECT, SUBSCRIPTION, TENANT, code, members, message, path,
    properties,
};
use crate::support::{
    arm_identities::concurrent_write,
    azure_credential::Credential,
    entra::access_token,
    entra_controls::EntraControls,
    https_client::send,
    internet::Internet,
    signer::{ENTRA, claims, signer, with},
    stand_in::{Response, StandIn},
    token_endpoint::controlled_token_endpoint,
};
use issuer::{Documents, Timestamp};
use serde_json::{Value, json};

const IDENTITIES: &str = "/providers/Microsoft.ManagedIdentity/userAssignedIdentities";

#[test]
fn credential_is_created_updated_and_deleted() {
    let azure = Azure::new();
    let (status, created) = azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT));
    assert_eq!(status, 201, "{created}");
    assert_eq!(created["name"], "shop");
    assert_eq!(created["properties"], properties(ISSUER, SUBJECT)["properties"]);
    assert_eq!(azure.credential("GET", "SHOP", &Value::Null), (200, created.clone()));
    assert_eq!(azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT)), (200, created));
    assert!(azure.directory.controls().overwrites().is_empty());
    assert_eq!(azure.credential("PUT", "shop", &properties(ISSUER, "other")).0, 200);
    assert_eq!(azure.directory.credentials(CLIENT), [Credential::new("shop", ISSUER, "other")]);
    assert_eq!(azure.credential("DELETE", "shop", &Value::Null).0, 200);
    assert_eq!(azure.credential("DELETE", "shop", &Value::Null).0, 204);
    assert_eq!(azure.credential("GET", "shop", &Value::Null).0, 404);

    let controls = azure.directory.controls();
    let changes = controls.changes();
    assert_eq!(changes.len(), 4, "{changes:?}");
    assert!(changes[0].is_creation() && changes[3].is_deletion());
    assert!(changes[0].resource.ends_with("/userAssignedIdentities/orders/federatedIdentityCredentials/shop"));
    assert_eq!(controls.overwrites().len(), 1);
    assert_eq!((controls.count("PUT"), controls.count("DELETE"), controls.count("GET")), (3, 2, 2));
}

#[test]
fn each_invalid_credential_has_its_documented_error() {
    let azure = Azure::new();
    azure.directory.add_credential(CLIENT, Credential::new("first", ISSUER, SUBJECT));
    azure.directory.add_identity(SUBSCRIPTION, "identities", "far", "far", "far");
    azure.directory.locate_identity("far", "malaysiasouth");
    azure.directory.controls().disable_credentials_in("malaysiasouth");
    let good = properties(ISSUER, "other");
    let audiences =
        |audiences: Value| json!({ "properties": { "issuer": "i", "subject": "s", "audiences": audiences } });
    let cases = [
        (path("x"), good.clone(), 400, "Federated Identity Credential name 'x' is invalid."),
        (path("-dash"), good.clone(), 400, "Federated Identity Credential name '-dash' is invalid."),
        (path("new"), json!({}), 400, "Federated Identity Credential from HTTP body has empty properties"),
        (path("new"), json!({ "properties": {} }), 400, "has empty properties"),
        (
            path("new"),
            json!({ "properties": { "issuer": "i" } }),
            400,
            "must specify 'issuer', 'subject' and 'audience'",
        ),
        (path("new"), audiences(json!([])), 400, "must have exactly one audience."),
        (path("new"), audiences(json!(["a", "b"])), 400, "must have exactly one audience."),
        (path("new"), properties(ISSUER, &"s".repeat(601)), 400, "600"),
        (path("new"), properties(ISSUER, SUBJECT), 400, "Issuer and subject combination already exists"),
        (path("new").replace("orders", "none"), good.clone(), 404, "The parent user-assigned identity doesn't exist."),
        (path("new").replace("/identities/", "/none/"), good.clone(), 404, "Resource group 'none' could not be found."),
        (path("new").replace("orders", "far"), good, 405, "Support for federated identity credentials not enabled."),
    ];
    for (path, body, status, part) in cases {
        let (found, answer) = azure.arm("PUT", &path, &body);
        assert_eq!(found, status, "{path} {body}: {answer}");
        assert!(message(&answer).contains(part), "{path} {body}: {answer}");
    }
    assert!(azure.directory.controls().changes().is_empty());
}

#[test]
fn identity_has_at_most_20_credentials() {
    let azure = Azure::new();
    for number in 0..20 {
        azure.directory.add_credential(CLIENT, Credential::new(&format!("fic{number}"), ISSUER, &format!("s{number}")));
    }
    assert_eq!(azure.credential("PUT", "another", &properties(ISSUER, SUBJECT)).0, 400);
    assert_eq!(azure.credential("PUT", "fic7", &properties(ISSUER, SUBJECT)).0, 200);
    azure.directory.remove_credential(CLIENT, "fic7");
    assert_eq!(azure.credential("PUT", "another", &properties(ISSUER, SUBJECT)).0, 201);
}

#[test]
fn lists_are_paged_by_next_link_and_top() {
    let azure = Azure::new();
    let names = ["fic0", "fic1", "fic2", "fic3", "fic4"];
    for name in names {
        azure.directory.add_credential(CLIENT, Credential::new(name, ISSUER, name));
    }
    azure.directory.add_identity(SUBSCRIPTION, "elsewhere", "payments", "payments", "payments");
    azure.directory.controls().page(3);
    for (query, pages) in [("", 2), ("?$top=2", 3), ("?%24top=5", 2)] {
        let mut url = Some(format!("{}{query}", path("")));
        let mut found = Vec::new();
        for _ in 0..pages {
            let (status, list) = azure.arm("GET", &url.unwrap(), &Value::Null);
            assert_eq!(status, 200, "{list}");
            found.extend(members(&list, "name").into_iter().map(str::to_owned));
            url = list["nextLink"].as_str().map(|link| link.split_once(SUBSCRIPTION).unwrap().1.to_owned());
        }
        assert_eq!((found, url), (names.map(str::to_owned).into(), None), "{query}");
    }
    assert_eq!(azure.arm("GET", &format!("{}?$top=0", path("")), &Value::Null).0, 400);

    let (_, list) = azure.arm("GET", IDENTITIES, &Value::Null);
    assert_eq!(members(&list, "name"), ["orders", "payments"]);
    let (_, list) = azure.arm("GET", &format!("/resourceGroups/elsewhere{IDENTITIES}"), &Value::Null);
    assert_eq!(members(&list, "name"), ["payments"]);
    let (_, identity) = azure.arm("GET", &format!("/resourceGroups/identities{IDENTITIES}/orders"), &Value::Null);
    let properties = json!({ "clientId": CLIENT, "principalId": PRINCIPAL, "tenantId": TENANT });
    assert_eq!((&identity["properties"], &identity["location"]), (&properties, &json!("westeurope")));
    let (status, answer) = azure.arm("GET", &format!("/resourceGroups/identities{IDENTITIES}/none"), &Value::Null);
    assert_eq!((status, code(&answer)), (404, "ResourceNotFound"));
    azure.directory.remove_identity("payments");
    assert_eq!(members(&azure.arm("GET", IDENTITIES, &Value::Null).1, "name"), ["orders"]);
}

#[test]
fn token_version_role_and_policy_are_checked() {
    let azure = Azure::new();
    let url =
        |version: &str| format!("{}/subscriptions/{SUBSCRIPTION}{}?api-version={version}", azure.arm.url(), path(""));
    let token = |tenant, audience| format!("Authorization: Bearer {}", access_token(tenant, audience));
    let arm = "https://management.azure.com/";
    let cases = [
        ("X: y".to_owned(), "2023-01-31", 401, "AuthenticationFailed"),
        (token(TENANT, "https://graph.microsoft.com"), "2023-01-31", 401, "InvalidAuthenticationTokenAudience"),
        (token("other", arm), "2023-01-31", 401, "InvalidAuthenticationTokenTenant"),
        (token(TENANT, arm), "2022-12-01", 400, "NoRegisteredProviderFound"),
        (token(TENANT, arm), "latest", 400, "InvalidApiVersionParameter"),
        (token(TENANT, arm), "2023-01-31", 200, ""),
    ];
    for (header, version, status, expected) in cases {
        let (found, _, body) = send(&azure.authority, "GET", &url(version), &[&header], "");
        assert_eq!((found, code(&body)), (status, expected), "{body}");
    }
    let put = url("2024-11-30").replace('?', "/shop?");
    let (status, _, body) = send(&azure.authority, "PUT", &put, &[&token(TENANT, arm)], "{}");
    assert_eq!((status, code(&body)), (415, "UnsupportedMediaType"));
    azure.directory.add_subscription("22222222-2222-3333-4444-555555555555");
    azure.directory.add_foreign_subscription("99999999-2222-3333-4444-555555555555", "other");
    let subscriptions = format!("{}/subscriptions?api-version=2022-12-01", azure.arm.url());
    let (_, _, list) = send(&azure.authority, "GET", &subscriptions, &[&token(TENANT, arm)], "");
    assert_eq!(members(&list, "subscriptionId"), [SUBSCRIPTION, "22222222-2222-3333-4444-555555555555"]);

    let controls = azure.directory.controls();
    let action = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write";
    controls.forbid(action);
    let (status, body) = azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT));
    assert_eq!((status, code(&body)), (403, "AuthorizationFailed"));
    assert!(message(&body).contains(&format!("perform action '{action}' over scope '/subscriptions/{SUBSCRIPTION}")));
    assert_eq!(azure.credential("GET", "", &Value::Null).0, 200);
    controls.permit_all();

    controls.allow_only_issuers(&["https://allowed.example.com"]);
    let (status, body) = azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT));
    assert_eq!((status, code(&body), &body["error"]["target"]), (403, "RequestDisallowedByPolicy", &json!("shop")));
    assert!(message(&body).contains("2571b7c3-3056-4a61-b00a-9bc5232234f5"), "{body}");
    assert_eq!(body["error"]["additionalInfo"][0]["info"]["policyDefinitionEffect"], "deny");
    assert_eq!(azure.credential("PUT", "shop", &properties("https://allowed.example.com", SUBJECT)).0, 201);
}

#[test]
fn second_write_in_flight_is_a_conflict() {
    let azure = Azure::new();
    azure.directory.add_identity(SUBSCRIPTION, "identities", "payments", "payments", "payments");
    let controls = azure.directory.controls();
    controls.hold_writes();
    thread::scope(|scope| {
        let first = scope.spawn(|| azure.credential("PUT", "first", &properties(ISSUER, "first")));
        controls.wait_for_held(1);
        let (status, body) = azure.credential("PUT", "second", &properties(ISSUER, "second"));
        assert_eq!((status, code(&body)), (409, code_of(&concurrent_write("x")).as_str()), "{body}");
        assert_eq!(azure.credential("DELETE", "first", &Value::Null).0, 409);
        // Writes to another identity are independent.
        let other =
            scope.spawn(|| azure.arm("PUT", &path("first").replace("orders", "payments"), &properties("i", "s")));
        controls.wait_for_held(2);
        controls.release();
        assert_eq!((first.join().unwrap().0, other.join().unwrap().0), (201, 201));
    });
    assert_eq!(azure.credential("PUT", "second", &properties(ISSUER, "second")).0, 201);
}

fn code_of(response: &Response) -> String {
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    code(&body).to_owned()
}

#[test]
fn rates_follow_the_clock_of_the_test() {
    let azure = Azure::new();
    let controls = azure.directory.controls();
    controls.limit_rates();
    let put = |name: &str| azure.try_arm("PUT", &path(name), &properties(ISSUER, name)).unwrap();
    assert_eq!(put("first").0, 201);
    let (status, head, body) = put("second");
    assert_eq!((status, code(&body)), (429, "TooManyRequests"));
    assert!(head.contains("Retry-After: 4"), "{head}");
    controls.advance(3);
    assert!(put("second").1.contains("Retry-After: 1"));
    assert_eq!(azure.credential("GET", "first", &Value::Null).0, 200);
    controls.advance(1);
    assert_eq!(put("second").0, 201);
    controls.retry_after(0);
    let (status, head, _) = put("third");
    assert!(status == 429 && head.contains("Retry-After: 0"), "{head}");
    assert_eq!(put("third").0, 201);
}

#[test]
fn token_endpoint_sees_a_change_after_the_set_requests() {
    let azure = Azure::new();
    let documents = Documents::new(ISSUER.parse().unwrap(), &signer().keys);
    let site = StandIn::https(&azure.authority, move |request| match request.path.as_str() {
        "/.well-known/openid-configuration" => Response::new(200, &[], documents.discovery.to_bytes()),
        _ => Response::new(200, &[], documents.jwks.to_bytes()),
    });
    let address = |server: &StandIn| server.url().trim_start_matches("https://").to_owned();
    let internet = Internet::new(&azure.authority, &[("issuer.example.com", &address(&site))]);
    let endpoint = controlled_token_endpoint(azure.directory.directory(), internet, EntraControls::default());
    let entra = StandIn::https(&azure.authority, endpoint);
    let pod = Internet::new(&azure.authority, &[("login.example.com", &address(&entra))]);
    let now = Timestamp::now().as_second();
    let claims = with(with(with(claims(), "sub", json!(SUBJECT)), "iat", json!(now)), "exp", json!(now + 3600));
    let assertion = signer().sign(&signer().header(), &with(claims, "nbf", json!(now)));
    let sign_in = |client_id: &str| {
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("scope", "https://vault.azure.net/.default"),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
        ];
        let answer = pod.post(&format!("https://login.example.com/{TENANT}/oauth2/v2.0/token"), &fields);
        (answer.status(), answer.text())
    };
    let controls = azure.directory.controls();
    azure.directory.add_credential(CLIENT, Credential::new("old", "https://old.example.com", SUBJECT));
    controls.propagate_after(2);
    assert_eq!(azure.credential("PUT", "shop", &properties(ISSUER, SUBJECT)).0, 201);
    for _ in 0..2 {
        let (status, answer) = sign_in(CLIENT);
        assert!(status == 401 && answer.contains("AADSTS700211"), "{answer}");
    }
    assert_eq!(sign_in(CLIENT).0, 200);
    controls.propagate_after(1);
    assert_eq!(azure.credential("DELETE", "shop", &Value::Null).0, 200);
    assert_eq!(sign_in(CLIENT).0, 200);
    assert!(sign_in(CLIENT).1.contains("AADSTS700211"));

    controls.propagate_after(0);
    let body = json!({ "name": "shop", "issuer": ISSUER, "subject": SUBJECT, "audiences": [ENTRA] });
    assert!(sign_in(APPLICATION).1.contains("AADSTS70025"));
    azure.graph("POST", &format!("/applications/{OBJECT}/federatedIdentityCredentials"), &body);
    assert_eq!(sign_in(APPLICATION).0, 200);
    azure.directory.remove_credential(APPLICATION, "shop");
    azure.directory.add_credential(APPLICATION, Credential::flexible("shop", ISSUER));
    assert!(sign_in(APPLICATION).1.contains("AADSTS7002241"));
}
