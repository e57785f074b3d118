//! Access tokens over real HTTPS from the stand-in for Entra: a success, refusals, and servers that are not Entra.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::support::{
    events::Events,
    federated_credential::Federated,
    internet::Internet,
    signer::{ENTRA, ISSUER, signer, with},
    stand_in::{Response, StandIn},
    tls::Authority,
    token_endpoint::{Application, token_endpoint},
};
use issuer::{
    Aadsts, Documents, Error, ExchangeError, Hint, HttpFetcher, RetryPolicy, Scope, Timestamp, TokenSource,
    WorkloadIdentity, WorkloadIdentityBuilder,
};
use serde_json::{Value, json};
use tempfile::TempDir;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const CLIENT: &str = "00001111-aaaa-2222-bbbb-3333cccc4444";
const WITHOUT_CREDENTIALS: &str = "00001111-aaaa-2222-bbbb-3333cccc5555";
const UNKNOWN: &str = "00001111-aaaa-2222-bbbb-3333cccc6666";
const SUBJECT: &str = "system:serviceaccount:shop:orders";

/// The site of the issuer, the token endpoint, and the token file of a pod.
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
        let applications = [(CLIENT, credential), (WITHOUT_CREDENTIALS, json!([]))];
        let directory = applications.map(|(client_id, credentials)| Application {
            tenant: TENANT.to_owned(),
            client_id: client_id.to_owned(),
            credentials: Federated::find(&credentials),
        });
        let entra = StandIn::https(&authority, token_endpoint(directory.into(), internet));
        let cloud = Self { authority, entra, folder: TempDir::new().unwrap() };
        cloud.write(&claims());
        cloud
    }

    fn token_file(&self) -> PathBuf {
        self.folder.path().join("token")
    }

    /// Replaces the token file, with a line end.
    fn write(&self, claims: &Value) {
        std::fs::write(self.token_file(), signer().sign(&signer().header(), claims) + "\n").unwrap();
    }

    /// The identity of the pod, from the variables that the webhook injects.
    fn pod(&self) -> WorkloadIdentityBuilder {
        identity(&format!("{}/", self.entra.url()), self.token_file())
            .fetcher(HttpFetcher::new(&[self.authority.ca_file()]).unwrap())
    }
}

fn identity(authority: &str, token_file: PathBuf) -> WorkloadIdentityBuilder {
    let authority = authority.to_owned();
    let variables = move |name: &str| match name {
        "AZURE_CLIENT_ID" => Some(CLIENT.to_owned()),
        "AZURE_TENANT_ID" => Some(TENANT.to_owned()),
        "AZURE_FEDERATED_TOKEN_FILE" => token_file.to_str().map(str::to_owned),
        "AZURE_AUTHORITY_HOST" => Some(authority.clone()),
        _ => None,
    };
    WorkloadIdentity::builder().variables(variables).retry(RetryPolicy::never())
}

fn claims() -> Value {
    let now = Timestamp::now().as_second();
    json!({ "iss": ISSUER, "sub": SUBJECT, "aud": [ENTRA], "iat": now, "nbf": now, "exp": now + 3600 })
}

fn vault() -> Scope {
    "https://vault.azure.net/.default".parse().unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn pod_gets_a_token_with_the_documented_request() {
    let cloud = Cloud::new();
    let token = run(async {
        let source: Arc<dyn TokenSource> = Arc::new(cloud.pod().build().unwrap());
        let token = source.token(&vault()).await.unwrap();
        assert_eq!(source.token(&vault()).await.unwrap().secret(), token.secret());
        token
    });
    assert_eq!(token.lifetime(), Duration::from_secs(3599));
    let shown = token.claims().unwrap();
    assert_eq!((shown.audience.as_deref(), shown.tenant.as_deref()), (Some("https://vault.azure.net"), Some(TENANT)));
    let requests = cloud.entra.requests();
    let [request] = requests.as_slice() else { panic!("{} requests", requests.len()) };
    assert_eq!(request.path, format!("/{TENANT}/oauth2/v2.0/token"), "the slash of the authority host is not doubled");
    let names: Vec<_> = request.form().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["scope", "client_id", "client_assertion_type", "client_assertion", "grant_type"]);
}

