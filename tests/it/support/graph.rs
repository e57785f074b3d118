//! Microsoft Graph v1.0: application registrations, their federated identity credentials, and service principals.
//!
//! "Get application", "List applications", "List federatedIdentityCredentials", "Create", "Get", "Update", "Upsert" and
//! "Delete federatedIdentityCredential", and "Get servicePrincipal" in the reference of version 1.0 have paths, bodies and statuses. An application
//! is addressed by its object ID or as `applications(appId='...')`, a credential by its ID or name. `name` and `subject`
//! support `$filter` with `eq` (resource type federatedIdentityCredential). The documented example of "Get" wraps the
//! credential in `value`, unlike its own text: this stand-in does not.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    azure_credential::{CREDENTIALS_MAX, Credential},
    azure_directory::{AzureDirectory, Registration, State},
    graph_answer::{authenticate, bad_request, check_media_type, context, denied, error, no_resource, page, selected},
    graph_credential::{invalid_value, read, updated},
    issued_tokens::object_id,
    stand_in::{Request, Response},
};

/// The permission to read an application.
const READ: &str = "microsoft.directory/applications/standard/read";
/// The permission to change the credentials of an application (workload-identity-federation-create-trust.md).
const UPDATE: &str = "microsoft.directory/applications/credentials/update";

/// The response to a request.
pub(super) fn answer(azure: &AzureDirectory, request: &Request) -> Response {
    try_answer(azure, request).unwrap_or_else(|error| error)
}

fn try_answer(azure: &AzureDirectory, request: &Request) -> Result<Response, Response> {
    authenticate(request)?;
    check_media_type(request)?;
    let path = percent_decode_str(&request.path).decode_utf8_lossy().into_owned();
    let path = path.trim_end_matches('/').strip_prefix("/v1.0/").ok_or_else(|| bad_request("Invalid version"))?;
    let segments: Vec<&str> = path.split('/').collect();
    let method = request.method.as_str();
    let permission = if method == "GET" { READ } else { UPDATE };
    if azure.controls_ref().is_forbidden(permission) {
        return Err(denied());
    }
    if method != "GET" {
        azure.controls_ref().wait_while_held();
    }
    let (application, rest) = match segments.as_slice() {
        ["applications"] if method == "GET" => return applications(azure, request),
        ["applications", id, rest @ ..] => (Key::Id(id), rest),
        [first, rest @ ..] => match key_in_parentheses(first, "applications", "appId") {
            Some(app_id) => (Key::Name(app_id), rest),
            None => match key_in_parentheses(first, "servicePrincipals", "appId") {
                Some(app_id) if rest.is_empty() && method == "GET" => {
                    return service_principal(azure, request, app_id);
                }
                _ => return Err(no_segment(first)),
            },
        },
        [] => return Err(no_segment("")),
    };
    let at = find_application(&azure.state(), &application)?;
    match (method, rest) {
        ("GET", []) => {
            let state = azure.state();
            let mut body = describe(&state.applications[at]);
            body["@odata.context"] = context(request, "applications/$entity");
            Ok(Response::json(200, selected(request, body)))
        }
        ("GET", ["federatedIdentityCredentials"]) => list(azure, request, at),
        ("POST", ["federatedIdentityCredentials"]) => create(azure, request, at, &request.body),
        (_, ["federatedIdentityCredentials", key]) => one(azure, request, at, &Key::Any(key)),
        (_, [segment]) => match key_in_parentheses(segment, "federatedIdentityCredentials", "name") {
            Some(name) => one(azure, request, at, &Key::Name(name)),
            None => Err(no_segment(segment)),
        },
        _ => Err(no_segment(path)),
    }
}

/// How a request addresses an object.
enum Key<'a> {
    Id(&'a str),
    Any(&'a str),
    /// The alternate key, in quotes.
    Name(String),
}

impl Key<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Id(text) | Self::Any(text) => text,
            Self::Name(text) => text,
        }
    }
}

