//! Faults of Entra, and rate limits.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    sources::ERROR_CODES,
    steps::{RETRY, SUPPORT_REQUEST},
};

const AZURE_STATUS: &str = "look for an incident at https://azure.status.microsoft";

/// A transient fault by Microsoft's documentation.
const fn transient(
    code: u32,
    name: &'static str,
    templates: &'static [&'static str],
    meaning: &'static str,
) -> CatalogueEntry {
    CatalogueEntry {
        code: Aadsts::new(code),
        name: Some(name),
        errors: &[],
        templates,
        meaning,
        causes: &["a service of Entra failed or timed out temporarily"],
        confirm: &[AZURE_STATUS],
        fix: &[RETRY],
        waiting: Waiting::Transient,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    }
}

/// A fault by Microsoft's documentation for which a retry does not help.
const fn permanent(code: u32, name: &'static str, meaning: &'static str) -> CatalogueEntry {
    CatalogueEntry {
        code: Aadsts::new(code),
        name: Some(name),
        errors: &[],
        templates: &[],
        meaning,
        causes: &["the directory service of Entra reported a permanent fault"],
        confirm: &[AZURE_STATUS],
        fix: &[SUPPORT_REQUEST],
        waiting: Waiting::No,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    }
}

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::new(50000),
        name: Some("TokenIssuanceError"),
        errors: &["server_error"],
        templates: &[],
        meaning: "Entra failed to issue the token",
        causes: &["the sign-in service has a fault"],
        confirm: &[AZURE_STATUS],
        fix: &[RETRY, SUPPORT_REQUEST],
        waiting: Waiting::Transient,
        source: ERROR_CODES,
        evidence: Evidence::Documented,
    },
    transient(90006, "ExternalServerRetryableError", &[], "Entra is temporarily unavailable"),
    transient(90012, "RequestTimeout", &[], "the request timed out inside Entra"),
    transient(90024, "RequestBudgetExceededError", &[], "Entra had a transient fault"),
    transient(
        90033,
        "MsodsServiceUnavailable",
        &["A transient error has occurred. Please try again."],
        "the directory service of Entra is temporarily unavailable",
    ),
    transient(90090, "GraphRetryableError", &[], "the directory service of Entra is temporarily unavailable"),
    permanent(90036, "MsodsServiceUnretryableFailure", "the directory service of Entra failed"),
    permanent(90092, "GraphNonRetryableError", "the directory service of Entra failed"),
    CatalogueEntry {
        code: Aadsts::new(90055),
        name: Some("TenantThrottlingError"),
        errors: &["temporarily_unavailable"],
        templates: &[],
        meaning: "Entra throttles the tenant",
        causes: &["applications of the tenant send too many requests"],
        confirm: &["count the requests for tokens in the sign-in logs of the tenant"],
        fix: &[
            "cache access tokens until shortly before they expire",
            "wait some minutes, then retry with exponential backoff and jitter",
        ],
        waiting: Waiting::Throttled,
        source: "Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\"; the error field: a test in a public repository",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::REQUEST_LOOP,
        name: Some("LoopDetected"),
        errors: &["invalid_grant"],
        templates: &["The server terminated an operation because it encountered a client request loop"],
        meaning: "the client sent the same request too often",
        causes: &[
            "the client does not cache its token, or retries an error without a pause: more than 15 equal requests within 5 minutes",
        ],
        confirm: &["count the requests for tokens in the log of the client"],
        fix: &["cache access tokens until shortly before they expire", "stop the retries, and fix the first error"],
        waiting: Waiting::No,
        source: "Microsoft Learn, \"What's new for authentication?\" (March 2019) and \"Microsoft Entra authentication and authorization error codes\"",
        evidence: Evidence::Documented,
    },
];
