//! A fault-injecting proxy: it drops, delays and truncates requests and answers.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use super::message::{Message, exchange};

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// The number of requests before this one.
    pub(crate) number: usize,
    pub(crate) method: String,
    /// The raw path, without the query.
    pub(crate) path: String,
    /// The raw query, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    /// The content, without chunks.
    pub(crate) body: Vec<u8>,
}

/// The fault for a request and its answer.
pub(crate) enum Fault {
    Pass,
    /// Forward, with this `Date` header in the answer.
    Date(String),
    /// Forward after this time.
    Delay(Duration),
    /// Reset the connection instead of forwarding.
    Reset,
    /// Answer with these bytes instead of forwarding.
    Answer(Vec<u8>),
    /// Reset the connection after the head and this number of bytes of the answer's body.
    Cut(usize),
    /// Forward, then reset the connection without sending the answer.
    DropAnswer,
    /// The same, and call this function before the reset.
    DropAnswerThen(Arc<dyn Fn() + Send + Sync>),
}

impl Fault {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Pass => "Pass",
            Self::Date(_) => "Date",
            Self::Delay(_) => "Delay",
            Self::Reset => "Reset",
            Self::Answer(_) => "Answer",
            Self::Cut(_) => "Cut",
            Self::DropAnswer => "DropAnswer",
            Self::DropAnswerThen(_) => "DropAnswerThen",
        }
    }
}

/// A request and its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) seen: Seen,
    /// The name of the fault.
    pub(crate) fault: &'static str,
    /// The status of the upstream's answer, if the request was forwarded.
    pub(crate) status: Option<u16>,
    /// When the first byte of the request arrived.
    pub(crate) began: Instant,
    /// Just before the answer is sent or the connection is reset.
    pub(crate) ended: Instant,
}

type Rule = dyn Fn(&Seen) -> Fault + Send + Sync;

/// A proxy in front of one address.
pub(crate) struct Proxy {
    pub(crate) address: String,
    shared: Arc<Shared>,
}

impl Proxy {
    /// `rule` gives the fault for each request.
    pub(crate) fn start(upstream: &str, rule: impl Fn(&Seen) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let upstream = upstream.to_owned();
        let shared = Arc::new(Shared { upstream, rule: Box::new(rule), exchanges: Mutex::default() });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let serving = Arc::clone(&serving);
                thread::spawn(move || serving.serve(stream));
            }
        });
        Self { address, shared }
    }

    /// The completed exchanges, in the order of their requests.
    pub(crate) fn exchanges(&self) -> Vec<Exchange> {
        self.shared.exchanges.lock().unwrap().iter().flatten().cloned().collect()
    }
}

struct Shared {
    upstream: String,
    rule: Box<Rule>,
    /// By number of the request; `None` while it is in progress.
    exchanges: Mutex<Vec<Option<Exchange>>>,
}

