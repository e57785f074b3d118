//! The stand-ins answer as the real services do.

use std::{process::Command, sync::Arc};

use crate::support::{
    arm::{Arm, StorageAccount, Subscription},
    cli::Tools,
    entra::{Client, Proof, access_token, entra, federated_token},
    github::github,
    https_client::send,
    imds::{self, imds},
    stand_in::{Response, StandIn},
    tls::Authority,
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const STORAGE: &str = "https://storage.azure.com/.default";
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn claims(token: &str) -> Value {
    jsonwebtoken::dangerous::insecure_decode_claims(token).unwrap()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A stand-in for Entra with one tenant, and methods to send requests to it.
struct Directory {
    authority: Authority,
    server: StandIn,
    key: EncodingKey,
    certificate: Vec<u8>,
}

impl Directory {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        let federated = Proof::Federated {
            issuer: "https://issuer.example.com/".to_owned(),
            subject: "system:serviceaccount:ns:name".to_owned(),
            audience: "api://AzureADTokenExchange".to_owned(),
        };
        let proofs = [Proof::Secret("p@ss+w rd&=".to_owned()), Proof::Certificate(certificate.clone()), federated];
        let client = |id: &str, proof| Client { tenant: TENANT.to_owned(), client_id: id.to_owned(), proof };
        let mut directory: Vec<_> = proofs.into_iter().map(|proof| client(CLIENT, proof)).collect();
        directory.push(client("with-secret-only", Proof::Secret("another".to_owned())));
        let authority = Authority::new();
        let server = StandIn::https(&authority, entra(directory));
        let key = EncodingKey::from_rsa_der(&pkcs1(&key.serialize_der()));
        Self { authority, server, key, certificate }
    }

    fn endpoint(&self) -> String {
        format!("{}/{TENANT}/oauth2/v2.0/token", self.server.url())
    }

    fn ask(&self, tenant: &str, fields: &[(&str, &str)]) -> (u16, Value) {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.server.url());
        let headers = ["Content-Type: application/x-www-form-urlencoded"];
        let (status, _, body) = send(&self.authority, "POST", &url, &headers, &form.join("&"));
        (status, body)
    }

    fn assert(&self, client: &str, assertion: &str) -> (u16, Value) {
        let grant = ("grant_type", "client_credentials");
        let fields = [grant, ("client_id", client), ("scope", STORAGE), ("client_assertion_type", JWT_BEARER)];
        self.ask(TENANT, &[&fields[..], &[("client_assertion", assertion)]].concat())
    }

    fn sign(&self, algorithm: Algorithm, sha256: bool, claims: &Value) -> String {
        let mut header = Header::new(algorithm);
        let encode = |bytes: &[u8]| Some(BASE64_URL_SAFE_NO_PAD.encode(bytes));
        if sha256 {
            header.x5t_s256 = encode(digest(&SHA256, &self.certificate).as_ref());
        } else {
            header.x5t = encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.certificate).as_ref());
        }
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// The RSA key inside a PKCS #8 document: its last octet string.
fn pkcs1(pkcs8: &[u8]) -> Vec<u8> {
    // Version, algorithm and the header of the octet string have 26 bytes for any key of 2048 bits.
    pkcs8[26..].to_vec()
}