/// The value in `segment(key='value')`. A quote in the value is doubled.
fn key_in_parentheses(segment: &str, name: &str, key: &str) -> Option<String> {
    let inner = segment.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')?;
    Some(inner.strip_prefix(key)?.strip_prefix("='")?.strip_suffix('\'')?.replace("''", "'"))
}

/// The value in a filter `property eq 'value'`.
fn equality(filter: &str, property: &str) -> Option<String> {
    let value = filter.trim().strip_prefix(property)?.trim_start().strip_prefix("eq ")?.trim();
    Some(value.strip_prefix('\'')?.strip_suffix('\'')?.replace("''", "'"))
}

fn no_filter(filter: &str) -> Response {
    let message = format!("Unsupported or invalid query filter clause specified: {filter}");
    error(400, "Request_UnsupportedQuery", &message)
}

fn no_segment(segment: &str) -> Response {
    bad_request(&format!("Resource not found for the segment '{segment}'."))
}

/// `GET /servicePrincipals(appId='...')`. Every application has one in its own tenant.
fn service_principal(azure: &AzureDirectory, request: &Request, app_id: String) -> Result<Response, Response> {
    let state = azure.state();
    let application = &state.applications[find_application(&state, &Key::Name(app_id))?];
    let body = json!({
        "@odata.context": context(request, "servicePrincipals/$entity"),
        "id": object_id(&application.app_id),
        "appId": application.app_id,
        "displayName": application.name,
        "appOwnerOrganizationId": state.tenant,
        "servicePrincipalType": "Application",
    });
    Ok(Response::json(200, selected(request, body)))
}

/// `GET /applications`, with a filter or without.
fn applications(azure: &AzureDirectory, request: &Request) -> Result<Response, Response> {
    let app_id = match request.query("$filter") {
        Some(filter) => Some(equality(filter, "appId").ok_or_else(|| no_filter(filter))?),
        None => None,
    };
    let state = azure.state();
    let found = state.applications.iter().filter(|it| app_id.as_ref().is_none_or(|app_id| it.app_id == *app_id));
    page(azure, request, "applications", found.map(|it| selected(request, describe(it))).collect())
}

fn find_application(state: &State, key: &Key<'_>) -> Result<usize, Response> {
    let found = state.applications.iter().position(|application| match key {
        Key::Id(id) | Key::Any(id) => application.object_id == *id,
        Key::Name(app_id) => application.app_id == *app_id,
    });
    found.ok_or_else(|| no_resource(key.text()))
}

fn list(azure: &AzureDirectory, request: &Request, at: usize) -> Result<Response, Response> {
    let state = azure.state();
    let application = &state.applications[at];
    let mut credentials: Vec<&Credential> = application.credentials.current().iter().collect();
    if let Some(filter) = request.query("$filter") {
        if let Some(name) = equality(filter, "name") {
            credentials.retain(|credential| credential.name == name);
        } else if let Some(subject) = equality(filter, "subject") {
            credentials.retain(|credential| credential.subject.as_ref() == Some(&subject));
        } else {
            return Err(no_filter(filter));
        }
    }
    let kind = format!("applications('{}')/federatedIdentityCredentials", application.object_id);
    let items = credentials.iter().map(|credential| selected(request, credential_json(application, credential)));
    page(azure, request, &kind, items.collect())
}

fn create(azure: &AzureDirectory, request: &Request, at: usize, body: &[u8]) -> Result<Response, Response> {
    let credential = read(body)?;
    let propagation = azure.controls_ref().state().propagation;
    let mut state = azure.state();
    let seen_by = state.seen_by(propagation);
    let application = &mut state.applications[at];
    if application.credentials.find(&credential.name).is_some() {
        // Azure/azure-dev#1482 has this code and message.
        let message = format!("FederatedIdentityCredential with name {} already exists.", credential.name);
        return Err(error(409, "Request_MultipleObjectsWithSameKeyValue", &message));
    }
    check_unique(application, &credential)?;
    if application.credentials.current().len() >= CREDENTIALS_MAX {
        // The reference has the limit. The code and the message are assumptions.
        let message = "The application has the maximum number of federated identity credentials, which is 20.";
        return Err(error(400, "Request_BadRequest", message));
    }
    application.credentials.put(credential.clone(), seen_by);
    let mut body = credential_json(application, &credential);
    azure.controls_ref().log(&path_of(application, &credential), None, Some(body.clone()));
    let kind = format!("applications('{}')/federatedIdentityCredentials/$entity", application.object_id);
    body["@odata.context"] = context(request, &kind);
    Ok(Response::json(201, body))
}

