//! The public endpoint of a storage account's static website.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use percent_encoding::percent_decode_str;

use super::{
    azurite::Account,
    message::Message,
    storage::{Blob, elements},
};

/// Serves the `$web` container of an account as a static website, while it is enabled in the account's properties.
pub(crate) struct Front {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Front {
    pub(crate) fn start(account: &Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (account, noted) = (account.clone(), Arc::clone(&requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let (account, noted) = (account.clone(), Arc::clone(&noted));
                thread::spawn(move || serve(stream, &account, &noted));
            }
        });
        Self { address, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The methods and raw paths of all requests until now.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Serves the requests of a connection until the client closes it.
fn serve(mut stream: TcpStream, account: &Account, requests: &Mutex<Vec<String>>) {
    let _ = stream.set_nodelay(true);
    let (mut bytes, mut buffer) = (Vec::new(), vec![0; 1 << 14]);
    loop {
        if let Some((request, length)) = Message::request(&bytes) {
            bytes.drain(..length);
            requests.lock().unwrap().push(format!("{} {}", request.method(), request.target().0));
            let close = request.says("connection", "close");
            if stream.write_all(&answer(account, &request, close)).is_err() || close {
                return;
            }
        } else {
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => bytes.extend(&buffer[..length]),
                _ => return,
            }
        }
    }
}

fn answer(account: &Account, request: &Message, close: bool) -> Vec<u8> {
    let method = request.method();
    let (status, headers, body) = if matches!(method, "GET" | "HEAD") {
        page(account, request.target().0)
    } else {
        let (status, headers, body) =
            error("405 Method Not Allowed", "UnsupportedHttpVerb", "The resource doesn't support specified Http Verb.");
        (status, [headers, vec![("Allow".into(), "GET, HEAD".into())]].concat(), body)
    };
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let connection = if close { "close" } else { "keep-alive" };
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: {connection}\r\n\r\n");
    [head.as_bytes(), if method == "HEAD" { b"" } else { body.as_slice() }].concat()
}

const NOT_FOUND: &str = "404 Not Found";

/// A status, headers and a body.
type Page = (&'static str, Vec<(String, String)>, Vec<u8>);

fn page(account: &Account, path: &str) -> Page {
    let properties = account.get_properties();
    let website = elements(&properties, "StaticWebsite").pop().unwrap_or_default();
    let setting = |name| elements(&website, name).pop().filter(|value| !value.is_empty());
    if setting("Enabled").as_deref() != Some("true") {
        return error(NOT_FOUND, "WebsiteNotEnabled", "The static website of this account is not enabled.");
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    let name = decoded.strip_prefix('/').unwrap_or(&decoded);
    let name = if name.is_empty() || name.ends_with('/') {
        setting("IndexDocument").map(|index| format!("{name}{index}"))
    } else {
        Some(name.to_owned())
    };
    let blob = |name: Option<String>| account.get_blob("$web", &name?);
    if let Some(found) = blob(name) {
        return content("200 OK", found);
    }
    blob(setting("ErrorDocument404Path")).map_or_else(
        || error(NOT_FOUND, "WebContentNotFound", "The requested content does not exist."),
        |document| content(NOT_FOUND, document),
    )
}

fn content(status: &'static str, blob: Blob) -> Page {
    let shown = ["Content-Type", "Content-Encoding", "Content-Language", "Cache-Control", "ETag", "Last-Modified"];
    let header = |name: &str| Some((name.to_owned(), blob.header(name).filter(|value| !value.is_empty())?.to_owned()));
    let headers = shown.into_iter().filter_map(header).collect();
    (status, headers, blob.body)
}

fn error(status: &'static str, code: &str, message: &str) -> Page {
    let list = format!("<li>HttpStatusCode: {}</li><li>ErrorCode: {code}</li>", &status[..3]);
    let html = format!(
        "<!DOCTYPE html><html><head><title>{code}</title></head><body><h1>{message}</h1><p><ul>{list}</ul></p></body></html>"
    );
    let headers = [("Content-Type", "text/html"), ("x-ms-error-code", code)];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    (status, headers, html.into_bytes())
}
