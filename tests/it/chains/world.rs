//! Everything that a chain needs: the server of the documents, the token endpoint, and the crate under test.

use issuer::{
    Aadsts, Expectations, FederatedCredential, Hint, HttpFetcher, IssuerUrl, Location, PublishedIssuer, Report,
    Timestamp, Verifier,
};
use serde_json::{Value, json};

use super::{
    chain::{Chain, default, merged},
    keys::Keys,
    pod::Sent,
    site::Site,
    values::{HOST, TENANT, Values},
};
use crate::support::{
    federated_credential::Federated,
    internet::Internet,
    stand_in::StandIn,
    tls::Authority,
    token_endpoint::{Application, token_endpoint},
};

const LOGIN: &str = "login.microsoftonline.com";
/// A host whose certificate no one trusts.
const UNTRUSTED: &str = "untrusted.example.com";

pub(super) struct World {
    pub(super) authority: Authority,
    pub(super) site: StandIn,
    untrusted: StandIn,
    _entra: StandIn,
    /// The way to the token endpoint.
    internet: Internet,
    runtime: tokio::runtime::Runtime,
    fetcher: HttpFetcher,
}

/// A chain whose placeholders are replaced.
pub(super) struct Setup<'a> {
    pub(super) chain: &'a Chain,
    pub(super) values: Values,
    pub(super) credentials: Value,
    /// What the pod sends to Entra; `None` if it sends nothing.
    pub(super) sent: Option<Sent>,
    /// The token of the pod.
    pub(super) token: String,
    /// The variables of the pod without the token file, if the chain has no manifest.
    pub(super) variables: Value,
}

impl World {
    /// Starts the servers, and prepares each chain for them.
    pub(super) fn with(chains: &[Chain]) -> (Self, Vec<Setup<'_>>) {
        let keys = Keys::new();
        let (mut documents, mut directory, mut setups) = (Site::default(), Vec::new(), Vec::new());
        for (position, chain) in chains.iter().enumerate() {
            let values = Values::new(&chain.name, position, &keys);
            documents.add(chain, &keys, &values);
            let credentials = values.filled(&chain.credentials);
            directory.push(Application {
                tenant: TENANT.to_owned(),
                client_id: values.client_id().to_owned(),
                credentials: Federated::find(&credentials),
            });
            let variables = merged(&default("variables.json"), &chain.variables);
            let variables = values.filled(&variables);
            let sent = match &chain.manifest {
                Some(manifest) => Sent::from(&values.fill(manifest)),
                None => Sent::with(&variables),
            };
            let changes = sent.iter().map(|sent| &sent.claims).find(|claims| claims.is_object());
            let changes = changes.map_or_else(|| chain.token.clone(), |claims| json!({ "claims": claims }));
            let token = keys.mint(&changes, &values);
            setups.push(Setup { chain, values, credentials, sent, token, variables });
        }
        let authority = Authority::for_hosts(&[HOST, LOGIN]);
        let site = StandIn::https(&authority, move |request| documents.respond(request));
        let untrusted =
            StandIn::https(&Authority::for_hosts(&[UNTRUSTED]), |_| unreachable!("no one trusts this host"));
        let hosts = [(HOST, address(&site)), (UNTRUSTED, address(&untrusted))];
        let entra = StandIn::https(&authority, token_endpoint(directory, Internet::new(&authority, &hosts)));
        let internet = Internet::new(&authority, &[(LOGIN, address(&entra))]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let fetcher = HttpFetcher::new(&[authority.ca_file()]).unwrap();
        (Self { authority, site, untrusted, _entra: entra, internet, runtime, fetcher }, setups)
    }

    /// The number in Entra's answer; `None` if it is an access token, or if the pod sends no request.
    pub(super) fn ask(&self, setup: &Setup<'_>) -> Option<u32> {
        let sent = setup.sent.as_ref()?;
        let url = format!("https://{LOGIN}/{}/oauth2/v2.0/token", sent.tenant);
        let fields = [
            ("scope", "https://vault.azure.net/.default"),
            ("client_id", &sent.client_id),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &setup.token),
            ("grant_type", "client_credentials"),
        ];
        let response = self.internet.post(&url, &fields);
        let body: Value = serde_json::from_slice(&response.body).unwrap();
        if body["access_token"].is_string() {
            assert_eq!(response.status(), 200);
            return None;
        }
        let code = u32::try_from(body["error_codes"][0].as_u64().unwrap()).unwrap();
        assert_eq!(Aadsts::find_in(body["error_description"].as_str().unwrap()), Some(code.into()));
        assert_eq!(response.status(), if body["error"] == "invalid_client" { 401 } else { 400 }, "{body}");
        Some(code)
    }

    /// The report of the crate, which reads the documents from the address of the server.
    pub(super) fn examine(&self, setup: &Setup<'_>) -> Report {
        let credentials = FederatedCredential::read(setup.credentials.to_string().as_bytes());
        let credentials = credentials.unwrap_or_else(|error| panic!("{}: {error}", setup.chain.name));
        let expectations = Expectations::entra().credentials(credentials);
        let issuer = issuer_of(&setup.token).and_then(|issuer| issuer.parse::<IssuerUrl>().ok());
        let verifier = issuer.map_or_else(Verifier::default, |issuer| {
            let location = Location::Url(self.published(issuer.as_str()).parse().unwrap());
            let fetch = PublishedIssuer::fetch(&issuer, &location, &self.fetcher);
            Verifier::from_published(issuer.clone(), &self.runtime.block_on(fetch))
        });
        verifier.examine(&setup.token, &expectations, Timestamp::now())
    }

    /// The address where this machine finds the documents of an issuer. No server has the port 1.
    pub(super) fn published(&self, issuer: &str) -> String {
        let rest = issuer.strip_prefix("https://").unwrap_or(issuer);
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let server = match host {
            HOST => self.site.url(),
            UNTRUSTED => self.untrusted.url(),
            _ => "https://localhost:1",
        };
        format!("{server}{path}")
    }
}

/// The fix of the first failed check, or else of the first warning.
pub(super) fn fix_of(report: &Report) -> Option<String> {
    let fix = match report.refusal() {
        Some(refusal) => refusal.hint(),
        None => report.warnings.first().and_then(Hint::hint),
    };
    Some(fix?.lines().next().unwrap_or_default().to_owned())
}

fn address(server: &StandIn) -> &str {
    server.url().strip_prefix("https://").unwrap()
}

pub(super) fn issuer_of(token: &str) -> Option<String> {
    let claims: Value = jsonwebtoken::dangerous::insecure_decode_claims(token).ok()?;
    claims["iss"].as_str().map(str::to_owned)
}