/// Requests for one credential.
fn one(azure: &AzureDirectory, request: &Request, at: usize, key: &Key<'_>) -> Result<Response, Response> {
    let propagation = azure.controls_ref().state().propagation;
    let mut state = azure.state();
    let seen_by = state.seen_by(propagation);
    let application = &mut state.applications[at];
    let is = |credential: &&Credential| match key {
        Key::Id(key) | Key::Any(key) => credential.name == *key || credential_id(application, credential) == *key,
        Key::Name(name) => credential.name == *name,
    };
    let found = application.credentials.current().iter().find(is).cloned();
    let is_upsert = request.header("prefer").is_some_and(|prefer| prefer.contains("create-if-missing"));
    if let (None, "PATCH", Key::Name(name), true) = (&found, request.method.as_str(), key, is_upsert) {
        drop(state);
        let mut body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        if body.is_object() {
            body["name"] = Value::from(name.as_str());
        }
        return create(azure, request, at, body.to_string().as_bytes());
    }
    let credential = found.ok_or_else(|| no_resource(key.text()))?;
    let before = credential_json(application, &credential);
    let path = path_of(application, &credential);
    match request.method.as_str() {
        "GET" => {
            let mut body = before;
            let kind = format!("applications('{}')/federatedIdentityCredentials/$entity", application.object_id);
            body["@odata.context"] = context(request, &kind);
            Ok(Response::json(200, selected(request, body)))
        }
        "PATCH" => {
            let changed = updated(&credential, &request.body)?;
            check_unique(application, &changed)?;
            application.credentials.put(changed.clone(), seen_by);
            azure.controls_ref().log(&path, Some(before), Some(credential_json(application, &changed)));
            Ok(Response::new(204, &[], ""))
        }
        "DELETE" => {
            application.credentials.remove(&credential.name, seen_by);
            azure.controls_ref().log(&path, Some(before), None);
            Ok(Response::new(204, &[], ""))
        }
        _ => Err(error(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")),
    }
}

/// Azure/azure-workload-identity#434 has this code and message.
fn check_unique(application: &Registration, credential: &Credential) -> Result<(), Response> {
    let mut others = application.credentials.current().iter().filter(|other| other.name != credential.name);
    if !others.any(|other| other.collides_with(credential)) {
        return Ok(());
    }
    let (issuer, subject) = (&credential.issuer, credential.subject.as_deref().unwrap_or_default());
    let sentence = format!(
        "The combination of issuer and subject must be unique for the application. Issuer {issuer} and Subject: {subject} \
         already exist."
    );
    Err(invalid_value(&sentence, "Subject", subject))
}

fn describe(application: &Registration) -> Value {
    let Registration { app_id, object_id, name, .. } = application;
    json!({
        "id": object_id,
        "appId": app_id,
        "displayName": name,
        "signInAudience": "AzureADMyOrg",
        "createdDateTime": "2025-01-02T03:04:05Z",
    })
}

fn credential_id(application: &Registration, credential: &Credential) -> String {
    object_id(&path_of(application, credential))
}

fn path_of(application: &Registration, credential: &Credential) -> String {
    format!("applications/{}/federatedIdentityCredentials/{}", application.object_id, credential.name)
}

fn credential_json(application: &Registration, credential: &Credential) -> Value {
    json!({
        "id": credential_id(application, credential),
        "name": credential.name,
        "issuer": credential.issuer,
        "subject": credential.subject,
        "description": credential.description,
        "audiences": credential.audiences,
    })
}
