use super::{KnownCode, row};

/// Codes of requests for managed identities, applications and their federated credentials. `{identity}` stands for the
/// identity, `{message}` for the message of the service.
///
/// Microsoft Learn, "Important considerations and restrictions for federated identity credentials", "Troubleshoot Azure
/// RBAC", "Troubleshoot errors using Azure Policy", and "Microsoft Graph error responses and resource types".
pub(super) const IDENTITY: &[KnownCode] = &[
    row(
        &["AuthorizationFailed", "LinkedAuthorizationFailed"],
        "the credential has no role for {identity}: {message}",
        "assign the role, which takes effect within minutes: az role assignment create --role \"Managed Identity Contributor\" --assignee PRINCIPAL --scope IDENTITY_ID",
    ),
    row(
        &["Authorization_RequestDenied", "accessDenied", "Forbidden"],
        "the credential may not read or change the credentials of {identity}: {message}",
        "make the credential an owner of the application with the permission Application.ReadWrite.OwnedBy, or give it the role Cloud Application Administrator",
    ),
    row(
        &["RequestDisallowedByPolicy", "DisallowedByPolicy"],
        "Azure Policy denies it: {message}",
        "ask the owner of the policy for an exception: the built-in policy for federated credentials (2571b7c3-3056-4a61-b00a-9bc5232234f5) allows an issuer that is in its parameter allowedIssuerExceptions",
    ),
    row(
        &["ParentResourceNotFound", "ResourceNotFound", "Request_ResourceNotFound"],
        "{identity} does not exist",
        "check --identity, --app, --resource-group and --subscription, and the tenant of the credential",
    ),
    row(
        &["ResourceGroupNotFound", "InvalidResourceGroup"],
        "the resource group of {identity} does not exist",
        "check --resource-group and --subscription",
    ),
    row(
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "the subscription of {identity} does not exist in the tenant of the credential",
        "check --subscription, or sign in to its tenant: az login --tenant TENANT",
    ),
    row(
        &["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
        "the subscription of {identity} does not use managed identities yet",
        "register the resource provider: az provider register --namespace Microsoft.ManagedIdentity",
    ),
    row(
        &["ScopeLocked", "ReadOnlyDisabledSubscription", "SubscriptionDisabled"],
        "{identity} cannot be changed: {message}",
        "remove the lock or enable the subscription: az lock list --output table, az account list --output table",
    ),
    row(
        &["InvalidAuthenticationTokenTenant"],
        "the credential belongs to another tenant than {identity}",
        "sign in to the tenant of the subscription: set AZURE_TENANT_ID, or run `az login --tenant TENANT`",
    ),
    row(
        &[
            "InvalidAuthenticationToken",
            "ExpiredAuthenticationToken",
            "AuthenticationFailed",
            "AuthenticationFailedMissingToken",
            "AuthenticationFailedInvalidHeader",
            "InvalidAuthenticationTokenAudience",
        ],
        "the service rejected the credential: {message}",
        "sign in again, and check --cloud: the token may be for another cloud",
    ),
    row(
        &["TooManyFederatedIdentityCredentials", "LimitExceeded", "Directory_QuotaExceeded"],
        "{identity} has no room for another federated credential: {message}",
        "delete a credential that is not used (issuer federate list shows them), or use another identity",
    ),
    // Message of a region without federated credentials, which has the code of any unsupported request.
    row(
        &["Support for federated identity credentials not enabled"],
        "the region of {identity} does not support federated credentials",
        "create the managed identity in another region: the region of an identity does not matter to the cluster",
    ),
];
