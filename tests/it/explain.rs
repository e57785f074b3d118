//! `explain`: codes and known failures are found in texts as people paste them, and explained.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    process::{Output, Stdio},
};

use proptest::prelude::*;

use crate::support::{
    answer::answer,
    issuer::{command, run, stderr, stdout},
    recording,
    signer::signer,
};
use issuer::{Aadsts, ChainFailure, Evidence, Finding, KnownFailure, redacted};

fn ids(text: &str) -> Vec<String> {
    Finding::all_in(text).iter().map(|finding| finding.failure.to_string()).collect()
}

/// A template with its placeholders filled in, and the values.
fn filled(template: &str) -> (String, BTreeMap<&str, String>) {
    let mut pieces = template.split('{');
    let mut text = pieces.next().unwrap().to_owned();
    let mut values = BTreeMap::new();
    for piece in pieces {
        let (name, literal) = piece.split_once('}').unwrap();
        let value = format!("Value-of-{name}");
        text += &value;
        text += literal;
        values.insert(name, value);
    }
    (text, values)
}

#[test]
fn every_text_is_found_as_exactly_its_failure() {
    for failure in ChainFailure::all() {
        for template in failure.templates() {
            let (text, values) = filled(template);
            let text = if failure.code().is_some() { format!("{failure}: {text}") } else { text };
            for text in [
                text.clone(),
                text.to_ascii_uppercase().replace("VALUE-OF-", "Value-of-"),
                text.replace(' ', "\r\n   "),
                format!("2026-11-27 08:00:00 ERROR ({text}) at main.go:1"),
                serde_json::json!({ "message": format!("{{\"m\": {text:?}}}") }).to_string(),
            ] {
                let found = Finding::all_in(&text);
                let names: Vec<_> = found.iter().map(|finding| finding.failure).collect();
                assert_eq!(names, [failure], "{text}");
                let last = template.ends_with(['}', '.']);
                for (name, value) in &found[0].values {
                    let (seen, expected) = (value.to_ascii_lowercase(), values[name].to_ascii_lowercase());
                    let is_same = seen == expected || (last && seen.starts_with(&expected));
                    assert!(is_same, "{value} in {text}");
                }
                assert!(last || found[0].values.len() == values.len(), "{:?} in {text}", found[0].values);
            }
        }
    }
}

