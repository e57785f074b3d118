//! A real client proves the stand-in for Entra: `WorkloadIdentityCredential` of the Azure SDK for Python gets a token from
//! it, and reports its refusals.

use crate::support::{
    federated_credential::Federated,
    internet::Internet,
    python::{Variables, sign_in},
    signer::{ENTRA, ISSUER, signer, with, without},
    stand_in::{Response, StandIn},
    tls::Authority,
    token_endpoint::{Application, token_endpoint},
};
use issuer::{Documents, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const SUBJECT: &str = "system:serviceaccount:shop:orders";

/// The site of the issuer, and the token endpoint, which trusts the site's certificate.
struct Cloud {
    authority: Authority,
    entra: StandIn,
    folder: TempDir,
}

impl Cloud {
    fn new() -> Self {
        let authority = Authority::for_hosts(&["issuer.example.com"]);
        let documents = Documents::new(ISSUER.parse().unwrap(), &signer().keys);
        let site = StandIn::https(&authority, move |request| match request.path.as_str() {
            "/.well-known/openid-configuration" => Response::new(200, &[], documents.discovery.to_bytes()),
            "/openid/v1/jwks" => Response::new(200, &[], documents.jwks.to_bytes()),
            _ => Response::new(404, &[], ""),
        });
        let internet = Internet::new(&authority, &[("issuer.example.com", site.url().trim_start_matches("https://"))]);
        let credential = json!([{ "issuer": ISSUER, "subject": SUBJECT, "audiences": [ENTRA] }]);
        let applications = [(CLIENT, credential), ("without-credentials", json!([]))];
        let directory = applications.map(|(client_id, credentials)| Application {
            tenant: TENANT.to_owned(),
            client_id: client_id.to_owned(),
            credentials: Federated::find(&credentials),
        });
        let entra = StandIn::https(&authority, token_endpoint(directory.into(), internet));
        Self { authority, entra, folder: TempDir::new().unwrap() }
    }

    /// The variables of a pod with this token, as the webhook injects them.
    fn pod(&self, name: &str, token: &str) -> Variables {
        let path = self.folder.path().join(name);
        std::fs::write(&path, token).unwrap();
        Variables::from([
            ("AZURE_AUTHORITY_HOST", format!("{}/", self.entra.url().replace("127.0.0.1", "localhost"))),
            ("AZURE_TENANT_ID", TENANT.to_owned()),
            ("AZURE_CLIENT_ID", CLIENT.to_owned()),
            ("AZURE_FEDERATED_TOKEN_FILE", path.to_str().unwrap().to_owned()),
        ])
    }
}

fn claims() -> Value {
    let now = Timestamp::now().as_second();
    json!({ "iss": ISSUER, "sub": SUBJECT, "aud": [ENTRA], "iat": now, "nbf": now, "exp": now + 3600 })
}

#[test]
fn python_gets_a_token_and_reports_each_refusal() {
    let cloud = Cloud::new();
    let mint = |claims: &Value| signer().sign(&signer().header(), claims);
    let pod = |name: &str, claims: Value| cloud.pod(name, &mint(&claims));
    let good = || pod("good", claims());
    let set = |name: &'static str, value: &str| {
        let mut variables = good();
        variables.insert(name, value.to_owned());
        variables
    };
    let now = Timestamp::now().as_second();
    let other_tenant = "11111111-1111-4111-8111-111111111111";
    let broken = [
        ("700211", pod("issuer", with(claims(), "iss", json!(format!("{ISSUER}/"))))),
        ("700213", pod("subject", with(claims(), "sub", json!("system:serviceaccount:shop:payments")))),
        ("7002138", pod("case", with(claims(), "sub", json!("system:serviceaccount:Shop:orders")))),
        ("700212", pod("audience", with(claims(), "aud", json!([ISSUER])))),
        ("700024", pod("expired", with(with(claims(), "iat", json!(now - 7200)), "exp", json!(now - 3600)))),
        ("70023", pod("lifetime", with(claims(), "exp", json!(now + 365 * 24 * 3600)))),
        ("90014", pod("no audience", without(claims(), "aud"))),
        ("7000272", cloud.pod("key", &signer().sign(&json!({ "alg": "RS256", "kid": "other" }), &claims()))),
        ("50027", cloud.pod("line break", &format!("{}\n", mint(&claims())))),
        ("7000218", cloud.pod("empty", "")),
        ("70025", set("AZURE_CLIENT_ID", "without-credentials")),
        ("700016", set("AZURE_CLIENT_ID", "33333333-3333-4333-8333-333333333333")),
        ("90002", set("AZURE_TENANT_ID", other_tenant)),
    ];
    let pods: Vec<_> = [good()].into_iter().chain(broken.iter().map(|(_, pod)| pod.clone())).collect();
    let answers = sign_in(&cloud.authority.ca_file(), &pods);
    assert_eq!(answers.len(), pods.len(), "{answers:#?}");

    let token: Vec<_> = answers[0].split(' ').collect();
    assert_eq!(token[..2], ["Bearer", "60"], "{}", answers[0]);
    let access: Value = jsonwebtoken::dangerous::insecure_decode_claims(token[2]).unwrap();
    assert_eq!((&access["aud"], &access["tid"]), (&json!("https://vault.azure.net"), &json!(TENANT)));
    for ((code, _), answer) in broken.iter().zip(&answers[1..]) {
        assert!(answer.starts_with("error ") && answer.contains(&format!("AADSTS{code}: ")), "{code}: {answer}");
    }

    // The request is the documented one, with the token as it is in the file.
    let requests = cloud.entra.requests();
    assert_eq!(requests.len(), pods.len());
    let form = requests[0].form();
    let field = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let token = std::fs::read_to_string(&pods[0]["AZURE_FEDERATED_TOKEN_FILE"]).unwrap();
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(field("grant_type"), Some("client_credentials"));
    assert_eq!((field("client_id"), field("scope")), (Some(CLIENT), Some("https://vault.azure.net/.default")));
    assert_eq!((field("client_assertion_type"), field("client_assertion")), (Some(kind), Some(token.as_str())));
}
