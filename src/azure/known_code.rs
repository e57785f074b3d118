use super::AuthMethod;
use crate::entra::Aadsts;

/// A documented error code of an Azure service, with its meaning for a publisher and the next step.
///
/// `{account}`, `{container}`, `{blob}`, `{credential}` and `{role}` are replaced with those of the request.
#[derive(Debug)]
pub(super) struct KnownCode {
    /// Error codes with the same meaning. A text with a space is part of the sentence of an answer that has no code.
    codes: &'static [&'static str],
    /// Error codes of Entra with the same meaning.
    aadsts: &'static [Aadsts],
    credential: CredentialKind,
    /// The end of `cannot read … in …: …`; empty where the service's own sentence is shown.
    pub(super) sentence: &'static str,
    pub(super) hint: &'static str,
}

/// The credentials that a row applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CredentialKind {
    Any,
    /// An account key, a SAS or a connection string.
    KeyOrSas,
    /// A Microsoft Entra identity.
    Identity,
    /// An application: with a secret, a certificate or a federated token.
    Application,
    Secret,
    Certificate,
    FederatedToken,
    ManagedIdentity,
    /// The user of `az` or `azd`.
    User,
}

impl CredentialKind {
    fn holds(self, method: AuthMethod) -> bool {
        match self {
            Self::Any => true,
            Self::KeyOrSas => method.is_storage_only(),
            Self::Identity => !method.is_storage_only(),
            Self::Application => {
                [Self::Secret, Self::Certificate, Self::FederatedToken].iter().any(|kind| kind.holds(method))
            }
            Self::Secret => method == AuthMethod::ClientSecret,
            Self::Certificate => method == AuthMethod::ClientCertificate,
            Self::FederatedToken => matches!(method, AuthMethod::WorkloadIdentity | AuthMethod::GitHubActions),
            Self::ManagedIdentity => method == AuthMethod::ManagedIdentity,
            Self::User => method.is_developer(),
        }
    }
}

impl KnownCode {
    /// The row of the Blob service for a code.
    pub(super) fn of_blob(code: &str, method: AuthMethod) -> Option<&'static Self> {
        BLOB.iter().filter(|row| row.credential.holds(method)).find(|row| row.codes.contains(&code))
    }

    /// The row of Azure Resource Manager for a code.
    pub(super) fn of_resource_manager(code: &str) -> Option<&'static Self> {
        RESOURCE_MANAGER.iter().find(|row| row.codes.contains(&code))
    }

    /// The next step after a failed sign-in: that of a documented answer, else a general one for the credential.
    pub(super) fn sign_in_hint(method: AuthMethod, code: Option<&str>, because: &str) -> &'static str {
        Self::of_sign_in(method, code, because).map_or(general_hint(method), |row| row.hint)
    }

    /// The row for an answer of Entra, a tool or an identity endpoint.
    pub(super) fn of_sign_in(method: AuthMethod, code: Option<&str>, because: &str) -> Option<&'static Self> {
        let is_meant = |known: &&str| code == Some(*known) || (known.contains(' ') && because.contains(*known));
        let aadsts = code.and_then(|code| code.parse().ok());
        let is_listed = |row: &Self| aadsts.is_some_and(|code| row.aadsts.contains(&code));
        let mut rows = SIGN_IN.iter().filter(|row| row.credential.holds(method));
        rows.find(|row| is_listed(row) || row.codes.iter().any(is_meant))
    }
}

const fn general_hint(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::ClientSecret => {
            "check AZURE_CLIENT_SECRET, AZURE_CLIENT_ID and AZURE_TENANT_ID, or choose another credential with --auth"
        }
        AuthMethod::ClientCertificate => {
            "check the certificate, AZURE_CLIENT_ID and AZURE_TENANT_ID, or choose another credential with --auth"
        }
        AuthMethod::WorkloadIdentity | AuthMethod::GitHubActions => {
            "check the federated credential of this identity, or choose another credential with --auth"
        }
        AuthMethod::ManagedIdentity => {
            "check that this machine or app has the identity, or choose another credential with --auth"
        }
        AuthMethod::AzureCli => "run `az login` again, or choose another credential with --auth",
        AuthMethod::AzureDeveloperCli => "run `azd auth login` again, or choose another credential with --auth",
        AuthMethod::ConnectionString | AuthMethod::Sas | AuthMethod::AccountKey => {
            "sign in instead (--auth az, workload-identity, managed-identity, client-secret)"
        }
    }
}

const fn row(codes: &'static [&'static str], sentence: &'static str, hint: &'static str) -> KnownCode {
    KnownCode { codes, aadsts: &[], credential: CredentialKind::Any, sentence, hint }
}

const fn row_for(
    credential: CredentialKind,
    codes: &'static [&'static str],
    sentence: &'static str,
    hint: &'static str,
) -> KnownCode {
    KnownCode { codes, aadsts: &[], credential, sentence, hint }
}

