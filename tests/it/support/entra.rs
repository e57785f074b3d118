//! Microsoft Entra ID: the token endpoint for the client credentials flow.
//!
//! Requests, answers and errors are those of "OAuth 2.0 client credentials flow on the Microsoft identity platform"
//! (v2-oauth2-client-creds-grant-flow.md). The messages are those of "Microsoft Entra authentication and authorization
//! error codes" (reference-error-codes.md), or of user reports where that page has none.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    assertion,
    stand_in::{Request, Response},
};

/// An application in the directory of a tenant, with one credential.
#[allow(clippy::struct_field_names, reason = "the name in the protocol")]
pub(crate) struct Client {
    pub(crate) tenant: String,
    pub(crate) client_id: String,
    pub(crate) proof: Proof,
}

pub(crate) enum Proof {
    Secret(String),
    /// A certificate in DER, whose private key signs a `client_assertion`.
    Certificate(Vec<u8>),
    /// A federated identity credential: a token of another issuer is the `client_assertion`.
    Federated {
        issuer: String,
        subject: String,
        audience: String,
    },
}

/// The handler for `POST /{tenant}/oauth2/v2.0/token`. An application may be listed once for each of its credentials.
pub(crate) fn entra(directory: Vec<Client>) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    move |request| {
        let segments: Vec<&str> = request.path.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["", tenant, "oauth2", "v2.0", "token"]) => match sign_in(&directory, tenant, request) {
                Ok(token) => Response::json(200, token).with("Cache-Control", "no-store, no-cache"),
                Err(refusal) => refusal.response(),
            },
            _ => Response::new(404, &[], ""),
        }
    }
}

/// A token for a resource, as Entra issues it to an application, but without a valid signature.
pub(crate) fn access_token(tenant: &str, resource: &str) -> String {
    let now = Timestamp::now().as_second();
    unsigned(&json!({
        "aud": resource,
        "iss": format!("https://sts.windows.net/{tenant}/"),
        "iat": now - 300,
        "nbf": now - 300,
        "exp": now + 3599,
        "idtyp": "app",
        "tid": tenant,
        "ver": "1.0",
    }))
}

/// A token of another issuer that is valid for five minutes, without a valid signature. [`Proof::Federated`] matches
/// it.
pub(crate) fn federated_token(issuer: &str, subject: &str, audience: &str) -> String {
    let now = Timestamp::now().as_second();
    unsigned(&json!({
        "aud": [audience], "iss": issuer, "sub": subject, "iat": now, "nbf": now, "exp": now + 300,
    }))
}

/// A token with these claims and an arbitrary signature of the correct length.
pub(crate) fn unsigned(claims: &Value) -> String {
    let header = json!({ "typ": "JWT", "alg": "RS256", "kid": "unsigned" });
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", encode(header.to_string().as_bytes()), encode(claims.to_string().as_bytes()), encode(&[0; 256]))
}

/// A refused sign-in, with the number after "AADSTS".
#[derive(Debug)]
pub(crate) struct Refusal {
    error: &'static str,
    code: u32,
    sentence: String,
}

impl Refusal {
    pub(crate) fn new(error: &'static str, code: u32, sentence: impl Into<String>) -> Self {
        Self { error, code, sentence: sentence.into() }
    }

    /// RFC 6749 section 5.2 has 401 for `invalid_client` and 400 for the others; so does Entra.
    fn response(self) -> Response {
        let Self { error, code, sentence } = self;
        let status = if error == "invalid_client" { 401 } else { 400 };
        let (trace, correlation) = ("6bf9dcf2-6d7b-4b8b-a5a0-2f2e5a9d3f00", "d34afc37-8a0e-4c5b-9f27-5c0a1fd9b5cd");
        let time = Timestamp::now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        Response::json(
            status,
            json!({
                "error": error,
                "error_description": format!(
                    "AADSTS{code}: {sentence} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}"
                ),
                "error_codes": [code],
                "timestamp": time,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
            }),
        )
    }
}

fn sign_in(directory: &[Client], tenant: &str, request: &Request) -> Result<Value, Refusal> {
    let form = request.form();
    let field = |name: &str| form.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str());
    let required = |name: &str| {
        let sentence = format!("The request body must contain the following parameter: '{name}'.");
        field(name).filter(|value| !value.is_empty()).ok_or(Refusal::new("invalid_request", 900_144, sentence))
    };

    let grant = required("grant_type")?;
    if grant != "client_credentials" {
        let sentence = format!("The app requested an unsupported grant type '{grant}'.");
        return Err(Refusal::new("unsupported_grant_type", 70003, sentence));
    }
    let mut clients = directory.iter().filter(|client| client.tenant == tenant).peekable();
    if clients.peek().is_none() {
        let sentence = format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        );
        return Err(Refusal::new("invalid_request", 90002, sentence));
    }
    let client_id = required("client_id")?;
    let proofs: Vec<_> = clients.filter(|client| client.client_id == client_id).map(|client| &client.proof).collect();
    if proofs.is_empty() {
        let sentence = format!(
            "Application with identifier '{client_id}' was not found in the directory '{tenant}'. This can happen if \
             the application has not been installed by the administrator of the tenant or consented to by any user in \
             the tenant. You may have sent your authentication request to the wrong tenant."
        );
        return Err(Refusal::new("unauthorized_client", 700_016, sentence));
    }
    let scope = required("scope")?;
    let resource = scope.strip_suffix("/.default").filter(|resource| !resource.contains(' ')).ok_or_else(|| {
        let sentence = format!(
            "The provided request must include a 'scope' input parameter. The provided value for the input parameter \
             'scope' is not valid. The scope {scope} is not valid."
        );
        Refusal::new("invalid_scope", 70011, sentence)
    })?;
    if let Some(secret) = field("client_secret") {
        if !proofs.iter().any(|proof| matches!(proof, Proof::Secret(known) if known == secret)) {
            let sentence = format!(
                "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                 value, not the client secret ID, for a secret added to app '{client_id}'."
            );
            return Err(Refusal::new("invalid_client", 7_000_215, sentence));
        }
    } else if let Some(token) = field("client_assertion").filter(|token| !token.is_empty()) {
        let kind = required("client_assertion_type")?;
        if kind != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" {
            let sentence = format!("The 'client_assertion_type' parameter value '{kind}' is not supported.");
            return Err(Refusal::new("invalid_request", 50027, sentence));
        }
        assertion::check(token, &format!("{}{}", request.origin, request.path), client_id, &proofs)?;
    } else {
        let sentence = "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.";
        return Err(Refusal::new("invalid_client", 7_000_218, sentence));
    }
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": 3599,
        "ext_expires_in": 3599,
        "access_token": access_token(tenant, resource),
    }))
}
