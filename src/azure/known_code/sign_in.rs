use super::{CredentialKind, KnownCode, aadsts_for, row, row_for};
use crate::entra::Aadsts;

/// Codes and messages of failed sign-ins.
///
/// Microsoft Learn, "Microsoft Entra authentication and authorization error codes". For identity endpoints: "How to use
/// managed identities for Azure resources on a virtual machine to acquire an access token", "Error handling"; "How to
/// use managed identities for App Service and Azure Functions"; "Managed identities in Azure Container Apps".
pub(super) const SIGN_IN: &[KnownCode] = &[
    row_for(
        CredentialKind::ManagedIdentity,
        &["Multiple user assigned identities exist", "multiple user assigned identities"],
        "",
        "choose an identity with --client-id ID or AZURE_CLIENT_ID",
    ),
    row_for(
        CredentialKind::ManagedIdentity,
        &[
            "Identity not found",
            "identity has not been assigned",
            "Unable to load the proper Managed Identity",
            "No User Assigned or Delegated Managed Identity found",
            "No managed identity endpoint found",
        ],
        "",
        "assign the identity to this machine or app, or check --client-id and AZURE_CLIENT_ID",
    ),
    row(&["invalid_resource"], "", "check --cloud: the service that the token is for does not exist in the tenant"),
    row_for(
        CredentialKind::ManagedIdentity,
        &["unknown_source", "bad_request_102", "Required metadata header not specified"],
        "",
        "check that no proxy or service mesh changes requests to the identity endpoint",
    ),
    aadsts_for(
        CredentialKind::Any,
        &[
            Aadsts::TENANT_NOT_FOUND,
            Aadsts::TENANT_MALFORMED,
            Aadsts::TENANT_REDIRECTED,
            Aadsts::CROSS_CLOUD,
            Aadsts::CROSS_CLOUD_REQUEST,
            Aadsts::US_GOVERNMENT_AT_PUBLIC,
            Aadsts::PUBLIC_AT_US_GOVERNMENT,
        ],
        "check AZURE_TENANT_ID, and --cloud: a tenant is in one cloud only",
    ),
    aadsts_for(
        CredentialKind::Application,
        &[Aadsts::APPLICATION_NOT_FOUND, Aadsts::APPLICATION_DISABLED],
        "check AZURE_CLIENT_ID and AZURE_TENANT_ID: the tenant has no such application, or it is disabled there",
    ),
    aadsts_for(
        CredentialKind::Secret,
        &[Aadsts::SECRET_INVALID],
        "set AZURE_CLIENT_SECRET to the value of a secret of this application, not to the secret's ID",
    ),
    aadsts_for(
        CredentialKind::Secret,
        &[Aadsts::SECRET_EXPIRED],
        "create a new secret: az ad app credential reset --id CLIENT_ID --append",
    ),
    aadsts_for(
        CredentialKind::Certificate,
        &[Aadsts::SIGNATURE],
        "check that the public certificate belongs to the application: az ad app credential list --id CLIENT_ID --cert",
    ),
    aadsts_for(
        CredentialKind::FederatedToken,
        &[Aadsts::NO_MATCH, Aadsts::ISSUER, Aadsts::AUDIENCE, Aadsts::SUBJECT, Aadsts::SUBJECT_CASE],
        "compare issuer, subject and audience of the token (`issuer inspect FILE`) with those of the federated credential",
    ),
    aadsts_for(
        CredentialKind::FederatedToken,
        &[Aadsts::TIME, Aadsts::MALFORMED],
        "check the times and claims of the federated token: issuer inspect FILE",
    ),
    aadsts_for(
        CredentialKind::User,
        &[
            Aadsts::MFA_REQUIRED,
            Aadsts::MFA_EXPIRED,
            Aadsts::MFA_NOT_REGISTERED,
            Aadsts::SESSION_INVALID,
            Aadsts::GRANT_REVOKED,
            Aadsts::CONDITIONAL_ACCESS,
            Aadsts::CONSENT_MISSING,
            Aadsts::SIGN_IN_TOO_OLD,
            Aadsts::SIGN_IN_UNUSED,
        ],
        SIGN_IN_AGAIN,
    ),
    row_for(
        CredentialKind::User,
        &["Please run 'az login'", "Interactive authentication is needed", "azd auth login", "not logged in, run"],
        "",
        SIGN_IN_AGAIN,
    ),
    row_for(
        CredentialKind::User,
        &["not found on PATH"],
        "",
        "install the tool, or choose another credential with --auth",
    ),
];

const SIGN_IN_AGAIN: &str = "run `az login` again (azd: `azd auth login`), or choose another credential with --auth";
