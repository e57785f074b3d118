//! Azure Key Vault: 401 and 403.

use super::{super::KnownFailure, steps::INSPECT_ACCESS_TOKEN};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "Key Vault";

const ERROR_CODES: &str = "Microsoft Learn, \"Azure Key Vault REST API error codes\"";

const SHOW_MODEL: &str = "`az keyvault show --name VAULT --query properties.enableRbacAuthorization` shows true if roles decide, and false if access policies decide";

const LIST_ROLES: &str = "`az role assignment list --assignee CLIENT_ID --all` lists the roles of the identity";

const SHOW_NETWORK: &str = "`az keyvault show --name VAULT --query \"properties.[publicNetworkAccess,networkAcls]\"` shows the network rules of the vault";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "key-vault-role-missing",
        service: SERVICE,
        patterns: &["Caller is not authorized to perform action on resource", "ForbiddenByRbac"],
        meaning: "the access token is good, but the identity has no role for this action on the vault (403)",
        causes: &[
            "no role on the vault is assigned to the identity",
            "the role was assigned a few minutes ago",
            "the role is for the vault itself, such as Contributor, and not for its secrets, keys or certificates",
            "the vault has access policies for the identity, but uses roles",
            "the workload has the client ID of another identity",
        ],
        confirm: &[LIST_ROLES, SHOW_MODEL, "compare appid and oid in the message with the identity"],
        fix: &[
            "assign the role: `az role assignment create --role \"Key Vault Secrets User\" --assignee-object-id PRINCIPAL_ID --assignee-principal-type ServicePrincipal --scope VAULT_ID`",
            "after assigning the role, wait up to ten minutes and retry",
        ],
        waiting: Waiting::RoleAssignment,
        source: "Microsoft Learn, \"Azure Key Vault REST API error codes\" and \"Troubleshoot Azure RBAC\"",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "key-vault-access-policy-missing",
        service: SERVICE,
        patterns: &[
            "does not have {object} {permission} permission on key vault '{vault}'",
            "The user, group or application '{caller}' does not have {object} {permission} permission on key vault '{vault}'",
            "does not have secrets get permission",
        ],
        meaning: "the access token is good, but no access policy of the vault allows this action (403)",
        causes: &[
            "the vault uses access policies, and none is for this identity",
            "the identity has a role, but the vault uses access policies",
            "the access policy is for another object ID, such as that of the application instead of its service principal",
        ],
        confirm: &[
            SHOW_MODEL,
            "`az keyvault show --name VAULT --query properties.accessPolicies` lists the access policies with their object IDs",
        ],
        fix: &[
            "add an access policy: `az keyvault set-policy --name VAULT --object-id PRINCIPAL_ID --secret-permissions get`",
            "or use roles: `az keyvault update --name VAULT --enable-rbac-authorization true`, after each user of the vault has a role",
        ],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "key-vault-network",
        service: SERVICE,
        patterns: &[
            "Client address is not authorized and caller is not a trusted service",
            "Public network access is disabled and request is not from a trusted service nor via an approved private link",
            "ForbiddenByFirewall",
            "ForbiddenByConnection",
        ],
        meaning: "the network rules of the vault reject the address of the workload (403)",
        causes: &[
            "the firewall of the vault does not contain the outbound address of the cluster",
            "public access is disabled, and the cluster resolves the vault to its public address instead of the private endpoint",
        ],
        confirm: &[
            SHOW_NETWORK,
            "`kubectl exec POD -- nslookup VAULT.vault.azure.net` shows the address that the pod uses",
        ],
        fix: &[
            "allow the outbound address: `az keyvault network-rule add --name VAULT --ip-address ADDRESS`",
            "or link the private DNS zone privatelink.vaultcore.azure.net to the network of the cluster",
        ],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Azure Key Vault REST API error codes\" and \"Diagnose private links configuration issues on Azure Key Vault\"",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "key-vault-no-token",
        service: SERVICE,
        patterns: &["AKV10000: Request is missing a Bearer or PoP token"],
        meaning: "the request to the vault has no access token (401)",
        causes: &[
            "the first request of an Azure SDK has no access token on purpose: the SDK then reads the tenant from the answer",
            "the client sends no Authorization header",
        ],
        confirm: &["look for a second request with another answer: a single 401 in a log of an SDK is no failure"],
        fix: &["send an access token for https://vault.azure.net in the Authorization header"],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Azure Key Vault REST API error codes\" and \"Authentication, requests and responses\"; recordings of Azure/azure-sdk-for-js",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "key-vault-audience",
        service: SERVICE,
        patterns: &["AKV10022: Invalid audience. Expected {expected}, found: {audience}", "AKV10022: Invalid audience"],
        meaning: "the access token is for another resource than Key Vault (401)",
        causes: &[
            "the token was requested for another scope, such as Azure Resource Manager",
            "the workload sent its projected token instead of an access token of Entra",
        ],
        confirm: &[INSPECT_ACCESS_TOKEN],
        fix: &["request the token for the scope https://vault.azure.net/.default"],
        waiting: Waiting::No,
        source: "Azure Key Vault answers in public reports",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "key-vault-issuer",
        service: SERVICE,
        patterns: &["AKV10032: Invalid issuer. Expected one of {expected}, found {issuer}", "AKV10032: Invalid issuer"],
        meaning: "the access token is from another tenant than that of the vault (401)",
        causes: &[
            "the identity is in another tenant than the subscription of the vault",
            "AZURE_TENANT_ID, or the annotation azure.workload.identity/tenant-id, names another tenant",
            "the subscription of the vault was moved to another tenant",
        ],
        confirm: &[
            "`az keyvault show --name VAULT --query properties.tenantId` shows the tenant of the vault",
            INSPECT_ACCESS_TOKEN,
        ],
        fix: &["use an identity in the tenant of the vault, and set AZURE_TENANT_ID to this tenant"],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Azure Key Vault REST API error codes\"; public reports",
        evidence: Evidence::Observed,
    },
    KnownFailure {
        id: "key-vault-signing-key",
        service: SERVICE,
        patterns: &["AKV10046: Unable to resolve the key used for signature validation"],
        meaning: "the vault does not find the key that the access token is signed with (401)",
        causes: &[
            "the service could not read the keys of Entra for a short time",
            "the access token is not from Entra, such as the projected token of the service account",
        ],
        confirm: &[INSPECT_ACCESS_TOKEN],
        fix: &["retry with exponential backoff and jitter", "send an access token of Entra"],
        waiting: Waiting::Transient,
        source: "public programs that retry after this answer",
        evidence: Evidence::Observed,
    },
];
