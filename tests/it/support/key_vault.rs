//! Azure Key Vault: "Get Secret" of its REST reference, for one vault.
//!
//! "Authentication, requests and responses" has the bearer challenge, "Azure Key Vault REST API error codes"
//! (rest-error-codes.md) the statuses, and "Get Secret" (api-version 7.4) the answer. The texts of errors are from the
//! recordings in the tests of Azure's SDKs and from the user reports named below. The order is documented in "Azure Key
//! Vault request flow with authentication": token, network, permission, then the object.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::{
    issued_tokens::{Issued, IssuedTokens},
    stand_in::{Request, Response},
};

/// The resource of the tokens, in Azure's public cloud.
pub(crate) const AUDIENCE: &str = "https://vault.azure.net";

/// How a vault authorises its callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PermissionModel {
    /// Role assignments of Azure RBAC.
    #[default]
    Roles,
    AccessPolicies,
}

/// A vault. Clones share it.
#[derive(Clone)]
pub(crate) struct KeyVault {
    name: String,
    tenant: String,
    tokens: IssuedTokens,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    model: PermissionModel,
    /// Object IDs that may read secrets, with the number of requests until the permission applies.
    permitted: HashMap<String, usize>,
    secrets: HashMap<String, Vec<Secret>>,
    is_blocked: bool,
    requests: usize,
}

/// One version of a secret.
struct Secret {
    version: String,
    value: String,
    content_type: Option<String>,
    created: i64,
}

/// An error with its status, its code, and the code inside it.
struct Refusal(u16, &'static str, String, Option<&'static str>);

impl KeyVault {
    /// A vault in a tenant, with Azure RBAC.
    pub(crate) fn new(name: &str, tenant: &str, tokens: &IssuedTokens) -> Self {
        let (name, tenant) = (name.to_owned(), tenant.to_owned());
        Self { name, tenant, tokens: tokens.clone(), state: Arc::default() }
    }

    pub(crate) fn use_model(&self, model: PermissionModel) {
        self.state().model = model;
    }

    /// Adds a version of a secret, and returns its name.
    pub(crate) fn set(&self, name: &str, value: &str, content_type: Option<&str>) -> String {
        let created = self.tokens.now();
        let mut state = self.state();
        let versions = state.secrets.entry(name.to_owned()).or_default();
        let hash = digest(&SHA256, format!("{name} {}", versions.len()).as_bytes());
        let version: String = hash.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let (value, content_type) = (value.to_owned(), content_type.map(str::to_owned));
        versions.push(Secret { version: version.clone(), value, content_type, created });
        version
    }

    /// Permits a principal to read secrets.
    pub(crate) fn permit(&self, object_id: &str) {
        self.permit_after(object_id, 0);
    }

    /// The same after this number of refused requests: a new role assignment takes up to ten minutes ("Provide access to
    /// Key Vault keys, certificates, and secrets with Azure role-based access control").
    pub(crate) fn permit_after(&self, object_id: &str, requests: usize) {
        self.state().permitted.insert(object_id.to_owned(), requests);
    }

    /// Lets the firewall of the vault refuse this machine.
    pub(crate) fn block_network(&self) {
        self.state().is_blocked = true;
    }

    /// The number of requests until now.
    pub(crate) fn requests(&self) -> usize {
        self.state().requests
    }

