use super::{CredentialKind, KnownCode, row, row_for};

/// Codes of reads, writes and deletes of a blob, and of service properties. Failed conditions (`ConditionNotMet`,
/// `BlobAlreadyExists`) are not errors: the publisher makes a new plan.
///
/// Microsoft Learn, "Azure Blob Storage error codes" and "Common REST API error codes".
pub(super) const BLOB: &[KnownCode] = &[
    row_for(CredentialKind::KeyOrSas, &["AuthorizationPermissionMismatch"], "the SAS does not allow it", SAS_SCOPE),
    row(
        &[
            "AuthorizationResourceTypeMismatch",
            "AuthorizationServiceMismatch",
            "AuthorizationProtocolMismatch",
            "AuthorizationSourceIPMismatch",
            "UnauthorizedBlobOverwrite",
        ],
        "the SAS does not allow it",
        SAS_SCOPE,
    ),
    row_for(
        CredentialKind::Identity,
        &["AuthorizationPermissionMismatch"],
        "the credential lacks the role {role} on account {account}",
        "az role assignment create --role \"{role}\" --assignee PRINCIPAL --scope \"$(az storage account show --name {account} --query id --output tsv)\"; it takes effect within minutes",
    ),
    row(
        &["InsufficientAccountPermissions"],
        "account {account} does not allow this operation now",
        "check that --endpoint is not the account's secondary endpoint, which is read-only, and the state of the account: az storage account show --name {account} --query \"[statusOfPrimary, provisioningState]\"",
    ),
    row_for(
        CredentialKind::KeyOrSas,
        &["AuthorizationFailure", "IpAuthorizationError"],
        "the {credential} does not allow it, or the network rules of account {account} keep this machine out",
        "check the credential, and run it from an allowed network; note that Entra must reach the web endpoint too",
    ),
    row_for(
        CredentialKind::Identity,
        &["AuthorizationFailure", "IpAuthorizationError"],
        "the network rules of account {account} keep this machine out",
        "run it from an allowed network, or allow this one; note that Entra must reach the web endpoint too",
    ),
    row(
        &["KeyBasedAuthenticationNotPermitted"],
        "account {account} does not allow account keys, nor SAS tokens made with one",
        "sign in instead (--auth az, workload-identity, managed-identity, client-secret)",
    ),
    row(&["AccountIsDisabled"], "account {account} is disabled", "enable it, or its subscription, in the portal"),
    row(
        &["AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"],
        "the {credential} was not accepted",
        "check that it is of this account and tenant, has not expired, and that the clock of this machine is right",
    ),
    row(
        &["PublicAccessNotPermitted"],
        "account {account} does not permit public access to its blobs",
        "publish to $web, whose website endpoint is public without it, or permit it: az storage account update --name {account} --allow-blob-public-access true",
    ),
    row(
        &["ContainerNotFound", "FilesystemNotFound"],
        "there is no container {container}",
        "run it again: somebody removed the container meanwhile",
    ),
    row(
        &["ContainerBeingDeleted"],
        "the container {container} is being deleted",
        "run it again in a minute, when it is gone, or name another container with --container",
    ),
    row(
        &["ContainerDisabled"],
        "the container {container} was disabled by an administrator",
        "have it enabled, or name another container with --container",
    ),
    row(
        &["AccountBeingCreated"],
        "account {account} is still being created",
        "run it again when it is there: az storage account show --name {account} --query provisioningState",
    ),
    row(
        &["ResourceNotFound", "AccountNotFound"],
        "there is no account {account}",
        "check --account, --cloud and --endpoint",
    ),
    row(
        &["InvalidResourceName"],
        "\"{container}\" is not the name of a container",
        "3 to 63 lower-case letters, digits and single hyphens, or $web",
    ),
    row(
        &["InvalidUri", "InvalidRequestUrl", "RequestUrlFailedToParse", "OutOfRangeInput"],
        "the service does not take the name of this blob or container",
        "check --container, --endpoint and the path of the issuer",
    ),
    row(&["AccountRequiresHttps"], "account {account} takes https only", "pass --endpoint with https://"),
    row(
        &["TlsVersionNotPermitted"],
        "account {account} does not permit the version of TLS that this connection has",
        "connect without the proxy that ends TLS on the way: issuer itself speaks TLS 1.2 and 1.3",
    ),
    row(
        &["MetadataTooLarge", "RequestHeaderTooLarge"],
        "the record of its keys does not fit the 8 KiB of a blob's metadata",
        "drop retired keys with --prune or --remove",
    ),
    row(
        &[
            "LeaseIdMissing",
            "LeaseAlreadyPresent",
            "LeaseLost",
            "LeaseIdMismatchWithBlobOperation",
            "LeaseIdMismatchWithContainerOperation",
        ],
        "somebody holds a lease on it",
        "break it: az storage blob lease break --account-name {account} --container-name '{container}' --blob-name {blob}",
    ),
    row(
        &["SystemInUse"],
        "the storage service itself is using the blob",
        "run it again later; if it stays so, delete the blob and publish again",
    ),
    row(
        &["PendingCopyOperation"],
        "a copy onto the blob is under way",
        "wait until it is done: az storage blob show --account-name {account} --container-name '{container}' --name {blob} --query properties.copy.status",
    ),
    row(
        &[
            "BlobImmutableDueToPolicy",
            "BlobImmutableDueToLegalHold",
            "ContainerHasLegalHold",
            "ContainerImmutabilityPolicyLocked",
        ],
        "an immutability policy or legal hold protects it",
        "lift it, or publish to another container with --container",
    ),
    row(
        &["SnapshotsPresent"],
        "it has snapshots, which cannot stay without it",
        "pass --delete-snapshots, which removes them with it",
    ),
    row(
        &["InvalidBlobType", "ResourceTypeMismatch", "BlobTypeNotSupported"],
        "it is there as another type of blob",
        "delete that blob; documents are block blobs",
    ),
    row(
        &["BlobArchived"],
        "the blob is in the archive tier, where it can be neither read nor replaced",
        "bring it back: az storage blob set-tier --account-name {account} --container-name '{container}' --name {blob} --tier Hot; it takes up to 15 hours, so also check the lifecycle rules that archived it",
    ),
    row(
        &["BlobBeingRehydrated"],
        "the blob is on its way out of the archive tier",
        "wait until it is back, which takes up to 15 hours: az storage blob show --account-name {account} --container-name '{container}' --name {blob} --query properties.rehydrationStatus",
    ),
    row(
        &["BlobUsesCustomerSpecifiedEncryption"],
        "the blob is encrypted with a key that each request has to bring",
        "delete that blob and publish again; anonymous readers such as Entra cannot read it",
    ),
    row(
        &["KeyVaultEncryptionKeyNotFound"],
        "account {account} is encrypted with a customer-managed key that is not there",
        "restore or enable that key in its Key Vault, or choose another: az storage account show --name {account} --query encryption.keyVaultProperties",
    ),
    row(
        &["KeyVaultVaultNotFound"],
        "account {account} is encrypted with a customer-managed key whose Key Vault is not there",
        "recover the vault (az keyvault recover), or choose another key: az storage account show --name {account} --query encryption.keyVaultProperties",
    ),
    row(
        &["KeyVaultAccessTokenCannotBeAcquired"],
        "account {account} gets no token for the Key Vault of its customer-managed key",
        "give the account its managed identity again, with the right to the key: az storage account show --name {account} --query \"[identity, encryption]\"",
    ),
    row(
        &[
            "BlobOperationNotSupported",
            "EndpointUnsupportedAccountFeatures",
            "FeatureVersionMismatch",
            "InvalidOperation",
        ],
        "account {account} does not support this operation on the blob",
        "delete that blob and publish again if it was made by another interface, such as Data Lake Storage",
    ),
    row(
        &["InvalidXmlDocument", "InvalidXmlNodeValue", "MissingRequiredXmlNode", "UnsupportedXmlNode"],
        "account {account} does not take these service properties",
        "a static website needs an account of kind StorageV2 or BlockBlobStorage: az storage account show --name {account} --query kind",
    ),
    row(
        &[
            "ConditionHeadersNotSupported",
            "EmptyMetadataKey",
            "InvalidHeaderValue",
            "InvalidHttpVerb",
            "InvalidInput",
            "InvalidMd5",
            "InvalidMetadata",
            "InvalidQueryParameterValue",
            "InvalidRange",
            "Md5Mismatch",
            "MissingContentLengthHeader",
            "MissingRequiredHeader",
            "MissingRequiredQueryParameter",
            "MultipleConditionHeadersNotSupported",
            "OutOfRangeQueryParameterValue",
            "RequestBodyTooLarge",
            "UnsupportedHeader",
            "UnsupportedHttpVerb",
            "UnsupportedQueryParameter",
        ],
        "the service does not take the request",
        "check that --endpoint is a current Blob service, as an older emulator or private cloud may not know this request, and that no proxy changes requests on the way",
    ),
];

const SAS_SCOPE: &str = "make it for the blob service with resource types service, container and object, permissions rwdc, and this machine's address and protocol; or sign in instead";
