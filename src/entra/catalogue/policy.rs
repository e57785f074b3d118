//! Policies of a tenant that block the exchange.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::ERROR_CODES,
    steps::{INSPECT_TOKEN, SIGN_IN_LOGS},
};

const ASK_ADMINISTRATOR: &str =
    "ask an administrator of the tenant to allow federated identity credentials of this issuer";

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::new(700_223),
        name: None,
        errors: &[],
        templates: &[],
        meaning: "workload identity federation is disabled in this tenant",
        causes: &["a policy of the tenant blocks federated identity credentials"],
        confirm: &["ask an administrator of the tenant for the policies on federated identity credentials"],
        fix: &[ASK_ADMINISTRATOR],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Troubleshoot an Azure Resource Manager workload identity service connection\"",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(700_238),
        name: None,
        errors: &[],
        templates: &[],
        meaning: "workload identity federation is disabled in this tenant",
        causes: &[
            "a policy of the tenant blocks federated identity credentials",
            "the token comes from an identity in another cloud (observed)",
        ],
        confirm: &["ask an administrator of the tenant for the policies on federated identity credentials"],
        fix: &[ASK_ADMINISTRATOR, "use an identity in the cloud of the tenant"],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Troubleshoot an Azure Resource Manager workload identity service connection\"; a public deployment script",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(7_002_381),
        name: None,
        errors: &[],
        templates: &[
            "Federated identity credentials issued by '{issuer}' for applications or managed identities registered in this tenant must contain the enterprise claim with value {values} but actual value is '{actual}'.",
        ],
        meaning: "the tenant accepts tokens of this issuer only with certain values of the claim enterprise",
        causes: &["the GitHub repository is not in an enterprise that a policy of the tenant allows"],
        confirm: &[INSPECT_TOKEN],
        fix: &[
            "run the workflow in a repository of an allowed enterprise",
            "ask an administrator of the tenant to allow the enterprise, or use another tenant",
        ],
        waiting: Waiting::No,
        source: "public error responses of GitHub workflows of 2026",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::CONDITIONAL_ACCESS,
        name: Some("BlockedByConditionalAccess"),
        errors: &["invalid_grant"],
        templates: &[
            "Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.",
        ],
        meaning: "a Conditional Access policy blocks the sign-in",
        causes: &[
            "a policy for workload identities does not allow the source address of the workload",
            "a policy blocks the identity because its risk is high",
        ],
        confirm: &["read the ID of the policy from capolids in the member claims of the response", SIGN_IN_LOGS],
        fix: &[
            "add the address of the workload to a named location that the policy excludes",
            "exclude the service principal from the policy; editing such policies requires Workload ID Premium",
        ],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\"; an error response of 2025-03",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(530_032),
        name: Some("BlockedByConditionalAccessOnSecurityPolicy"),
        errors: &[],
        templates: &[],
        meaning: "a security policy of the tenant blocks the sign-in",
        causes: &["an administrator configured a security policy that the request does not meet"],
        confirm: &[SIGN_IN_LOGS],
        fix: &["ask an administrator of the tenant to name the security policy, and meet or change this policy"],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::new(50005),
        name: Some("DevicePolicyError"),
        errors: &[],
        templates: &[],
        meaning: "a Conditional Access policy does not support the platform of this device",
        causes: &[
            "a policy of the tenant blocks the user who creates a federated identity credential through Microsoft Graph",
        ],
        confirm: &["search the Microsoft Entra admin center for the sign-in of the user by its correlation ID"],
        fix: &["create the federated identity credential from a device that the policy allows"],
        waiting: Waiting::No,
        source: "Azure/azure-workload-identity, docs/book/src/known-issues.md; Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\"",
        evidence: Evidence::Documented,
    },
];
