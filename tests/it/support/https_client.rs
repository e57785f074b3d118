//! A plain client for HTTP and HTTPS that trusts one authority and receives JSON.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;

use super::tls::Authority;

/// Sends a request with or without TLS, and returns status, head and body.
pub(crate) fn send(
    authority: &Authority,
    method: &str,
    url: &str,
    headers: &[&str],
    body: &str,
) -> (u16, String, Value) {
    try_send(authority, method, url, headers, body).expect("the connection was closed without a response")
}

/// The same; `None` if the server closes the connection without a response.
pub(crate) fn try_send(
    authority: &Authority,
    method: &str,
    url: &str,
    headers: &[&str],
    body: &str,
) -> Option<(u16, String, Value)> {
    let (scheme, rest) = url.split_once("://").unwrap();
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let headers: Vec<_> = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let (headers, length) = (headers.concat(), body.len());
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
    let mut stream = TcpStream::connect(host).unwrap();
    let mut bytes = Vec::new();
    if scheme == "https" {
        let name = host.split(':').next().unwrap().to_owned().try_into().unwrap();
        let connection = rustls::ClientConnection::new(authority.client_config(), name).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_end(&mut bytes).unwrap();
    } else {
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_to_end(&mut bytes).unwrap();
    }
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Some((status, head.to_owned(), serde_json::from_str(body).unwrap_or_default()))
}
