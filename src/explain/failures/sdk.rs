//! The Azure SDKs, when variables or the token file are missing.

use super::{
    super::KnownFailure,
    steps::{ADD_LABEL, RECREATE_POD, SHOW_ANNOTATIONS, SHOW_LABEL, SHOW_VARIABLES},
};
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "Azure SDK";

const NO_LABEL: &str =
    "the pod has no label azure.workload.identity/use: \"true\", so that the webhook does not change it";

const SKIPPED: &str = "the container is named in the annotation azure.workload.identity/skip-containers of the pod";

const OLDER_POD: &str = "the pod is older than the webhook, the label or the annotation";

const NO_WEBHOOK: &str = "the webhook is not installed, or does not see the namespace (on AKS: kube-system)";

const SOURCES: &str = "source of WorkloadIdentityCredential in Azure/azure-sdk-for-go, azure-sdk-for-python, azure-sdk-for-js, azure-sdk-for-rust and azure-sdk-for-cpp";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "sdk-client-id-missing",
        service: SERVICE,
        patterns: &[
            "no client ID specified. Check pod configuration",
            "'client_id' is required. Please pass it in or set the AZURE_CLIENT_ID environment variable",
            "clientId is a required parameter. In DefaultAzureCredential and ManagedIdentityCredential, this can be provided as an environment variable - \"AZURE_CLIENT_ID\"",
        ],
        meaning: "the variable AZURE_CLIENT_ID is not set in the container",
        causes: &[
            NO_LABEL,
            "the service account has no annotation azure.workload.identity/client-id",
            OLDER_POD,
            SKIPPED,
            NO_WEBHOOK,
        ],
        confirm: &[SHOW_VARIABLES, SHOW_LABEL, SHOW_ANNOTATIONS],
        fix: &[
            ADD_LABEL,
            "set the client ID: `kubectl annotate serviceaccount NAME azure.workload.identity/client-id=CLIENT_ID`",
            RECREATE_POD,
        ],
        waiting: Waiting::No,
        source: SOURCES,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "sdk-tenant-id-missing",
        service: SERVICE,
        patterns: &[
            "no tenant ID specified. Check pod configuration",
            "'tenant_id' is required. Please pass it in or set the AZURE_TENANT_ID environment variable",
            "tenantId is a required parameter. In DefaultAzureCredential and ManagedIdentityCredential, this can be provided as an environment variable - \"AZURE_TENANT_ID\"",
        ],
        meaning: "the variable AZURE_TENANT_ID is not set in the container",
        causes: &[NO_LABEL, OLDER_POD, SKIPPED, NO_WEBHOOK],
        confirm: &[SHOW_VARIABLES, SHOW_LABEL],
        fix: &[ADD_LABEL, RECREATE_POD],
        waiting: Waiting::No,
        source: SOURCES,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "sdk-token-file-missing",
        service: SERVICE,
        patterns: &[
            "no token file specified. Check pod configuration",
            "'token_file_path' is required. Please pass it in or set the AZURE_FEDERATED_TOKEN_FILE environment variable",
            "federatedTokenFilePath is a required parameter. In DefaultAzureCredential and ManagedIdentityCredential, this can be provided as an environment variable - \"AZURE_FEDERATED_TOKEN_FILE\"",
        ],
        meaning: "the variable AZURE_FEDERATED_TOKEN_FILE is not set in the container",
        causes: &[NO_LABEL, OLDER_POD, SKIPPED, NO_WEBHOOK],
        confirm: &[SHOW_VARIABLES, SHOW_LABEL],
        fix: &[ADD_LABEL, RECREATE_POD],
        waiting: Waiting::No,
        source: SOURCES,
        evidence: Evidence::Source,
    },
    KnownFailure {
        id: "sdk-variables-missing",
        service: SERVICE,
        patterns: &[
            "WorkloadIdentityCredential authentication unavailable. The workload options are not fully configured",
            "tenantId, clientId, and federatedTokenFilePath are required parameters",
        ],
        meaning: "a variable of workload identity is not set in the container",
        causes: &[
            NO_LABEL,
            "the service account has no annotation azure.workload.identity/client-id",
            OLDER_POD,
            SKIPPED,
            NO_WEBHOOK,
            "the program does not run in a pod: DefaultAzureCredential then lists this message among others",
        ],
        confirm: &[SHOW_VARIABLES, SHOW_LABEL, SHOW_ANNOTATIONS],
        fix: &[
            ADD_LABEL,
            "set the client ID: `kubectl annotate serviceaccount NAME azure.workload.identity/client-id=CLIENT_ID`",
            RECREATE_POD,
        ],
        waiting: Waiting::No,
        source: "Azure SDK, TROUBLESHOOTING.md of Azure.Identity (.NET) and azure-identity (Java, Python)",
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "sdk-token-file-not-found",
        service: SERVICE,
        patterns: &[
            "/var/run/secrets/azure/tokens/azure-identity-token: no such file or directory",
            "No such file or directory: '/var/run/secrets/azure/tokens/azure-identity-token'",
            "ENOENT: no such file or directory, open '/var/run/secrets/azure/tokens/azure-identity-token'",
            "Could not find file '/var/run/secrets/azure/tokens/azure-identity-token'",
            "NoSuchFileException: /var/run/secrets/azure/tokens/azure-identity-token",
            "/var/run/secrets/azure/wi/token/azure-identity-token: no such file or directory",
            "No such file or directory: '/var/run/secrets/azure/wi/token/azure-identity-token'",
            "ENOENT: no such file or directory, open '/var/run/secrets/azure/wi/token/azure-identity-token'",
            "Could not find file '/var/run/secrets/azure/wi/token/azure-identity-token'",
            "NoSuchFileException: /var/run/secrets/azure/wi/token/azure-identity-token",
        ],
        meaning: "the token file is not at the path that the program uses",
        causes: &[
            "the path is written in the program or in the chart, and azwi 1.6.0 moved the file",
            NO_LABEL,
            SKIPPED,
        ],
        confirm: &[SHOW_VARIABLES, SHOW_LABEL],
        fix: &[
            "read the path from AZURE_FEDERATED_TOKEN_FILE, and remove the path from the program, the chart and the variables of the pod",
            ADD_LABEL,
            RECREATE_POD,
        ],
        waiting: Waiting::No,
        source: "public reports; Azure/azure-workload-identity v1.6.0, pkg/webhook",
        evidence: Evidence::Observed,
    },
];
