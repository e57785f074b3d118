//! Documents of an issuer that Entra cannot fetch or use.

use super::{
    super::Aadsts,
    entry::{CatalogueEntry, Evidence, Waiting},
    steps::{INSPECT_KEY_ID, PUBLISH_KEYS, READ_DOCUMENTS, RETRY, VERIFY_TOKEN},
};

const REQUEST_FAILED: &[&str] = &["Request to External OIDC endpoint failed."];

const MAKE_PUBLIC: &str =
    "serve both documents to anonymous clients on the internet, over https with a certificate of a public authority";

const PUBLISH: &str = "publish both documents: `issuer publish KEY_FILE --issuer ISSUER_URL` with --account ACCOUNT or --directory DIR, the site of the first publish";

pub(super) const ENTRIES: &[CatalogueEntry] = &[
    CatalogueEntry {
        code: Aadsts::UNREACHABLE,
        name: None,
        errors: &["invalid_request"],
        templates: REQUEST_FAILED,
        meaning: "the request to the issuer failed",
        causes: &[
            "the host of the issuer is private, or has no public address",
            "the documents are not published at the issuer URL (404), or the static website is disabled",
            "a firewall or a private container rejects anonymous requests (401, 403)",
            "the TLS certificate has expired, or was issued by a private authority",
            "the network between Entra and the issuer failed temporarily",
        ],
        confirm: &[READ_DOCUMENTS, VERIFY_TOKEN],
        fix: &[PUBLISH, MAKE_PUBLIC, RETRY],
        waiting: Waiting::Transient,
        source: "Azure/azure-workload-identity, docs/book/src/troubleshooting.md",
        evidence: Evidence::Documented,
    },
    CatalogueEntry {
        code: Aadsts::BLOCKED,
        name: Some("ExternalClaimsProviderThrottled"),
        errors: &["invalid_request"],
        templates: REQUEST_FAILED,
        meaning: "the request to the issuer failed",
        causes: &[
            "the firewall of the storage account or disabled public network access blocks Entra",
            "the documents are not published, or their server rejects anonymous requests",
            "Entra or the network failed temporarily",
        ],
        confirm: &[
            READ_DOCUMENTS,
            "`az storage account show --name ACCOUNT --query \"[publicNetworkAccess,networkRuleSet.defaultAction]\"` shows whether a firewall is enabled",
        ],
        fix: &[
            "allow public network access to the storage account: Microsoft publishes no list of the source addresses of Entra",
            PUBLISH,
            RETRY,
        ],
        waiting: Waiting::Transient,
        source: "Azure/azure-workload-identity#642 and #1130; Azure/azure-cli#28863; the name: Microsoft Learn, \"Microsoft Entra authentication and authorization error codes\"",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::DISCOVERY,
        name: None,
        errors: &["invalid_request"],
        templates: REQUEST_FAILED,
        meaning: "the issuer's discovery document is not usable",
        causes: &[
            "the discovery document has an empty member, such as an empty authorization_endpoint or subject_types_supported",
            "the issuer in the discovery document differs from the issuer in the token, for example by a trailing slash",
            "the issuer URL returns an HTML page instead of the document",
            "Entra cannot reach the issuer from the internet",
        ],
        confirm: &[READ_DOCUMENTS, VERIFY_TOKEN],
        fix: &[
            "publish the documents, which then have no empty members: `issuer publish KEY_FILE --issuer ISSUER_URL` with --account ACCOUNT or --directory DIR, the site of the first publish",
            MAKE_PUBLIC,
            RETRY,
        ],
        waiting: Waiting::Transient,
        source: "Azure/AKS#4029; Azure/login#283; GitLab, \"Configure OpenID Connect in Azure\"; a comment in a SPIFFE sample on empty members",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::KEY_SET,
        name: None,
        errors: &["invalid_request"],
        templates: &["Failed to parse provider signing keys."],
        meaning: "the issuer's signing keys cannot be parsed",
        causes: &[
            "the JWKS is not JSON, or one of its keys is not valid",
            "the JWKS is compressed, or the server returns another document",
        ],
        confirm: &[READ_DOCUMENTS],
        fix: &[
            "publish the JWKS again: `issuer publish KEY_FILE --replace-unreadable` with --account ACCOUNT or --directory DIR, the site of the first publish",
        ],
        waiting: Waiting::No,
        source: "trevorbox/helm-charts, an error response of 2025-07",
        evidence: Evidence::Observed,
    },
    CatalogueEntry {
        code: Aadsts::KEY_NOT_FOUND,
        name: None,
        errors: &["invalid_client"],
        templates: &[
            "The certificate with identifier {kid} used to sign the federated credential could not be found in the metadata of identity provider {issuer}. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.",
        ],
        meaning: "the issuer's JWKS does not contain the key that the token names",
        causes: &[
            "the key of the API server was rotated, and the new key is not published",
            "the cluster was recreated with a new key under the same issuer URL",
            "the key was published recently, and Entra still uses its cached JWKS",
            "the published key has another kid, is not marked \"use\":\"sig\", or is not among the first 100 keys",
            "the token has no kid, in which case the identifier in the text is empty",
        ],
        confirm: &[VERIFY_TOKEN, READ_DOCUMENTS, INSPECT_KEY_ID],
        fix: &[
            PUBLISH_KEYS,
            "if `issuer status ISSUER_URL` lists the key already, wait and retry: half an hour was observed, and the rotation in the documentation allows an hour",
            "at the next rotation, publish the new key an hour or more before the API server signs with it",
        ],
        waiting: Waiting::KeyCache,
        source: "Azure/azure-workload-identity#616 (2022-10) and #1232 (2024-01); hexadecimal digits are inferred from the latter",
        evidence: Evidence::Observed,
    },
];