#[test]
fn stand_ins_do_not_use_the_crate_under_test() {
    let files = "arm arm_answer arm_clusters arm_identities arm_policy arm_storage assertion azure_controls azure_credential azure_directory azure_rates azure_resources clients encode entra entra_controls entra_error entra_login \
                 federated_credential federated_token github graph graph_answer graph_credential http imds internet issued_tokens issuer_metadata \
                 key_vault message pgaadauth postgresql postgresql_gate postgresql_message python stand_in tls \
                 tls_connection token_endpoint";
    for name in files.split_whitespace() {
        let file = format!("{}/tests/it/support/{name}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&file).unwrap();
        assert!(!source.contains("issuer::"), "{file}");
    }
}

#[test]
fn stand_in_serves_http_and_https_and_records_requests() {
    let authority = Authority::new();
    let echo = |request: &crate::support::stand_in::Request| Response::json(201, json!(request.query("a b")));
    for server in [StandIn::http(echo), StandIn::https(&authority, echo)] {
        let url = format!("{}/p%20q?a+b=c%26d&e", server.url());
        let (status, head, body) = send(&authority, "PUT", &url, &["X-Some: thing"], "body");
        assert_eq!((status, body), (201, json!("c&d")), "{head}");
        let requests = server.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("PUT", "/p%20q"));
        assert_eq!(requests[0].origin, server.url());
        assert_eq!(requests[0].header("x-SOME"), Some("thing"));
        assert_eq!(requests[0].body, b"body");
    }
    let (chain, key) = authority.server_files();
    assert!(std::fs::read_to_string(chain).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(std::fs::read_to_string(key).unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    assert!(std::fs::read_to_string(authority.ca_file()).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn client_secret_is_exchanged_for_a_token() {
    let directory = Directory::new();
    let fields = [("grant_type", "client_credentials"), ("scope", STORAGE), ("client_id", CLIENT)];
    let (status, body) = directory.ask(TENANT, &[&fields[..], &[("client_secret", "p@ss+w rd&=")]].concat());
    assert_eq!((status, &body["token_type"], &body["expires_in"]), (200, &json!("Bearer"), &json!(3599)));
    let claims = claims(text(&body["access_token"]));
    assert_eq!(claims["aud"], "https://storage.azure.com");
    assert_eq!(claims["iss"], format!("https://sts.windows.net/{TENANT}/"));
}

#[test]
fn each_sign_in_refusal_has_its_code() {
    type Fields<'a> = &'a [(&'a str, &'a str)];
    let directory = Directory::new();
    let grant = ("grant_type", "client_credentials");
    let (id, secret, scope) = (("client_id", CLIENT), ("client_secret", "p@ss+w rd&="), ("scope", STORAGE));
    let cases: [(&str, Fields, u16, &str, u32); 9] = [
        (TENANT, &[grant, id, scope, ("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (TENANT, &[grant, ("client_id", "x"), scope, secret], 400, "unauthorized_client", 700_016),
        ("elsewhere", &[grant, id, scope, secret], 400, "invalid_request", 90002),
        (TENANT, &[grant, id, ("scope", "https://storage.azure.com"), secret], 400, "invalid_scope", 70011),
        (TENANT, &[grant, id, ("scope", "a/.default b/.default"), secret], 400, "invalid_scope", 70011),
        (TENANT, &[("grant_type", "password"), id, scope, secret], 400, "unsupported_grant_type", 70003),
        (TENANT, &[id, scope, secret], 400, "invalid_request", 900_144),
        (TENANT, &[grant, id, scope], 401, "invalid_client", 7_000_218),
        (TENANT, &[grant, id, scope, ("client_assertion", "x")], 400, "invalid_request", 900_144),
    ];
    for (tenant, fields, status, error, code) in cases {
        let (found, body) = directory.ask(tenant, fields);
        assert_eq!((found, &body["error"], &body["error_codes"]), (status, &json!(error), &json!([code])), "{body}");
        let description = text(&body["error_description"]);
        assert!(description.starts_with(&format!("AADSTS{code}: ")), "{description}");
        assert!(description.contains(&format!("Trace ID: {}", text(&body["trace_id"]))), "{description}");
        assert!(description.ends_with(text(&body["timestamp"])), "{description}");
    }
}

#[test]
fn certificate_signs_an_accepted_assertion() {
    let directory = Directory::new();
    let now = jiff::Timestamp::now().as_second();
    let good = json!({
        "aud": directory.endpoint(), "iss": CLIENT, "sub": CLIENT, "jti": "1", "nbf": now, "iat": now, "exp": now + 600,
    });
    for (algorithm, sha256) in [(Algorithm::PS256, true), (Algorithm::RS256, true), (Algorithm::RS256, false)] {
        let (status, body) = directory.assert(CLIENT, &directory.sign(algorithm, sha256, &good));
        assert_eq!(status, 200, "{body}");
    }
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        directory.sign(Algorithm::PS256, true, &claims)
    };
    let signed = directory.sign(Algorithm::PS256, true, &good);
    let tampered = {
        let (head, signature) = signed.rsplit_once('.').unwrap();
        let other = directory.sign(Algorithm::PS256, true, &json!({}));
        assert_ne!(signature, other.rsplit('.').next().unwrap());
        format!("{head}.{}", other.rsplit('.').next().unwrap())
    };
    let unknown = Directory { certificate: vec![1], ..Directory::new() }.sign(Algorithm::PS256, true, &good);
    let no_thumbprint = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &good, &directory.key).unwrap();
    let cases = [
        (tampered, 700_027, "The provided signature value did not match"),
        (unknown, 700_027, "The key was not found."),
        (no_thumbprint, 5_002_723, "SHA-256 thumbprint"),
        (changed("aud", json!("https://elsewhere.example.com")), 700_023, "audience"),
        (changed("iss", json!("somebody")), 700_021, "client_id"),
        (changed("sub", json!("somebody")), 700_021, "client_id"),
        (changed("jti", Value::Null), 90014, "'jti'"),
        (changed("exp", json!(now - 600)), 700_024, "valid time range"),
        (changed("exp", json!(now + 90000)), 700_024, "valid time range"),
        (changed("nbf", json!(now + 6000)), 700_024, "valid time range"),
        ("not a token".to_owned(), 50027, "malformed"),
    ];
    for (assertion, code, part) in cases {
        let (_, body) = directory.assert(CLIENT, &assertion);
        assert_eq!(body["error_codes"], json!([code]), "{body}");
        assert!(text(&body["error_description"]).contains(part), "{body}");
    }
}

#[test]
fn federated_token_must_match_byte_for_byte() {
    let directory = Directory::new();
    let (issuer, subject) = ("https://issuer.example.com/", "system:serviceaccount:ns:name");
    let audience = "api://AzureADTokenExchange";
    assert_eq!(directory.assert(CLIENT, &federated_token(issuer, subject, audience)).0, 200);
    let cases = [
        (federated_token("https://issuer.example.com", subject, audience), 700_211, "issuer 'https://issuer.example."),
        (federated_token(issuer, subject, "api://other"), 700_212, "audience 'api://other'"),
        (federated_token(issuer, "system:serviceaccount:ns:Name", audience), 700_213, "case-sensitive"),
    ];
    for (assertion, code, part) in cases {
        let (status, body) = directory.assert(CLIENT, &assertion);
        assert_eq!((status, &body["error_codes"]), (401, &json!([code])), "{body}");
        assert!(text(&body["error_description"]).contains(part), "{body}");
    }
    let line = format!("{}\n", federated_token(issuer, subject, audience));
    assert_eq!(directory.assert(CLIENT, &line).1["error_codes"], json!([50027]));
    let (_, body) = directory.assert("with-secret-only", &federated_token(issuer, subject, audience));
    assert_eq!(body["error_codes"], json!([70025]));
}

#[test]
fn resource_manager_pages_its_lists_and_returns_error_codes() {
    let authority = Authority::new();
    let account = |number: u32| {
        let web = format!("https://account{number}.z6.web.core.windows.net/");
        StorageAccount::new(&format!("account{number}"), "Group", &web)
    };
    let subscription = |id: &str, accounts| Subscription { id: id.to_owned(), accounts };
    let subscriptions = || vec![subscription("s1", (0..5).map(account).collect()), subscription("s2", Vec::new())];
    let arm = |forbidden| Arm { subscriptions: subscriptions(), page: 2, forbidden }.handler();
    let server = StandIn::https(&authority, arm(false));
    let bearer = format!("Authorization: Bearer {}", access_token(TENANT, "https://management.azure.com"));
    let get = |server: &StandIn, path: &str, header: &str| {
        send(&authority, "GET", &format!("{}{path}", server.url()), &[header], "")
    };

    let list = "/subscriptions/s1/providers/Microsoft.Storage/storageAccounts?api-version=2023-05-01";
    let mut next = Some(list.to_owned());
    let mut names = Vec::new();
    while let Some(path) = next {
        let (status, _, body) = get(&server, &path, &bearer);
        assert_eq!(status, 200, "{body}");
        let page = body["value"].as_array().unwrap();
        assert!(page.len() <= 2);
        names.extend(page.iter().map(|account| text(&account["name"]).to_owned()));
        next = body["nextLink"].as_str().map(|link| link.strip_prefix(server.url()).unwrap().to_owned());
    }
    assert_eq!(names, ["account0", "account1", "account2", "account3", "account4"]);
    assert_eq!(get(&server, "/subscriptions?api-version=2022-12-01", &bearer).2["value"][1]["subscriptionId"], "s2");

    let one = |name: &str| {
        format!(
            "/subscriptions/s1/resourceGroups/group/providers/Microsoft.Storage/storageAccounts/{name}?api-version=2023-05-01"
        )
    };
    let (_, head, body) = get(&server, &one("account3"), &bearer);
    assert!(head.contains("x-ms-request-id: "), "{head}");
    assert_eq!(body["properties"]["primaryEndpoints"]["web"], "https://account3.z6.web.core.windows.net/");
    assert_eq!(
        body["id"],
        "/subscriptions/s1/resourceGroups/Group/providers/Microsoft.Storage/storageAccounts/account3"
    );

    let storage = format!("Authorization: Bearer {}", access_token(TENANT, "https://storage.azure.com"));
    let forbidden = StandIn::https(&authority, arm(true));
    let cases = [
        (&server, list.to_owned(), "X: y", 401, "AuthenticationFailed"),
        (&server, list.to_owned(), "Authorization: Bearer abc", 401, "InvalidAuthenticationToken"),
        (&server, list.to_owned(), &storage, 401, "InvalidAuthenticationTokenAudience"),
        (&server, "/subscriptions".to_owned(), &bearer, 400, "MissingApiVersionParameter"),
        (&server, "/subscriptions?api-version=1".to_owned(), &bearer, 400, "InvalidApiVersionParameter"),
        (&server, list.replace("s1", "s3"), &bearer, 404, "SubscriptionNotFound"),
        (&server, one("account9"), &bearer, 404, "ResourceNotFound"),
        (&server, one("account1").replace("group", "none"), &bearer, 404, "ResourceGroupNotFound"),
        (&forbidden, list.to_owned(), &bearer, 403, "AuthorizationFailed"),
        (&forbidden, one("account1"), &bearer, 403, "AuthorizationFailed"),
    ];
    for (server, path, header, status, code) in cases {
        let (found, _, body) = get(server, &path, header);
        assert_eq!((found, &body["error"]["code"]), (status, &json!(code)), "{path}: {body}");
    }
}

#[test]
fn metadata_service_returns_numbers_as_strings() {
    let authority = Authority::new();
    let server = StandIn::http(imds(TENANT, &["system", "user"]));
    let url = format!("{}{}?api-version=2018-02-01&resource=https%3A%2F%2Fstorage.azure.com", server.url(), imds::PATH);
    let (status, _, body) = send(&authority, "GET", &url, &["Metadata: true"], "");
    assert_eq!((status, &body["client_id"]), (200, &json!("system")));
    assert!(text(&body["expires_on"]).parse::<i64>().unwrap() > jiff::Timestamp::now().as_second());
    assert_eq!(claims(text(&body["access_token"]))["aud"], "https://storage.azure.com");
    let named = send(&authority, "GET", &format!("{url}&client_id=user"), &["metadata: True"], "");
    assert_eq!(named.2["client_id"], "user");
    let cases: [(&str, &[&str], &str); 3] = [
        ("", &[], "Required metadata header not specified"),
        ("&client_id=unknown", &["Metadata: true"], "Identity not found"),
        ("", &["Metadata: true", "X-Forwarded-For: 10.0.0.1"], "Request contains forbidden header X-Forwarded-For"),
    ];
    for (more, headers, description) in cases {
        let (status, _, body) = send(&authority, "GET", &format!("{url}{more}"), headers, "");
        assert_eq!((status, text(&body["error_description"])), (400, description));
    }
    // A client that uses the stand-in as a proxy sends the whole URL.
    let address = server.url().strip_prefix("http://").unwrap();
    let target = format!("http://169.254.169.254{}?api-version=2019-08-01&resource=r", imds::PATH);
    assert_eq!(crate::support::http::request(address, "GET", &target, &["Metadata: true"]).status, 200);
}

#[test]
fn github_job_gets_its_token() {
    let authority = Authority::new();
    let server = StandIn::https(&authority, github("secret", "repo:octo-org/octo-repo:ref:refs/heads/main"));
    let url = format!("{}/id?api-version=2.0&audience=api%3A%2F%2FAzureADTokenExchange", server.url());
    let (status, _, body) = send(&authority, "GET", &url, &["Authorization: bearer secret"], "");
    assert_eq!(status, 200);
    let claims = claims(text(&body["value"]));
    assert_eq!(claims["aud"], "api://AzureADTokenExchange");
    assert_eq!(claims["sub"], "repo:octo-org/octo-repo:ref:refs/heads/main");
    assert_eq!(claims["iss"], crate::support::github::ISSUER);
    assert_eq!(send(&authority, "GET", &url, &["Authorization: bearer other"], "").0, 401);
}

#[test]
fn az_and_azd_stand_ins_run_from_the_path() {
    let arm = "https://management.azure.com/.default";
    let tools = Arc::new(Tools::new().with_az_signed_in(TENANT, &[STORAGE, arm]).with_azd(None, 1, "it isn't there\n"));
    let run =
        |command: &str| Command::new("/bin/sh").args(["-c", command]).env("PATH", tools.path_env()).output().unwrap();
    let output = run(&format!("az account get-access-token -o json --scope {arm} --tenant {TENANT}"));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(claims(text(&document["accessToken"]))["aud"], "https://management.azure.com");
    assert!(document["expires_on"].is_i64());
    let output = run(&format!("azd auth token -o json --no-prompt --scope {STORAGE}"));
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(1), &b"it isn't there\n"[..]));
    assert_eq!(run("az account get-access-token -o json --scope other/.default").status.code(), Some(1));
    assert_eq!(run("az account show").status.code(), Some(2));
    assert_eq!(tools.calls().len(), 4);
    assert_eq!(tools.calls()[1], format!("azd auth token -o json --no-prompt --scope {STORAGE}"));
}
