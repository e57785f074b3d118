//! The documents of every issuer, on one server: each chain has a folder.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    chain::{Chain, merged},
    keys::Keys,
    values::Values,
};
use crate::support::stand_in::{Request, Response};

const DISCOVERY: &str = ".well-known/openid-configuration";
const JWKS: &str = "openid/v1/jwks";

/// The responses by their paths.
#[derive(Default)]
pub(super) struct Site {
    responses: HashMap<String, Response>,
}

impl Site {
    /// Adds the documents of a chain, with the changes of `site.json`.
    pub(super) fn add(&mut self, chain: &Chain, keys: &Keys, values: &Values) {
        let discovery = json!({
            "issuer": "{issuer}",
            "jwks_uri": format!("{{issuer}}/{JWKS}"),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        });
        let discovery = values.filled(&merged(&discovery, &chain.site["discovery"]));
        let jwks = keys.jwks(&chain.site["keys"], values);
        let changes = values.filled(&chain.site["responses"]);
        let mut documents = vec![(DISCOVERY, discovery), (JWKS, jwks)];
        let others = changes.as_object().into_iter().flat_map(|changes| changes.keys());
        documents.extend(
            others.filter(|path| ![DISCOVERY, JWKS].contains(&path.as_str())).map(|path| (&**path, Value::Null)),
        );
        for (path, document) in documents {
            let response = response(&document, &changes[path]);
            self.responses.insert(format!("/{}/{path}", chain.name), response);
        }
    }

    pub(super) fn respond(&self, request: &Request) -> Response {
        let missing = || Response::new(404, &[("Content-Type", "text/plain")], "not found\n");
        self.responses.get(&request.path).cloned().unwrap_or_else(missing)
    }
}

/// The response with a document, with the changes of a chain: status, headers, or another body of JSON or text.
fn response(document: &Value, changes: &Value) -> Response {
    let body = changes.get("body").unwrap_or(document);
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let status = changes["status"].as_u64().map_or(200, |status| u16::try_from(status).unwrap());
    let headers = merged(&json!({ "Content-Type": "application/json" }), &changes["headers"]);
    let headers: Vec<_> =
        headers.as_object().unwrap().iter().map(|(name, value)| (&**name, value.as_str().unwrap())).collect();
    Response::new(status, &headers, body)
}
