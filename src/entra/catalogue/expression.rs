//! Federated identity credentials with an expression (flexible federated identity credentials, a preview).

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::SUPPORT_GUIDE,
    steps::{INSPECT_TOKEN, LIST_CREDENTIALS},
};

const SHOW_EXPRESSION: &str = "`az rest --url https://graph.microsoft.com/beta/applications/OBJECT_ID/federatedIdentityCredentials` shows the expressions of an application";

const USE_EXACT_SUBJECT: &str =
    "create a federated identity credential with the exact subject instead of an expression";

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::new(7_002_131),
        name: None,
        errors: &[],
        templates: &[
            "No matching federated identity record found for presented assertion subject '{subject}' or no federated identity credential expression",
        ],
        meaning: "neither the subject nor an expression of a federated identity credential matches",
        causes: &[
            "the pattern in the expression does not match the subject of the token",
            "another claim that the expression compares, such as job_workflow_ref, differs",
        ],
        confirm: &[INSPECT_TOKEN, SHOW_EXPRESSION],
        fix: &["correct the expression, or create a federated identity credential with the exact subject"],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::EXPRESSION_NOT_ALLOWED,
        name: Some("FederatedIdentityFflBlockedIssuer"),
        errors: &[],
        templates: &["Issuer '{issuer}' may not use credentials matching via expression"],
        meaning: "expressions are not supported for this issuer",
        causes: &[
            "the federated identity credential of a Kubernetes cluster has an expression; Entra accepts expressions only for GitHub, GitLab and Terraform Cloud",
        ],
        confirm: &[SHOW_EXPRESSION],
        fix: &[USE_EXACT_SUBJECT],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"Flexible federated identity credentials\"; the number and the text: a public troubleshooting guide of 2026-04",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_233),
        name: Some("FederatedIdentityCredentialInvalidExpression"),
        errors: &[],
        templates: &["Federated Identity Credential expression parsing failed"],
        meaning: "the expression of the federated identity credential cannot be parsed",
        causes: &["the expression has a syntax error, such as a missing single quote or an unknown operator"],
        confirm: &[SHOW_EXPRESSION],
        fix: &[
            "write the expression as claims['NAME'] OPERATOR 'VALUE', joined by `and`, with languageVersion 1",
            USE_EXACT_SUBJECT,
        ],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_234),
        name: Some("FederatedIdentityCredentialExpressionEvaluationException"),
        errors: &[],
        templates: &["Federated Identity Credential expression evaluation failed"],
        meaning: "the expression of the federated identity credential cannot be evaluated for this token",
        causes: &["a claim in the token does not have the type that the operator of the expression requires"],
        confirm: &[INSPECT_TOKEN, SHOW_EXPRESSION],
        fix: &["compare only claims of the type that the operator supports", USE_EXACT_SUBJECT],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_235),
        name: None,
        errors: &[],
        templates: &[
            "The federated identity credentials flow does not support credentials matching via expression at this time",
        ],
        meaning: "expressions are not supported for this kind of identity",
        causes: &["a federated identity credential of a managed identity has an expression"],
        confirm: &[LIST_CREDENTIALS],
        fix: &[USE_EXACT_SUBJECT, "use an application instead of a managed identity"],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_237),
        name: Some("FederatedIdentityCredentialExpressionNotAllowed"),
        errors: &[],
        templates: &["Federated Identity Credential expression not allowed"],
        meaning: "the expression uses a claim or an operator that is not allowed for this issuer",
        causes: &["the expression uses a claim or operator that is not in Microsoft's list for this issuer"],
        confirm: &[SHOW_EXPRESSION],
        fix: &["use the claims and operators that Microsoft documents for this issuer", USE_EXACT_SUBJECT],
        waiting: Waiting::No,
        source: SUPPORT_GUIDE,
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::new(700_239),
        name: Some("FederatedIdentityFlexibleFicRestrictedCloud"),
        errors: &[],
        templates: &["Claims matching expressions are not supported in this cloud at this time"],
        meaning: "expressions are not supported in this cloud",
        causes: &["a federated identity credential in a sovereign cloud has an expression"],
        confirm: &[SHOW_EXPRESSION],
        fix: &[USE_EXACT_SUBJECT],
        waiting: Waiting::No,
        source: "a public troubleshooting guide of 2026-04",
        evidence: Evidence::Observed,
    },
];
