//! The instance metadata service (IMDS), which SDKs use when workload identity is not set up.

use super::{
    super::KnownFailure,
    steps::{ADD_LABEL, RECREATE_POD, SHOW_LABEL, SHOW_VARIABLES},
};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "managed identity (IMDS)";

const FALLBACK: &str = "the pod has no label azure.workload.identity/use: \"true\", so that the webhook adds no variables and the SDK falls back to the managed identity of the node";

const OLD_SDK: &str = "the SDK is too old for workload identity, or the code uses ManagedIdentityCredential";

const UPDATE_SDK: &str = "use WorkloadIdentityCredential or a current DefaultAzureCredential: azidentity 1.3.0 (Go), azure-identity 1.13.0 (Python), Azure.Identity 1.9.0 (.NET), azure-identity 1.9.0 (Java), @azure/identity 3.2.0 (JavaScript) or later";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "imds-identity-not-found",
        service: SERVICE,
        patterns: &[
            "\"Identity not found\"",
            "'Identity not found'",
            "failed: Identity not found",
            "invalid_request: Identity not found",
            "The requested identity has not been assigned to this resource",
            "No identity has been assigned to this resource",
        ],
        meaning: "the SDK requested a token of a managed identity that the node does not have",
        causes: &[
            FALLBACK,
            OLD_SDK,
            "AZURE_CLIENT_ID is set, and the code uses it to select a managed identity instead of workload identity",
        ],
        confirm: &[SHOW_LABEL, SHOW_VARIABLES],
        fix: &[ADD_LABEL, RECREATE_POD, UPDATE_SDK],
        waiting: Waiting::No,
        source: "Azure/azure-workload-identity#728 and #751; tests of Azure/azure-sdk-for-go, sdk/azidentity",
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "imds-unreachable",
        service: SERVICE,
        patterns: &[
            "Connection to IMDS endpoint cannot be established",
            "no response from the IMDS endpoint",
            "No response received from the managed identity endpoint",
            "managed identity timed out",
            "no managed identity endpoint found",
            "failed to obtain a token from the managed identity endpoint",
        ],
        meaning: "the SDK requested a token of a managed identity, but the metadata service does not answer",
        causes: &[
            FALLBACK,
            OLD_SDK,
            "the cluster is not in Azure, so that there is no metadata service",
            "a network policy blocks 169.254.169.254",
        ],
        confirm: &[SHOW_LABEL, SHOW_VARIABLES],
        fix: &[ADD_LABEL, RECREATE_POD, UPDATE_SDK],
        waiting: Waiting::No,
        source: "Azure SDK, source of azidentity, azure-identity and Azure.Identity; jenkinsci/azure-keyvault-plugin#257",
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "imds-several-identities",
        service: SERVICE,
        patterns: &[
            "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request",
        ],
        meaning: "the SDK requested a token of the managed identity of the node, but the node has several",
        causes: &[FALLBACK, OLD_SDK, "the workload is meant to use an identity of the node, but names none"],
        confirm: &[SHOW_LABEL, SHOW_VARIABLES],
        fix: &[
            ADD_LABEL,
            RECREATE_POD,
            UPDATE_SDK,
            "to use an identity of the node, set AZURE_CLIENT_ID to its client ID",
        ],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Managed identities for Azure resources frequently asked questions\"; public reports",
        evidence: Evidence::Documented,
    },
];
