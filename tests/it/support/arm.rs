//! Azure Resource Manager: subscriptions, and the storage accounts in them.
//!
//! The documents are those of "Subscriptions - List", "Storage Accounts - List" and "Storage Accounts - Get Properties"
//! in the Azure REST API reference.

use serde_json::{Value, json};

use super::stand_in::{Request, Response};

/// The subscriptions and accounts that the caller may list. With `forbidden`, only subscriptions are listed.
pub(crate) struct Arm {
    pub(crate) subscriptions: Vec<Subscription>,
    /// How many items a page has before a `nextLink` leads to the rest.
    pub(crate) page: usize,
    pub(crate) forbidden: bool,
}

pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) accounts: Vec<StorageAccount>,
}

#[derive(Clone)]
pub(crate) struct StorageAccount {
    pub(crate) name: String,
    pub(crate) resource_group: String,
    /// The URL of the static website, with a slash at its end, as all URLs in `primaryEndpoints`.
    pub(crate) web: String,
    pub(crate) blob: String,
}

impl StorageAccount {
    /// An account of the public cloud.
    pub(crate) fn new(name: &str, resource_group: &str, web: &str) -> Self {
        let blob = format!("https://{name}.blob.core.windows.net/");
        Self { name: name.to_owned(), resource_group: resource_group.to_owned(), web: web.to_owned(), blob }
    }

    fn to_json(&self, subscription: &str) -> Value {
        let Self { name, resource_group, web, blob } = self;
        let endpoint = |service: &str| format!("https://{name}.{service}.core.windows.net/");
        json!({
            "sku": { "name": "Standard_LRS", "tier": "Standard" },
            "kind": "StorageV2",
            "id": format!("/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{TYPE}/{name}"),
            "name": name,
            "type": TYPE,
            "location": "westeurope",
            "tags": {},
            "properties": {
                "allowBlobPublicAccess": false,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": true,
                "accessTier": "Hot",
                "provisioningState": "Succeeded",
                "creationTime": "2025-01-02T03:04:05.6789012Z",
                "primaryEndpoints": {
                    "dfs": endpoint("dfs"),
                    "web": web,
                    "blob": blob,
                    "queue": endpoint("queue"),
                    "table": endpoint("table"),
                    "file": endpoint("file"),
                },
                "primaryLocation": "westeurope",
                "statusOfPrimary": "available",
            },
        })
    }
}

const TYPE: &str = "Microsoft.Storage/storageAccounts";
const AUDIENCES: [&str; 4] = [
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
];