#[test]
fn known_failures_are_complete() {
    let mut ids = BTreeSet::new();
    let mut patterns = BTreeSet::new();
    for failure in KnownFailure::all() {
        let KnownFailure { id, causes, confirm, fix, source, .. } = failure;
        assert!(ids.insert(*id), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
        assert_eq!(KnownFailure::find(id), Some(failure));
        assert_eq!(id.parse(), Ok(ChainFailure::Known(failure)));
        assert!(!failure.patterns.is_empty() && !failure.service.is_empty(), "{id}");
        assert!(!causes.is_empty() && !confirm.is_empty() && !fix.is_empty() && !source.is_empty(), "{id}");
        assert!(failure.evidence != Evidence::NumberOnly, "{id}");
        assert!(failure.meaning.len() <= 110, "{id}: {}", failure.meaning);
        for pattern in failure.patterns {
            assert!(patterns.insert(pattern.to_lowercase()), "{id}: {pattern}");
            assert!(!pattern.starts_with('{') && pattern.matches('{').count() == pattern.matches('}').count(), "{id}");
            let literals = filled(pattern).0.replace("Value-of-", "").len();
            // A short pattern is an error code.
            assert!(literals >= 15 || *pattern == "28P01", "{id}: {pattern}");
        }
    }
    for of_issue in [
        "postgresql-token-not-valid-for-role",
        "postgresql-role-of-user",
        "postgresql-token-expired",
        "postgresql-token-audience",
        "postgresql-function-missing",
        "postgresql-schema-permission",
        "postgresql-password-rejected",
        "mysql-access-denied",
        "key-vault-no-token",
        "key-vault-role-missing",
        "key-vault-access-policy-missing",
        "imds-identity-not-found",
        "sdk-client-id-missing",
        "webhook-token-expiration",
        "token-request-too-short",
        "azure-policy-denied",
    ] {
        assert!(ids.contains(of_issue), "{of_issue}");
    }
}

#[test]
fn clauses_of_known_failures_are_well_formed() {
    for template in ChainFailure::all().flat_map(ChainFailure::templates) {
        assert_eq!(redacted(template), *template);
    }
    for failure in KnownFailure::all() {
        let KnownFailure { id, causes, confirm, fix, .. } = failure;
        let clauses = causes.iter().chain(*confirm).chain(*fix).copied().chain([failure.meaning, failure.source]);
        for clause in clauses {
            assert_eq!(clause.trim(), clause, "{id}");
            assert!(!clause.ends_with('.') && clause.matches('`').count() % 2 == 0, "{id}: {clause}");
            assert_eq!(redacted(clause), clause, "{id}");
            for command in clause.split('`').skip(1).step_by(2) {
                let tool = command.split(' ').next().unwrap().to_lowercase();
                let tools = ["issuer", "az", "kubectl", "psql", "mysql", "select", "grant", "create", "security"];
                assert!(tools.contains(&tool.as_str()), "{id}: {command}");
            }
        }
        for items in [failure.patterns, causes, confirm, fix] {
            assert_eq!(items.iter().collect::<BTreeSet<_>>().len(), items.len(), "{id}: {items:?}");
        }
    }
}

#[test]
fn codes_are_found_in_every_form() {
    let tests: &[(&str, &[&str])] = &[
        ("AADSTS700211", &["AADSTS700211"]),
        ("aadsts700211: x", &["AADSTS700211"]),
        ("AADSTS70021: a AADSTS700211: b AADSTS70021: c", &["AADSTS70021", "AADSTS700211"]),
        (r#"{"error_codes":[700213]}"#, &["AADSTS700213"]),
        (r#"{"error_codes": [ 50166 , 90061 ]}"#, &["AADSTS50166", "AADSTS90061"]),
        ("{\n  \"error_codes\": [\n    700024,\n    700027\n  ]\n}", &["AADSTS700024", "AADSTS700027"]),
        (r#""{\"error_codes\":[700024],\"trace_id\":\"x\"}""#, &["AADSTS700024"]),
        (r#"{"log":"{\\\"error_codes\\\":[700024]}"}"#, &["AADSTS700024"]),
        ("{'error': 'invalid_client', 'error_codes': [7000272]}", &["AADSTS7000272"]),
        (r#"{"errorCodes":["700016"]}"#, &["AADSTS700016"]),
        ("https://login.microsoftonline.com/error?code=7002138", &["AADSTS7002138"]),
        (r#"{"status":{"errorCode":53003,"failureReason":"x"}}"#, &["AADSTS53003"]),
        (r#"{"errorCode":404}"#, &[]),
        ("AADSTS4711: a code of the future", &["AADSTS4711"]),
        ("AADSTS99999999999", &[]),
        ("AADSTS", &[]),
        ("700211", &[]),
        ("InvalidTenantName", &["AADSTS90002"]),
        ("the sign-in log of Entra says InvalidTenantName", &["AADSTS90002"]),
        ("NotInvalidTenantName", &[]),
        ("", &[]),
    ];
    for (text, expected) in tests {
        assert_eq!(ids(text), *expected, "{text}");
    }
    // The quotes of a string do not make a text long.
    let longest = format!("{}InvalidRequest", "unrelated ".repeat(10).split_off(14));
    assert_eq!(longest.len(), 100);
    assert_eq!(ids(&longest), ids(&format!("\n\"{longest}\" ")));
    assert_eq!(ids(&longest).len(), 1);
    assert_eq!(ids(&format!("x{longest}")), [""; 0]);
    let long = format!("{} InvalidRequest", "unrelated words ".repeat(20));
    assert_eq!(ids(&long), [""; 0]);
}

#[test]
fn text_without_a_code_is_found_by_its_words() {
    let tests: &[(&str, &[&str])] = &[
        (
            "No matching federated identity record found for presented assertion issuer 'https://a.example.com'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion.",
            &["AADSTS700211"],
        ),
        (
            "No matching federated identity record found for presented assertion. Assertion Issuer: 'a'. Assertion Subject: 'b'. Assertion Audience: 'c'.",
            &["AADSTS70021"],
        ),
        (
            "no matching federated identity record found for presented assertion subject 'x'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison.",
            &["AADSTS7002138"],
        ),
        ("Request to External OIDC endpoint failed.", &["AADSTS50166", "AADSTS90061", "AADSTS501661"]),
        // With the code, the text of other codes does not count.
        ("AADSTS50166: Request to External OIDC endpoint failed.", &["AADSTS50166"]),
    ];
    for (text, expected) in tests {
        let found: BTreeSet<_> = ids(text).into_iter().collect();
        assert_eq!(found, expected.iter().map(|id| (*id).to_owned()).collect(), "{text}");
    }
}

#[test]
fn separated_and_encoded_codes_are_found() {
    for text in ["AADSTS 700213", "error AADSTS: 700213: x", "AADSTS-700213", "aadsts700213"] {
        assert_eq!(ids(text), ["AADSTS700213"], "{text}");
    }
    let template = Aadsts::SUBJECT.entry().unwrap().templates[0].replace("{subject}", "system:serviceaccount:a:b");
    let encoded = format!("{}: {template}", Aadsts::SUBJECT).replace(':', "%3a").replace('\'', "%27").replace(' ', "+");
    let findings = Finding::all_in(&format!("error=invalid_client&error_description={encoded}"));
    assert_eq!(findings[0].value("subject"), Some("system:serviceaccount:a:b"), "{encoded}");
    // The codes of one response share its IDs.
    let trace = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
    let text =
        format!(r#"{{"error_description":"{}: x","error_codes":[700211,50000],"trace_id":"{trace}"}}"#, Aadsts::ISSUER);
    let findings = Finding::all_in(&text);
    assert_eq!(findings.len(), 2);
    assert!(findings.iter().all(|finding| finding.trace_id.as_deref() == Some(trace)), "{findings:?}");
    // Numbers of other services are no codes.
    assert_eq!(ids(r#"{"errorCodes": [1, 2], "url": "https://example.com/error?code=7"}"#), [""; 0]);
    assert_eq!(ids(&format!("{} deployment in centralus failed: InvalidRequest", "x".repeat(100))), [""; 0]);
}

/// Texts from public reports.
#[test]
fn texts_of_public_reports_are_found() {
    let tests: &[(&str, &[&str])] = &[
        // Azure/azure-workload-identity#728, with the error of adal
        (
            r#"azure.BearerAuthorizer#WithAuthorization: Failed to refresh the Token: StatusCode=400 -- Original Error: adal: Refresh request failed. Status Code = '400'. Response body: {"error":"invalid_request","error_description":"Identity not found"} Endpoint http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01"#,
            &["imds-identity-not-found"],
        ),
        // azidentity (Go)
        (
            "DefaultAzureCredential: failed to acquire a token.\nAttempted credentials:\n\tEnvironmentCredential: missing environment variable AZURE_TENANT_ID\n\tWorkloadIdentityCredential: no client ID specified. Check pod configuration or set ClientID in the options\n\tManagedIdentityCredential: managed identity timed out. See https://aka.ms/azsdk/go/identity/troubleshoot#dac for more information",
            &["sdk-client-id-missing", "imds-unreachable"],
        ),
        // azure-identity (Python)
        (
            "ValueError: 'token_file_path' is required. Please pass it in or set the AZURE_FEDERATED_TOKEN_FILE environment variable",
            &["sdk-token-file-missing"],
        ),
        // @azure/identity (JavaScript), in a log of JSON lines
        (
            r#"{"level":"error","err":"CredentialUnavailableError: WorkloadIdentityCredential: is unavailable. tenantId is a required parameter. In DefaultAzureCredential and ManagedIdentityCredential, this can be provided as an environment variable - \"AZURE_TENANT_ID\".\n        See the troubleshooting guide"}"#,
            &["sdk-tenant-id-missing"],
        ),
        // Azure.Identity (.NET)
        (
            "- WorkloadIdentityCredential authentication unavailable. The workload options are not fully configured. See the troubleshooting guide for more information. https://aka.ms/azsdk/net/identity/workloadidentitycredential/troubleshoot\n- ManagedIdentityCredential authentication unavailable. No response received from the managed identity endpoint.",
            &["sdk-variables-missing", "imds-unreachable"],
        ),
        // Java
        (
            "com.azure.identity.CredentialUnavailableException: ManagedIdentityCredential authentication unavailable. Connection to IMDS endpoint cannot be established, Connect timed out.",
            &["imds-unreachable"],
        ),
        (
            "open /var/run/secrets/azure/tokens/azure-identity-token: no such file or directory",
            &["sdk-token-file-not-found"],
        ),
        // PostgreSQL
        (
            "psql: error: could not connect to server: FATAL:  Azure AD access token not valid for role group-hw-dev-psql-user (does not contain group ID ba0ea787-9e71-4e9e-834d-71aa7f32361b)\nHINT:  Did you specify the correct user name and access token?",
            &["postgresql-token-not-valid-for-role"],
        ),
        ("FATAL:  Service Principal oid mismatch for role[orders].", &["postgresql-object-id-mismatch"]),
        (
            "FATAL: Service principal oid mismatch for role \"The oid in the security label [ca2d3f9c-0000-4000-8000-000000000001] does not match the appid [79bfdfb1-0000-4000-8000-000000000002] or oid [e9e1d347-0000-4000-8000-000000000003] in the token.\"",
            &["postgresql-object-id-mismatch"],
        ),
        (
            "FATAL: Azure AD user token for role[AzureAdmin] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an \nAAD_AUTH_TOKENTYPE_APP_OBO token.",
            &["postgresql-role-of-user"],
        ),
        (
            "InvalidAuthorizationSpecificationError: Service principals cannot generate AAD_AUTH_TOKENTYPE_APP_USER\n  tokens for role \"app_role\"",
            &["postgresql-role-of-application"],
        ),
        ("FATAL:  The access token has expired. Please acquire a new token and retry.", &["postgresql-token-expired"]),
        ("The access token has expired. Acquire a new token and try again.", &["postgresql-token-expired"]),
        (
            "FATAL: The access token does not have a valid audience claim. Please acquire a new token for the resource \"https://ossrdbms-aad.database.windows.net\".",
            &["postgresql-token-audience"],
        ),
        (
            "ERROR:  function pgaadauth_create_principal(unknown, boolean, boolean) does not exist",
            &["postgresql-function-missing"],
        ),
        ("error: permission denied for schema public (SQLSTATE 42501)", &["postgresql-schema-permission"]),
        ("ERROR:  permission denied for table orders", &["postgresql-table-permission"]),
        ("psql: error: FATAL:  role \"orders\" does not exist", &["postgresql-role-missing"]),
        (
            "Npgsql.PostgresException (0x80004005): 28P01: password authentication failed for user \"00001111-aaaa-2222-bbbb-3333cccc4444\"",
            &["postgresql-password-rejected"],
        ),
        // MySQL
        (
            "ERROR 1045 (28000): Access denied for user 'user@contoso.com'@'12.34.56.78' (using password: YES)",
            &["mysql-access-denied"],
        ),
        (
            "ERROR 2059 (HY000): Authentication plugin 'mysql_clear_password' cannot be loaded: plugin not enabled",
            &["mysql-cleartext-plugin"],
        ),
        // Key Vault
        (
            r#"keyvault.BaseClient#GetSecret: Failure responding to request: StatusCode=403 -- Original Error: autorest/azure: Service returned an error. Status=403 Code="Forbidden" Message="Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=1;oid=2" InnerError={"code":"ForbiddenByRbac"}"#,
            &["key-vault-role-missing"],
        ),
        (
            r#"Status=403 Code=\"Forbidden\" Message=\"The user, group or application 'appid=a;oid=b;iss=c' does not have secrets get permission on key vault 'kv-1;location=westeurope'. For help resolving this issue"#,
            &["key-vault-access-policy-missing"],
        ),
        (
            r#"{"error":{"code":"Unauthorized","message":"AKV10022: Invalid audience. Expected https://vault.azure.net, found: https://management.azure.com/."}}"#,
            &["key-vault-audience"],
        ),
        (
            r#"{"error":{"code":"Forbidden","message":"Public network access is disabled and request is not from a trusted service nor via an approved private link.","innererror":{"code":"ForbiddenByConnection"}}}"#,
            &["key-vault-network"],
        ),
        // The webhook and TokenRequest
        (
            "Error creating: admission webhook \"mutation.azure-workload-identity.io\" denied the request: token expiration 600 not valid. Expected value to be between 3600 and 86400",
            &["webhook-token-expiration"],
        ),
        (
            "Internal error occurred: failed calling webhook \"mutation.azure-workload-identity.io\": failed to call webhook: Post \"https://azure-wi-webhook-webhook-service.kube-system.svc:443/mutate-v1-pod?timeout=10s\": no endpoints available for service \"azure-wi-webhook-webhook-service\"",
            &["webhook-unreachable"],
        ),
        (
            "error: failed to create token: TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes",
            &["token-request-too-short"],
        ),
        (
            "MountVolume.SetUp failed for volume \"kube-api-access-xzb2p\" : [failed to fetch token: serviceaccounts \"remediation\" is forbidden: User \"system:node:k8s-master2.lab.local\" cannot create resource \"serviceaccounts/token\" in API group \"\" in the namespace \"remediation\": no relationship found between node 'k8s-master2.lab.local' and this object]",
            &["token-request-node"],
        ),
        (
            "error: failed to create token: serviceaccounts \"a\" is forbidden: User \"jane\" cannot create resource \"serviceaccounts/token\" in API group \"\" in the namespace \"default\"",
            &["token-request-forbidden"],
        ),
        (
            "failed to fetch token: serviceaccounts \"par-manager\" not found",
            &["token-request-service-account-missing"],
        ),
        // Azure Resource Manager
        (
            "(RequestDisallowedByPolicy) Resource 'fic-1' was disallowed by policy. Policy identifiers: '[]'.",
            &["azure-policy-denied"],
        ),
        (
            "Conflict: Issuer and subject combination already exists for this Managed Identity.",
            &["federated-credential-exists"],
        ),
        (
            "│ Error: creating\n│ Code: \"ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity\"\n│ Message: \"Concurrent Federated Identity Credentials writes under the same managed\n│ identity are not supported.\"\n╵",
            &["federated-credential-concurrent"],
        ),
        ("Identity not found", &["imds-identity-not-found"]),
        ("ManagedIdentityCredential authentication failed: Identity not found", &["imds-identity-not-found"]),
        (r#"{"error" : "invalid_request", "error_description" : "Identity not found"}"#, &["imds-identity-not-found"]),
        (
            "open /var/run/secrets/azure/wi/token/azure-identity-token: no such file or directory",
            &["sdk-token-file-not-found"],
        ),
        ("Access denied for user ''@'10.0.0.1' (using password: NO)", &["mysql-access-denied"]),
        // Nothing of this chain
        ("connection refused", &[]),
        ("the user does not have an account", &[]),
        ("curl: (6) Could not resolve host: identity not found in cache", &[]),
    ];
    for (text, expected) in tests {
        assert_eq!(ids(text), *expected, "{text}");
    }
}

/// Azure/azure-workload-identity#1350 and others: one code, with \r\n in the description.
const BODY: &str = r#"{"error":"invalid_client","error_description":"AADSTS700211: No matching federated identity record found for presented assertion issuer 'https://kubernetes.default.svc.cluster.local'. Please check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation\r\nTrace ID: 6ba7b810-9dad-11d1-80b4-00c04fd40100\r\nCorrelation ID: 6ba7b811-9dad-11d1-80b4-00c04fd430c8\r\nTimestamp: 2024-05-13 09:14:24Z","error_codes":[700211],"timestamp":"2024-05-13 09:14:24Z","trace_id":"6ba7b810-9dad-11d1-80b4-00c04fd40100","correlation_id":"6ba7b811-9dad-11d1-80b4-00c04fd430c8"}"#;

#[test]
fn values_and_ids_are_those_of_the_response() {
    for text in
        [BODY.to_owned(), format!("{BODY:?}"), format!("{:?}", format!("{BODY:?}")), BODY.replace(", ", ",\n  ")]
    {
        let findings = Finding::all_in(&text);
        assert_eq!(findings.len(), 1, "{text}");
        assert_eq!(findings[0].value("issuer"), Some("https://kubernetes.default.svc.cluster.local"), "{text}");
        assert_eq!(findings[0].trace_id.as_deref(), Some("6ba7b810-9dad-11d1-80b4-00c04fd40100"), "{text}");
        assert_eq!(findings[0].correlation_id.as_deref(), Some("6ba7b811-9dad-11d1-80b4-00c04fd430c8"), "{text}");
    }
    let texts: &[(&str, &[(&str, &str)])] = &[
        (
            "AADSTS70021: No matching federated identity record found for presented assertion. Assertion Issuer: 'https://a/'. Assertion Subject: 'system:serviceaccount:a:b'. Assertion Audience: 'api://AzureADTokenExchange'.",
            &[
                ("issuer", "https://a/"),
                ("subject", "system:serviceaccount:a:b"),
                ("audience", "api://AzureADTokenExchange"),
            ],
        ),
        (
            "AADSTS700024: Client assertion is not within its valid time range. Current time: 2024-05-13T09:14:24.1Z, assertion valid from 2024-05-13T07:00:00.0Z, expiry time of assertion 2024-05-13T08:00:00.0Z. Review the documentation",
            &[
                ("now", "2024-05-13T09:14:24.1Z"),
                ("from", "2024-05-13T07:00:00.0Z"),
                ("expiry", "2024-05-13T08:00:00.0Z"),
            ],
        ),
        // Another end than that of the catalogue
        (
            "AADSTS700213: No matching federated identity record found for presented assertion subject 'system:serviceaccount:a:b'. Something new.",
            &[("subject", "system:serviceaccount:a:b")],
        ),
        (
            "AADSTS70023: External OIDC Provider token must have a lifetime of less than or equal to 1.01:00:00. Token issued at 01/01/1970 00:00:00 Token expires on 07/04/2024 17:02:37. Trace ID: x",
            &[("limit", "1.01:00:00"), ("issued", "01/01/1970 00:00:00"), ("expires", "07/04/2024 17:02:37")],
        ),
        ("AADSTS700211", &[]),
    ];
    for (text, expected) in texts {
        let found = Finding::all_in(text);
        let values: Vec<_> = found[0].values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for (name, value) in *expected {
            assert!(
                values.iter().any(|(known, seen)| known == name && seen.starts_with(value)),
                "{values:?} of {text}"
            );
        }
        assert_eq!(values.is_empty(), expected.is_empty(), "{values:?} of {text}");
    }
}

#[test]
fn ids_of_another_response_are_not_taken() {
    let text = format!("AADSTS50027: JWT token is invalid or malformed.\n{BODY}");
    let findings = Finding::all_in(&text);
    assert_eq!(findings[0].failure, Aadsts::MALFORMED.into());
    assert_eq!(findings[0].trace_id, None);
    assert!(findings[1].trace_id.is_some());
}

#[test]
fn long_log_is_searched_in_linear_time() {
    let line = format!("2026-11-27T08:00:00Z error {BODY} role \" failed calling webhook\n");
    let log = line.repeat(1_000_000 / line.len());
    assert_eq!(ids(&log), ["AADSTS700211"]);
    let many: Vec<_> = (0..20_000).map(|code| format!("AADSTS{code}")).collect();
    assert_eq!(ids(&many.join(" ")).len(), 20_000);
}

const SIGNATURE: &str = "c2lnbmF0dXJlLXRoYXQtbm9ib2R5LXNlZXM";

fn planted() -> String {
    format!("eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.{SIGNATURE}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics_and_no_token_is_kept(start in "\\PC{0,60}", end in "\\PC{0,60}", pick in any::<prop::sample::Index>()) {
        let failures: Vec<_> = ChainFailure::all().filter(|failure| !failure.templates().is_empty()).collect();
        let failure = failures[pick.index(failures.len())];
        let token = planted();
        let template = failure.templates()[0];
        let text: String = template.split('{').enumerate().map(|(at, piece)| {
            if at == 0 { piece.to_owned() } else { format!("{token}{}", piece.split_once('}').unwrap().1) }
        }).collect();
        let text = format!("{start} {failure}: {text} {token} {end}");
        let findings = Finding::all_in(&text);
        prop_assert!(findings.iter().any(|finding| finding.failure == failure || failure.code().is_none()));
        prop_assert!(!format!("{findings:?}").contains(SIGNATURE), "{findings:?}");
    }
}

fn explain(args: &[&str], input: &str) -> Output {
    let mut command = command();
    command.arg("explain").args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The command may end before it reads its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn parts_of_an_explanation_have_one_order() {
    let output = explain(&["-"], BODY);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let parts = [
        "AADSTS700211: no federated identity credential matches this issuer",
        "https://kubernetes.default.svc.cluster.local",
        "trace ID",
        "likely causes",
        "  1. ",
        "how to confirm",
        "  - `issuer verify",
        "\nfix: ",
        "waiting helps: yes",
        "source: ",
    ];
    let places: Vec<_> =
        parts.iter().map(|part| text.find(part).unwrap_or_else(|| panic!("{part} in {text}"))).collect();
    assert!(places.is_sorted(), "{places:?} in {text}");
    assert_eq!(text.matches("likely causes").count(), 1);

    let two = stdout(&explain(&["-"], "AADSTS50027: x\nAADSTS700024: y"));
    assert!(two.contains("(documented)\n\nAADSTS700024: "), "{two}");
}

#[test]
fn every_failure_is_explained_and_has_a_schema() {
    let output = run(["explain", "--list", "-o", "json"]);
    let listed = answer("explain", &output);
    let listed = listed["findings"].as_array().unwrap().clone();
    assert_eq!(listed.len(), ChainFailure::all().count());
    let list = stdout(&run(["explain", "--list"]));
    for finding in &listed {
        let id = finding["id"].as_str().unwrap();
        assert!(list.lines().any(|line| line.split(' ').next() == Some(id)), "{id}");
        assert_eq!(finding["causes"].as_array().unwrap().is_empty(), !finding["known"].as_bool().unwrap(), "{id}");
    }
    for name in ["AADSTS700211", "700211", "InvalidTenantName", "invalidtenantname", "postgresql-token-expired"] {
        let output = run(["explain", name, "-o", "json"]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        let seen = answer("explain", &output);
        assert!(listed.contains(&seen["findings"][0]), "{name}");
    }
}

#[test]
fn unknown_errors_are_reported_as_unknown() {
    let output = run(["explain", "4711"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains("AADSTS4711") && text.contains("https://login.microsoftonline.com/error?code=4711"),
        "{text}"
    );
    assert!(!text.contains("cause") && !text.contains("fix"), "{text}");
    let output = run(["explain", "4711", "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let seen = answer("explain", &output);
    assert_eq!((&seen["findings"][0]["known"], &seen["findings"][0]["waiting"]), (&false.into(), &().into()));

    for args in [&["-"][..], &["no such error"], &["-", "-o", "json"]] {
        let output = explain(args, "everything is fine\n");
        assert_eq!(output.status.code(), Some(1), "{args:?}");
    }
    assert!(stdout(&explain(&["-"], "fine")).starts_with("nothing in standard input is known"));
    // One known error is enough for a text.
    assert_eq!(explain(&["-"], "AADSTS4711 AADSTS50027").status.code(), Some(0));
}

#[test]
fn wrong_command_lines_have_a_hint() {
    let token = planted();
    let run_of = recording("rotation");
    let file = run_of.path("entra-1h.jwt");
    let file = file.to_str().unwrap();
    for (args, exit, hint) in [
        (&[][..], 2, "issuer explain AADSTS700211"),
        (&[token.as_str()], 2, "issuer verify FILE"),
        (&["-", "--token", "-"], 2, "standard input is given twice"),
        (&["--file", "-", "--credential", "-"], 2, "standard input is given twice"),
        (&["--file", "no-such-file.log"], 3, "cannot read"),
        (&[file], 2, "--file"),
        (&["50027", "--token", "no-such-token"], 3, "cannot read"),
        (&["--list", "50027"], 2, "cannot be used with"),
    ] {
        let output = explain(args, "");
        assert_eq!(output.status.code(), Some(exit), "{args:?}: {}", stderr(&output));
        let message = stderr(&output);
        assert!(message.contains(hint), "{args:?}: {message}");
        assert!(!message.contains(SIGNATURE) && output.stdout.is_empty(), "{args:?}: {message}");
    }
}

#[test]
fn tokens_in_a_text_are_never_printed() {
    let token = planted();
    for text in [
        BODY.replace("https://kubernetes.default.svc.cluster.local", &token),
        format!("client_assertion={token}&x=y AADSTS50027: JWT token is invalid or malformed. {token}"),
        format!("password authentication failed for user \"{token}\""),
        format!("AKV10022: Invalid audience. Expected {token}, found: {token}"),
        format!("nothing known {token}"),
    ] {
        for format in ["text", "json"] {
            let output = explain(&["-", "-v", "-o", format], &text);
            let printed = [output.stdout, output.stderr].concat();
            assert!(!String::from_utf8_lossy(&printed).contains(SIGNATURE), "{text}");
        }
    }
}

#[test]
fn case_names_the_difference_and_the_fix() {
    let run_of = recording("rotation");
    let token = run_of.path("entra-1h.jwt");
    let token = token.to_str().unwrap();
    let case = |args: &[&str], input: &str| {
        let output = explain(&[args, &["-", "--token", token, "-o", "json"]].concat(), input);
        answer("explain", &output)["case"].clone()
    };
    let seen = case(&[], "AADSTS700211");
    let issuer = seen["issuer"].as_str().unwrap().to_owned();
    let subject = seen["subject"].as_str().unwrap().to_owned();
    assert_eq!(seen["differences"], serde_json::json!([]));
    assert_eq!(seen.get("credential"), None);

    let other = case(&[], BODY);
    assert_eq!(other["differences"][0]["value"], "issuer");
    assert_eq!(other["differences"][0]["error"], "https://kubernetes.default.svc.cluster.local");
    assert_eq!(other["differences"][0]["token"], issuer.as_str());

    let same = BODY.replace("https://kubernetes.default.svc.cluster.local", &issuer);
    let credential = |issuer: &str| format!("issuer={issuer},subject={subject},audience=api://AzureADTokenExchange");
    let near = case(&["--credential", &credential(issuer.trim_end_matches('/'))], &same);
    assert_eq!(near["differences"], serde_json::json!([]));
    assert_eq!(near["credential"]["outcome"], "different");
    assert_eq!(near["credential"]["aadsts"], 700_211);
    assert_eq!(near["credential"]["seen"], issuer.as_str());
    assert!(near["credential"]["message"].as_str().unwrap().contains("slash"), "{near}");
    assert!(near["credential"]["fix"].as_str().unwrap().contains(&issuer), "{near}");

    let matched = case(&["--credential", &credential(&issuer)], &same);
    assert_eq!(matched["credential"]["outcome"], "matched");
    let text = stdout(&explain(&["-", "--token", token, "--credential", &credential(&issuer)], &same));
    assert!(text.contains("in this case") && text.contains("wait and retry"), "{text}");
}

#[test]
fn credentials_are_compared_with_the_values_of_the_error() {
    let credential =
        "issuer=https://issuer.example.com,subject=system:serviceaccount:a:b,audience=api://AzureADTokenExchange";
    let output = explain(&["-", "--credential", credential, "-o", "json"], BODY);
    let case = &answer("explain", &output)["case"];
    assert_eq!(case["issuer"], "https://kubernetes.default.svc.cluster.local");
    assert_eq!(case["credential"]["outcome"], "different");
    let output = explain(&["50027", "--credential", credential, "-o", "json"], "");
    assert_eq!(answer("explain", &output)["case"]["credential"]["outcome"], "not_compared");
    let text = stdout(&explain(&["50027", "--credential", credential], ""));
    assert!(text.contains("pass --token FILE"), "{text}");
}

#[test]
fn steps_name_the_role_and_the_identity_of_the_token() {
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("access.jwt");
    let claims = serde_json::json!({ "oid": "2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11", "appid": "11111111-aaaa-4bbb-8ccc-000000000001" });
    std::fs::write(&token, signer().sign(&signer().header(), &claims)).unwrap();
    let error = "FATAL: Microsoft Entra user token for role[orders] is neither an AAD_AUTH_TOKENTYPE_APP_USER or an AAD_AUTH_TOKENTYPE_APP_OBO token.";
    let text = stdout(&explain(&["-", "--token", token.to_str().unwrap()], error));
    let statement = "pgaadauth_create_principal_with_oid('orders', '2f6a4f4e-5a0c-4c57-9d3a-3a6f1d8f5b11', 'service'";
    assert!(text.contains(statement), "{text}");
    let unknown = stdout(&explain(&["-"], error));
    assert!(unknown.contains("pgaadauth_create_principal_with_oid('orders', 'PRINCIPAL_ID', 'service'"), "{unknown}");
}
