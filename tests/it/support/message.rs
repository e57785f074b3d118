//! HTTP/1.1 messages (RFC 9112): parsing of requests and responses, and a client.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

/// A request or a response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Message {
    /// The request line or the status line.
    pub(crate) first: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The content, without chunks.
    pub(crate) body: Vec<u8>,
}

impl Message {
    /// The first request in these bytes and its length, if it is complete.
    pub(crate) fn request(bytes: &[u8]) -> Option<(Self, usize)> {
        let (mut message, start) = Self::head(bytes)?;
        let (body, length) = if message.is_chunked() {
            unchunk(&bytes[start..])?
        } else {
            let length = message.header("content-length").map_or(0, |length| length.parse().unwrap());
            (bytes.get(start..start + length)?.to_vec(), length)
        };
        message.body = body;
        Some((message, start + length))
    }

    /// The response in these bytes, up to the end of the connection.
    pub(crate) fn response(bytes: &[u8]) -> Option<Self> {
        let (mut message, start) = Self::head(bytes)?;
        let body = &bytes[start..];
        message.body = if message.is_chunked() { unchunk(body)?.0 } else { body.to_vec() };
        Some(message)
    }

    /// The head, and the length of it with its empty line.
    pub(crate) fn head(bytes: &[u8]) -> Option<(Self, usize)> {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&bytes[..end]);
        let mut lines = head.split("\r\n");
        let first = lines.next()?.to_owned();
        let header = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
        Some((Self { first, headers: lines.filter_map(header).collect(), body: Vec::new() }, end + 4))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether a header with a list of tokens has this token.
    pub(crate) fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| value.split(',').any(|found| found.trim().eq_ignore_ascii_case(word)))
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.says("transfer-encoding", "chunked")
    }

    pub(crate) fn method(&self) -> &str {
        self.first.split(' ').next().unwrap_or_default()
    }

    /// The raw path, and the query, which may be empty.
    pub(crate) fn target(&self) -> (&str, &str) {
        let target = self.first.split(' ').nth(1).unwrap_or_default();
        target.split_once('?').unwrap_or((target, ""))
    }

    /// The status of a response.
    pub(crate) fn status(&self) -> u16 {
        self.first.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// The content of the chunks, and their encoded length including the trailers.
fn unchunk(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let line = |at: usize| {
        let length = bytes.get(at..)?.windows(2).position(|window| window == b"\r\n")?;
        Some((std::str::from_utf8(&bytes[at..at + length]).unwrap(), at + length + 2))
    };
    let (mut body, mut at) = (Vec::new(), 0);
    loop {
        let (size, start) = line(at)?;
        match usize::from_str_radix(size.split(';').next()?.trim(), 16).unwrap() {
            0 => at = start,
            size => {
                body.extend(bytes.get(start..start + size)?);
                at = start + size + 2;
                continue;
            }
        }
        loop {
            let (trailer, next) = line(at)?;
            at = next;
            if trailer.is_empty() {
                return Some((body, at));
            }
        }
    }
}

/// Sends a request on a new connection and reads the whole response.
pub(crate) fn send(address: &str, method: &str, target: &str, headers: &[(String, String)], body: &[u8]) -> Message {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("{method} {target} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{lines}");
    let request = [format!("{head}Connection: close\r\n\r\n").as_bytes(), body].concat();
    let bytes = exchange(address, &request).unwrap();
    Message::response(&bytes).unwrap_or_else(|| panic!("no whole response to {method} {target}"))
}

/// Sends bytes and reads until the connection is closed.
pub(crate) fn exchange(address: &str, request: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.write_all(request)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