#[test]
fn refusals_have_code_cause_fix_and_ids() {
    let cloud = Cloud::new();
    let now = Timestamp::now().as_second();
    let expired = with(with(claims(), "exp", (now - 3000).into()), "iat", (now - 6600).into());
    for (what, claims, client, code) in [
        ("subject", with(claims(), "sub", json!("system:serviceaccount:shop:default")), CLIENT, Aadsts::SUBJECT),
        ("audience", with(claims(), "aud", json!(["https://kubernetes.default.svc"])), CLIENT, Aadsts::AUDIENCE),
        ("issuer", with(claims(), "iss", json!(format!("{ISSUER}/"))), CLIENT, Aadsts::ISSUER),
        ("expired", expired, CLIENT, Aadsts::TIME),
        ("no credential", claims(), WITHOUT_CREDENTIALS, Aadsts::NO_CREDENTIAL),
        ("unknown client", claims(), UNKNOWN, Aadsts::APPLICATION_NOT_FOUND),
    ] {
        cloud.write(&claims);
        let identity = cloud.pod().client_id(client.parse().unwrap()).build().unwrap();
        let error = run(async { identity.token(&vault()).await.unwrap_err() });
        assert_eq!(error.aadsts(), Some(code), "{what}: {error}");
        assert!(error.to_string().contains(code.meaning()), "{what}: {error}");
        assert_eq!(error.hint().as_deref(), code.entry().and_then(|entry| entry.fix.first().copied()), "{what}");
        assert!(error.trace_id().is_some() && error.correlation_id().is_some(), "{what}: {error:?}");
        assert_eq!(Error::from(error.clone()).hint(), error.hint());
    }
}

#[test]
fn replaced_token_file_is_used_after_a_refusal() {
    let cloud = Cloud::new();
    let identity = cloud.pod().build().unwrap();
    std::fs::write(cloud.token_file(), "").unwrap();
    run(async {
        let error = identity.token(&vault()).await.unwrap_err();
        assert!(matches!(error, ExchangeError::Assertion(_)), "{error}");
        assert!(cloud.entra.requests().is_empty(), "an empty assertion was sent");
        cloud.write(&claims());
        assert!(identity.refresh(&vault()).await.is_ok());
    });
}

#[test]
fn redirect_is_not_followed() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, signer().sign(&signer().header(), &claims())).unwrap();
    let other = StandIn::http(|_| Response::new(200, &[], "{}"));
    let target = format!("{}/token", other.url());
    let redirecting = StandIn::http(move |_| Response::new(307, &[("Location", &target)], ""));
    let error = run(async {
        let identity = identity(redirecting.url(), path).build().unwrap();
        identity.token(&vault()).await.unwrap_err()
    });
    assert!(error.to_string().ends_with("was answered with status 307"), "{error}");
    assert!(other.requests().is_empty(), "the assertion was sent to the target of a redirect");
}

#[test]
fn untrusted_certificate_is_not_retried() {
    let cloud = Cloud::new();
    let builder = identity(cloud.entra.url(), cloud.token_file()).retry(RetryPolicy::default());
    let error = run(async { builder.build().unwrap().token(&vault()).await.unwrap_err() });
    assert!(matches!(error, ExchangeError::NoAnswer { is_permanent: true, .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("CA certificate"), "{error}");
    assert!(cloud.entra.requests().is_empty());
}

#[test]
fn long_answer_is_an_error() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("token");
    std::fs::write(&path, signer().sign(&signer().header(), &claims())).unwrap();
    let endless = StandIn::http(|_| Response::new(200, &[], "x".repeat(1 << 20)));
    let error = run(async { identity(endless.url(), path).build().unwrap().token(&vault()).await.unwrap_err() });
    assert!(error.to_string().contains("longer than 262144 bytes"), "{error}");
}

#[test]
fn no_secret_is_in_events_and_errors() {
    let cloud = Cloud::new();
    let assertion = std::fs::read_to_string(cloud.token_file()).unwrap();
    let mut texts = Vec::new();
    run(async {
        let retry = RetryPolicy { first_pause: Duration::from_millis(1), ..RetryPolicy::default() };
        // An endpoint that repeats the request in its answer.
        let echo = StandIn::http(|request| {
            let form = request.form().into_iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
            let text = form.join("&");
            Response::json(503, json!({ "error": "server_error", "error_description": text, "trace_id": text }))
        });
        let identity =
            identity(echo.url(), cloud.token_file()).retry(RetryPolicy { attempts_max: 3, ..retry }).build().unwrap();
        // `tracing` disables an event that another thread, without a subscriber, emits first. The next subscriber enables it.
        let first = Events::subscribe();
        identity.refresh(&vault()).await.unwrap_err();
        drop(first);
        let mut events = Events::subscribe();
        let error = identity.refresh(&vault()).await.unwrap_err();
        texts.extend([error.to_string(), format!("{error:?}"), error.hint().unwrap_or_default()]);
        texts.extend([format!("{identity:?}"), format!("{:?}", identity.token(&vault()))]);
        let identity = cloud.pod().build().unwrap();
        let token = identity.token(&vault()).await.unwrap();
        texts.push(format!("{token:?}"));
        let (signature, own) = (assertion.trim().rsplit('.').next().unwrap(), token.secret());
        while !events.is_empty() {
            texts.push(format!("{:?}", events.next().await));
        }
        assert!(texts.len() >= 9, "{texts:#?}");
        for text in &texts {
            assert!(!text.contains(&signature[..40]) && !text.contains(&own[own.len() - 40..]), "{text}");
        }
    });
}