impl Arm {
    pub(crate) fn handler(self) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
        move |request| {
            let response = self.answer(request).unwrap_or_else(|error| error);
            response.with("x-ms-request-id", "9e1d7d2c-0b54-4f1e-8f5c-2f1f6f6a9b10")
        }
    }

    fn answer(&self, request: &Request) -> Result<Response, Response> {
        check_version(request)?;
        // The metadata of a cloud is public.
        if request.path == "/metadata/endpoints" {
            let authentication =
                json!({ "loginEndpoint": "https://login.microsoftonline.com/", "audiences": AUDIENCES });
            return Ok(Response::json(200, json!({ "authentication": authentication })));
        }
        check_token(request)?;
        // Segments are compared case-insensitively, as resource names are.
        let path = request.path.to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["subscriptions"]) => self.list(request, self.subscriptions.iter().map(describe).collect()),
            ("GET", ["subscriptions", id, "providers", "microsoft.storage", "storageaccounts"]) => {
                let subscription = self.subscription(id)?;
                self.authorize(&format!("/subscriptions/{id}"))?;
                let accounts = subscription.accounts.iter().map(|account| account.to_json(&subscription.id));
                self.list(request, accounts.collect())
            }
            (
                "GET",
                [
                    "subscriptions",
                    id,
                    "resourcegroups",
                    group,
                    "providers",
                    "microsoft.storage",
                    "storageaccounts",
                    name,
                ],
            ) => {
                let subscription = self.subscription(id)?;
                self.authorize(&request.path)?;
                let mut in_group =
                    subscription.accounts.iter().filter(|it| it.resource_group.eq_ignore_ascii_case(group)).peekable();
                if in_group.peek().is_none() {
                    let message = format!("Resource group '{group}' could not be found.");
                    return Err(error(404, "ResourceGroupNotFound", &message));
                }
                let account = in_group.find(|account| account.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
                    let message = format!(
                        "The Resource '{TYPE}/{name}' under resource group '{group}' was not found. For more details \
                         please go to https://aka.ms/ARMResourceNotFoundFix"
                    );
                    error(404, "ResourceNotFound", &message)
                })?;
                Ok(Response::json(200, account.to_json(&subscription.id)))
            }
            _ => Err(error(404, "InvalidResourceType", "The resource type could not be found.")),
        }
    }

    fn subscription(&self, id: &str) -> Result<&Subscription, Response> {
        let message = format!("The subscription '{id}' could not be found.");
        let found = self.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id));
        found.ok_or_else(|| error(404, "SubscriptionNotFound", &message))
    }

    fn authorize(&self, scope: &str) -> Result<(), Response> {
        let who = "0a1b2c3d-0000-4000-8000-000000000001";
        let message = format!(
            "The client '{who}' with object id '{who}' does not have authorization to perform action '{TYPE}/read' \
             over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh your \
             credentials."
        );
        if self.forbidden { Err(error(403, "AuthorizationFailed", &message)) } else { Ok(()) }
    }

    /// The requested page, with the `nextLink` to the next one.
    fn list(&self, request: &Request, items: Vec<Value>) -> Result<Response, Response> {
        let start = match request.query("$skiptoken") {
            Some(token) => token.parse().map_err(|_| error(400, "InvalidSkipToken", "The skip token is invalid."))?,
            None => 0,
        };
        let end = start + self.page.max(1);
        let next = (end < items.len()).then(|| {
            let version = request.query("api-version").unwrap_or_default();
            format!("{}{}?api-version={version}&%24skiptoken={end}", request.origin, request.path)
        });
        let mut body = json!({ "value": items.into_iter().take(end).skip(start).collect::<Vec<_>>() });
        if let Some(next) = next {
            body["nextLink"] = next.into();
        }
        Ok(Response::json(200, body))
    }
}

fn describe(subscription: &Subscription) -> Value {
    let id = &subscription.id;
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": "31537af4-6d77-4bb9-a681-d2394888ea26",
        "displayName": "A subscription",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}

fn check_version(request: &Request) -> Result<(), Response> {
    let message = "The api-version query parameter (?api-version=) is required for all requests.";
    let version = request.query("api-version").ok_or_else(|| error(400, "MissingApiVersionParameter", message))?;
    let date = version.strip_suffix("-preview").unwrap_or(version);
    if date.parse::<jiff::civil::Date>().is_ok() {
        return Ok(());
    }
    let message =
        format!("The api-version '{version}' is invalid. The supported versions are '2022-12-01,2023-05-01'.");
    Err(error(400, "InvalidApiVersionParameter", &message))
}

/// Checks the audience of a token, but neither its signature nor its times.
fn check_token(request: &Request) -> Result<(), Response> {
    let refuse = |code: &str, message: &str| {
        let challenge = "Bearer authorization_uri=\"https://login.windows.net/\", error=\"invalid_token\", \
                         error_description=\"Could not find identity for access token.\"";
        Err(error(401, code, message).with("WWW-Authenticate", challenge))
    };
    let Some(token) = request.bearer() else {
        return refuse("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
    };
    let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token) else {
        return refuse("InvalidAuthenticationToken", "The access token is invalid.");
    };
    let audience = claims["aud"].as_str().unwrap_or_default();
    if AUDIENCES.contains(&audience) {
        return Ok(());
    }
    let message = format!(
        "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with \
         one of the allowed audiences '{}'.",
        AUDIENCES.join("','")
    );
    refuse("InvalidAuthenticationTokenAudience", &message)
}

fn error(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, json!({ "error": { "code": code, "message": message } }))
}
