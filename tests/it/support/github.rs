//! GitHub Actions: the endpoint that issues ID tokens to a job.
//!
//! "OpenID Connect reference" in the GitHub documentation has the claims.

use jiff::Timestamp;
use serde_json::json;

use super::{
    entra::unsigned,
    stand_in::{Request, Response},
};

pub(crate) const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The handler for `ACTIONS_ID_TOKEN_REQUEST_URL` of a job with this request token. The ID tokens have this subject.
pub(crate) fn github(request_token: &str, subject: &str) -> impl Fn(&Request) -> Response + Send + Sync + 'static {
    let (request_token, subject) = (request_token.to_owned(), subject.to_owned());
    move |request| {
        if request.method != "GET" {
            return Response::new(405, &[], "");
        }
        if request.bearer() != Some(&request_token) {
            return Response::json(401, json!({ "message": "Unauthorized" }));
        }
        let repository = subject.split(':').nth(1).unwrap_or("octo-org/octo-repo");
        let owner = repository.split('/').next().unwrap_or_default();
        let default = format!("https://github.com/{owner}");
        let now = Timestamp::now().as_second();
        let token = unsigned(&json!({
            "jti": "8f1d1b7e-2f0e-4c1d-9a53-5ad3f2f3a1f0",
            "sub": subject,
            "aud": request.query("audience").unwrap_or(&default),
            "ref": "refs/heads/main",
            "repository": repository,
            "repository_owner": owner,
            "iss": ISSUER,
            "nbf": now - 300,
            "iat": now,
            "exp": now + 300,
        }));
        Response::json(200, json!({ "count": token.len(), "value": token }))
    }
}
