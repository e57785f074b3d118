use super::{KnownCode, row};

/// Codes of requests to Azure Resource Manager and Microsoft Graph for identities, new accounts and clusters. The
/// placeholders stand for the values of a [`Subject`](crate::azure::Subject): `{subject}`, `{role}`, `{flags}` and
/// `{provider}`. `{message}` is the message of the service.
///
/// Microsoft Learn, "Important considerations and restrictions for federated identity credentials", "Troubleshoot Azure
/// RBAC", "Troubleshoot common Azure deployment errors", "Troubleshoot errors using Azure Policy", and "Microsoft Graph
/// error responses and resource types".
pub(super) const CONTROL_PLANE: &[KnownCode] = &[
    row(
        &[
            "AuthorizationFailed",
            "LinkedAuthorizationFailed",
            "Authorization_RequestDenied",
            "accessDenied",
            "Forbidden",
        ],
        "the credential has no permission for {subject}: {message}",
        "{role}",
    ),
    row(
        &["RequestDisallowedByPolicy", "DisallowedByPolicy"],
        "Azure Policy denies the request: {message}",
        "ask the owner of the policy for an exception; the built-in policy for federated credentials (2571b7c3-3056-4a61-b00a-9bc5232234f5) allows the issuers in its parameter allowedIssuerExceptions",
    ),
    row(
        &["ParentResourceNotFound", "ResourceNotFound", "Request_ResourceNotFound"],
        "{subject} does not exist",
        "check {flags}, and the tenant of the credential",
    ),
    row(
        &["ResourceGroupNotFound", "InvalidResourceGroup"],
        "the resource group of {subject} does not exist",
        "check --resource-group and --subscription: az group list --output table",
    ),
    row(
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "the subscription of {subject} does not exist in the tenant of the credential",
        "check --subscription, or sign in to its tenant: az login --tenant TENANT",
    ),
    row(
        &["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
        "the subscription of {subject} does not use this service yet",
        "register the resource provider: az provider register --namespace {provider}",
    ),
    row(
        &["ScopeLocked", "ReadOnlyDisabledSubscription", "SubscriptionDisabled"],
        "{subject} cannot be changed: {message}",
        "remove the lock (az lock list --output table), or enable the subscription (az account list --output table)",
    ),
    row(
        &["InvalidAuthenticationTokenTenant"],
        "the credential belongs to another tenant than {subject}",
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
        &["StorageAccountAlreadyTaken", "StorageAccountAlreadyExists"],
        "another subscription has a storage account of this name: {message}",
        "choose another name with --account: names are unique in all of Azure",
    ),
    row(
        &["InvalidRequestPropertyValue"],
        "Azure rejects a value of {subject}: {message}",
        "check the flags of {subject}, such as --location and --sku",
    ),
    row(
        &["LocationNotAvailableForResourceType", "InvalidLocation", "LocationRequired"],
        "the location of {subject} is not available: {message}",
        "pass another --location: az account list-locations --query '[].name' --output tsv",
    ),
    row(
        &["InvalidSkuName", "SkuNotAvailable", "SkuNotSupported"],
        "the redundancy of {subject} is not available: {message}",
        "pass another --sku, such as Standard_LRS, or another --location",
    ),
    // Parts of messages, whose codes are those of any request that is not valid.
    row(
        &["Support for federated identity credentials not enabled"],
        "the region of {subject} does not support federated credentials",
        "create the managed identity in another region: it need not be the region of the cluster",
    ),
    row(
        &["too many federated", "Too many federated", "maximum number of federated"],
        "{subject} has no room for another federated credential: {message}",
        "delete a credential that is not used (issuer federate list shows them), or use another identity",
    ),
];
