//! Storage accounts in Azure Resource Manager.
//!
//! "Storage Accounts - List", "- Get Properties", "- Create" and "- Check Name Availability" in the REST API reference
//! have the documents and statuses. "Resolve errors for storage account names" (error-storage-account-name.md) and
//! the error codes of the storage resource provider have the errors. The codes for a missing location, SKU or kind are
//! assumptions.

use serde_json::{Value, json};

use super::{
    arm::group,
    arm_answer::{Call, error, no_group, no_resource},
    azure_directory::{AzureDirectory, State},
    issued_tokens::object_id,
    stand_in::Response,
};

const TYPE: &str = "Microsoft.Storage/storageAccounts";

#[derive(Clone)]
pub(crate) struct StorageAccount {
    pub(crate) name: String,
    pub(crate) resource_group: String,
    /// The URL of the static website, with a slash at its end, as all URLs in `primaryEndpoints`.
    pub(crate) web: String,
    pub(crate) blob: String,
    pub(crate) location: String,
    pub(crate) sku: String,
    /// The properties that a request set.
    properties: Value,
    is_complete: bool,
}

/// The creation of an account that a client polls.
pub(super) struct Creation {
    id: String,
    subscription: String,
    pub(super) account: String,
    polls_left: usize,
    /// Reads of the account that find it incomplete: a client need not poll.
    reads_left: usize,
}

impl Creation {
    fn is_of(&self, subscription: &str, account: &str) -> bool {
        self.subscription.eq_ignore_ascii_case(subscription) && self.account.eq_ignore_ascii_case(account)
    }
}

impl StorageAccount {
    /// An account of the public cloud.
    pub(crate) fn new(name: &str, resource_group: &str, web: &str) -> Self {
        Self {
            name: name.to_owned(),
            resource_group: resource_group.to_owned(),
            web: web.to_owned(),
            blob: format!("https://{name}.blob.core.windows.net/"),
            location: "westeurope".to_owned(),
            sku: "Standard_LRS".to_owned(),
            properties: json!({
                "allowBlobPublicAccess": false,
                "minimumTlsVersion": "TLS1_2",
                "supportsHttpsTrafficOnly": true,
                "accessTier": "Hot",
            }),
            is_complete: true,
        }
    }

    /// The properties in the request that created the account.
    pub(crate) fn properties(&self) -> &Value {
        &self.properties
    }

    fn to_json(&self, subscription: &str) -> Value {
        let Self { name, resource_group, web, blob, location, sku, .. } = self;
        let endpoint = |service: &str| format!("https://{name}.{service}.core.windows.net/");
        let mut properties = self.properties.clone();
        properties["provisioningState"] = Value::from(if self.is_complete { "Succeeded" } else { "Creating" });
        if self.is_complete {
            properties["creationTime"] = Value::from("2025-01-02T03:04:05.6789012Z");
            properties["primaryEndpoints"] = json!({
                "dfs": endpoint("dfs"),
                "web": web,
                "blob": blob,
                "queue": endpoint("queue"),
                "table": endpoint("table"),
                "file": endpoint("file"),
            });
            properties["primaryLocation"] = Value::from(location.as_str());
            properties["statusOfPrimary"] = Value::from("available");
        }
        json!({
            "sku": { "name": sku, "tier": sku.split('_').next() },
            "kind": "StorageV2",
            "id": format!("/subscriptions/{subscription}/resourceGroups/{resource_group}/providers/{TYPE}/{name}"),
            "name": name,
            "type": TYPE,
            "location": location,
            "tags": {},
            "properties": properties,
        })
    }
}

/// `GET .../storageAccounts` of a subscription, or of a resource group.
pub(super) fn list(azure: &AzureDirectory, call: &Call<'_>, group: Option<&str>) -> Result<Response, Response> {
    let id = &call.segments[1];
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &format!("/subscriptions/{id}"))?;
    let state = azure.state();
    let is_listed = |name: &str| group.is_none_or(|group| name.eq_ignore_ascii_case(group));
    let accounts = of_subscription(&state, id).filter(|(_, account)| is_listed(&account.resource_group));
    call.page(accounts.map(|(id, account)| account.to_json(id)).collect(), azure.controls_ref().state().page)
}