const fn aadsts_for(credential: CredentialKind, aadsts: &'static [Aadsts], hint: &'static str) -> KnownCode {
    KnownCode { codes: &[], aadsts, credential, sentence: "", hint }
}

/// Codes of reads, writes and deletes of a blob, and of service properties. Failed conditions (`ConditionNotMet`,
/// `BlobAlreadyExists`) are not errors: the publisher makes a new plan.
///
/// Microsoft Learn, "Azure Blob Storage error codes" and "Common REST API error codes".
const BLOB: &[KnownCode] = &[
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

/// Codes of requests for subscriptions and storage accounts.
///
/// Microsoft Learn, "Troubleshoot common Azure deployment errors" and "Troubleshoot Azure RBAC".
const RESOURCE_MANAGER: &[KnownCode] = &[
    row(
        &["AuthorizationFailed", "LinkedAuthorizationFailed"],
        "",
        "give the credential the role Reader on the account",
    ),
    row(
        &["SubscriptionNotFound", "InvalidSubscriptionId"],
        "",
        "check --subscription: the tenant that the credential is of does not have it",
    ),
    row(&["ResourceGroupNotFound", "InvalidResourceGroup"], "", "check --resource-group and --subscription"),
    row(&["ResourceNotFound"], "", "check --account and --resource-group"),
    row(
        &["InvalidAuthenticationTokenTenant"],
        "",
        "sign in to the tenant of the subscription: AZURE_TENANT_ID, or az login --tenant TENANT",
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
        "sign in again, and check --cloud and --resource-manager: the token is for another service",
    ),
    row(
        &["MissingSubscriptionRegistration", "SubscriptionNotRegistered"],
        "",
        "register the resource provider: az provider register --namespace Microsoft.Storage",
    ),
    row(
        &["NoRegisteredProviderFound", "InvalidApiVersionParameter", "InvalidResourceType", "InvalidResourceNamespace"],
        "",
        "check --resource-manager: it does not know storage accounts of API version 2023-05-01",
    ),
    row(
        &["DisallowedProvider", "DisallowedOperation", "SubscriptionDisabled", "ReadOnlyDisabledSubscription"],
        "",
        "check the state of the subscription: az account list --output table",
    ),
];

/// Codes and sentences of sign-ins.
///
/// Microsoft Learn, "Microsoft Entra authentication and authorization error codes"; for identity endpoints "How to use managed identities for Azure resources on a virtual machine to acquire an access token", "Error
/// handling"; "How to use managed identities for App Service and Azure Functions"; "Managed identities in Azure Container Apps".
const SIGN_IN: &[KnownCode] = &[
    row_for(
        CredentialKind::ManagedIdentity,
        &["Multiple user assigned identities exist", "multiple user assigned identities"],
        "",
        "say which one: --client-id ID, or AZURE_CLIENT_ID",
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
    row(&["invalid_resource"], "", "check --cloud: the tenant does not know the service that the token is for"),
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
        "make a new secret: az ad app credential reset --id CLIENT_ID --append",
    ),
    aadsts_for(
        CredentialKind::Certificate,
        &[Aadsts::SIGNATURE],
        "check that the public certificate is one of the application's: az ad app credential list --id CLIENT_ID --cert",
    ),
    aadsts_for(
        CredentialKind::FederatedToken,
        &[Aadsts::NO_MATCH, Aadsts::ISSUER, Aadsts::AUDIENCE, Aadsts::SUBJECT, Aadsts::SUBJECT_CASE],
        "compare issuer, subject and audience with the federated credential: issuer inspect FILE shows those of the token",
    ),
    aadsts_for(
        CredentialKind::FederatedToken,
        &[Aadsts::TIME, Aadsts::MALFORMED],
        "check the federated token: issuer inspect FILE shows its times and claims",
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

const SAS_SCOPE: &str = "make it for the blob service with resource types service, container and object, permissions rwdc, and this machine's address and protocol; or sign in instead";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_row_for_each_kind_of_credential() {
        let check = |code: &dyn std::fmt::Debug, kinds: Vec<CredentialKind>| {
            let is_split = kinds.len() == 2 && !kinds.contains(&CredentialKind::Any) && kinds[0] != kinds[1];
            assert!(kinds.len() == 1 || is_split, "{code:?}: {kinds:?}");
        };
        for table in [BLOB, RESOURCE_MANAGER, SIGN_IN] {
            for row in table {
                assert!(!row.hint.is_empty(), "{row:?}");
                for code in row.codes {
                    let rows = table.iter().filter(|other| other.codes.contains(code));
                    check(code, rows.map(|other| other.credential).collect());
                }
                for code in row.aadsts {
                    let rows = table.iter().filter(|other| other.aadsts.contains(code));
                    check(code, rows.map(|other| other.credential).collect());
                    assert!(code.entry().is_some(), "{code} is not in the catalogue");
                }
            }
        }
        assert!(BLOB.iter().all(|row| !row.sentence.is_empty()));
    }
}
