//! The stand-ins for Azure Resource Manager and Microsoft Graph follow the documented rules for federated identity
//! credentials, storage accounts and clusters, and Microsoft's clients use them.

mod credentials;
mod faults;
mod graph;
mod python;
mod resources;

use crate::support::{
    azure_directory::AzureDirectory,
    entra::access_token,
    https_client::{send, try_send},
    stand_in::StandIn,
    tls::Authority,
};
use serde_json::{Value, json};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const SUBSCRIPTION: &str = "11111111-2222-3333-4444-555555555555";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const PRINCIPAL: &str = "99990000-aaaa-2222-bbbb-3333cccc4444";
const APPLICATION: &str = "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11";
const OBJECT: &str = "88880000-aaaa-2222-bbbb-3333cccc4444";
const SUBJECT: &str = "system:serviceaccount:shop:orders";
const JSON: &str = "Content-Type: application/json";
const ISSUER: &str = "https://issuer.example.com";

/// An Azure with the identity `orders` and an application.
struct Azure {
    authority: Authority,
    directory: AzureDirectory,
    arm: StandIn,
    graph: StandIn,
    arm_token: String,
    graph_token: String,
}

impl Azure {
    fn new() -> Self {
        let authority = Authority::for_hosts(&["issuer.example.com", "login.example.com"]);
        let directory = AzureDirectory::new(TENANT);
        directory.add_identity(SUBSCRIPTION, "identities", "orders", CLIENT, PRINCIPAL);
        directory.add_application(APPLICATION, OBJECT, "Shop");
        let arm = StandIn::https(&authority, directory.arm());
        let graph = StandIn::https(&authority, directory.graph());
        let [arm_token, graph_token] =
            ["https://management.azure.com", "https://graph.microsoft.com"].map(|it| access_token(TENANT, it));
        Self { authority, directory, arm, graph, arm_token, graph_token }
    }

    /// Sends a request to Azure Resource Manager. The path starts below the subscription.
    fn arm(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let (status, _, body) = self.try_arm(method, path, body).expect("no response");
        (status, body)
    }

    fn try_arm(&self, method: &str, path: &str, body: &Value) -> Option<(u16, String, Value)> {
        let separator = if path.contains('?') { "&" } else { "?" };
        let version = if path.contains("api-version") { "" } else { "api-version=2024-11-30" };
        let url = format!("{}/subscriptions/{SUBSCRIPTION}{path}{separator}{version}", self.arm.url());
        let bearer = format!("Authorization: Bearer {}", self.arm_token);
        try_send(&self.authority, method, &url, &[&bearer, JSON], &text(body))
    }

    /// Sends a request for the credentials of the identity `orders`; `name` is empty for the list.
    fn credential(&self, method: &str, name: &str, body: &Value) -> (u16, Value) {
        self.arm(method, &path(name), body)
    }

    /// Sends a request to Microsoft Graph. The path starts below the version.
    fn graph(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let url = format!("{}/v1.0{path}", self.graph.url());
        let bearer = format!("Authorization: Bearer {}", self.graph_token);
        let (status, _, body) = send(&self.authority, method, &url, &[&bearer, JSON], &text(body));
        (status, body)
    }
}

/// The path of a credential of the identity `orders`.
fn path(name: &str) -> String {
    let identities = "/resourceGroups/identities/providers/Microsoft.ManagedIdentity/userAssignedIdentities";
    let name = if name.is_empty() { String::new() } else { format!("/{name}") };
    format!("{identities}/orders/federatedIdentityCredentials{name}")
}

/// The body of a request to create a credential with Azure Resource Manager.
fn properties(issuer: &str, subject: &str) -> Value {
    json!({ "properties": { "issuer": issuer, "subject": subject, "audiences": ["api://AzureADTokenExchange"] } })
}

fn text(body: &Value) -> String {
    if body.is_null() { String::new() } else { body.to_string() }
}

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

fn message(body: &Value) -> &str {
    body["error"]["message"].as_str().unwrap_or_default()
}

/// A member of each item of a list.
fn members<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list["value"].as_array().unwrap().iter().map(|item| item[name].as_str().unwrap()).collect()
}
