//! Azure Resource Manager: subscriptions, and the resources in them that the tests use.
//!
//! The documents are those of the Azure REST API reference: "Subscriptions - List" and "Resource Groups - Get" here, and the pages that the modules
//! of the resource types name. No operation there has `If-Match` or `If-None-Match` for these resources, so the headers
//! are ignored.

use serde_json::{Value, json};

pub(crate) use super::arm_storage::StorageAccount;
use super::{
    arm_answer::{AUDIENCES, Call, check_version, error, no_group},
    arm_clusters, arm_identities, arm_storage,
    azure_directory::{AzureDirectory, SubscriptionRecord},
    stand_in::{Request, Response},
};

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

impl Arm {
    pub(crate) fn handler(self) -> impl Fn(&Request) -> Response + Send + Sync + use<> {
        self.directory().arm()
    }

    /// A directory with these subscriptions, which accept tokens of all tenants.
    fn directory(self) -> AzureDirectory {
        let azure = AzureDirectory::new("31537af4-6d77-4bb9-a681-d2394888ea26");
        for Subscription { id, accounts } in self.subscriptions {
            azure.accept_all_tenants(&id);
            for account in accounts {
                azure.add_account(&id, account);
            }
        }
        azure.controls().page(self.page);
        if self.forbidden {
            azure.controls().forbid("*");
        }
        azure
    }
}

/// The response to a request.
pub(super) fn answer(azure: &AzureDirectory, request: &Request) -> Response {
    try_answer(azure, request).unwrap_or_else(|error| error)
}

fn try_answer(azure: &AzureDirectory, request: &Request) -> Result<Response, Response> {
    check_version(request)?;
    // The metadata of a cloud is public.
    if request.path == "/metadata/endpoints" {
        let authentication = json!({ "loginEndpoint": "https://login.microsoftonline.com/", "audiences": AUDIENCES });
        return Ok(Response::json(200, json!({ "authentication": authentication })));
    }
    let call = Call::authenticate(request)?;
    // Names of resources and types are case-insensitive.
    let lower: Vec<_> = call.segments.iter().map(|segment| segment.to_ascii_lowercase()).collect();
    let segments: Vec<&str> = lower.iter().map(String::as_str).collect();
    let ["subscriptions", rest @ ..] = segments.as_slice() else { return Err(no_type()) };
    let [id, rest @ ..] = rest else { return subscriptions(azure, &call) };
    check_subscription(azure, &call, id)?;
    let method = request.method.as_str();
    match rest {
        ["resourcegroups", _] if method == "GET" => describe_group(azure, &call),
        ["providers", "microsoft.storage", "checknameavailability"] if method == "POST" => {
            arm_storage::check_name(azure, &call)
        }
        ["providers", "microsoft.storage", "locations", _, "asyncoperations", _] if method == "GET" => {
            arm_storage::poll(azure, &call)
        }
        ["providers", "microsoft.storage", "storageaccounts"] if method == "GET" => {
            arm_storage::list(azure, &call, None)
        }
        ["providers", "microsoft.managedidentity", "userassignedidentities"] if method == "GET" => {
            arm_identities::list(azure, &call, None)
        }
        ["providers", "microsoft.containerservice", "managedclusters"] if method == "GET" => {
            arm_clusters::list(azure, &call, None)
        }
        ["resourcegroups", _, "providers", "microsoft.managedidentity", "userassignedidentities", rest @ ..] => {
            match (method, rest) {
                ("GET", []) => arm_identities::list(azure, &call, Some(group(azure, &call)?)),
                ("GET", [_]) => arm_identities::get(azure, &call),
                (_, [_, "federatedidentitycredentials", rest @ ..]) => arm_identities::credentials(azure, &call, rest),
                _ => Err(no_type()),
            }
        }
        ["resourcegroups", _, "providers", "microsoft.storage", "storageaccounts", rest @ ..] => match (method, rest) {
            ("GET", []) => arm_storage::list(azure, &call, Some(group(azure, &call)?)),
            ("GET", [_]) => arm_storage::get(azure, &call),
            ("PUT", [_]) => arm_storage::put(azure, &call),
            _ => Err(no_type()),
        },
        ["resourcegroups", _, "providers", "microsoft.containerservice", "managedclusters"] if method == "GET" => {
            arm_clusters::list(azure, &call, Some(group(azure, &call)?))
        }
        ["resourcegroups", _, "providers", "microsoft.containerservice", "managedclusters", _] if method == "GET" => {
            arm_clusters::get(azure, &call)
        }
        _ => Err(no_type()),
    }
}

/// `GET /subscriptions`: those of the tenant of the token.
fn subscriptions(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    if call.request.method != "GET" {
        return Err(no_type());
    }
    let state = azure.state();
    let of_tenant = |subscription: &&SubscriptionRecord| call.is_of(subscription.tenant.as_deref());
    let subscriptions = state.subscriptions.iter().filter(of_tenant).map(describe).collect();
    call.page(subscriptions, azure.controls_ref().state().page)
}

fn check_subscription(azure: &AzureDirectory, call: &Call<'_>, id: &str) -> Result<(), Response> {
    let state = azure.state();
    let found = state.subscriptions.iter().find(|subscription| subscription.id.eq_ignore_ascii_case(id));
    let message = format!("The subscription '{id}' could not be found.");
    let subscription = found.ok_or_else(|| error(404, "SubscriptionNotFound", &message))?;
    call.check_tenant(subscription.tenant.as_deref())
}

/// The resource group in the path, if it exists.
pub(super) fn group<'a>(azure: &AzureDirectory, call: &'a Call<'_>) -> Result<&'a str, Response> {
    let (id, group) = (&call.segments[1], &call.segments[3]);
    let state = azure.state();
    let mut groups = state.subscriptions.iter().filter(|found| found.id.eq_ignore_ascii_case(id));
    let exists = groups.any(|found| found.groups.iter().any(|found| found.eq_ignore_ascii_case(group)));
    if exists { Ok(group) } else { Err(no_group(group)) }
}

/// `GET .../resourcegroups/{name}`.
fn describe_group(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let action = "Microsoft.Resources/subscriptions/resourceGroups/read";
    call.authorize(azure.controls_ref(), action, &call.request.path)?;
    let (id, name) = (&call.segments[1], group(azure, call)?);
    let body = json!({
        "id": format!("/subscriptions/{id}/resourceGroups/{name}"),
        "name": name,
        "type": "Microsoft.Resources/resourceGroups",
        "location": "westeurope",
        "properties": { "provisioningState": "Succeeded" },
    });
    Ok(Response::json(200, body))
}

fn no_type() -> Response {
    error(404, "InvalidResourceType", "The resource type could not be found.")
}

fn describe(subscription: &SubscriptionRecord) -> Value {
    let id = &subscription.id;
    json!({
        "id": format!("/subscriptions/{id}"),
        "authorizationSource": "RoleBased",
        "managedByTenants": [],
        "subscriptionId": id,
        "tenantId": subscription.tenant.as_deref().unwrap_or("31537af4-6d77-4bb9-a681-d2394888ea26"),
        "displayName": "A subscription",
        "state": "Enabled",
        "subscriptionPolicies": {
            "locationPlacementId": "Public_2014-09-01",
            "quotaId": "PayAsYouGo_2014-09-01",
            "spendingLimit": "Off",
        },
    })
}
