//! The internet as a stand-in sees it: a few host names, and an HTTPS client that is not the client under test.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::TcpStream,
    sync::Arc,
};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{message::Message, tls::Authority};

/// Redirects that the client follows. Microsoft does not document whether Entra follows them.
const REDIRECTS_MAX: usize = 3;

/// Public host names with their addresses, and the trusted authority.
pub(crate) struct Internet {
    hosts: HashMap<String, String>,
    tls: Arc<rustls::ClientConfig>,
}

/// A document that was not received.
#[derive(Debug)]
pub(crate) enum Unreceived {
    /// No such host, no connection, or no trusted certificate.
    NoAnswer,
    /// A status other than 200.
    Status(u16),
}

impl Internet {
    /// The internet with these hosts, each with the address of its server, such as `127.0.0.1:443`.
    pub(crate) fn new(authority: &Authority, hosts: &[(&str, &str)]) -> Self {
        let hosts = hosts.iter().map(|&(name, address)| (name.to_owned(), address.to_owned())).collect();
        Self { hosts, tls: authority.client_config() }
    }

    /// The document at an https URL.
    pub(crate) fn get(&self, url: &str) -> Result<Vec<u8>, Unreceived> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS_MAX {
            let response = self.send("GET", &url, "").ok_or(Unreceived::NoAnswer)?;
            match (response.status(), response.header("location")) {
                (200, _) => return Ok(response.body),
                (301 | 302 | 307 | 308, Some(target)) => url = joined(&url, target),
                (status, _) => return Err(Unreceived::Status(status)),
            }
        }
        Err(Unreceived::NoAnswer)
    }

    /// The response to a form (`application/x-www-form-urlencoded`).
    pub(crate) fn post(&self, url: &str, fields: &[(&str, &str)]) -> Message {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
        self.send("POST", url, &form.join("&")).unwrap()
    }

    fn send(&self, method: &str, url: &str, form: &str) -> Option<Message> {
        let rest = url.strip_prefix("https://")?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let address = self.hosts.get(host)?;
        let name = host.to_owned().try_into().ok()?;
        let connection = rustls::ClientConnection::new(Arc::clone(&self.tls), name).ok()?;
        let mut stream = rustls::StreamOwned::new(connection, TcpStream::connect(address).ok()?);
        let length = form.len();
        let headers = format!("Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n");
        let headers = if form.is_empty() { "" } else { &headers };
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{form}").ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).ok()?;
        Message::response(&bytes)
    }
}

/// The target of a redirect: a URL, or a path on the same host.
fn joined(url: &str, target: &str) -> String {
    let host = url.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    if target.starts_with('/') { host + target } else { target.to_owned() }
}
