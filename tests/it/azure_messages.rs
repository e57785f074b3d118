//! Errors of Azure's services with codes and hints: storage, Azure Resource Manager, tenants, identity endpoints,
//! endpoints of other accounts, and proxies.

use std::process::{Command, Output};

use crate::support::{
    answer::answer,
    cli::Tools,
    cloud::{ARM, CLIENT, Cloud, SECRET, STORAGE, SUBSCRIPTION, TENANT},
    imds::app_service,
    issuer::{command, stderr, stdout},
    recording,
    stand_in::{Request, Response, StandIn},
};
use serde_json::{Value, json};

const OTHER_TENANT: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";

fn json_of(output: &Output) -> Value {
    answer("publish", output)
}

/// `issuer publish` with an account key to a stand-in.
fn publish_to(server: &StandIn) -> Command {
    let mut command = command();
    command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
    command.args(["--endpoint", &format!("{}/acct", server.url()), "--issuer", "https://issuer.example.com"]);
    command.args(["--no-fetch-back", "--timeout", "1s", "-o", "json"]).env("AZURE_STORAGE_KEY", "c2VjcmV0");
    command
}

fn is_properties(request: &Request) -> bool {
    request.query("comp") == Some("properties")
}

fn website(enabled: bool) -> Response {
    let text = format!(
        "<StorageServiceProperties><StaticWebsite><Enabled>{enabled}</Enabled></StaticWebsite></StorageServiceProperties>"
    );
    Response::new(200, &[("Content-Type", "application/xml")], text)
}

fn refusal(status: u16, code: &str) -> Response {
    Response::new(status, &[("x-ms-error-code", code), ("x-ms-request-id", "6f2a-request")], "")
}

fn absent() -> Response {
    refusal(404, "BlobNotFound")
}

/// The operations of a publisher on the Blob service.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Operation {
    Read,
    Write,
    Delete,
    Website,
}

/// An account whose service rejects one operation with a code, and otherwise behaves as an empty account.
fn refusing(operation: Operation, status: u16, code: &'static str) -> StandIn {
    StandIn::http(move |request| {
        let is_chosen = match operation {
            Operation::Read => request.method == "GET" && !is_properties(request),
            Operation::Write => {
                request.method == "PUT" && request.query("comp").is_none() && request.query("restype").is_none()
            }
            Operation::Delete => request.method == "DELETE",
            Operation::Website => request.method == "PUT" && is_properties(request),
        };
        match request.method.as_str() {
            _ if is_chosen => refusal(status, code),
            "GET" if is_properties(request) => website(operation != Operation::Website),
            "GET" if operation == Operation::Delete => stored(request),
            "GET" => absent(),
            _ => Response::new(201, &[("ETag", "\"0x1\"")], ""),
        }
    })
}

/// The two documents of an issuer.
fn stored(request: &Request) -> Response {
    let output = command().args(["discovery", "--issuer", "https://issuer.example.com"]).output().unwrap();
    let body = if request.path.ends_with("openid-configuration") {
        output.stdout
    } else {
        let keys = recording("rotation").path("sa.pub");
        command().args(["jwks", keys.to_str().unwrap()]).output().unwrap().stdout
    };
    Response::new(200, &[("ETag", "\"0x1\""), ("Content-Type", "application/json")], body)
}

