//! Storage accounts and clusters in Azure Resource Manager.

use super::{Azure, SUBSCRIPTION, code, members, message};
use crate::support::arm::StorageAccount;
use serde_json::{Value, json};

const VERSION: &str = "api-version=2023-05-01";

fn account(name: &str) -> String {
    format!("/resourceGroups/clusters/providers/Microsoft.Storage/storageAccounts/{name}?{VERSION}")
}

fn parameters() -> Value {
    json!({
        "sku": { "name": "Standard_LRS" },
        "kind": "StorageV2",
        "location": "westeurope",
        "properties": { "allowBlobPublicAccess": false, "minimumTlsVersion": "TLS1_2" },
    })
}

#[test]
fn storage_account_is_created_after_polling() {
    let azure = Azure::new();
    azure.directory.add_resource_group(SUBSCRIPTION, "clusters");
    azure.directory.set_endpoints(|name| (format!("https://{name}.web/"), format!("https://{name}.blob/")));
    azure.directory.controls().polls(2);
    let (status, head, _) = azure.try_arm("PUT", &account("issuerkeys"), &parameters()).unwrap();
    assert_eq!(status, 202);
    let location = head.lines().find_map(|line| line.strip_prefix("Location: ")).unwrap();
    let location = location.split_once(SUBSCRIPTION).unwrap().1;
    let (_, found) = azure.arm("GET", &account("issuerkeys"), &Value::Null);
    assert_eq!(found["properties"]["provisioningState"], "Creating");
    let (status, answer) = azure.arm("PUT", &account("issuerkeys"), &parameters());
    assert_eq!((status, code(&answer)), (409, "StorageAccountOperationInProgress"));
    for _ in 0..2 {
        assert_eq!(azure.arm("GET", location, &Value::Null).0, 202);
    }
    let (status, created) = azure.arm("GET", location, &Value::Null);
    assert_eq!((status, &created["properties"]["primaryEndpoints"]["web"]), (200, &json!("https://issuerkeys.web/")));

    let list = format!("/providers/Microsoft.Storage/storageAccounts?{VERSION}");
    assert_eq!(members(&azure.arm("GET", &list, &Value::Null).1, "name"), ["issuerkeys"]);
    assert_eq!(azure.arm("PUT", &account("issuerkeys"), &parameters()), (200, created));
    assert!(azure.directory.controls().overwrites().is_empty());
    let stored = azure.directory.accounts(SUBSCRIPTION);
    assert_eq!(
        (stored[0].blob.as_str(), stored[0].properties()),
        ("https://issuerkeys.blob/", &parameters()["properties"])
    );
}

#[test]
fn storage_account_is_created_without_polling() {
    let azure = Azure::new();
    azure.directory.add_resource_group(SUBSCRIPTION, "clusters");
    assert_eq!(azure.arm("PUT", &account("issuerkeys"), &parameters()).0, 202);
    let state = || azure.arm("GET", &account("issuerkeys"), &Value::Null).1["properties"]["provisioningState"].clone();
    assert_eq!([state(), state(), state()], ["Creating", "Succeeded", "Succeeded"]);
}

