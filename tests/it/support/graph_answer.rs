//! What all requests to Microsoft Graph share: tokens, errors, pages and `$select`.
//!
//! "Microsoft Graph error responses and resource types" has the shape of an error, "Page through a collection"
//! `@odata.nextLink`. The codes and messages of the errors are from user reports.

use serde_json::{Value, json};

use super::{
    arm_answer::is_json,
    azure_directory::AzureDirectory,
    stand_in::{Request, Response},
};

/// The URI and the application ID of Microsoft Graph.
const AUDIENCES: [&str; 3] =
    ["https://graph.microsoft.com", "https://graph.microsoft.com/", "00000003-0000-0000-c000-000000000000"];

/// Checks the audience of the token, but neither its signature nor its times.
pub(super) fn authenticate(request: &Request) -> Result<(), Response> {
    let refuse = |message: &str| Err(error(401, "InvalidAuthenticationToken", message));
    let Some(token) = request.bearer() else { return refuse("Access token is empty.") };
    let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token) else {
        return refuse("IDX14100: JWT is not well formed, there are no dots (.).");
    };
    if AUDIENCES.contains(&claims["aud"].as_str().unwrap_or_default()) {
        return Ok(());
    }
    refuse("Access token validation failure. Invalid audience.")
}

/// Every page of the reference requires the header for POST and PATCH. The message is from user reports.
pub(super) fn check_media_type(request: &Request) -> Result<(), Response> {
    let has_body = matches!(request.method.as_str(), "POST" | "PATCH");
    if !has_body || request.header("content-type").is_some_and(is_json) {
        return Ok(());
    }
    Err(bad_request("Write requests (excluding DELETE) must contain the Content-Type header declaration."))
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Response {
    let id = "4255561a-3c4b-4278-9115-acf7af7afd3b";
    let inner = json!({ "date": "2026-01-02T03:04:05", "request-id": id, "client-request-id": id });
    Response::json(status, json!({ "error": { "code": code, "message": message, "innerError": inner } }))
}

pub(super) fn bad_request(message: &str) -> Response {
    error(400, "BadRequest", message)
}

pub(super) fn denied() -> Response {
    error(403, "Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
}

pub(super) fn no_resource(id: &str) -> Response {
    let message =
        format!("Resource '{id}' does not exist or one of its queried reference-property objects are not present.");
    error(404, "Request_ResourceNotFound", &message)
}

/// The value of `@odata.context`.
pub(super) fn context(request: &Request, kind: &str) -> Value {
    Value::from(format!("{}/v1.0/$metadata#{kind}", request.origin))
}

/// The requested page, with the `@odata.nextLink` to the next one.
pub(super) fn page(
    azure: &AzureDirectory,
    request: &Request,
    kind: &str,
    items: Vec<Value>,
) -> Result<Response, Response> {
    let number = |name: &str| match request.query(name).map(str::parse::<usize>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(error(400, "Request_BadRequest", &format!("Invalid value specified for '{name}'."))),
    };
    let largest = azure.controls_ref().state().page;
    let size = number("$top")?.unwrap_or(largest).clamp(1, largest);
    let start = number("$skiptoken")?.unwrap_or(0);
    let end = start + size;
    let next =
        (end < items.len()).then(|| format!("{}{}?%24top={size}&%24skiptoken={end}", request.origin, request.path));
    let value: Vec<_> = items.into_iter().take(end).skip(start).collect();
    let mut body = json!({ "@odata.context": context(request, kind), "value": value });
    if let Some(next) = next {
        body["@odata.nextLink"] = next.into();
    }
    Ok(Response::json(200, body))
}

/// The members that `$select` names.
pub(super) fn selected(request: &Request, mut object: Value) -> Value {
    if let (Some(names), Some(members)) = (request.query("$select"), object.as_object_mut()) {
        let names: Vec<_> = names.split(',').map(str::trim).collect();
        members.retain(|name, _| name.starts_with('@') || names.contains(&name.as_str()));
    }
    object
}
