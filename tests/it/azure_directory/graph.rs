//! Federated identity credentials of applications in Microsoft Graph.

use super::{APPLICATION, Azure, ISSUER, JSON, OBJECT, SUBJECT, TENANT, code, members, message};
use crate::support::{
    arm_answer::throttled, azure_controls::Fault, azure_credential::Credential, entra::access_token, https_client::send,
};
use serde_json::{Value, json};

fn body(name: &str, subject: &str) -> Value {
    let audiences = ["api://AzureADTokenExchange"];
    json!({ "name": name, "issuer": ISSUER, "subject": subject, "audiences": audiences, "description": "A shop" })
}

fn credentials() -> String {
    format!("/applications/{OBJECT}/federatedIdentityCredentials")
}

#[test]
fn application_is_found_by_its_ids() {
    let azure = Azure::new();
    azure.directory.add_application("other", "other-object", "Other");
    let filter = format!("/applications?$filter=appId%20eq%20'{APPLICATION}'&$select=id,appId");
    let (status, list) = azure.graph("GET", &filter, &Value::Null);
    assert_eq!((status, &list["value"]), (200, &json!([{ "id": OBJECT, "appId": APPLICATION }])));
    let keys = [format!("(appId='{APPLICATION}')"), format!("%28appId%3D%27{APPLICATION}%27%29"), format!("/{OBJECT}")];
    for key in keys {
        let (status, application) = azure.graph("GET", &format!("/applications{key}"), &Value::Null);
        assert_eq!((status, &application["displayName"]), (200, &json!("Shop")), "{application}");
    }
    let (_, none) = azure.graph("GET", "/applications?$filter=appId+eq+'unknown'", &Value::Null);
    assert_eq!(none["value"], json!([]));
    // The application ID is not the object ID.
    for path in [format!("/applications/{APPLICATION}"), format!("/applications(appId='{OBJECT}')")] {
        let (status, body) = azure.graph("GET", &path, &Value::Null);
        assert_eq!((status, code(&body)), (404, "Request_ResourceNotFound"), "{body}");
    }
    let (status, body) = azure.graph("GET", "/applications?$filter=name+eq+'x'", &Value::Null);
    assert_eq!((status, code(&body)), (400, "Request_UnsupportedQuery"));
}

#[test]
fn credential_of_an_application_is_changed() {
    let azure = Azure::new();
    let list = credentials();
    let (status, created) = azure.graph("POST", &list, &body("shop", SUBJECT));
    assert_eq!((status, &created["description"]), (201, &json!("A shop")), "{created}");
    let id = created["id"].as_str().unwrap();
    for key in [format!("{list}/{id}"), format!("{list}/shop"), format!("{list}(name='shop')")] {
        let (status, found) = azure.graph("GET", &key, &Value::Null);
        assert_eq!((status, &found["subject"]), (200, &json!(SUBJECT)), "{key}");
    }
    assert_eq!(azure.graph("PATCH", &format!("{list}/{id}"), &json!({ "subject": "other" })), (204, Value::Null));
    let changed = Credential::new("shop", ISSUER, "other").described("A shop");
    assert_eq!(azure.directory.credentials(APPLICATION), [changed]);
    assert_eq!(azure.directory.controls().overwrites().len(), 1);

    let upsert = format!("{}/v1.0{list}(name='new')", azure.graph.url());
    let headers = [&format!("Authorization: Bearer {}", azure.graph_token), JSON, "Prefer: create-if-missing"];
    let values = json!({ "issuer": ISSUER, "subject": "new", "audiences": ["a"] }).to_string();
    let found = [(); 2].map(|()| send(&azure.authority, "PATCH", &upsert, &headers, &values).0);
    assert_eq!(found, [201, 204]);
    assert_eq!(azure.graph("DELETE", &format!("{list}/new"), &Value::Null).0, 204);
    assert_eq!(azure.graph("DELETE", &format!("{list}/new"), &Value::Null).0, 404);
}

