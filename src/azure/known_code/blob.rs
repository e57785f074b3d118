use super::{CredentialKind, KnownCode, row, row_for};

/// Codes of reads, writes and deletes of a blob, and of service properties. Failed conditions (`ConditionNotMet`,
/// `BlobAlreadyExists`) are not errors: the publisher lost a race and makes a new plan.
///
/// Microsoft Learn, "Azure Blob Storage error codes" and "Common REST API error codes".
pub(super) const BLOB: &[KnownCode] = &[
    row_for(
        CredentialKind::KeyOrSas,
        &["AuthorizationPermissionMismatch"],
        "the SAS does not allow this operation",
        SAS_SCOPE,
    ),
    row(
        &[
            "AuthorizationResourceTypeMismatch",
            "AuthorizationServiceMismatch",
            "AuthorizationProtocolMismatch",
            "AuthorizationSourceIPMismatch",
            "UnauthorizedBlobOverwrite",
        ],
        "the SAS does not allow this operation",
        SAS_SCOPE,
    ),
    row_for(
        CredentialKind::Identity,
        &["AuthorizationPermissionMismatch"],
        "the credential has no role assignment {role} on account {account}",
        "assign the role, which takes effect within minutes: az role assignment create --role \"{role}\" --assignee PRINCIPAL --scope \"$(az storage account show --name {account} --query id --output tsv)\"",
    ),
    row(
        &["InsufficientAccountPermissions"],
        "account {account} does not allow this operation in its current state",
        "check that --endpoint is not the read-only secondary endpoint, and check the state of the account: az storage account show --name {account} --query \"[statusOfPrimary, provisioningState]\"",
    ),
    row_for(
        CredentialKind::KeyOrSas,
        &["AuthorizationFailure", "IpAuthorizationError"],
        "the {credential} does not allow this operation, or the network rules of account {account} block this machine",
        "check the credential, and run the command from an allowed network; Entra must reach the web endpoint too",
    ),
    row_for(
        CredentialKind::Identity,
        &["AuthorizationFailure", "IpAuthorizationError"],
        "the network rules of account {account} block this machine",
        "run the command from an allowed network, or allow the network of this machine; Entra must reach the web endpoint too",
    ),
    row(
        &["KeyBasedAuthenticationNotPermitted"],
        "account {account} does not accept account keys or SAS tokens signed with an account key",
        "sign in with --auth az, workload-identity, managed-identity or client-secret",
    ),
    row(
        &["AccountIsDisabled"],
        "account {account} is disabled",
        "enable the account or its subscription in the Azure portal",
    ),
    row(
        &["AuthenticationFailed", "InvalidAuthenticationInfo", "NoAuthenticationInformation"],
        "account {account} rejected the credential ({credential})",
        "check that the credential belongs to this account and tenant and has not expired, and check the clock of this machine",
    ),
    row(
        &["PublicAccessNotPermitted"],
        "account {account} does not permit public access to its blobs",
        "publish to $web, whose web endpoint is public without this permission, or permit public access: az storage account update --name {account} --allow-blob-public-access true",
    ),
    row(
        &["ContainerNotFound", "FilesystemNotFound"],
        "the container {container} does not exist",
        "run the command again: another client removed the container in the meantime",
    ),
    row(
        &["ContainerBeingDeleted"],
        "the container {container} is being deleted",
        "run the command again in a minute, or choose another container with --container",
    ),
    row(
        &["ContainerDisabled"],
        "an administrator disabled the container {container}",
        "enable the container, or choose another container with --container",
    ),
    row(
        &["AccountBeingCreated"],
        "account {account} is still being created",
        "run the command again when this command prints Succeeded: az storage account show --name {account} --query provisioningState",
    ),
    row(
        &["ResourceNotFound", "AccountNotFound"],
        "account {account} does not exist",
        "check --account, --cloud and --endpoint",
    ),
    row(
        &["InvalidResourceName"],
        "\"{container}\" is not a container name; expected $web, or 3 to 63 lower-case letters, digits and single hyphens",
        "choose another container with --container",
    ),
    row(
        &["InvalidUri", "InvalidRequestUrl", "RequestUrlFailedToParse", "OutOfRangeInput"],
        "the service rejected the name of this blob or container",
        "check --container, --endpoint and the path of the issuer",
    ),
    row(&["AccountRequiresHttps"], "account {account} accepts only https", "pass --endpoint with https://"),
    row(
        &["TlsVersionNotPermitted"],
        "account {account} does not accept the TLS version of this connection",
        "connect without the proxy that terminates TLS: issuer itself supports TLS 1.2 and 1.3",
    ),
    row(
        &["MetadataTooLarge", "RequestHeaderTooLarge"],
        "the retention record does not fit into the 8 KiB of blob metadata",
        "remove retired keys with --prune, or one key with --remove KID",
    ),
    row(
        &[
            "LeaseIdMissing",
            "LeaseAlreadyPresent",
            "LeaseLost",
            "LeaseIdMismatchWithBlobOperation",
            "LeaseIdMismatchWithContainerOperation",
        ],
        "another client holds a lease on the blob or its container",
        "break the lease: az storage blob lease break --account-name {account} --container-name '{container}' --blob-name {blob}",
    ),
    row(
        &["SystemInUse"],
        "the storage service itself is using the blob",
        "run the command again later; if the error persists, delete the blob and publish again",
    ),
    row(
        &["PendingCopyOperation"],
        "a copy to the blob is pending",
        "wait until the copy is complete: az storage blob show --account-name {account} --container-name '{container}' --name {blob} --query properties.copy.status",
    ),
    row(
        &[
            "BlobImmutableDueToPolicy",
            "BlobImmutableDueToLegalHold",
            "ContainerHasLegalHold",
            "ContainerImmutabilityPolicyLocked",
        ],
        "an immutability policy or legal hold protects the blob",
        "remove the policy or hold, or choose another container with --container",
    ),
    row(
        &["SnapshotsPresent"],
        "the blob has snapshots, and Azure does not remove a blob without its snapshots",
        "pass --delete-snapshots to remove the snapshots together with the blob",
    ),
    row(
        &["InvalidBlobType", "ResourceTypeMismatch", "BlobTypeNotSupported"],
        "the blob exists as another type of blob",
        "delete that blob and publish again: documents are block blobs",
    ),
    row(
        &["BlobArchived"],
        "the blob is in the archive tier and cannot be read or overwritten",
        "check the lifecycle rules, and rehydrate the blob, which takes up to 15 hours: az storage blob set-tier --account-name {account} --container-name '{container}' --name {blob} --tier Hot",
    ),
    row(
        &["BlobBeingRehydrated"],
        "the rehydration of the blob from the archive tier is pending",
        "wait until the blob is rehydrated, which takes up to 15 hours: az storage blob show --account-name {account} --container-name '{container}' --name {blob} --query properties.rehydrationStatus",
    ),
    row(
        &["BlobUsesCustomerSpecifiedEncryption"],
        "the blob is encrypted with a customer-provided key, which each request must send",
        "delete that blob and publish again: anonymous clients such as Entra cannot read the blob",
    ),
    row(
        &["KeyVaultEncryptionKeyNotFound"],
        "account {account} is encrypted with a customer-managed key that does not exist",
        "restore or enable that key in its Key Vault, or choose another key: az storage account show --name {account} --query encryption.keyVaultProperties",
    ),
    row(
        &["KeyVaultVaultNotFound"],
        "account {account} is encrypted with a customer-managed key whose Key Vault does not exist",
        "recover the vault (az keyvault recover), or choose another key: az storage account show --name {account} --query encryption.keyVaultProperties",
    ),
    row(
        &["KeyVaultAccessTokenCannotBeAcquired"],
        "account {account} cannot get a token for the Key Vault of its customer-managed key",
        "assign the managed identity of the account again, with access to the key: az storage account show --name {account} --query \"[identity, encryption]\"",
    ),
    row(
        &[
            "BlobOperationNotSupported",
            "EndpointUnsupportedAccountFeatures",
            "FeatureVersionMismatch",
            "InvalidOperation",
        ],
        "account {account} does not support this operation on the blob",
        "if another interface such as Data Lake Storage created the blob, delete the blob and publish again",
    ),
    row(
        &["InvalidXmlDocument", "InvalidXmlNodeValue", "MissingRequiredXmlNode", "UnsupportedXmlNode"],
        "account {account} rejected the service properties",
        "use an account of kind StorageV2 or BlockBlobStorage, as static websites require: az storage account show --name {account} --query kind",
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
        "the service rejected the request",
        "check that --endpoint is a current Blob service (older emulators and private clouds may not support this request), and that no proxy changes requests",
    ),
];

const SAS_SCOPE: &str = "create a SAS for the blob service with resource types service, container and object, permissions rwdc, and the address and protocol of this machine";