/// `GET .../storageAccounts/{name}`.
pub(super) fn get(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let (id, in_group, name) = (&call.segments[1], &call.segments[3], &call.segments[7]);
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &call.request.path)?;
    group(azure, call)?;
    let mut state = azure.state();
    let creation = state.creations.iter().position(|creation| creation.is_of(id, name));
    if let Some(at) = creation {
        match state.creations[at].reads_left {
            0 => complete(&mut state, at),
            _ => state.creations[at].reads_left -= 1,
        }
    }
    let found = of_subscription(&state, id).find(|(_, account)| {
        account.resource_group.eq_ignore_ascii_case(in_group) && account.name.eq_ignore_ascii_case(name)
    });
    let (id, account) = found.ok_or_else(|| no_resource(TYPE, name, in_group))?;
    Ok(Response::json(200, account.to_json(id)))
}

/// `POST .../checkNameAvailability`.
pub(super) fn check_name(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let scope = format!("/subscriptions/{}", call.segments[1]);
    call.authorize(azure.controls_ref(), "Microsoft.Storage/checknameavailability/read", &scope)?;
    let body = call.body()?;
    let (Some(name), Some(TYPE)) = (body["name"].as_str(), body["type"].as_str()) else {
        return Err(error(400, "InvalidRequestContent", "The request needs a name and the type of storage accounts."));
    };
    let answer = if !is_valid_name(name) {
        json!({ "nameAvailable": false, "reason": "AccountNameInvalid", "message": invalid_name(name) })
    } else if is_taken(&azure.state(), name) {
        json!({ "nameAvailable": false, "reason": "AlreadyExists", "message": taken(name) })
    } else {
        json!({ "nameAvailable": true })
    };
    Ok(Response::json(200, answer))
}

/// `PUT .../storageAccounts/{name}`.
pub(super) fn put(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let controls = azure.controls_ref();
    call.authorize(controls, &format!("{TYPE}/write"), &call.request.path)?;
    controls.wait_while_held();
    group(azure, call)?;
    let (id, in_group, name) = (&call.segments[1], &call.segments[3], &call.segments[7]);
    let wanted = read(name, in_group, &call.body()?)?;
    let polls = controls.state().polls;
    let mut state = azure.state();
    let own =
        of_subscription(&state, id).find(|(_, account)| account.name == *name).map(|(_, account)| account.clone());
    if let Some(own) = own {
        return update(azure, &mut state, call, &own, wanted);
    }
    if is_taken(&state, name) {
        return Err(error(409, "StorageAccountAlreadyTaken", &taken(name)));
    }
    let (web, blob) = (state.endpoints)(name);
    let account = StorageAccount { web, blob, ..wanted };
    let location = account.location.clone();
    let record = state.subscriptions.iter_mut().find(|found| found.id.eq_ignore_ascii_case(id));
    let record = record.ok_or_else(|| no_group(in_group))?;
    controls.log(&call.request.path, None, Some(account.to_json(&record.id)));
    let operation = object_id(&format!("{name} {}", record.accounts.len()));
    let creation = Creation {
        id: operation.clone(),
        subscription: record.id.clone(),
        account: name.clone(),
        polls_left: polls,
        reads_left: polls,
    };
    record.accounts.push(account);
    state.creations.push(creation);
    Ok(accepted(call, &location, &operation))
}

/// `GET .../locations/{location}/asyncoperations/{id}`, the URL in `Location`.
pub(super) fn poll(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let (location, operation) = (&call.segments[5], &call.segments[7]);
    let mut state = azure.state();
    let missing = || error(404, "NotFound", "The operation does not exist.");
    let at = state.creations.iter().position(|creation| creation.id.eq_ignore_ascii_case(operation));
    let at = at.ok_or_else(missing)?;
    if state.creations[at].polls_left > 0 {
        state.creations[at].polls_left -= 1;
        return Ok(accepted(call, location, operation));
    }
    complete(&mut state, at);
    let creation = &state.creations[at];
    let mut accounts = of_subscription(&state, &creation.subscription);
    let (id, account) = accounts.find(|(_, account)| account.name == creation.account).ok_or_else(missing)?;
    Ok(Response::json(200, account.to_json(id)))
}

/// Ends a creation.
fn complete(state: &mut State, at: usize) {
    let State { creations, subscriptions, .. } = state;
    let creation = &creations[at];
    let accounts = subscriptions.iter_mut().flat_map(|found| found.accounts.iter_mut().map(|it| (&found.id, it)));
    for (_, account) in accounts.filter(|(id, account)| creation.is_of(id, &account.name)) {
        account.is_complete = true;
    }
}

