//! Federated identity credentials in the bodies of requests to Microsoft Graph.
//!
//! The resource type federatedIdentityCredential (v1.0) has the properties and their limits. The code of a rejected
//! value is in Azure/azure-workload-identity#434. Its sentences for other rules than uniqueness are assumptions.

use serde_json::Value;

use super::{
    azure_credential::{Credential, LENGTH_MAX, is_valid_name},
    graph_answer::{bad_request, error},
    stand_in::Response,
};

/// The rejection of a property, which the message names after the sentence.
pub(super) fn invalid_value(sentence: &str, property: &str, value: &str) -> Response {
    let message = format!(
        "{sentence} paramName: FederatedIdentityCredential.{property}, paramValue: {value}, objectType: \
         Microsoft.Online.DirectoryServices.Application"
    );
    error(400, "InvalidFederatedIdentityCredentialValue", &message)
}

/// A new credential.
pub(super) fn read(body: &[u8]) -> Result<Credential, Response> {
    let body = parse(body)?;
    for name in ["name", "issuer", "subject", "audiences"] {
        if body[name].is_null() || body[name] == "" {
            return Err(invalid_value("The value must not be empty.", name, ""));
        }
    }
    let name = body["name"].as_str().unwrap_or_default();
    if !is_valid_name(name) {
        return Err(invalid_value("The name is not URL friendly.", "Name", name));
    }
    changed(Credential::new(name, "", ""), &body)
}

/// An existing credential with the properties in the body.
pub(super) fn updated(credential: &Credential, body: &[u8]) -> Result<Credential, Response> {
    let body = parse(body)?;
    if body["name"].as_str().is_some_and(|name| name != credential.name) {
        return Err(error(400, "Request_BadRequest", "Property 'name' is read-only and cannot be set."));
    }
    changed(credential.clone(), &body)
}

fn changed(mut credential: Credential, body: &Value) -> Result<Credential, Response> {
    if let Some(issuer) = body["issuer"].as_str() {
        issuer.clone_into(&mut credential.issuer);
    }
    if let Some(subject) = body["subject"].as_str() {
        credential.subject = Some(subject.to_owned());
    }
    if let Some(description) = body.get("description") {
        credential.description = description.as_str().map(str::to_owned);
    }
    if let Some(audiences) = body["audiences"].as_array() {
        credential.audiences = audiences.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if credential.audiences.len() != 1 {
        let given = credential.audiences.join(",");
        return Err(invalid_value("Exactly one audience must be specified.", "Audiences", &given));
    }
    let texts = [
        ("Issuer", Some(&credential.issuer)),
        ("Subject", credential.subject.as_ref()),
        ("Audiences", credential.audiences.first()),
        ("Description", credential.description.as_ref()),
    ];
    for (property, text) in texts {
        if let Some(text) = text.filter(|text| text.chars().count() > LENGTH_MAX) {
            return Err(invalid_value("The value is longer than 600 characters.", property, text));
        }
    }
    Ok(credential)
}

fn parse(body: &[u8]) -> Result<Value, Response> {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    body.filter(Value::is_object).ok_or_else(|| bad_request("Unable to read JSON request payload."))
}
