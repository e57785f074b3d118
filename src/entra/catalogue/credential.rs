//! Federated identity credentials that do not match the token or do not exist.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::SUPPORT_GUIDE,
    steps::{INSPECT_TOKEN, LIST_CREDENTIALS, LIST_CREDENTIALS_OF_APPLICATION, SHOW_VARIABLES},
};

const COMPARE: &[&str] = &[INSPECT_TOKEN, LIST_CREDENTIALS, LIST_CREDENTIALS_OF_APPLICATION];

const COMPARE_ISSUER: &str = "`issuer verify FILE --issuer \"$(az identity federated-credential show --name NAME --identity-name IDENTITY --resource-group GROUP --query issuer --output tsv)\"` compares the issuer of the token with that of the federated identity credential of a managed identity, byte for byte";

const ENABLE_PROXY: &str = "with AKS identity bindings, enable the proxy in the options of WorkloadIdentityCredential";

const JUST_CREATED: &str =
    "the federated identity credential was created or changed a few minutes ago, and Entra still uses cached data";

const WAIT_FOR_PROPAGATION: &str =
    "after creating or changing the federated identity credential, wait some minutes and retry";

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::NO_MATCH,
        name: None,
        errors: &["invalid_request"],
        templates: &[
            "No matching federated identity record found for presented assertion. Assertion Issuer: '{issuer}'. Assertion Subject: '{subject}'. Assertion Audience: '{audience}'.",
        ],
        meaning: "no federated identity credential matches issuer, subject and audience of this token",
        causes: &[
            "the issuer differs by a trailing slash between the token and the federated identity credential",
            "issuer, subject or audience differ, even if only in upper and lower case",
            "the application or managed identity has no federated identity credential for this service account",
            JUST_CREATED,
        ],
        confirm: COMPARE,
        fix: &[
            "set issuer, subject and audience of the federated identity credential to the exact strings of the token",
            WAIT_FOR_PROPAGATION,
        ],
        waiting: Waiting::Propagation,
        source: "Azure/azure-workload-identity, docs/book/src/troubleshooting.md; Microsoft Learn, \"Important considerations and restrictions for federated identity credentials\"",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::ISSUER,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "No matching federated identity record found for presented assertion issuer '{issuer}'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
        ],
        meaning: "no federated identity credential matches this issuer",
        causes: &[
            "the issuer differs by a trailing slash between the token and the federated identity credential",
            "--service-account-issuer of the API server is not set, or the API server was not restarted: the token has the issuer https://kubernetes.default.svc.cluster.local",
            "the token is from another cluster, or the cluster was recreated with another issuer",
            "the client ID is that of another application or managed identity",
            JUST_CREATED,
            "the request contains an access token of Entra instead of the projected token",
            "the workload sends its token for AKS identity bindings directly to Entra instead of to the proxy (AKS only)",
        ],
        confirm: &[COMPARE_ISSUER, INSPECT_TOKEN, LIST_CREDENTIALS, LIST_CREDENTIALS_OF_APPLICATION, SHOW_VARIABLES],
        fix: &[
            "use one string, byte for byte, in --service-account-issuer, the discovery document and the federated identity credential",
            "set --service-account-issuer on every API server (on a running cluster, keep the old issuer as the second), restart the API servers, then restart the pods, which hold tokens of the old issuer",
            "create a federated identity credential with the issuer of the other or recreated cluster",
            "set the client ID of the workload to that of the identity which has the federated identity credential",
            WAIT_FOR_PROPAGATION,
            "send the token of the projected volume (the file in AZURE_FEDERATED_TOKEN_FILE) as client_assertion",
            ENABLE_PROXY,
        ],
        waiting: Waiting::Propagation,
        source: "Azure/azure-workload-identity#1200; Azure SDK, azidentity TROUBLESHOOTING.md",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::AUDIENCE,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "No matching federated identity record found for presented assertion audience '{audience}'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
        ],
        meaning: "no federated identity credential matches this audience",
        causes: &[
            "the token is the default token of the service account, which is for the API server",
            "the projected volume and the federated identity credential have different audiences",
            "the audience is that of another cloud, such as api://AzureADTokenExchangeUSGov",
            "the workload sends its token for AKS identity bindings (api://AKSIdentityBinding) directly to Entra instead of to the proxy (AKS only)",
        ],
        confirm: COMPARE,
        fix: &[
            "project a token with the audience of the federated identity credential, by default api://AzureADTokenExchange",
            ENABLE_PROXY,
        ],
        waiting: Waiting::Propagation,
        source: "MicrosoftDocs/azure-aks-docs, workload-identity-overview.md; Azure SDK, TROUBLESHOOTING.md of its identity libraries",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::SUBJECT,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "No matching federated identity record found for presented assertion subject '{subject}'. Please note that matching is done using a case-sensitive comparison. Check your federated identity credential Subject, Audience, and Issuer against the presented assertion.",
        ],
        meaning: "no federated identity credential matches this subject",
        causes: &[
            "the federated identity credential is for another namespace or service account",
            "the pod runs as another service account, such as default",
            "issuer or audience differ in upper and lower case only",
            "a GitHub repository issues subjects with numeric IDs (repo:owner@ID/repo@ID:…), but the federated identity credential has a subject without IDs",
            "the federated identity credential trusts a managed identity, and its subject is the client ID of that identity instead of its principal ID",
        ],
        confirm: &[
            INSPECT_TOKEN,
            LIST_CREDENTIALS,
            LIST_CREDENTIALS_OF_APPLICATION,
            "`kubectl get pod POD -o jsonpath={.spec.serviceAccountName}` shows the service account of the pod",
        ],
        fix: &[
            "set the subject of the federated identity credential to system:serviceaccount:NAMESPACE:NAME, exactly as in the token",
            "run the pod as the service account that the federated identity credential is for",
        ],
        waiting: Waiting::Propagation,
        source: "Microsoft Learn, \"What's new for authentication?\" (August 2024)",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::SUBJECT_CASE,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "No matching federated identity record found for presented assertion subject '{subject}'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison.",
        ],
        meaning: "the subject matches a federated identity credential except for upper and lower case",
        causes: &["the federated identity credential has the subject of the token with other upper and lower case"],
        confirm: COMPARE,
        fix: &["set the subject of the federated identity credential to the exact string of the token"],
        waiting: Waiting::Propagation,
        source: "Azure/login#515 and #517; Microsoft Learn, \"What's new for authentication?\" (August 2024)",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::NO_CREDENTIAL,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "The client '{client_id}'({name}) has no configured federated identity credentials",
            "The client '{name}' has no configured federated identity credentials",
            "Client application has no configured federated identity credentials",
        ],
        meaning: "the application or managed identity has no federated identity credential at all",
        causes: &[
            "no federated identity credential was created for this application or managed identity",
            "the client ID is that of another application or managed identity",
            "the federated identity credential was created a few minutes ago",
        ],
        confirm: &[LIST_CREDENTIALS, LIST_CREDENTIALS_OF_APPLICATION, SHOW_VARIABLES],
        fix: &[
            "create a federated identity credential with issuer, subject and audience of the token",
            "correct the annotation azure.workload.identity/client-id of the service account, and restart the pod",
        ],
        waiting: Waiting::Propagation,
        source: "public error responses of 2024-07 and later",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(7_000_226),
        name: None,
        errors: &[],
        templates: &["No federated identity credential policy found on application ({client_id})."],
        meaning: "the application has no federated identity credential for the identity of another tenant",
        causes: &[
            "the application for customer-managed keys of another tenant has no federated identity credential",
            "the request has the client ID of another application",
        ],
        confirm: &[LIST_CREDENTIALS_OF_APPLICATION],
        fix: &[
            "create the federated identity credential on the application that the request names",
            "correct the application ID in the settings of the customer-managed key",
        ],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_263),
        name: None,
        errors: &[],
        templates: &[],
        meaning: "the application has two federated identity credentials with the same subject",
        causes: &[
            "one managed identity has a federated identity credential for each of its two issuers (version 1.0 and 2.0 of its tokens)",
        ],
        confirm: &[LIST_CREDENTIALS_OF_APPLICATION],
        fix: &[
            "keep the federated identity credential with the issuer of the token, and delete the other federated identity credential",
        ],
        waiting: Waiting::No,
        source: "a comment in a public deployment script",
        evidence: Evidence::Observed,
    },
];