/// 202 with the URL to poll. `Retry-After` is 0, so that tests do not wait.
fn accepted(call: &Call<'_>, location: &str, operation: &str) -> Response {
    let version = call.request.query("api-version").unwrap_or_default();
    let url = format!(
        "{}/subscriptions/{}/providers/Microsoft.Storage/locations/{location}/asyncoperations/{operation}?monitor=true\
         &api-version={version}",
        call.request.origin, call.segments[1]
    );
    Response::new(202, &[("Location", &url), ("Retry-After", "0")], "")
}

fn update(
    azure: &AzureDirectory,
    state: &mut State,
    call: &Call<'_>,
    own: &StorageAccount,
    wanted: StorageAccount,
) -> Result<Response, Response> {
    let name = &own.name;
    if !own.resource_group.eq_ignore_ascii_case(&wanted.resource_group) {
        let message = format!("The account {name} is already in another resource group in this subscription.");
        return Err(error(409, "StorageAccountInAnotherResourceGroup", &message));
    }
    if own.location != wanted.location {
        let message = format!(
            "The resource '{name}' already exists in location '{}' in resource group '{}'. A resource with the same name \
             cannot be created in location '{}'. Please select a new resource name.",
            own.location, own.resource_group, wanted.location
        );
        return Err(error(409, "InvalidResourceLocation", &message));
    }
    if !own.is_complete {
        let message = "An operation is currently performing on this storage account that requires exclusive access.";
        return Err(error(409, "StorageAccountOperationInProgress", message));
    }
    let mut properties = own.properties.clone();
    for (member, value) in wanted.properties.as_object().into_iter().flatten() {
        properties[member] = value.clone();
    }
    let changed = StorageAccount { properties, sku: wanted.sku, ..own.clone() };
    let id = &call.segments[1];
    let record = state.subscriptions.iter_mut().find(|found| found.id.eq_ignore_ascii_case(id));
    let record = record.ok_or_else(|| no_group(&own.resource_group))?;
    let after = changed.to_json(&record.id);
    azure.controls_ref().log(&call.request.path, Some(own.to_json(&record.id)), Some(after.clone()));
    for account in record.accounts.iter_mut().filter(|account| account.name == *name) {
        *account = changed.clone();
    }
    Ok(Response::json(200, after))
}

/// The account in the body of a request.
fn read(name: &str, group: &str, body: &Value) -> Result<StorageAccount, Response> {
    let refuse = |code: &str, message: &str| Err(error(400, code, message));
    if !is_valid_name(name) {
        return refuse("AccountNameInvalid", &invalid_name(name));
    }
    let Some(location) = body["location"].as_str().filter(|location| !location.is_empty()) else {
        return refuse("LocationRequired", "The location property is required for this definition.");
    };
    let sku = body["sku"]["name"].as_str().unwrap_or_default();
    if !["Standard_LRS", "Standard_GRS", "Standard_RAGRS", "Standard_ZRS", "Premium_LRS"].contains(&sku) {
        return refuse(
            "InvalidRequestPropertyValue",
            &format!("The value '{sku}' is not allowed for property sku.name."),
        );
    }
    let kind = body["kind"].as_str().unwrap_or_default();
    if kind != "StorageV2" {
        return refuse("InvalidRequestPropertyValue", &format!("The value '{kind}' is not allowed for property kind."));
    }
    let properties = if body["properties"].is_object() { body["properties"].clone() } else { json!({}) };
    let account = StorageAccount::new(name, group, "");
    let location = location.to_ascii_lowercase().replace(' ', "");
    Ok(StorageAccount { location, sku: sku.to_owned(), properties, is_complete: false, ..account })
}

fn of_subscription<'a>(state: &'a State, id: &str) -> impl Iterator<Item = (&'a str, &'a StorageAccount)> {
    let found = state.subscriptions.iter().find(|found| found.id.eq_ignore_ascii_case(id));
    found.into_iter().flat_map(|found| found.accounts.iter().map(|account| (found.id.as_str(), account)))
}

fn is_taken(state: &State, name: &str) -> bool {
    let mut accounts = state.subscriptions.iter().flat_map(|found| &found.accounts);
    accounts.any(|account| account.name == name) || state.taken_names.iter().any(|taken| taken == name)
}

fn is_valid_name(name: &str) -> bool {
    (3..=24).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn invalid_name(name: &str) -> String {
    format!(
        "{name} is not a valid storage account name. Storage account name must be between 3 and 24 characters in length \
         and use numbers and lower-case letters only."
    )
}

fn taken(name: &str) -> String {
    format!("The storage account named {name} is already taken.")
}