/// Codes that an operation can return (Microsoft Learn, "Azure Blob Storage error codes", "Common REST API error
/// codes"), with parts of the message and of the hint.
#[test]
fn each_documented_blob_service_code_has_a_next_step() {
    use Operation::{Delete, Read, Website, Write};
    let cases = [
        (Read, 409, "BlobArchived", "the blob is in the archive tier", "set-tier --account-name acct"),
        (Write, 409, "BlobArchived", "the blob is in the archive tier", "--name openid/v1/jwks --tier Hot"),
        (Read, 409, "BlobBeingRehydrated", "the rehydration of the blob", "rehydrationStatus"),
        (Write, 403, "KeyVaultEncryptionKeyNotFound", "customer-managed key that does not exist", "encryption"),
        (Read, 403, "KeyVaultVaultNotFound", "whose Key Vault does not exist", "az keyvault recover"),
        (Read, 403, "KeyVaultAccessTokenCannotBeAcquired", "cannot get a token for the Key Vault", "managed identity"),
        (Read, 409, "BlobUsesCustomerSpecifiedEncryption", "a customer-provided key", "delete that blob"),
        (Delete, 409, "SnapshotsPresent", "the blob has snapshots", "--delete-snapshots"),
        (
            Delete,
            412,
            "LeaseIdMissing",
            "another client holds a lease on the blob",
            "--blob-name .well-known/openid-configuration",
        ),
        (Delete, 409, "BlobImmutableDueToPolicy", "an immutability policy or legal hold", "--container"),
        (Delete, 409, "BlobImmutableDueToLegalHold", "an immutability policy or legal hold", "--container"),
        (Write, 409, "ContainerImmutabilityPolicyLocked", "an immutability policy or legal hold", "--container"),
        (Write, 412, "SystemInUse", "the storage service itself is using the blob", "run the command again later"),
        (Write, 409, "PendingCopyOperation", "a copy to the blob is pending", "copy.status"),
        (Write, 409, "InvalidBlobType", "another type of blob", "delete that blob"),
        (Write, 409, "BlobOperationNotSupported", "does not support this operation", "Data Lake Storage"),
        (Write, 409, "ContainerDisabled", "an administrator disabled the container", "--container"),
        (
            Write,
            409,
            "ContainerBeingDeleted",
            "the container $web is being deleted",
            "run the command again in a minute",
        ),
        (Read, 409, "AccountBeingCreated", "still being created", "provisioningState"),
        (
            Read,
            403,
            "InsufficientAccountPermissions",
            "does not allow this operation in its current state",
            "secondary endpoint",
        ),
        (Read, 400, "InvalidUri", "rejected the name", "--endpoint"),
        (Read, 400, "TlsVersionNotPermitted", "the TLS version", "TLS 1.2"),
        (Write, 400, "MetadataTooLarge", "does not fit into the 8 KiB", "--prune"),
        (Write, 400, "InvalidHeaderValue", "rejected the request", "--endpoint"),
        (Write, 405, "UnsupportedHttpVerb", "rejected the request", "proxy"),
        (Write, 413, "RequestBodyTooLarge", "rejected the request", "proxy"),
        (Website, 400, "InvalidXmlNodeValue", "rejected the service properties", "StorageV2"),
        (Website, 400, "UnsupportedXmlNode", "rejected the service properties", "StorageV2"),
        (Website, 403, "AuthorizationPermissionMismatch", "the SAS does not allow this operation", "permissions rwdc"),
    ];
    for (operation, status, code, sentence, hint) in cases {
        let server = refusing(operation, status, code);
        let mut command = publish_to(&server);
        if operation == Delete {
            command = crate::support::issuer::command();
            command.args([
                "unpublish",
                "--account",
                "acct",
                "--issuer",
                "https://issuer.example.com",
                "--yes",
                "--force",
            ]);
            command.args(["--endpoint", &format!("{}/acct", server.url()), "--timeout", "1s", "-o", "json"]);
            command.env("AZURE_STORAGE_KEY", "c2VjcmV0");
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{operation:?} {code}: {output:?}");
        let error = &json_of(&output)["error"];
        let message = error["message"].as_str().unwrap();
        assert!(
            message.contains(sentence) && message.ends_with(&format!("({status} {code})")),
            "{operation:?}: {message}"
        );
        assert!(error["hint"].as_str().is_some_and(|text| text.contains(hint)), "{code}: {error}");
    }
}

#[test]
fn resource_manager_codes_have_a_next_step() {
    let mut cloud = Cloud::new();
    let cases = [
        (403, "AuthorizationFailed", "the role Reader"),
        (404, "SubscriptionNotFound", "check --subscription"),
        (400, "InvalidSubscriptionId", "check --subscription"),
        (404, "ResourceGroupNotFound", "check --resource-group"),
        (404, "ResourceNotFound", "check --account and --resource-group"),
        (401, "ExpiredAuthenticationToken", "sign in again"), // its challenge names the tenant of the credential
        (401, "InvalidAuthenticationToken", "--resource-manager"),
        (409, "MissingSubscriptionRegistration", "az provider register --namespace Microsoft.Storage"),
        (400, "NoRegisteredProviderFound", "check --resource-manager"),
        (403, "SomethingNew", "; request ID 6f2a-request"),
    ];
    for (status, code, step) in cases {
        cloud.arm = StandIn::https(&cloud.authority, move |request| {
            if request.path.starts_with("/metadata") {
                return Response::json(
                    200,
                    json!({ "authentication": { "audiences": ["https://management.core.windows.net"] } }),
                );
            }
            let body = json!({ "error": { "code": code, "message": "what happened" } }).to_string();
            let challenge =
                format!("Bearer authorization_uri=\"https://login.windows.net/{TENANT}\", error=\"invalid_token\"");
            Response::new(status, &[("x-ms-request-id", "6f2a-request"), ("WWW-Authenticate", &challenge)], body)
        });
        let output = cloud.with_secret().output().unwrap();
        let told = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{told}");
        assert!(told.contains(&format!("Azure Resource Manager returned {status} {code}")), "{told}");
        assert!(told.contains(step), "{step}: {told}");
        assert!(told.contains("hint: pass the web endpoint as --issuer"), "{told}");
    }
}

/// The `WWW-Authenticate` challenge of Azure Storage (Microsoft Learn, "Authorize with Microsoft Entra ID", "Bearer
/// challenge"), and that of Azure Resource Manager, whose authority is quoted (Azure/azure-sdk-for-net#49391).
#[test]
fn unauthorized_error_names_the_expected_tenant() {
    let mut cloud = Cloud::new();
    let challenge = format!(
        "Bearer authorization_uri=https://login.microsoftonline.com/{OTHER_TENANT}/oauth2/authorize resource_id=https://storage.azure.com"
    );
    let same = challenge.replace(OTHER_TENANT, TENANT);
    let storage = |challenge: String| {
        StandIn::https(&cloud.authority, move |_| {
            Response::new(
                401,
                &[("WWW-Authenticate", &challenge), ("x-ms-error-code", "InvalidAuthenticationInfo")],
                "",
            )
        })
    };
    let (other, same) = (storage(challenge), storage(same));
    let run = |server: &StandIn| {
        let mut command = cloud.publish_at(server.url());
        command.env("AZURE_TENANT_ID", TENANT).env("AZURE_CLIENT_ID", CLIENT).env("AZURE_CLIENT_SECRET", SECRET);
        stderr(&command.args(["--issuer", "https://issuer.example.com"]).output().unwrap())
    };
    let told = run(&other);
    let name = &cloud.account().name;
    let sentence = format!(
        "account {name} rejected the credential (service principal with a secret): it accepts tokens of tenant {OTHER_TENANT} (401 InvalidAuthenticationInfo)"
    );
    assert!(told.contains(&sentence), "{told}");
    assert!(
        told.contains(&format!("use an application of that tenant, and set AZURE_TENANT_ID={OTHER_TENANT}")),
        "{told}"
    );
    let told = run(&same);
    assert!(
        told.contains("rejected the credential (service principal with a secret) (401")
            && !told.contains("of that tenant"),
        "{told}"
    );

    cloud.arm = StandIn::https(&cloud.authority, |request| {
        if request.path.starts_with("/metadata") {
            return Response::json(
                200,
                json!({ "authentication": { "audiences": ["https://management.core.windows.net"] } }),
            );
        }
        let body =
            json!({ "error": { "code": "InvalidAuthenticationTokenTenant", "message": "wrong issuer" } }).to_string();
        let challenge =
            format!("Bearer authorization_uri=\"https://login.windows.net/{OTHER_TENANT}\", error=\"invalid_token\"");
        Response::new(401, &[("WWW-Authenticate", &challenge)], body)
    });
    let told = stderr(&cloud.with_secret().output().unwrap());
    let sentence = format!("returned 401 InvalidAuthenticationTokenTenant: it accepts tokens of tenant {OTHER_TENANT}");
    assert!(told.contains(&sentence) && told.contains(&format!("AZURE_TENANT_ID={OTHER_TENANT}")), "{told}");
}

/// `az account get-access-token` accepts a subscription or a tenant, not both.
#[test]
fn tenant_and_subscription_reach_az() {
    let cloud = Cloud::new();
    let cases = [
        (&[][..], Some("contoso.onmicrosoft.com"), Some("--tenant contoso.onmicrosoft.com"), "--subscription"),
        (&["--subscription", SUBSCRIPTION], Some(TENANT), Some("--subscription \"11111111"), "--tenant"),
        (&["--subscription", SUBSCRIPTION], None, Some("--subscription \"11111111"), "--tenant"),
        (&[], None, None, "--tenant"),
    ];
    for (index, (args, tenant, expected, unexpected)) in cases.into_iter().enumerate() {
        let tools = Tools::new().with_az_signed_in(TENANT, &[STORAGE, ARM]);
        cloud.current.set(index);
        let mut command = cloud.publish();
        command.args(args).args(["--auth", "az"]).env("PATH", tools.path_env());
        if let Some(tenant) = tenant {
            command.env("AZURE_TENANT_ID", tenant);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let calls = tools.calls();
        assert!(!calls.is_empty());
        for call in calls {
            let expected = expected.map(|text| text.replace('"', ""));
            assert!(expected.is_none_or(|expected| call.contains(&expected)), "{call}");
            assert!(!call.contains(unexpected), "{call}");
        }
    }
}

/// The output of `az` for an expired session (Azure/azure-cli#20196), with the remedy after the IDs.
#[test]
fn remedy_printed_by_az_is_shown() {
    let cloud = Cloud::new();
    let text = "ERROR: AADSTS50078: Presented multi-factor authentication has expired. Trace ID: 11-aa Correlation ID: 22-bb Timestamp: 2026-11-22 00:10:22Z\nInteractive authentication is needed. Please run:\naz login --scope https://storage.azure.com/.default\n";
    let tools = Tools::new().with_az(None, 1, text);
    let mut command = cloud.publish();
    let output = command.args(["--auth", "az", "-o", "json"]).env("PATH", tools.path_env()).output().unwrap();
    let error = &json_of(&output)["error"];
    let sentence = "sign-in with az failed: ERROR: AADSTS50078: Presented multi-factor authentication has expired. Interactive authentication is needed. Please run: az login --scope https://storage.azure.com/.default";
    assert!(error["message"].as_str().unwrap().ends_with(sentence), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("run `az login` again"), "{error}");
    assert_eq!(error["service"]["request_id"], "11-aa", "{error}");
}

/// The messages are those of the metadata service (how-to-use-vm-token, "Error handling";
/// Azure/azure-sdk-for-rust#1530) and of Container Apps.
#[test]
fn identity_endpoint_errors_are_quoted() {
    let cloud = Cloud::new();
    let machine =
        |body: &'static str| StandIn::http(move |_| Response::new(400, &[("Content-Type", "application/json")], body));
    let several = machine(
        r#"{"error":"invalid_request","error_description":"Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request"}"#,
    );
    let unassigned = machine(r#"{"error":"invalid_request","error_description":"Identity not found"}"#);
    let app = StandIn::http(|_| {
        Response::json(404, json!({ "statusCode": 404, "message": "Unable to load the proper Managed Identity." }))
    });
    let cases = [
        (
            &several,
            false,
            "failed: Multiple user assigned identities exist, please specify the clientId",
            "--client-id ID",
        ),
        (&unassigned, false, "failed: Identity not found", "assign the identity"),
        (&app, true, "failed: Unable to load the proper Managed Identity.", "assign the identity"),
    ];
    for (server, is_app, sentence, hint) in cases {
        let mut command = cloud.publish();
        command.args(["--auth", "managed-identity", "--issuer", "https://issuer.example.com"]);
        if is_app {
            command.env("IDENTITY_ENDPOINT", format!("{}/msi/token", server.url())).env("IDENTITY_HEADER", "853b9a84");
        } else {
            command.env("AZURE_POD_IDENTITY_AUTHORITY_HOST", server.url());
        }
        let told = stderr(&command.output().unwrap());
        assert!(told.contains(sentence) && told.contains(hint), "{told}");
    }
}

#[test]
fn app_service_token_comes_from_its_identity_endpoint() {
    let cloud = Cloud::new();
    let app = StandIn::http(app_service(TENANT, "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a"));
    let mut command = cloud.publish();
    command.env("IDENTITY_ENDPOINT", format!("{}/msi/token", app.url()));
    command.env("IDENTITY_HEADER", "853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a");
    let output = command.args(["--auth", "managed-identity"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(app.requests().iter().any(|request| request.query("resource") == Some("https://storage.azure.com")));
}

/// Variables, arguments and the expected message.
type Source<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], &'a str);

#[test]
fn unsupported_identity_sources_are_named() {
    let cloud = Cloud::new();
    let endpoint = "http://127.0.0.1:9/token";
    let arc =
        StandIn::http(|_| Response::new(401, &[("WWW-Authenticate", "Basic realm=/etc/ssl/private/host.key")], ""));
    let cases: [Source<'_>; 5] = [
        (
            &[("IDENTITY_ENDPOINT", endpoint), ("IDENTITY_HEADER", "x"), ("IDENTITY_SERVER_THUMBPRINT", "y")],
            &[],
            "managed identities of Service Fabric are not supported",
        ),
        (&[("MSI_ENDPOINT", endpoint)], &[], "managed identities of Cloud Shell are not supported"),
        (
            &[("MSI_ENDPOINT", endpoint), ("MSI_SECRET", "x")],
            &[],
            "managed identities of Azure Machine Learning are not supported",
        ),
        (
            &[("IDENTITY_ENDPOINT", endpoint), ("IMDS_ENDPOINT", endpoint)],
            &["--client-id", CLIENT],
            "Azure Arc has no user-assigned identities",
        ),
        (
            &[("IDENTITY_ENDPOINT", arc.url()), ("IMDS_ENDPOINT", endpoint)],
            &[],
            "the Azure Arc agent returned the path of a key file that is not /var/opt/azcmagent/tokens/NAME.key",
        ),
    ];
    for (variables, args, sentence) in cases {
        let mut command = cloud.publish();
        let output =
            command.envs(variables.iter().copied()).args(["--auth", "managed-identity"]).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(stderr(&output).contains(sentence), "{sentence}: {output:?}");
    }
    assert_eq!(arc.requests().len(), 1, "no key was sent");
}

/// The forms of endpoints: Microsoft Learn, "Storage account overview", "Storage account endpoints".
#[test]
fn endpoints_of_other_accounts_and_containers_are_refused() {
    let other = "does not belong to account acct";
    let cases = [
        ("https://other.blob.core.windows.net", other),
        ("https://other.z7.blob.storage.azure.net", other),
        ("https://other.z6.web.core.windows.net", other),
        ("https://other.web.core.windows.net/", other),
        ("https://other.dfs.core.windows.net", other),
        ("https://other.z22.dfs.storage.azure.net", other),
        ("https://other-secondary.blob.core.windows.net", other),
        ("https://other.privatelink.blob.core.windows.net", other),
        ("https://OTHER.blob.core.usgovcloudapi.net", other),
        ("https://other.blob.core.chinacloudapi.cn", other),
        ("https://other.blob.local.azurestack.external", other),
        ("https://other.blob.core.windows.net/acct", other),
        ("http://127.0.0.1:9/other", other),
        ("https://acct.z6.web.core.windows.net", "it is the web endpoint of acct"),
        ("https://acct.dfs.core.windows.net", "it is the dfs endpoint of acct"),
        ("https://acct.z7.dfs.storage.azure.net", "it is the dfs endpoint of acct"),
        (
            "https://acct.blob.core.windows.net/$web",
            "its path names a container; pass the endpoint alone, and --container $web",
        ),
        ("https://acct.blob.core.windows.net/%24web/", "--container $web"),
        ("https://acct.blob.core.windows.net/oidc/a", "--container oidc/a"),
        ("https://acct.z7.blob.storage.azure.net/$web", "--container $web"),
        ("http://127.0.0.1:9/acct/$web", "--container $web"),
        ("https://storage.example.com/$web", "--container $web"),
    ];
    for (endpoint, sentence) in cases {
        for by_variable in [false, true] {
            let mut command = command();
            command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
            command.args(["--issuer", "https://issuer.example.com", "--no-fetch-back", "--timeout", "1s"]);
            command.env("AZURE_STORAGE_KEY", "c2VjcmV0");
            if by_variable {
                command.env("AZURE_STORAGE_SERVICE_ENDPOINT", endpoint);
            } else {
                command.args(["--endpoint", endpoint]);
            }
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{endpoint}: {output:?}");
            assert!(stderr(&output).contains(sentence), "{endpoint}: {output:?}");
        }
    }
}

#[test]
fn sas_url_of_another_account_is_refused() {
    let other = "is a URL of another account; expected account acct";
    let cases = [
        ("https://other.blob.core.windows.net/$web?sv=2022-11-02&sig=s3cr3t", other),
        ("https://other.z7.blob.storage.azure.net/?sv=2022-11-02&sig=s3cr3t", other),
        ("http://127.0.0.1:9/other/$web?sv=2022-11-02&sig=s3cr3t", other),
        ("https://acct.blob.core.windows.net:99999/?sv=2022-11-02&sig=s3cr3t", "is neither a SAS nor a URL with a SAS"),
        ("acct.blob.core.windows.net/$web?sv=2022-11-02&sig=s3cr3t", "is neither a SAS nor a URL with a SAS"),
    ];
    for (url, sentence) in cases {
        let mut command = command();
        command.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
        command.args(["--issuer", "https://issuer.example.com", "--no-fetch-back", "--timeout", "1s"]);
        let output = command.env("AZURE_STORAGE_SAS_TOKEN", url).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{url}: {output:?}");
        assert!(stderr(&output).contains(&format!("AZURE_STORAGE_SAS_TOKEN {sentence}")), "{url}: {output:?}");
        assert!(!stderr(&output).contains("s3cr3t"), "{output:?}");
    }
}

/// Proxies that are not running, that DNS does not resolve, and that require a password (curl/curl#16958).
#[test]
fn failing_proxy_is_named_with_its_variable() {
    let asking = StandIn::http(|_| Response::new(407, &[("Proxy-Authenticate", "Basic")], ""));
    let refusing = StandIn::http(|_| Response::new(502, &[], ""));
    let cases = [
        (
            "HTTPS_PROXY",
            "http://user:p4ssw0rd@127.0.0.1:9".to_owned(),
            "the proxy http://127.0.0.1:9 (HTTPS_PROXY) does not answer",
        ),
        ("https_proxy", "http://127.0.0.1:9".to_owned(), "the proxy http://127.0.0.1:9 (https_proxy) does not answer"),
        (
            "ALL_PROXY",
            "http://user:p4ssw0rd@proxy.invalid:3128".to_owned(),
            "the proxy http://proxy.invalid:3128 (ALL_PROXY) cannot be resolved",
        ),
        ("HTTPS_PROXY", asking.url().to_owned(), "(HTTPS_PROXY) requires a user name and password"),
        ("HTTPS_PROXY", refusing.url().to_owned(), "(HTTPS_PROXY) did not open a connection"),
    ];
    let token = recording("path-issuer").path("entra-1h.jwt");
    for (variable, proxy, sentence) in cases {
        let mut publish = command();
        publish.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
        publish.args(["--issuer", "https://issuer.example.com", "--no-fetch-back", "--timeout", "1s"]);
        publish.env("AZURE_STORAGE_KEY", "c2VjcmV0");
        let mut verify = command();
        verify.args(["verify", token.to_str().unwrap(), "--issuer", "https://issuers.example.com/clusters/prod-1"]);
        verify.args(["--at", "2026-11-22T01:00:00Z"]);
        for mut command in [publish, verify] {
            let output = command.env(variable, &proxy).env("NO_PROXY", "").output().unwrap();
            let told = format!("{}{}", stdout(&output), stderr(&output));
            let words = told.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(sentence), "{sentence}: {told}");
            assert!(words.contains("correct or unset the proxy variable, or list the host in NO_PROXY"), "{told}");
            assert!(!told.contains("p4ssw0rd") && !told.contains("cannot resolve the host name"), "{told}");
        }
    }
}

/// A proxy that accepts the connection and sends nothing, with a total limit shorter than that of one request.
#[test]
fn silent_proxy_is_named() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://user:p4ssw0rd@{}", silent.local_addr().unwrap());
    let mut publish = command();
    publish.args(["publish", recording("rotation").path("sa.pub").to_str().unwrap(), "--account", "acct"]);
    publish.args(["--issuer", "https://issuer.example.com", "--no-fetch-back", "--timeout", "1s"]);
    publish.env("AZURE_STORAGE_KEY", "c2VjcmV0").env("HTTPS_PROXY", proxy).env("NO_PROXY", "");
    let told = stderr(&publish.output().unwrap());
    assert!(told.contains("no answer through the proxy http://127.0.0.1:") && !told.contains("p4ssw0rd"), "{told}");
    assert!(told.contains("hint: check that the host responds and that the proxy allows requests"), "{told}");
}

/// For example, `az` has no client secret.
#[test]
fn hints_match_the_credential() {
    let cloud = Cloud::new();
    let tools = Tools::new().with_az(None, 1, "ERROR: AADSTS7000215: Invalid client secret provided.\n");
    let mut command = cloud.publish();
    let told = stderr(&command.args(["--auth", "az"]).env("PATH", tools.path_env()).output().unwrap());
    assert!(told.contains("hint: run `az login` again") && !told.contains("AZURE_CLIENT_SECRET"), "{told}");
    let mut wrong = cloud.principal();
    let told = stderr(&wrong.env("AZURE_CLIENT_SECRET", "wrong").output().unwrap());
    assert!(told.contains("hint: set AZURE_CLIENT_SECRET to the value of a secret"), "{told}");
    assert!(!told.contains("trace ID"), "{told}");
    // An error that is not in the table shows the ID that Microsoft's support requests.
    let text =
        "ERROR: AADSTS99999: Something new. Trace ID: 11-aa Correlation ID: 22-bb Timestamp: 2026-11-22 00:10:22Z";
    let tools = Tools::new().with_az(None, 1, text);
    let mut unknown = cloud.publish();
    let told = stderr(&unknown.args(["--auth", "az"]).env("PATH", tools.path_env()).output().unwrap());
    assert!(told.contains("AADSTS99999: Something new.; trace ID 11-aa"), "{told}");
}
