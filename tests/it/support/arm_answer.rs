//! What all resource types of Azure Resource Manager share: tokens, permissions, errors and pages of lists.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::{
    azure_controls::AzureControls,
    stand_in::{Request, Response},
};

pub(super) const AUDIENCES: [&str; 4] = [
    "https://management.core.windows.net/",
    "https://management.core.windows.net",
    "https://management.azure.com/",
    "https://management.azure.com",
];

/// An authenticated request.
pub(super) struct Call<'a> {
    pub(super) request: &'a Request,
    /// The segments of the path, decoded.
    pub(super) segments: Vec<String>,
    claims: Value,
}

impl<'a> Call<'a> {
    /// Checks the audience of the token, but neither its signature nor its times.
    pub(super) fn authenticate(request: &'a Request) -> Result<Self, Response> {
        let decode = |segment: &str| percent_decode_str(segment).decode_utf8_lossy().into_owned();
        let segments = request.path.split('/').skip(1).map(decode).collect();
        Ok(Self { request, segments, claims: check_token(request)? })
    }

    /// Rejects a token of another tenant than that of the subscription.
    pub(super) fn check_tenant(&self, tenant: Option<&str>) -> Result<(), Response> {
        let (Some(expected), Some(found)) = (tenant, self.claims["tid"].as_str()) else { return Ok(()) };
        if expected == found {
            return Ok(());
        }
        // User reports have this text.
        let message = format!(
            "The access token is from the wrong issuer 'https://sts.windows.net/{found}/'. It must match the tenant \
             'https://sts.windows.net/{expected}/' associated with this subscription. Please use the authority (URL) \
             'https://login.windows.net/{expected}' to get the token."
        );
        Err(unauthorized("InvalidAuthenticationTokenTenant", &message))
    }

    /// Whether the token is of this tenant.
    pub(super) fn is_of(&self, tenant: Option<&str>) -> bool {
        self.check_tenant(tenant).is_ok()
    }

    /// "Troubleshoot Azure RBAC" has the message of a missing role assignment.
    pub(super) fn authorize(&self, controls: &AzureControls, action: &str, scope: &str) -> Result<(), Response> {
        if !controls.is_forbidden(action) {
            return Ok(());
        }
        let unknown = "0a1b2c3d-0000-4000-8000-000000000001";
        let claim = |name: &str| self.claims[name].as_str().unwrap_or(unknown).to_owned();
        let message = format!(
            "The client '{}' with object id '{}' does not have authorization to perform action '{action}' over scope \
             '{scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
            claim("appid"),
            claim("oid")
        );
        Err(error(403, "AuthorizationFailed", &message))
    }

    /// The requested page, with the `nextLink` to the next one.
    pub(super) fn page(&self, items: Vec<Value>, size: usize) -> Result<Response, Response> {
        let start = match self.request.query("$skiptoken") {
            Some(token) => token.parse().map_err(|_| error(400, "InvalidSkipToken", "The skip token is invalid."))?,
            None => 0,
        };
        let end = start + size.max(1);
        let next = (end < items.len()).then(|| {
            let version = self.request.query("api-version").unwrap_or_default();
            let top = self.request.query("$top").map_or(String::new(), |top| format!("&%24top={top}"));
            let (origin, path) = (&self.request.origin, &self.request.path);
            format!("{origin}{path}?api-version={version}{top}&%24skiptoken={end}")
        });
        let mut body = json!({ "value": items.into_iter().take(end).skip(start).collect::<Vec<_>>() });
        if let Some(next) = next {
            body["nextLink"] = next.into();
        }
        Ok(Response::json(200, body))
    }

    /// The JSON object in the body. The message for another media type is from user reports.
    pub(super) fn body(&self) -> Result<Value, Response> {
        let media_type = self.request.header("content-type").unwrap_or("<null>");
        if !is_json(media_type) {
            let message = format!(
                "The content media type '{media_type}' is not supported. Only 'application/json' is supported."
            );
            return Err(error(415, "UnsupportedMediaType", &message));
        }
        let body: Option<Value> = serde_json::from_slice(&self.request.body).ok();
        body.filter(Value::is_object).ok_or_else(|| {
            error(400, "InvalidRequestContent", "The request content was invalid and could not be deserialized.")
        })
    }
}

/// Whether a media type, with parameters or without, is that of JSON.
pub(super) fn is_json(media_type: &str) -> bool {
    media_type.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// Checks that the version is one of the resource type. "Resolve errors for resource provider registration"
/// (error-register-resource-provider.md) has the code and the message.
pub(super) fn check_supported(request: &Request, kind: &str, supported: &[&str]) -> Result<(), Response> {
    let version = request.query("api-version").unwrap_or_default();
    if supported.contains(&version) {
        return Ok(());
    }
    let message = format!(
        "No registered resource provider found for location 'westeurope' and API version '{version}' for type \
         '{kind}'. The supported api-versions are '{}'.",
        supported.join(", ")
    );
    Err(error(400, "NoRegisteredProviderFound", &message))
}

/// Checks that the version is a date.
pub(super) fn check_version(request: &Request) -> Result<(), Response> {
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

fn check_token(request: &Request) -> Result<Value, Response> {
    let Some(token) = request.bearer() else {
        let message = "Authentication failed. The 'Authorization' header is missing.";
        return Err(unauthorized("AuthenticationFailed", message));
    };
    let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Value>(token) else {
        return Err(unauthorized("InvalidAuthenticationToken", "The access token is invalid."));
    };
    let audience = claims["aud"].as_str().unwrap_or_default();
    if AUDIENCES.contains(&audience) {
        return Ok(claims);
    }
    let message = format!(
        "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly match with \
         one of the allowed audiences '{}'.",
        AUDIENCES.join("','")
    );
    Err(unauthorized("InvalidAuthenticationTokenAudience", &message))
}

fn unauthorized(code: &str, message: &str) -> Response {
    let challenge = "Bearer authorization_uri=\"https://login.windows.net/\", error=\"invalid_token\", \
                     error_description=\"Could not find identity for access token.\"";
    error(401, code, message).with("WWW-Authenticate", challenge)
}

/// Azure/azure-resource-manager-rpc, common-api-details.md, has this shape.
pub(crate) fn error(status: u16, code: &str, message: &str) -> Response {
    Response::json(status, json!({ "error": { "code": code, "message": message } }))
}

pub(super) fn no_group(group: &str) -> Response {
    error(404, "ResourceGroupNotFound", &format!("Resource group '{group}' could not be found."))
}

pub(super) fn no_resource(kind: &str, name: &str, group: &str) -> Response {
    let message = format!(
        "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix"
    );
    error(404, "ResourceNotFound", &message)
}

/// 429 with `Retry-After`, of Azure Resource Manager and of Microsoft Graph ("Understand how Azure Resource Manager
/// throttles requests", "Microsoft Graph throttling guidance").
pub(crate) fn throttled(retry_after: u64) -> Response {
    let message = "The request is being throttled. Please try again later.";
    error(429, "TooManyRequests", message).with("Retry-After", &retry_after.to_string())
}