#[test]
fn each_rejected_request_has_its_code() {
    let azure = Azure::new();
    let list = credentials();
    azure.directory.add_credential(APPLICATION, Credential::new("shop", ISSUER, SUBJECT));
    azure.directory.add_credential(APPLICATION, Credential::new("other", ISSUER, "other"));
    let audiences = |audiences: Value| json!({ "name": "new", "issuer": "i", "subject": "s", "audiences": audiences });
    let invalid = "InvalidFederatedIdentityCredentialValue";
    let cases = [
        ("POST", "", body("shop", "new"), 409, "Request_MultipleObjectsWithSameKeyValue", "name shop already exists"),
        ("POST", "", body("new", SUBJECT), 400, invalid, "combination of issuer and subject must be unique"),
        ("PATCH", "/other", json!({ "subject": SUBJECT }), 400, invalid, "must be unique"),
        ("PATCH", "/other", json!({ "name": "new" }), 400, "Request_BadRequest", "'name'"),
        ("POST", "", audiences(json!(["a", "b"])), 400, invalid, "one audience"),
        ("POST", "", audiences(Value::Null), 400, invalid, "audiences"),
        ("POST", "", body("a/b", "new"), 400, invalid, "URL friendly"),
        ("POST", "", body("new", &"s".repeat(601)), 400, invalid, "600"),
        ("POST", "", json!(1), 400, "BadRequest", "payload"),
        ("PATCH", "/none", json!({}), 404, "Request_ResourceNotFound", "'none'"),
    ];
    for (method, rest, body, status, expected, part) in cases {
        let (found, answer) = azure.graph(method, &format!("{list}{rest}"), &body);
        assert_eq!((found, code(&answer)), (status, expected), "{answer}");
        assert!(message(&answer).contains(part), "{answer}");
    }
    for number in 2..20 {
        azure
            .directory
            .add_credential(APPLICATION, Credential::new(&format!("fic{number}"), "i", &format!("s{number}")));
    }
    assert_eq!(azure.graph("POST", &list, &body("new", "new")).0, 400);
    assert!(azure.directory.controls().changes().is_empty());
}

#[test]
fn list_of_credentials_is_paged_and_filtered() {
    let azure = Azure::new();
    let names = ["fic0", "fic1", "fic2"];
    for name in names {
        azure.directory.add_credential(APPLICATION, Credential::new(name, ISSUER, name));
    }
    azure.directory.controls().page(2);
    let (_, first) = azure.graph("GET", &credentials(), &Value::Null);
    let next = first["@odata.nextLink"].as_str().unwrap().split_once("/v1.0").unwrap().1;
    let (_, second) = azure.graph("GET", next, &Value::Null);
    assert_eq!([members(&first, "name"), members(&second, "name")].concat(), names);
    assert!(second.get("@odata.nextLink").is_none());
    for property in ["name", "subject"] {
        let filter = format!("{}?$filter={property}%20eq%20'fic1'", credentials());
        assert_eq!(members(&azure.graph("GET", &filter, &Value::Null).1, "name"), ["fic1"]);
    }
}

#[test]
fn graph_checks_token_and_permission_and_throttles() {
    let azure = Azure::new();
    let url = format!("{}/v1.0{}", azure.graph.url(), credentials());
    let other = format!("Authorization: Bearer {}", access_token(TENANT, "https://management.azure.com"));
    for header in ["X: y", "Authorization: Bearer x", &other] {
        let (status, _, body) = send(&azure.authority, "GET", &url, &[header], "");
        assert_eq!((status, code(&body)), (401, "InvalidAuthenticationToken"), "{body}");
    }
    let own = format!("Authorization: Bearer {}", azure.graph_token);
    let (status, _, answer) = send(&azure.authority, "POST", &url, &[&own], &body("shop", SUBJECT).to_string());
    assert!(status == 400 && message(&answer).contains("Content-Type"), "{answer}");
    let controls = azure.directory.controls();
    controls.forbid("microsoft.directory/applications/credentials/update");
    let (status, answer) = azure.graph("POST", &credentials(), &body("shop", SUBJECT));
    assert_eq!((status, code(&answer)), (403, "Authorization_RequestDenied"));
    assert_eq!(azure.graph("GET", &credentials(), &Value::Null).0, 200);
    controls.permit_all();
    controls.fail_write(Fault::Answer(throttled(3)));
    let answers = [(); 2].map(|()| azure.graph("POST", &credentials(), &body("shop", SUBJECT)).0);
    assert_eq!(answers, [429, 201]);
}
