//! The Blob service of an account without shared keys, which accepts only callers with a data role.
//!
//! "Authorize access to blobs using Microsoft Entra ID" has the roles: those of the control plane, such as Owner, give no
//! access to blobs. "Azure Blob Storage error codes" has the error. Azurite checks no role.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::support::{
    message::{Message, exchange},
    stand_in::{Request, Response, StandIn},
    tls::Authority,
    tunnel::plain_front_of,
};

/// Starts the service in front of an emulator. `has_role` decides about each request.
pub(super) fn start(
    authority: &Authority,
    emulator: &str,
    has_role: impl Fn() -> bool + Send + Sync + 'static,
) -> StandIn {
    let emulator = plain_front_of(emulator, authority);
    StandIn::https(authority, move |request| if has_role() { forward(request, &emulator) } else { refusal() })
}

fn refusal() -> Response {
    let headers = [("x-ms-error-code", "AuthorizationPermissionMismatch"), ("Content-Type", "application/xml")];
    let message = "This request is not authorized to perform this operation using this permission.";
    let body = format!("<Error><Code>AuthorizationPermissionMismatch</Code><Message>{message}</Message></Error>");
    Response::new(403, &headers, body)
}

fn forward(request: &Request, emulator: &str) -> Response {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let query = request.query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value)));
    let query = query.collect::<Vec<_>>().join("&");
    let headers: Vec<_> = kept(&request.headers).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let headers = headers.concat();
    let Request { method, path, body, .. } = request;
    let length = body.len();
    let head =
        format!("{method} {path}?{query} HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n");
    let answer = exchange(emulator, &[head.as_bytes(), body].concat()).unwrap();
    let answer = Message::response(&answer).unwrap();
    let headers: Vec<_> = kept(&answer.headers).map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Response::new(answer.status(), &headers, answer.body.clone())
}

/// The headers that do not belong to the connection.
fn kept(headers: &[(String, String)]) -> impl Iterator<Item = &(String, String)> {
    let skipped = ["content-length", "connection", "keep-alive", "transfer-encoding"];
    headers.iter().filter(move |(name, _)| !skipped.contains(&name.to_ascii_lowercase().as_str()))
}
