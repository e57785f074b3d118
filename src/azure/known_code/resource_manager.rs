use super::{KnownCode, row};

/// Codes of requests for subscriptions and storage accounts.
///
/// Microsoft Learn, "Troubleshoot common Azure deployment errors" and "Troubleshoot Azure RBAC".
pub(super) const RESOURCE_MANAGER: &[KnownCode] = &[
    row(
        &["AuthorizationFailed", "LinkedAuthorizationFailed"],
        "",
        "assign the role Reader on the account to the credential",
    ),
    row(
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "",
        "check --subscription: the tenant of the credential has no such subscription",
    ),
    row(&["ResourceGroupNotFound", "InvalidResourceGroup"], "", "check --resource-group and --subscription"),
    row(&["ResourceNotFound"], "", "check --account and --resource-group"),
    row(
        &["InvalidAuthenticationTokenTenant"],
        "",
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
        "",
        "sign in again, and check --cloud and --resource-manager: the token may be for another service",
    ),
    row(
        &["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
        "",
        "register the resource provider: az provider register --namespace Microsoft.Storage",
    ),
    row(
        &["NoRegisteredProviderFound", "InvalidApiVersionParameter", "InvalidResourceType", "InvalidResourceNamespace"],
        "",
        "check --resource-manager: the service does not support storage accounts of API version 2023-05-01",
    ),
    row(
        &["DisallowedProvider", "DisallowedOperation", "SubscriptionDisabled", "ReadOnlyDisabledSubscription"],
        "",
        "check the state of the subscription: az account list --output table",
    ),
];
