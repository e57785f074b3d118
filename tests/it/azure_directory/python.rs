//! Microsoft's clients for Python use the stand-ins.

use super::{APPLICATION, Azure, CLIENT, PRINCIPAL, SUBSCRIPTION};
use crate::support::python::{lines, python};
use serde_json::{Value, json};

#[test]
fn clients_of_the_azure_sdk_use_the_stand_ins() {
    let azure = Azure::new();
    azure.directory.add_resource_group(SUBSCRIPTION, "clusters");
    azure.directory.take_account_name("taken");
    let issuer = "https://westeurope.oic.prod-aks.azure.com/tenant/id/";
    azure.directory.add_cluster(SUBSCRIPTION, "clusters", "shop", Some(issuer), true);
    azure.directory.controls().page(2);
    let setting = json!({
        "subscription": SUBSCRIPTION,
        "application": APPLICATION,
        "arm": azure.arm.url(),
        "graph": azure.graph.url(),
        "armToken": azure.arm_token,
        "graphToken": azure.graph_token,
    });
    let mut script = python("azure_directory.py");
    let printed = lines(script.env("REQUESTS_CA_BUNDLE", azure.authority.ca_file()), &[setting]);
    let printed: Vec<Value> = printed.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let credential = |name: &str, issuer: &str, suffix: &str| {
        json!([name, issuer, format!("system:serviceaccount:shop:orders{suffix}"), ["api://A"]])
    };
    let expected = [
        json!([["orders", CLIENT]]),
        json!(PRINCIPAL),
        credential("first", "https://a.example.com", "x"),
        credential("second", "https://a.example.com", "xx"),
        credential("third", "https://a.example.com", "xxx"),
        json!([400, "BadRequest"]),
        json!(["first", "second", "third"]),
        json!(["first", "second", "third"]),
        credential("third", "https://b.example.com", "xxx"),
        json!([404, "ResourceNotFound"]),
        json!([404, "NotFound"]),
        json!(true),
        json!(["Succeeded", "https://issuerkeys.z6.web.core.windows.net/"]),
        json!("AlreadyExists"),
        json!(["issuerkeys"]),
        json!("TLS1_2"),
        json!([409, "StorageAccountAlreadyTaken"]),
        json!([issuer, true]),
        json!("Shop"),
        json!([201, "orders", null]),
        json!([204, null]),
        json!("The shop"),
        json!(1),
        json!([204, null]),
        json!(404),
    ];
    assert_eq!(printed, expected, "{printed:#?}");
    let names: Vec<_> = azure.directory.credentials(CLIENT).into_iter().map(|credential| credential.name).collect();
    assert_eq!(names, ["first", "second"]);
}
