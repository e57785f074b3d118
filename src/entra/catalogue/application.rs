//! Applications and managed identities, their secrets, certificates and roles.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::{ERROR_CODES, WEB_TESTS},
    steps::{SHOW_APPLICATION, SHOW_VARIABLES},
};

const RENEW_CERTIFICATE: &[&str] = &[
    "issue a new certificate, and add it to the application: `az ad app credential reset --id CLIENT_ID --append --cert @FILE`",
];

const LIST_CERTIFICATES: &[&str] =
    &["`az ad app credential list --id CLIENT_ID --cert` lists the certificates of the application with their times"];

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::APPLICATION_NOT_FOUND,
        name: Some("UnauthorizedClient_DoesNotMatchRequest"),
        errors: &["unauthorized_client"],
        templates: &[
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
        ],
        meaning: "the tenant has no application or managed identity with this client ID",
        causes: &[
            "the workload uses the object ID or principal ID instead of the client ID",
            "the tenant ID is that of another tenant",
            "the application or managed identity was deleted, or created again with a new client ID",
            "the application is registered in another tenant and has no service principal in this one",
        ],
        confirm: &[
            SHOW_VARIABLES,
            SHOW_APPLICATION,
            "`az identity show --name NAME --resource-group GROUP --query \"[clientId,tenantId]\"` shows client ID and tenant ID of a managed identity",
        ],
        fix: &[
            "set the client ID and the tenant ID of the workload to those of the identity: annotations azure.workload.identity/client-id and tenant-id of the service account",
            "restart the pod after changing an annotation",
        ],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::APPLICATION_DISABLED,
        name: Some("UnauthorizedClientApplicationDisabled"),
        errors: &["unauthorized_client"],
        templates: &["Application '{client_id}'({name}) disabled."],
        meaning: "the application is disabled in this tenant",
        causes: &["an administrator disabled the service principal of the application"],
        confirm: &["`az ad sp show --id CLIENT_ID --query accountEnabled` shows whether the application is enabled"],
        fix: &[
            "ask an administrator of the tenant to enable the application: `az ad sp update --id CLIENT_ID --set accountEnabled=true`",
        ],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Error AADSTS7000112 - Application is disabled\"",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(7_000_229),
        name: None,
        errors: &["invalid_client"],
        templates: &["The client application {client_id} is missing service principal in the tenant {tenant}."],
        meaning: "the application has no service principal in this tenant",
        causes: &[
            "the application was registered without a service principal",
            "the application is registered in another tenant and was not installed in this one",
        ],
        confirm: &[SHOW_APPLICATION],
        fix: &["create the service principal: `az ad sp create --id CLIENT_ID`"],
        waiting: Waiting::No,
        source: "a public error response",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::SECRET_INVALID,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID",
            "Invalid client secret is provided.",
        ],
        meaning: "the client secret does not belong to the application",
        causes: &[
            "the ID of the secret is used instead of its value",
            "the secret belongs to another application, or was deleted",
        ],
        confirm: &[
            "`az ad app credential list --id CLIENT_ID` lists the secrets of the application with their first characters",
        ],
        fix: &[
            "use the value of a secret of this application",
            "create a new secret: `az ad app credential reset --id CLIENT_ID --append`",
        ],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::SECRET_EXPIRED,
        name: Some("InvalidClientSecretExpiredKeysProvided"),
        errors: &["invalid_client"],
        templates: &[
            "The provided client secret keys for app '{client_id}' are expired.",
            "The provided client secret keys are expired.",
        ],
        meaning: "the client secret has expired",
        causes: &["the secret of the application reached its end date"],
        confirm: &[
            "`az ad app credential list --id CLIENT_ID` lists the secrets of the application with their end dates",
        ],
        fix: &[
            "create a new secret: `az ad app credential reset --id CLIENT_ID --append`",
            "use a federated identity credential instead, which has no secret that expires",
        ],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::NO_ASSERTION,
        name: None,
        errors: &["invalid_client"],
        templates: &["The request body must contain the following parameter: 'client_assertion' or 'client_secret'."],
        meaning: "the request contains no assertion",
        causes: &["the token file is empty", "the client sends neither client_assertion nor client_secret"],
        confirm: &["`issuer inspect FILE` reports an empty token file"],
        fix: &[
            "check that AZURE_FEDERATED_TOKEN_FILE names the file of the projected volume, and that the kubelet has written it",
        ],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(7_000_214),
        name: None,
        errors: &["invalid_client"],
        templates: &[],
        meaning: "the certificate of the client is revoked",
        causes: &["its authority revoked the certificate that signed the client assertion"],
        confirm: LIST_CERTIFICATES,
        fix: RENEW_CERTIFICATE,
        waiting: Waiting::No,
        source: WEB_TESTS,
        evidence: Evidence::Source,
    },
    CatalogueEntry {
        code: Aadsts::new(7_000_277),
        name: None,
        errors: &["invalid_client"],
        templates: &[],
        meaning: "the certificate of the client is revoked",
        causes: &["its authority revoked the certificate that signed the client assertion"],
        confirm: LIST_CERTIFICATES,
        fix: RENEW_CERTIFICATE,
        waiting: Waiting::No,
        source: WEB_TESTS,
        evidence: Evidence::Source,
    },
    CatalogueEntry {
        code: Aadsts::new(1_000_502),
        name: None,
        errors: &["invalid_client"],
        templates: &[],
        meaning: "the certificate of the client is outside its validity period",
        causes: &["the certificate that signed the client assertion has expired, or is not valid yet"],
        confirm: LIST_CERTIFICATES,
        fix: RENEW_CERTIFICATE,
        waiting: Waiting::No,
        source: WEB_TESTS,
        evidence: Evidence::Source,
    },
    CatalogueEntry {
        code: Aadsts::new(501_051),
        name: None,
        errors: &["invalid_client", "invalid_grant"],
        templates: &[
            "Application '{client_id}'({name}) is not assigned to a role for the application '{resource_id}'({resource_name})",
        ],
        meaning: "the application has no role in the target application",
        causes: &["the resource requires an assignment, and the client has no app role of the resource"],
        confirm: &[
            "`az ad sp show --id RESOURCE_ID --query appRoleAssignmentRequired` shows whether the resource requires an assignment",
        ],
        fix: &["assign an app role of the resource to the application or managed identity"],
        waiting: Waiting::No,
        source: "samples of Microsoft for daemons that call a web API; a public article",
        evidence: Evidence::Documented,
    },
];
