//! The JSON answer of `issuer exchange`, and the sentence of `-v`.

use issuer::{AccessToken, Timestamp};
use jiff::SignedDuration;
use serde::Serialize;

use super::super::output::{rfc3339, second};

/// An access token, or the file that contains it.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(crate) struct Answer {
    /// The scope of the token request.
    scope: String,
    /// The audience of the token, its claim aud; null if the token is not a JWT or has no such claim.
    audience: Option<String>,
    /// The client ID of the application or managed identity, the claim appid or azp; null as for the audience.
    client_id: Option<String>,
    /// The object ID of the service principal, the claim oid; null as for the audience.
    object_id: Option<String>,
    /// The tenant, the claim tid; null as for the audience.
    tenant: Option<String>,
    /// The lifetime of the token after its request, in seconds.
    lifetime_seconds: u64,
    /// When the token expires.
    expires_at: String,
    /// When to request the next token: after the refresh_in of Entra, else after two thirds of the lifetime.
    refresh_at: String,
    /// The token. Absent with --out.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<String>,
    /// The file that contains the token. Present only with --out.
    #[serde(skip_serializing_if = "Option::is_none")]
    out: Option<String>,
    /// The format of the file. Present only with --out.
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    /// The URL of the address and port of --listen. Present only with --listen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) listening: Option<String>,
}

impl Answer {
    /// The answer with the token itself.
    pub(super) fn whole(token: &AccessToken) -> Self {
        Self { access_token: Some(token.secret().to_owned()), ..Self::without_token(token) }
    }

    /// The answer with the file that contains the token.
    pub(super) fn of_file(token: &AccessToken, out: String, format: String) -> Self {
        Self { out: Some(out), format: Some(format), ..Self::without_token(token) }
    }

    fn without_token(token: &AccessToken) -> Self {
        let claims = token.claims().unwrap_or_default();
        Self {
            scope: token.scope().to_string(),
            audience: claims.audience,
            client_id: claims.client_id,
            object_id: claims.object_id,
            tenant: claims.tenant,
            lifetime_seconds: token.lifetime().as_secs(),
            expires_at: rfc3339(token.expires_at()),
            refresh_at: rfc3339(refresh_at(token)),
            access_token: None,
            out: None,
            format: None,
            listening: None,
        }
    }
}

/// The refresh time of `--watch`.
fn refresh_at(token: &AccessToken) -> Timestamp {
    let after = token.refresh_in().unwrap_or(token.lifetime() / 3 * 2);
    let after = SignedDuration::try_from(after).unwrap_or(SignedDuration::MAX);
    token.requested_at().checked_add(after).unwrap_or(Timestamp::MAX)
}

/// The identity, audience and lifetime of a token.
pub(super) fn sentence(token: &AccessToken) -> String {
    let lifetime = token.lifetime().as_secs();
    let life = format!("lifetime {lifetime} s, expires {}", second(token.expires_at()));
    match token.claims().map(|claims| claims.to_string()).filter(|claims| !claims.is_empty()) {
        Some(claims) => format!("the token has {claims}, {life}"),
        None => format!("the token for {} is opaque, {life}", token.scope()),
    }
}
