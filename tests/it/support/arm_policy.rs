//! The Azure Policy that limits the issuers of federated identity credentials on managed identities.
//!
//! Azure/azure-policy, built-in definition 2571b7c3-3056-4a61-b00a-9bc5232234f5 (`FIC_LimitToWellknownIssuers`): issuers
//! outside of `allowedIssuerExceptions` are denied. "Resolve errors for request disallowed by policy"
//! (error-policy-requestdisallowedbypolicy.md) has code, target and message. The members of `additionalInfo` are an
//! assumption.

use serde_json::{Value, json};

use super::{arm_answer::Call, azure_controls::AzureControls, stand_in::Response};

const DEFINITION: &str = "2571b7c3-3056-4a61-b00a-9bc5232234f5";
const DISPLAY_NAME: &str = "[Preview]: Managed Identity Federated Credentials should be from allowed issuer types";

/// Denies a credential whose issuer is not allowed.
pub(super) fn check_issuer(controls: &AzureControls, call: &Call<'_>) -> Result<(), Response> {
    let Some(allowed) = controls.state().allowed_issuers.clone() else { return Ok(()) };
    let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
    let issuer = body["properties"]["issuer"].as_str().unwrap_or_default();
    if allowed.iter().any(|allowed| allowed == issuer) {
        return Ok(());
    }
    let name = call.segments.last().map_or("", String::as_str);
    let assignment =
        format!("/subscriptions/{}/providers/Microsoft.Authorization/policyAssignments/fic", call.segments[1]);
    let definition = format!("/providers/Microsoft.Authorization/policyDefinitions/{DEFINITION}");
    let identifiers = json!([{
        "policyAssignment": { "name": "FIC_LimitToWellknownIssuers", "id": assignment },
        "policyDefinition": { "name": DISPLAY_NAME, "id": definition },
    }]);
    let info = json!({
        "policyDefinitionDisplayName": DISPLAY_NAME,
        "policyDefinitionId": definition,
        "policyDefinitionName": DEFINITION,
        "policyDefinitionEffect": "deny",
        "policyAssignmentId": assignment,
        "policyAssignmentName": "fic",
        "policyAssignmentDisplayName": "FIC_LimitToWellknownIssuers",
    });
    let body = json!({ "error": {
        "code": "RequestDisallowedByPolicy",
        "target": name,
        "message": format!("Resource '{name}' was disallowed by policy. Policy identifiers: '{identifiers}'."),
        "additionalInfo": [{ "type": "PolicyViolation", "info": info }],
    } });
    Err(Response::json(403, body))
}
