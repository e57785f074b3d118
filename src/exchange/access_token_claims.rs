use std::fmt;

use serde_json::Value;

use crate::{redact::redacted_start, token::Token};

/// The longest claim that is shown, in characters.
const SHOWN_MAX: usize = 200;

/// Claims of an access token, to show whose token it is. They are not verified: only the resource can do that.
///
/// Microsoft Learn, "Access token claims reference".
///
/// ```
/// # use issuer::{AccessToken, Moment, SystemClock, TokenAnswer};
/// # let body = br#"{"token_type": "Bearer", "expires_in": 3600,
/// #   "access_token": "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwczovL3ZhdWx0LmF6dXJlLm5ldCIsIm9pZCI6IjEifQ.c2ln"}"#;
/// # let TokenAnswer::Issued(answer) = TokenAnswer::parse(200, body) else { panic!() };
/// # let scope = "https://vault.azure.net/.default".parse()?;
/// # let token = AccessToken::new(answer, scope, Moment::now(&SystemClock));
/// let claims = token.claims().unwrap();
/// assert_eq!(claims.audience.as_deref(), Some("https://vault.azure.net"));
/// assert_eq!(claims.object_id.as_deref(), Some("1"));
/// assert_eq!(claims.client_id, None);
/// assert_eq!(claims.to_string(), "audience https://vault.azure.net, object ID 1");
/// # Ok::<(), issuer::ScopeError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccessTokenClaims {
    /// The audience, `aud`.
    pub audience: Option<String>,
    /// The client ID, `appid` or `azp`.
    pub client_id: Option<String>,
    /// The object ID of the service principal, `oid`.
    pub object_id: Option<String>,
    /// The tenant, `tid`.
    pub tenant: Option<String>,
    /// The roles of the application, `roles`.
    pub roles: Vec<String>,
}

impl AccessTokenClaims {
    /// Reads the claims of a JWT.
    pub(super) fn read(token: &str) -> Option<Self> {
        let mut buffer = Vec::new();
        let claims: Value = serde_json::from_str(Token::parse(token, &mut buffer).ok()?.claims_json()).ok()?;
        let shown = |value: &Value| value.as_str().map(|text| redacted_start(text, SHOWN_MAX));
        let text = |name: &str| claims.get(name).and_then(shown);
        let audience = || claims.get("aud")?.get(0).and_then(shown);
        let roles = claims.get("roles").and_then(Value::as_array);
        Some(Self {
            audience: text("aud").or_else(audience),
            client_id: text("appid").or_else(|| text("azp")),
            object_id: text("oid"),
            tenant: text("tid"),
            roles: roles.into_iter().flatten().filter_map(shown).collect(),
        })
    }
}

impl fmt::Display for AccessTokenClaims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { audience, client_id, object_id, tenant, .. } = self;
        let parts = [("audience", audience), ("client ID", client_id), ("object ID", object_id), ("tenant", tenant)];
        let parts: Vec<_> =
            parts.iter().filter_map(|(name, value)| Some(format!("{name} {}", value.as_deref()?))).collect();
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn claims_of_both_versions_are_read_and_others_ignored() {
        let read = |claims: &str| {
            let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
            AccessTokenClaims::read(&format!("{}.{}.c2ln", encode(r#"{"alg":"RS256"}"#), encode(claims)))
        };
        let first = read(r#"{"aud":"a","appid":"b","oid":"c","tid":"d","roles":["r",7],"ver":"1.0"}"#).unwrap();
        assert_eq!(first.to_string(), "audience a, client ID b, object ID c, tenant d");
        assert_eq!(first.roles, ["r"]);
        let second = read(r#"{"aud":["a"],"azp":"b","oid":7,"tid":null}"#).unwrap();
        assert_eq!(second.to_string(), "audience a, client ID b");
        assert_eq!(AccessTokenClaims::read("opaque"), None);
    }
}
