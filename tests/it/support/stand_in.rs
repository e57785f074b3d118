//! A stand-in for a network service: a function gives the response to each request.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, Mutex},
    thread,
};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::{http, tls::Authority};

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Scheme and authority, as the client sent them.
    pub(crate) origin: String,
    /// The raw path, without the query.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, |found| found.eq_ignore_ascii_case(name))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        find(&self.query, |found| found == name)
    }

    /// The fields of a form; empty if the body has another type.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        let kind = self.header("content-type").unwrap_or_default();
        let is_form = kind.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded";
        if is_form { pairs(&String::from_utf8_lossy(&self.body)) } else { Vec::new() }
    }

    /// The token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
    }

    fn read(stream: &mut impl Read, scheme: &str) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let line = read_line(&mut reader)?;
        let mut words = line.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = Vec::new();
        while let Some((name, value)) = read_line(&mut reader)?.split_once(':') {
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
        let header = |name: &str| find(&headers, |found| found.eq_ignore_ascii_case(name)).unwrap_or_default();
        let (host, length) = (header("host").to_owned(), header("content-length").parse().unwrap_or(0));
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        // A proxy receives the whole URL.
        let path = match target.strip_prefix("http://") {
            Some(rest) => rest.find('/').map_or("/", |start| &rest[start..]),
            None => &target,
        };
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        Some(Self {
            method,
            origin: format!("{scheme}://{host}"),
            path: path.to_owned(),
            query: pairs(query),
            headers,
            body,
        })
    }
}

/// A response to send.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    end: End,
}

/// How a response ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Whole,
    /// The connection is closed before the last bytes.
    Truncated,
    /// Bytes follow until the client closes the connection.
    Endless,
    /// Nothing is sent until the client closes the connection.
    Silent,
}

impl Response {
    pub(crate) fn new(status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Self {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { status, headers, body: body.into(), end: End::Whole }
    }

    #[allow(clippy::needless_pass_by_value, reason = "calls are easier to read")]
    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::new(status, &[("Content-Type", "application/json; charset=utf-8")], body.to_string())
    }

    /// No response: the connection is closed.
    pub(crate) fn lost() -> Self {
        Self::new(0, &[], "")
    }

    /// No response, until the client closes the connection.
    pub(crate) fn silent() -> Self {
        Self { end: End::Silent, ..Self::lost() }
    }

    /// The same, without its last bytes.
    pub(crate) fn truncated(self) -> Self {
        Self { end: End::Truncated, ..self }
    }

    /// The same status with a body that never ends.
    pub(crate) fn endless(self) -> Self {
        Self { end: End::Endless, ..self }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, |found| found.eq_ignore_ascii_case(name))
    }

    /// The same with one more header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn send(&self, stream: &mut dyn Stream) -> std::io::Result<()> {
        let bytes = self.to_bytes();
        match self.end {
            End::Whole => stream.write_all(&bytes),
            End::Truncated => stream.write_all(&bytes[..bytes.len() - 10]),
            End::Silent => stream.read(&mut [0]).map(drop),
            End::Endless => {
                write!(stream, "HTTP/1.1 {} \r\nContent-Type: application/json\r\n\r\n", self.status)?;
                loop {
                    stream.write_all(&[b' '; 4096])?;
                }
            }
        }
    }

    fn to_bytes(&self) -> Vec<u8> {
        if self.status == 0 {
            return Vec::new();
        }
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let headers: Vec<_> = headers.iter().map(String::as_str).collect();
        http::response(&format!("{} ", self.status), &headers, &self.body)
    }
}

/// A server on a free loopback port, and its requests until now.
pub(crate) struct StandIn {
    url: String,
    log: Arc<Mutex<Vec<Request>>>,
}

impl StandIn {
    pub(crate) fn https(authority: &Authority, handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        let config = authority.server_config();
        Self::start("https", handler, move |stream, serve| {
            let connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = rustls::StreamOwned::new(connection, stream);
            serve(&mut stream);
            stream.conn.send_close_notify();
            let _ = stream.flush();
        })
    }

    pub(crate) fn http(handler: impl Fn(&Request) -> Response + Send + Sync + 'static) -> Self {
        Self::start("http", handler, |mut stream, serve| serve(&mut stream))
    }

    /// The URL of the server, without a slash at its end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.log.lock().unwrap().clone()
    }

    /// `wrap` passes the connection, with or without TLS, to the function that serves it.
    fn start(
        scheme: &'static str,
        handler: impl Fn(&Request) -> Response + Send + Sync + 'static,
        wrap: impl Fn(std::net::TcpStream, &dyn Fn(&mut dyn Stream)) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&log);
        let serve = move |stream: &mut dyn Stream| {
            if let Some(request) = Request::read(&mut { &mut *stream }, scheme) {
                noted.lock().unwrap().push(request.clone());
                // A client may close the connection early.
                let _ = handler(&request).send(stream);
            }
        };
        let serve = Arc::new((serve, wrap));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve.1(stream, &serve.0));
            }
        });
        Self { url, log }
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// The next line without its line break; `None` if the client closed the connection.
fn read_line(reader: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}

fn find(pairs: &[(String, String)], is: impl Fn(&str) -> bool) -> Option<&str> {
    pairs.iter().find(|(name, _)| is(name)).map(|(_, value)| value.as_str())
}

/// Names and values of `application/x-www-form-urlencoded`, decoded.
fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).map(|(k, v)| (decode(k), decode(v))).collect()
}
