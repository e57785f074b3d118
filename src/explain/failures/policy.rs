//! Azure Policy, which may deny a federated identity credential.

use super::super::KnownFailure;
use crate::entra::{Evidence, Waiting};

pub(super) const FAILURES: &[KnownFailure] = &[KnownFailure {
    id: "azure-policy-denied",
    service: "Azure Policy",
    patterns: &["Resource '{resource}' was disallowed by policy", "RequestDisallowedByPolicy"],
    meaning: "a policy of the subscription or of a management group denies the resource",
    causes: &[
        "for a federated identity credential: the policy \"Managed Identity Federated Credentials should be from allowed issuer types\" does not list the issuer of this cluster",
        "another policy denies the resource; the answer names its assignment",
    ],
    confirm: &[
        "read policyAssignmentName and policyDefinitionName in the answer",
        "`az policy assignment show --name ASSIGNMENT --scope SCOPE` shows the parameters: the issuer of a self-managed cluster must be among allowedIssuerExceptions",
    ],
    fix: &[
        "ask the owner of the policy to add the exact issuer URL to allowedIssuerExceptions",
        "or ask for an exemption: `az policy exemption create --name NAME --policy-assignment ASSIGNMENT_ID --exemption-category Waiver --scope SCOPE`",
    ],
    waiting: Waiting::No,
    source: "Azure/azure-policy, built-in policy 2571b7c3-3056-4a61-b00a-9bc5232234f5; Microsoft Learn, \"Resolve errors for disallowed by policy\"",
    evidence: Evidence::Documented,
}];