    /// The handler for `GET /secrets/{name}` and `GET /secrets/{name}/{version}`.
    pub(crate) fn handler(&self) -> impl Fn(&Request) -> Response + Send + Sync + 'static + use<> {
        let vault = self.clone();
        move |request| {
            vault.state().requests += 1;
            let response = match vault.get(request) {
                Ok(secret) => Response::json(200, secret),
                Err(Refusal(status, code, message, inner)) => {
                    let mut error = json!({ "code": code, "message": message });
                    if let Some(inner) = inner {
                        error["innererror"] = json!({ "code": inner });
                    }
                    let response = Response::json(status, json!({ "error": error }));
                    if status == 401 { vault.challenge(response) } else { response }
                }
            };
            response.with("x-ms-keyvault-region", "westeurope").with("Cache-Control", "no-cache")
        }
    }

    fn challenge(&self, response: Response) -> Response {
        let authority = format!("https://login.microsoftonline.com/{}", self.tenant);
        response.with("WWW-Authenticate", &format!("Bearer authorization=\"{authority}\", resource=\"{AUDIENCE}\""))
    }

    fn get(&self, request: &Request) -> Result<Value, Refusal> {
        let caller = self.authenticate(request)?;
        let segments: Vec<_> = request.path.trim_end_matches('/').split('/').skip(1).collect();
        let (name, version) = match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["secrets", name]) => (*name, None),
            ("GET", ["secrets", name, version]) => (*name, Some(*version)),
            _ => return Err(Refusal(405, "MethodNotAllowed", "This stand-in has Get Secret only.".to_owned(), None)),
        };
        if request.query("api-version").is_none_or(str::is_empty) {
            return Err(Refusal(400, "BadParameter", "api-version must be specified".to_owned(), None));
        }
        self.authorize(&caller, name)?;
        let state = self.state();
        let versions = state.secrets.get(name).map_or(&[][..], Vec::as_slice);
        let found = match version {
            Some(version) => versions.iter().find(|found| found.version == version),
            None => versions.last(),
        };
        let id = version.map_or_else(|| name.to_owned(), |version| format!("{name}/{version}"));
        found.map(|secret| self.document(name, secret)).ok_or_else(|| {
            let message = format!(
                "A secret with (name/id) {id} was not found in this key vault. If you recently deleted this secret you \
                 may be able to recover it using the correct recovery command. For help resolving this issue, please \
                 see https://go.microsoft.com/fwlink/?linkid=2125182"
            );
            Refusal(404, "SecretNotFound", message, None)
        })
    }

    fn document(&self, name: &str, secret: &Secret) -> Value {
        let mut document = json!({ "value": secret.value });
        if let Some(content_type) = &secret.content_type {
            document["contentType"] = json!(content_type);
        }
        document["id"] = json!(format!("https://{}.vault.azure.net/secrets/{name}/{}", self.name, secret.version));
        document["attributes"] = json!({
            "enabled": true,
            "created": secret.created,
            "updated": secret.created,
            "recoveryLevel": "Recoverable+Purgeable",
            "recoverableDays": 90,
        });
        document
    }

    fn authenticate(&self, request: &Request) -> Result<Issued, Refusal> {
        let unauthorized = |message: String| Refusal(401, "Unauthorized", message, None);
        let Some(token) = request.bearer().filter(|token| !token.is_empty()) else {
            return Err(unauthorized("AKV10000: Request is missing a Bearer or PoP token.".to_owned()));
        };
        // User reports have this text and the one for an expired token.
        let Some(issued) = self.tokens.find(token) else {
            let message = "[BearerReadAccessTokenFailed] Error validating token: 'S2S12005'.";
            return Err(unauthorized(message.to_owned()));
        };
        if self.tokens.is_expired(&issued) {
            return Err(unauthorized("[TokenExpired] Error validating token: 'S2S12086'.".to_owned()));
        }
        if issued.audience.trim_end_matches('/') != AUDIENCE {
            let found = &issued.audience;
            return Err(unauthorized(format!("AKV10022: Invalid audience. Expected {AUDIENCE}, found: {found}.")));
        }
        if issued.principal.tenant != self.tenant {
            let issuer = |tenant: &str| format!("https://sts.windows.net/{tenant}/");
            let (expected, found) = (issuer(&self.tenant), issuer(&issued.principal.tenant));
            return Err(unauthorized(format!("AKV10032: Invalid issuer. Expected one of {expected}, found {found}.")));
        }
        Ok(issued)
    }

    /// The resource ID in the text of the RBAC error has an arbitrary subscription and resource group.
    fn authorize(&self, caller: &Issued, secret: &str) -> Result<(), Refusal> {
        let Issued { principal, .. } = caller;
        let (vault, object_id, client_id) = (&self.name, &principal.object_id, &principal.client_id);
        let identity = format!("appid={client_id};oid={object_id};iss=https://sts.windows.net/{}/", principal.tenant);
        let forbidden = |message: String, inner| Err(Refusal(403, "Forbidden", message, Some(inner)));
        let mut state = self.state();
        if state.is_blocked {
            let message = format!(
                "Client address is not authorized and caller is not a trusted service.\r\nClient address: \
                 127.0.0.1\r\nCaller: {identity}\r\nVault: {vault};location=westeurope"
            );
            return forbidden(message, "ForbiddenByFirewall");
        }
        match state.permitted.get_mut(object_id) {
            Some(0) => return Ok(()),
            Some(left) => *left -= 1,
            None => {}
        }
        match state.model {
            // piyushsachdeva/Terraform_AKS#2 has the whole text.
            PermissionModel::Roles => forbidden(
                format!(
                    "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments \
                     or role definitions were changed recently, please observe propagation time.\r\nCaller: \
                     {identity}\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: \
                     '/subscriptions/11111111-2222-3333-4444-555555555555/resourcegroups/group/providers/\
                     microsoft.keyvault/vaults/{vault}/secrets/{secret}'\r\nAssignment: (not found)\r\n\
                     DenyAssignmentId: null\r\nDecisionReason: null \r\nVault: {vault};location=westeurope\r\n"
                ),
                "ForbiddenByRbac",
            ),
            // "Istio service mesh add-on plug-in CA certificate troubleshooting" has the whole text.
            PermissionModel::AccessPolicies => forbidden(
                format!(
                    "The user, group or application '{identity}' does not have secrets get permission on key vault \
                     '{vault};location=westeurope'. For help resolving this issue, please see \
                     https://go.microsoft.com/fwlink/?linkid=2125287"
                ),
                "AccessDenied",
            ),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
