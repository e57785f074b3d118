//! A stand-in for an API server with an external signer, and for one that fails.
//!
//! It shares no code with the crate under test. Its sources:
//!
//! - KEP-740, "API for external signing of Service Account tokens": the signer names the key IDs, of at most 1024 bytes,
//!   the header of a token has `alg`, `kid` and `typ`, and the refresh hint of the signer becomes the `max-age` of both
//!   documents.
//! - "TokenRequest" (Kubernetes API reference), and "Managing Service Accounts" for the claims `jti` and `kubernetes.io`
//!   with the node of a pod, since Kubernetes 1.29.
//! - "Kubernetes API Concepts": `limit` and `continue`, 410 Gone for a token that has expired, and `Status`.
//! - "API Priority and Fairness": 429 with `Retry-After`.

use std::{
    collections::{HashMap, VecDeque},
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    encode,
    kubeconfig::Kubeconfig,
    signer::signer,
    stand_in::{Request, Response, StandIn},
    tls::Authority,
};

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";
pub(crate) const JWKS: &str = "/openid/v1/jwks";
/// The token of the administrator, the only user.
pub(crate) const ADMIN: &str = "s3cr3t-admin-token";
/// The key ID of the key that signs: the version of a key in a KMS.
pub(crate) const KID: &str = "kms-2026-11/1";

/// The longest key ID of an external signer.
pub(crate) fn long_kid() -> String {
    format!("kms/{}", "k".repeat(1020))
}

/// An API server on a free port.
pub(crate) struct ApiServerStandIn {
    authority: Authority,
    server: StandIn,
    state: Arc<Mutex<State>>,
}

struct State {
    issuer: String,
    /// The next responses.
    next: VecDeque<Response>,
    /// The response to every request.
    always: Option<Response>,
    /// The responses to paths.
    replaced: HashMap<String, Response>,
    /// The pods of all namespaces, in pages.
    pages: Vec<Vec<Value>>,
    /// Whether the token for the second page has expired.
    is_expired: bool,
    tokens: Vec<String>,
}

impl ApiServerStandIn {
    /// An API server with this issuer and an external signer, whose next key has the longest key ID.
    pub(crate) fn new(issuer: &str) -> Self {
        let state = State {
            issuer: issuer.to_owned(),
            next: VecDeque::new(),
            always: None,
            replaced: HashMap::new(),
            pages: vec![Vec::new()],
            is_expired: false,
            tokens: Vec::new(),
        };
        let (authority, state) = (Authority::new(), Arc::new(Mutex::new(state)));
        let shared = Arc::clone(&state);
        let server = StandIn::https(&authority, move |request| shared.lock().unwrap().answer(request));
        Self { authority, server, state }
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// The certificate of its authority.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.authority.ca_file()
    }

    /// A kubeconfig with the cluster `c` and the context `admin`, the current one.
    pub(crate) fn kubeconfig(&self) -> Kubeconfig {
        let cluster = json!({
            "server": self.url(),
            "certificate-authority-data": BASE64_STANDARD.encode(fs::read(self.ca_file()).unwrap()),
        });
        Kubeconfig::default().cluster("c", cluster).user("admin", "c", json!({ "token": ADMIN }))
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// The tokens that it issued, in this order.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.state().tokens.clone()
    }

    /// Answers one of the next requests with this response.
    pub(crate) fn fail(&self, response: Response) {
        self.state().next.push_back(response);
    }

    /// Answers all requests with this response, until [`Self::recover`].
    pub(crate) fn always(&self, response: Response) {
        self.state().always = Some(response);
    }

    pub(crate) fn recover(&self) {
        self.state().always = None;
    }

    /// Answers all requests for a path with this response.
    pub(crate) fn replace(&self, path: &str, response: Response) {
        self.state().replaced.insert(path.to_owned(), response);
    }

    /// Sets the pods, in pages; `limit` of a request is not used.
    pub(crate) fn pages(&self, pages: Vec<Vec<Value>>) {
        self.state().pages = pages;
    }

