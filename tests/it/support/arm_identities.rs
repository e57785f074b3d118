//! User-assigned managed identities and their federated identity credentials in Azure Resource Manager.
//!
//! "User Assigned Identities" and "Federated Identity Credentials" in the REST API reference, versions 2023-01-31 and
//! 2024-11-30, have paths, bodies, `$top` and `$skiptoken`. "Important considerations and restrictions for federated
//! identity credentials" (workload-identity-federation-considerations.md) has the statuses and messages of the errors.
//! The codes are from user reports where a comment names one. `NotFound`, `MethodNotAllowed`, the error of a missing
//! credential, and the messages for 20 credentials and 600 characters are assumptions.

use serde_json::{Value, json};

use super::{
    arm,
    arm_answer::{Call, check_supported, error, no_resource, throttled},
    arm_policy,
    azure_credential::{CREDENTIALS_MAX, Credential, LENGTH_MAX, is_valid_name},
    azure_directory::{AzureDirectory, Identity, State},
    azure_rates::Operation,
    stand_in::Response,
};

const TYPE: &str = "Microsoft.ManagedIdentity/userAssignedIdentities";
const VERSIONS: [&str; 2] = ["2023-01-31", "2024-11-30"];

/// `GET .../userAssignedIdentities` of a subscription, or of a resource group.
pub(super) fn list(azure: &AzureDirectory, call: &Call<'_>, group: Option<&str>) -> Result<Response, Response> {
    check_supported(call.request, "userAssignedIdentities", &VERSIONS)?;
    let subscription = &call.segments[1];
    let scope = group.map_or(String::new(), |group| format!("/resourceGroups/{group}"));
    let scope = format!("/subscriptions/{subscription}{scope}");
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &scope)?;
    let state = azure.state();
    let is_listed = |identity: &&Identity| {
        identity.subscription.eq_ignore_ascii_case(subscription)
            && group.is_none_or(|group| identity.group.eq_ignore_ascii_case(group))
    };
    let identities = state.identities.iter().filter(is_listed).map(describe).collect();
    call.page(identities, azure.controls_ref().state().page)
}

/// `GET .../userAssignedIdentities/{name}`.
pub(super) fn get(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    check_supported(call.request, "userAssignedIdentities", &VERSIONS)?;
    call.authorize(azure.controls_ref(), &format!("{TYPE}/read"), &call.request.path)?;
    arm::group(azure, call)?;
    let state = azure.state();
    let missing = || no_resource(TYPE, &call.segments[7], &call.segments[3]);
    find(&state, call).map(|at| Response::json(200, describe(&state.identities[at]))).ok_or_else(missing)
}

/// Requests for `.../userAssignedIdentities/{name}/federatedIdentityCredentials` and what follows in the path.
pub(super) fn credentials(azure: &AzureDirectory, call: &Call<'_>, rest: &[&str]) -> Result<Response, Response> {
    check_supported(call.request, "userAssignedIdentities/federatedIdentityCredentials", &VERSIONS)?;
    let (operation, permission) = match (call.request.method.as_str(), rest) {
        ("GET", []) => (Operation::List, "read"),
        ("GET", [_]) => (Operation::Get, "read"),
        ("PUT", [_]) => (Operation::CreateOrUpdate, "write"),
        ("DELETE", [_]) => (Operation::Delete, "delete"),
        _ => return Err(error(405, "MethodNotAllowed", "The HTTP method is not supported for this resource.")),
    };
    let controls = azure.controls_ref();
    call.authorize(controls, &format!("{TYPE}/federatedIdentityCredentials/{permission}"), &call.request.path)?;
    arm::group(azure, call)?;
    if operation == Operation::CreateOrUpdate {
        arm_policy::check_issuer(controls, call)?;
    }
    let parent = {
        let state = azure.state();
        let missing = || error(404, "NotFound", "The parent user-assigned identity doesn't exist.");
        id(&state.identities[find(&state, call).ok_or_else(missing)?])
    };
    controls.admit(&parent, operation).map_err(throttled)?;
    match operation {
        Operation::List => list_credentials(azure, call),
        Operation::Get => get_credential(azure, call),
        Operation::CreateOrUpdate | Operation::Delete => {
            let Some(_write) = controls.start_write(&parent) else { return Err(concurrent_write(&parent)) };
            if operation == Operation::Delete { delete(azure, call) } else { put(azure, call) }
        }
    }
}