#[test]
fn each_invalid_account_has_its_documented_error() {
    let azure = Azure::new();
    azure.directory.add_account(SUBSCRIPTION, StorageAccount::new("elsewhere", "other", "https://web/"));
    azure.directory.add_account(SUBSCRIPTION, StorageAccount::new("issuerkeys", "clusters", "https://web/"));
    azure.directory.take_account_name("taken");
    let with = |name: &str, value: Value| {
        let mut parameters = parameters();
        parameters[name] = value;
        parameters
    };
    let cases = [
        (account("taken"), parameters(), 409, "StorageAccountAlreadyTaken"),
        (account("elsewhere"), parameters(), 409, "StorageAccountInAnotherResourceGroup"),
        (account("issuerkeys"), with("location", json!("North Europe")), 409, "InvalidResourceLocation"),
        (account("Issuer-Keys"), parameters(), 400, "AccountNameInvalid"),
        (account("new"), with("location", Value::Null), 400, "LocationRequired"),
        (account("new"), with("kind", json!("Storage")), 400, "InvalidRequestPropertyValue"),
        (account("new"), with("sku", json!({ "name": "Cheap" })), 400, "InvalidRequestPropertyValue"),
        (account("new"), Value::Null, 400, "InvalidRequestContent"),
        (account("new").replace("clusters", "none"), parameters(), 404, "ResourceGroupNotFound"),
    ];
    for (path, body, status, expected) in cases {
        let (found, answer) = azure.arm("PUT", &path, &body);
        assert_eq!((found, code(&answer)), (status, expected), "{path}: {answer}");
    }
    assert!(azure.directory.controls().changes().is_empty());
    azure.directory.controls().forbid("Microsoft.Storage/storageAccounts/write");
    let (status, answer) = azure.arm("PUT", &account("new"), &parameters());
    assert!(status == 403 && message(&answer).contains("'Microsoft.Storage/storageAccounts/write'"), "{answer}");
}

#[test]
fn name_of_an_account_is_checked() {
    let azure = Azure::new();
    azure.directory.add_account(SUBSCRIPTION, StorageAccount::new("issuerkeys", "clusters", "https://web/"));
    let path = format!("/providers/Microsoft.Storage/checkNameAvailability?{VERSION}");
    let check =
        |name: &str| azure.arm("POST", &path, &json!({ "name": name, "type": "Microsoft.Storage/storageAccounts" })).1;
    assert_eq!(check("new"), json!({ "nameAvailable": true }));
    assert_eq!(check("issuerkeys")["reason"], "AlreadyExists");
    assert_eq!(check("Issuer-Keys")["reason"], "AccountNameInvalid");
}

#[test]
fn cluster_shows_its_issuer_if_it_is_enabled() {
    let azure = Azure::new();
    let issuer = "https://westeurope.oic.prod-aks.azure.com/tenant/id/";
    azure.directory.add_cluster(SUBSCRIPTION, "clusters", "shop", Some(issuer), true);
    azure.directory.add_cluster(SUBSCRIPTION, "clusters", "old", None, false);
    let get = |name: &str| {
        let clusters = "/resourceGroups/Clusters/providers/Microsoft.ContainerService/managedClusters";
        azure.arm("GET", &format!("{clusters}/{name}?api-version=2025-01-01"), &Value::Null)
    };
    let (_, shop) = get("shop");
    assert_eq!(shop["properties"]["oidcIssuerProfile"], json!({ "enabled": true, "issuerURL": issuer }));
    assert_eq!(shop["properties"]["securityProfile"]["workloadIdentity"]["enabled"], true);
    assert_eq!(get("old").1["properties"]["oidcIssuerProfile"], json!({ "enabled": false }));
    let (status, answer) = get("none");
    assert_eq!((status, code(&answer)), (404, "ResourceNotFound"));
}

#[test]
fn clusters_are_listed_by_subscription_and_group() {
    let azure = Azure::new();
    azure.directory.add_cluster(SUBSCRIPTION, "clusters", "shop", None, false);
    azure.directory.add_cluster(SUBSCRIPTION, "others", "old", None, false);
    let list = |scope: &str| {
        let path = format!("{scope}/providers/Microsoft.ContainerService/managedClusters?api-version=2025-01-01");
        azure.arm("GET", &path, &Value::Null)
    };
    assert_eq!(members(&list("").1, "name"), ["shop", "old"]);
    assert_eq!(members(&list("/resourceGroups/Others").1, "name"), ["old"]);
    let (status, answer) = list("/resourceGroups/none");
    assert_eq!((status, code(&answer)), (404, "ResourceGroupNotFound"));
}

#[test]
fn resource_group_has_a_location() {
    let azure = Azure::new();
    let get = |group: &str| azure.arm("GET", &format!("/resourcegroups/{group}?api-version=2021-04-01"), &Value::Null);
    assert_eq!(get("Identities").1["location"], "westeurope");
    let (status, answer) = get("none");
    assert_eq!((status, code(&answer)), (404, "ResourceGroupNotFound"));
}