    /// Lets the tokens for the next pages expire.
    pub(crate) fn expire_pages(&self) {
        self.state().is_expired = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Response {
        if let Some(response) = self.next.pop_front().or_else(|| self.always.clone()) {
            return response;
        }
        match request.bearer() {
            Some(ADMIN) => {}
            Some(_) => return status(401, "Unauthorized", "Unauthorized"),
            None => {
                let message = format!("forbidden: User \"system:anonymous\" cannot get path \"{}\"", request.path);
                return status(403, "Forbidden", &message);
            }
        }
        if let Some(response) = self.replaced.get(&request.path) {
            return response.clone();
        }
        let segments: Vec<_> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", [".well-known", "openid-configuration"]) => document("application/json", &discovery(&self.issuer)),
            ("GET", ["openid", "v1", "jwks"]) => document("application/jwk-set+json", &jwks()),
            ("GET", ["api", "v1", "namespaces", _, "pods"]) => self.page(request),
            ("POST", ["api", "v1", "namespaces", namespace, "serviceaccounts", name, "token"]) => {
                self.token(namespace, name, &request.body)
            }
            _ => status(404, "NotFound", "the server could not find the requested resource"),
        }
    }

    fn page(&self, request: &Request) -> Response {
        // A token is opaque; this one has characters that a query must encode.
        let page = request.query("continue").map_or(0, |token| token.trim_start_matches("page+/&=").parse().unwrap());
        if page > 0 && self.is_expired {
            let message = "The provided continue parameter is too old to display a consistent list result.";
            return status(410, "Expired", message);
        }
        let next = if page + 1 < self.pages.len() { format!("page+/&={}", page + 1) } else { String::new() };
        Response::json(
            200,
            json!({
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": { "resourceVersion": "7", "continue": next },
                "items": self.pages[page],
            }),
        )
    }

    fn token(&mut self, namespace: &str, name: &str, body: &[u8]) -> Response {
        let object: Value = serde_json::from_slice(body).unwrap();
        let spec = &object["spec"];
        let issued = Timestamp::now().as_second();
        let expires = issued + spec["expirationSeconds"].as_i64().unwrap();
        let number = self.tokens.len();
        let claims = json!({
            "aud": spec["audiences"],
            "exp": expires,
            "iat": issued,
            "iss": self.issuer,
            "jti": format!("4a1f3c5e-0000-4000-8000-{number:012}"),
            "kubernetes.io": {
                "namespace": namespace,
                "node": { "name": "node-1", "uid": "3b3e1c0e-0000-4000-8000-000000000001" },
                "pod": { "name": "orders-0", "uid": "3b3e1c0e-0000-4000-8000-000000000002" },
                "serviceaccount": { "name": name, "uid": "3b3e1c0e-0000-4000-8000-000000000003" },
            },
            "nbf": issued,
            "sub": format!("system:serviceaccount:{namespace}:{name}"),
        });
        let token = signer().sign(&json!({ "alg": "RS256", "kid": KID, "typ": "JWT" }), &claims);
        self.tokens.push(token.clone());
        Response::json(
            201,
            json!({
                "kind": "TokenRequest",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": { "name": name, "namespace": namespace, "creationTimestamp": null },
                "spec": spec,
                "status": { "token": token, "expirationTimestamp": Timestamp::from_second(expires).unwrap().to_string() },
            }),
        )
    }
}

/// The discovery document. The address in `jwks_uri` is that of the API server in its network.
pub(crate) fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "jwks_uri": "https://10.0.0.1:6443/openid/v1/jwks",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

pub(crate) fn jwks() -> Value {
    let modulus = [&[0x87][..], &[7; 254], &[1]].concat();
    json!({ "keys": [signer().jwk(KID), encode::signing_jwk(&long_kid(), &modulus, &[1, 0, 1])] })
}

fn document(kind: &str, body: &Value) -> Response {
    Response::new(200, &[("Content-Type", kind), ("Cache-Control", "public, max-age=60")], body.to_string())
}

/// An error response with a `Status`.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Response {
    Response::json(
        code,
        json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            "details": {},
            "code": code,
        }),
    )
}

/// 429 of priority and fairness.
pub(crate) fn too_many_requests(retry_after: &str) -> Response {
    status(429, "TooManyRequests", "too many requests, please try again later").with("Retry-After", retry_after)
}

/// The page of a proxy or a login in front of the API server.
pub(crate) fn html(code: u16) -> Response {
    let page = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in</body></html>";
    Response::new(code, &[("Content-Type", "text/html")], page)
}