/// The answer to the second of two writes at once. The code and the message are from user reports
/// (crossplane-contrib/provider-upjet-azure#689).
pub(crate) fn concurrent_write(identity: &str) -> Response {
    let message = format!(
        "Too many Federated Identity Credentials are written concurrently for the managed identity '{identity}'. \
         Concurrent Federated Identity Credentials writes under the same managed identity are not supported."
    );
    error(409, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity", &message)
}

fn list_credentials(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let page = azure.controls_ref().state().page;
    let page = match call.request.query("$top").map(str::parse::<usize>) {
        None => page,
        Some(Ok(top @ 1..)) => page.min(top),
        Some(_) => return Err(bad_request("The value of '$top' is invalid.")),
    };
    let state = azure.state();
    let identity = identity(&state, call)?;
    let credentials = identity.credentials.current();
    call.page(credentials.iter().map(|credential| credential_json(identity, credential)).collect(), page)
}

fn get_credential(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let state = azure.state();
    let identity = identity(&state, call)?;
    let name = &call.segments[9];
    let missing = || no_resource(&format!("{TYPE}/federatedIdentityCredentials"), name, &call.segments[3]);
    let found = identity.credentials.find(name).ok_or_else(missing)?;
    Ok(Response::json(200, credential_json(identity, found)))
}

fn put(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let name = &call.segments[9];
    if !is_valid_name(name) {
        return Err(bad_request(&format!("Federated Identity Credential name '{name}' is invalid.")));
    }
    let credential = read(name, &call.body()?)?;
    let propagation = azure.controls_ref().state().propagation;
    let mut state = azure.state();
    let seen_by = state.seen_by(propagation);
    let at =
        find(&state, call).ok_or_else(|| error(404, "NotFound", "The parent user-assigned identity doesn't exist."))?;
    let identity = &mut state.identities[at];
    let regions = azure.controls_ref().state().regions_without_credentials.clone();
    if regions.contains(&identity.location) {
        let message = "The request format was unexpected: Support for federated identity credentials not enabled.";
        return Err(error(405, "MethodNotAllowed", message));
    }
    let before = identity.credentials.find(name).cloned();
    let credential = Credential { name: before.as_ref().unwrap_or(&credential).name.clone(), ..credential };
    let mut others = identity.credentials.current().iter().filter(|found| found.name != credential.name);
    if others.any(|other| other.collides_with(&credential)) {
        return Err(bad_request("Issuer and subject combination already exists for this Managed Identity."));
    }
    if before.is_none() && identity.credentials.current().len() >= CREDENTIALS_MAX {
        let message = "The managed identity has the maximum number of federated identity credentials, which is 20.";
        return Err(bad_request(message));
    }
    identity.credentials.put(credential.clone(), seen_by);
    let after = credential_json(identity, &credential);
    let before = before.map(|before| credential_json(identity, &before));
    let status = if before.is_some() { 200 } else { 201 };
    azure.controls_ref().log(after["id"].as_str().unwrap(), before, Some(after.clone()));
    Ok(Response::json(status, after))
}

fn delete(azure: &AzureDirectory, call: &Call<'_>) -> Result<Response, Response> {
    let propagation = azure.controls_ref().state().propagation;
    let mut state = azure.state();
    let seen_by = state.seen_by(propagation);
    let at =
        find(&state, call).ok_or_else(|| error(404, "NotFound", "The parent user-assigned identity doesn't exist."))?;
    let identity = &mut state.identities[at];
    let Some(found) = identity.credentials.find(&call.segments[9]).cloned() else {
        return Ok(Response::new(204, &[], ""));
    };
    identity.credentials.remove(&found.name, seen_by);
    let before = credential_json(identity, &found);
    azure.controls_ref().log(before["id"].as_str().unwrap(), Some(before.clone()), None);
    Ok(Response::new(200, &[], ""))
}

/// The credential in the body of a request.
fn read(name: &str, body: &Value) -> Result<Credential, Response> {
    let properties = &body["properties"];
    let text = |name: &str| properties[name].as_str().filter(|text| !text.is_empty());
    if properties.as_object().is_none_or(serde_json::Map::is_empty) {
        return Err(bad_request("Federated Identity Credential from HTTP body has empty properties"));
    }
    let (Some(issuer), Some(subject), Some(audiences)) =
        (text("issuer"), text("subject"), properties["audiences"].as_array())
    else {
        // zioproto/istio-aks-example#6 has this message, with the code BadRequest.
        let message = "The request format was unexpected. Federated Identity Credential must specify 'issuer', 'subject' and 'audience'.";
        return Err(bad_request(message));
    };
    let [Value::String(audience)] = audiences.as_slice() else {
        return Err(bad_request("Federated identity credentials must have exactly one audience."));
    };
    if [issuer, subject, audience].iter().any(|value| value.chars().count() > LENGTH_MAX) {
        return Err(bad_request("A property of the Federated Identity Credential is longer than 600 characters."));
    }
    Ok(Credential::new(name, issuer, subject).for_audience(audience))
}

fn find(state: &State, call: &Call<'_>) -> Option<usize> {
    let (subscription, group, name) = (&call.segments[1], &call.segments[3], &call.segments[7]);
    state.identities.iter().position(|found| {
        found.subscription.eq_ignore_ascii_case(subscription)
            && found.group.eq_ignore_ascii_case(group)
            && found.name.eq_ignore_ascii_case(name)
    })
}

fn identity<'a>(state: &'a State, call: &Call<'_>) -> Result<&'a Identity, Response> {
    let missing = || error(404, "NotFound", "The parent user-assigned identity doesn't exist.");
    find(state, call).map(|at| &state.identities[at]).ok_or_else(missing)
}

fn bad_request(message: &str) -> Response {
    error(400, "BadRequest", message)
}

fn id(identity: &Identity) -> String {
    let Identity { subscription, group, name, .. } = identity;
    format!("/subscriptions/{subscription}/resourcegroups/{group}/providers/{TYPE}/{name}")
}

fn describe(identity: &Identity) -> Value {
    json!({
        "id": id(identity),
        "name": identity.name,
        "type": TYPE,
        "location": identity.location,
        "tags": {},
        "properties": {
            "tenantId": identity.tenant,
            "principalId": identity.principal_id,
            "clientId": identity.client_id,
        },
    })
}

fn credential_json(identity: &Identity, credential: &Credential) -> Value {
    json!({
        "id": format!("{}/federatedIdentityCredentials/{}", id(identity), credential.name),
        "name": credential.name,
        "type": format!("{TYPE}/federatedIdentityCredentials"),
        "properties": {
            "issuer": credential.issuer,
            "subject": credential.subject,
            "audiences": credential.audiences,
        },
    })
}
