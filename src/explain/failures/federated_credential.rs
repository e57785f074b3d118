//! Azure Resource Manager, when a federated identity credential of a managed identity is created.

use super::super::KnownFailure;
use crate::entra::{Evidence, Waiting};

const SERVICE: &str = "Azure Resource Manager";

const CONSIDERATIONS: &str =
    "Microsoft Learn, \"Important considerations and restrictions for federated identity credentials\"";

const LIST: &str = "`az identity federated-credential list --identity-name NAME --resource-group GROUP` lists the federated identity credentials of the managed identity";

pub(super) const FAILURES: &[KnownFailure] = &[
    KnownFailure {
        id: "federated-credential-exists",
        service: SERVICE,
        patterns: &["Issuer and subject combination already exists for this Managed Identity"],
        meaning: "the managed identity has a federated identity credential with this issuer and subject",
        causes: &["the federated identity credential was created before, perhaps under another name"],
        confirm: &[LIST],
        fix: &["use the existing federated identity credential, or delete it before you create one under another name"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-concurrent",
        service: SERVICE,
        patterns: &[
            "Concurrent Federated Identity Credentials writes under the same managed identity are not supported",
            "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
        ],
        meaning: "two federated identity credentials of one managed identity were written at the same time",
        causes: &["a template or a program creates several federated identity credentials in parallel"],
        confirm: &[LIST],
        fix: &["write them one after the other (dependsOn, @batchSize(1), or a lock in Terraform), and retry"],
        waiting: Waiting::Transient,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-audiences",
        service: SERVICE,
        patterns: &["Federated identity credentials must have exactly one audience"],
        meaning: "the federated identity credential has no audience or several",
        causes: &["the list of audiences is empty or has more than one value"],
        confirm: &["read the audiences in the request"],
        fix: &["set exactly one audience, by default api://AzureADTokenExchange"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-empty-property",
        service: SERVICE,
        patterns: &["Federated Identity Credential from HTTP body has empty properties"],
        meaning: "a required property of the federated identity credential is empty",
        causes: &["issuer, subject or audiences are empty, for example because a variable of a template is empty"],
        confirm: &["read issuer, subject and audiences in the request"],
        fix: &["set issuer, subject and audiences"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-name",
        service: SERVICE,
        patterns: &["Federated Identity Credential name '{name}' is invalid"],
        meaning: "the name of the federated identity credential is not valid",
        causes: &["the name has fewer than 3 or more than 120 characters, or others than letters, digits, - and _"],
        confirm: &["count the characters of the name"],
        fix: &["use 3 to 120 letters, digits, hyphens and underscores, with a letter or digit first"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-parent-missing",
        service: SERVICE,
        patterns: &[
            "The parent user-assigned identity doesn't exist",
            "The parent user-assigned identity does not exist",
        ],
        meaning: "the managed identity does not exist in this resource group",
        causes: &["the name or the resource group of the managed identity is misspelled, or the identity was deleted"],
        confirm: &["`az identity list --query \"[].id\"` lists the managed identities of the subscription"],
        fix: &["create the managed identity, or name the existing one"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
    KnownFailure {
        id: "federated-credential-region",
        service: SERVICE,
        patterns: &["Support for federated identity credentials not enabled"],
        meaning: "the region of the managed identity does not support federated identity credentials",
        causes: &["the managed identity is in a region that Microsoft lists as unsupported"],
        confirm: &["`az identity show --name NAME --resource-group GROUP --query location` shows the region"],
        fix: &["create the managed identity in another region"],
        waiting: Waiting::No,
        source: CONSIDERATIONS,
        evidence: Evidence::Documented,
    },
];
