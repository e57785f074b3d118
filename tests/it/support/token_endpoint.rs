//! Microsoft Entra ID: the token endpoint for federated tokens, with the whole judgement of a token.
//!
//! It is written from the documentation and from user reports, and shares no code with the crate under test. Requests
//! and responses are those of "OAuth 2.0 client credentials flow on the Microsoft identity platform", third case:
//! access token request with a federated credential (v2-oauth2-client-creds-grant-flow.md).
//!
//! Microsoft does not document the order in which Entra judges a token. One step is reported: the lifetime comes before
//! the audience (MicrosoftDocs/azure-docs#116275). Some steps follow from what they need: the claims need the token,
//! the keys need the issuer, the signature needs a key. A reported AADSTS700211 for the issuer of a cluster that the
//! internet cannot reach (Azure/azure-workload-identity#616) shows that the issuer is compared before the documents are
//! fetched. The rest of the order in [`judge`] is an assumption.

use serde_json::Value;

use super::{
    entra_controls::EntraControls,
    entra_error::EntraError,
    federated_credential::{Federated, OfIssuer},
    federated_token::FederatedToken,
    internet::Internet,
    issuer_metadata::IssuerMetadata,
    stand_in::{Request, Response},
};

const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// An application or a managed identity in a tenant.
#[derive(Clone)]
pub(crate) struct Application {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) credentials: Vec<Federated>,
}

/// The applications of the tenants, as they are at the time of a request.
pub(crate) struct Directory(Box<dyn Fn() -> Vec<Application> + Send + Sync>);

impl Directory {
    pub(crate) fn new(applications: impl Fn() -> Vec<Application> + Send + Sync + 'static) -> Self {
        Self(Box::new(applications))
    }

    /// The applications now.
    pub(super) fn applications(&self) -> Vec<Application> {
        (self.0)()
    }
}

impl From<Vec<Application>> for Directory {
    fn from(applications: Vec<Application>) -> Self {
        Self::new(move || applications.clone())
    }
}

/// The handler for `POST /{tenant}/oauth2/v2.0/token`.
pub(crate) fn token_endpoint(
    directory: Vec<Application>,
    internet: Internet,
) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    controlled_token_endpoint(directory.into(), internet, EntraControls::default())
}

/// The same with controls that the test keeps.
pub(crate) fn controlled_token_endpoint(
    directory: Directory,
    internet: Internet,
    controls: EntraControls,
) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let entra = Entra { directory, internet, controls };
    move |request| {
        let segments: Vec<&str> = request.path.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["", tenant, "oauth2", "v2.0", "token"]) => match entra.controls.admit() {
                Some(fault) => fault,
                None => match exchange(&entra, tenant, request) {
                    Ok(body) => Response::json(200, body).with("Cache-Control", "no-store, no-cache"),
                    Err(error) => error.response(),
                },
            },
            _ => Response::new(404, &[], ""),
        }
    }
}

struct Entra {
    directory: Directory,
    internet: Internet,
    controls: EntraControls,
}

fn exchange(entra: &Entra, tenant: &str, request: &Request) -> Result<Value, EntraError> {
    let form = request.form();
    let field = |name: &str| form.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str());
    // These texts are in "Microsoft Entra authentication and authorization error codes".
    for name in ["grant_type", "client_id", "scope"] {
        if field(name).is_empty() {
            let sentence = format!("The request body must contain the following parameter: '{name}'.");
            return Err(EntraError::request(900_144, sentence));
        }
    }
    if field("grant_type") != "client_credentials" {
        let sentence = format!("The app requested an unsupported grant type '{}'.", field("grant_type"));
        return Err(EntraError::of("unsupported_grant_type", 70_003, sentence));
    }
    let Some(resource) = field("scope").strip_suffix("/.default").filter(|resource| !resource.contains(' ')) else {
        let sentence = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {} is not valid.",
            field("scope")
        );
        return Err(EntraError::of("invalid_scope", 70_011, sentence));
    };
    let assertion = field("client_assertion");
    if assertion.is_empty() {
        let sentence = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(EntraError::client(7_000_218, sentence));
    }
    if field("client_assertion_type") != JWT_BEARER {
        let sentence = "The request body must contain the following parameter: 'client_assertion_type'.";
        return Err(EntraError::request(900_144, sentence));
    }
    judge(entra, (tenant, field("client_id")), assertion)?;
    Ok(entra.controls.issue(tenant, field("client_id"), resource))
}

/// Judges a token; the first step that fails gives the error.
fn judge(entra: &Entra, (tenant, client_id): (&str, &str), assertion: &str) -> Result<(), EntraError> {
    let token = FederatedToken::parse(assertion)?;
    token.judge_header()?;
    let (issuer, subject) = (token.required("iss")?, token.required("sub")?);
    let audiences = token.audiences()?;
    token.expiry()?;
    let applications = entra.directory.applications();
    let application = find(&applications, tenant, client_id)?;
    if application.credentials.is_empty() {
        // The text is from user reports.
        let sentence = format!("The client '{client_id}' has no configured federated identity credentials.");
        return Err(EntraError::client(70_025, sentence));
    }
    // A credential that is not propagated yet does not exist here.
    let known: &[Federated] = if entra.controls.is_settled(client_id) { &application.credentials } else { &[] };
    let credentials = OfIssuer::find(known, issuer)?;
    token.judge_chain()?;
    let metadata = IssuerMetadata::fetch(issuer, &entra.internet)?;
    token.judge_signature(metadata.key(token.header("kid"), token.header("alg"))?)?;
    token.judge_lifetime()?;
    credentials.matches(subject, &audiences)?;
    token.judge_time()
}

fn find<'a>(directory: &'a [Application], tenant: &str, client_id: &str) -> Result<&'a Application, EntraError> {
    judge_tenant(directory, tenant)?;
    let of_client = |found: &&Application| found.tenant == tenant && found.client_id == client_id;
    directory.iter().find(of_client).ok_or_else(|| {
        let sentence = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        EntraError::of("unauthorized_client", 700_016, sentence)
    })
}

fn judge_tenant(directory: &[Application], tenant: &str) -> Result<(), EntraError> {
    if directory.iter().any(|found| found.tenant == tenant) {
        return Ok(());
    }
    // MSAL.NET, TestConstants.cs, has the text for a name that is neither a GUID nor a domain.
    let is_guid = tenant.len() == 36 && tenant.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    if !is_guid && !tenant.contains('.') {
        let sentence =
            format!("Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.");
        return Err(EntraError::request(900_023, sentence));
    }
    let sentence = format!(
        "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
         correct cloud. Check with your subscription administrator, this may happen if there are no active \
         subscriptions for the tenant."
    );
    Err(EntraError::request(90_002, sentence))
}