impl Shared {
    /// Serves a connection until one side closes it. Dropping the stream with unread bytes resets the connection.
    fn serve(&self, mut stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        while let Some(Arrival { request, bytes, unread, began }) = arrival(&mut stream) {
            let number = {
                let mut exchanges = self.exchanges.lock().unwrap();
                exchanges.push(None);
                exchanges.len() - 1
            };
            let (path, query) = request.target();
            let seen = Seen {
                number,
                method: request.method().to_owned(),
                path: path.to_owned(),
                query: query.to_owned(),
                headers: request.headers.clone(),
                body: request.body.clone(),
            };
            let fault = (self.rule)(&seen);
            let name = fault.name();
            let end = |status: Option<u16>| {
                let exchange = Exchange { seen: seen.clone(), fault: name, status, began, ended: Instant::now() };
                self.exchanges.lock().unwrap()[number] = Some(exchange);
            };
            if let Fault::Delay(time) = fault {
                thread::sleep(time);
            }
            let answer = match fault {
                Fault::Reset => return end(None),
                Fault::Answer(answer) => {
                    end(None);
                    let sent = stream.read_exact(&mut vec![0; unread]).and_then(|()| stream.write_all(&answer));
                    if sent.is_err() || !is_reusable(&answer) {
                        return;
                    }
                    continue;
                }
                _ => self.forward(&request, &bytes),
            };
            let Some((mut head, start)) = Message::head(&answer) else { return end(None) };
            let status = Some(head.status());
            match fault {
                Fault::Cut(length) => {
                    end(status);
                    let _ = stream.write_all(&answer[..answer.len().min(start + length)]);
                    return;
                }
                Fault::Date(date) => {
                    head.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
                    head.headers.push(("Date".to_owned(), date));
                }
                Fault::DropAnswer => return end(status),
                Fault::DropAnswerThen(call) => {
                    call();
                    return end(status);
                }
                _ => {}
            }
            // Without a length, the end of the connection is the end of the answer.
            let bodiless = request.method() == "HEAD" || matches!(head.status(), 204 | 304);
            let framed = bodiless || head.is_chunked() || head.header("content-length").is_some();
            let close = !framed || request.says("connection", "close") || request.first.ends_with("/1.0");
            end(status);
            if stream.read_exact(&mut vec![0; unread]).is_err()
                || stream.write_all(&with_connection(&head, &answer[start..], close)).is_err()
                || close
            {
                return;
            }
        }
    }

    /// The whole answer of the upstream, on a new connection; empty if there is no answer.
    fn forward(&self, request: &Message, bytes: &[u8]) -> Vec<u8> {
        let (_, start) = Message::head(bytes).unwrap();
        exchange(&self.upstream, &with_connection(request, &bytes[start..], true)).unwrap_or_default()
    }
}

/// A message with a header that keeps or closes the connection, and the raw body.
fn with_connection(head: &Message, body: &[u8], close: bool) -> Vec<u8> {
    let hop = |name: &str| ["connection", "keep-alive"].iter().any(|hop| name.eq_ignore_ascii_case(hop));
    let lines = head.headers.iter().filter(|(name, _)| !hop(name));
    let lines: String = lines.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let connection = if close { "close" } else { "keep-alive" };
    [format!("{}\r\n{lines}Connection: {connection}\r\n\r\n", head.first).as_bytes(), body].concat()
}

/// Whether the connection can be kept open after this answer.
fn is_reusable(answer: &[u8]) -> bool {
    Message::head(answer).is_some_and(|(head, start)| {
        let length = head.header("content-length").and_then(|length| length.parse().ok());
        length == Some(answer.len() - start) && !head.says("connection", "close")
    })
}

/// A request whose last bytes were peeked but not read, so that the connection can be reset.
struct Arrival {
    request: Message,
    bytes: Vec<u8>,
    unread: usize,
    began: Instant,
}

fn arrival(stream: &mut TcpStream) -> Option<Arrival> {
    let (mut bytes, mut began) = (Vec::new(), None);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = bytes.len();
        let length = stream.peek(&mut buffer).ok().filter(|length| *length > 0)?;
        let began = *began.get_or_insert_with(Instant::now);
        bytes.extend(&buffer[..length]);
        if let Some((request, whole)) = Message::request(&bytes) {
            bytes.truncate(whole);
            return Some(Arrival { request, bytes, unread: whole - read, began });
        }
        stream.read_exact(&mut buffer[..length]).ok()?;
    }
}

/// The number of sequential round trips: the longest chain of exchanges, each of which began after the one before
/// ended.
pub(crate) fn depth(exchanges: &[Exchange]) -> usize {
    let mut depths: Vec<usize> = Vec::new();
    for exchange in exchanges {
        let before = exchanges.iter().zip(&depths).filter(|(before, _)| before.ended <= exchange.began);
        let depth = before.map(|(_, depth)| *depth).max().unwrap_or_default() + 1;
        depths.push(depth);
    }
    depths.into_iter().max().unwrap_or_default()
}
