//! The instance metadata service: tokens for the managed identities of a virtual machine.
//!
//! "How to use managed identities for Azure resources on an Azure VM to acquire an access token" (how-to-use-vm-token)
//! has the documents, "Azure Instance Metadata Service" the rules about headers.

use jiff::Timestamp;
use serde_json::json;

use super::{
    entra::access_token,
    stand_in::{Request, Response},
};

/// The path that clients request on any host.
pub(crate) const PATH: &str = "/metadata/identity/oauth2/token";

/// The handler for the token endpoint of a machine with these identities. The first is system-assigned.
pub(crate) fn imds(tenant: &str, client_ids: &[&str]) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let tenant = tenant.to_owned();
    let identities: Vec<String> = client_ids.iter().map(|&id| id.to_owned()).collect();
    move |request| {
        if request.method != "GET" || request.path != PATH {
            return Response::new(404, &[], "");
        }
        if !request.header("metadata").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return refuse("Required metadata header not specified");
        }
        // "Requests must not contain an X-Forwarded-For header."
        if request.header("x-forwarded-for").is_some() {
            return refuse("Request contains forbidden header X-Forwarded-For");
        }
        if request.query("api-version").is_none() {
            return refuse("Required query variable 'api-version' is missing");
        }
        let Some(resource) = request.query("resource").filter(|resource| !resource.is_empty()) else {
            return refuse("Required query variable 'resource' is missing");
        };
        // These identities have no object ID and no resource ID.
        let other = request.query("object_id").or(request.query("msi_res_id"));
        let identity = match request.query("client_id").or(other) {
            Some(id) => identities.iter().find(|identity| *identity == id),
            None => identities.first(),
        };
        let Some(client_id) = identity else {
            return refuse("Identity not found");
        };
        let now = Timestamp::now().as_second();
        Response::json(
            200,
            json!({
                "access_token": access_token(&tenant, resource),
                "client_id": client_id,
                "expires_in": "86399",
                "expires_on": (now + 86399).to_string(),
                "ext_expires_in": "86399",
                "not_before": (now - 300).to_string(),
                "resource": resource,
                "token_type": "Bearer",
            }),
        )
    }
}

/// The identity endpoint of App Service, which requires the header `X-IDENTITY-HEADER` in place of `Metadata`.
///
/// "How to use managed identities for App Service and Azure Functions" (overview-managed-identity), "REST endpoint
/// reference".
pub(crate) fn app_service(tenant: &str, secret: &str) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let (tenant, secret) = (tenant.to_owned(), secret.to_owned());
    move |request| {
        if request.header("x-identity-header") != Some(&secret) || request.query("api-version") != Some("2019-08-01") {
            return Response::json(400, json!({ "statusCode": 400, "message": "The request is not as documented." }));
        }
        let resource = request.query("resource").unwrap_or_default();
        Response::json(
            200,
            json!({
                "access_token": access_token(&tenant, resource),
                "client_id": "5E29463D-71DA-4FE0-8E69-999B57DB23B0",
                "expires_on": (Timestamp::now().as_second() + 86399).to_string(),
                "resource": resource,
                "token_type": "Bearer",
            }),
        )
    }
}

fn refuse(description: &str) -> Response {
    Response::json(400, json!({ "error": "invalid_request", "error_description": description }))
}
