//! `issuer serve` under clients that only consume its resources (slow loris, idle connections).

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use crate::support::{
    http::request,
    issuer::{Server, command},
};
use issuer::DocumentServer;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream as AsyncStream},
};

const REQUEST: &[u8] = b"GET /openid/v1/jwks HTTP/1.1\r\nHost: x\r\n\r\n";

fn site(document: &[u8]) -> TempDir {
    let site = TempDir::new().unwrap();
    fs::create_dir_all(site.path().join("openid/v1")).unwrap();
    fs::write(site.path().join("openid/v1/jwks"), document).unwrap();
    site
}

/// A server with this limit of open files.
fn server_with_files(site: &Path, files: usize) -> Server {
    let issuer = command();
    let mut limited = Command::new("prlimit");
    limited.arg(format!("--nofile={files}")).arg(issuer.get_program());
    limited.args(["serve", "--listen", "127.0.0.1:0"]).arg(site).env("NO_COLOR", "1").stdout(Stdio::piped());
    let mut child = limited.spawn().expect("prlimit is part of util-linux");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().rsplit(' ').next().unwrap().to_owned();
    Server { child, url }
}

/// Raises the soft limit of open files of this process to its hard limit, because each client of a test is a
/// connection.
fn raise_own_limit() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}

fn clients(server: &Server, count: usize, text: &[u8]) -> Vec<TcpStream> {
    let client = |_| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        // The server may have closed the connection already.
        let _ = stream.write_all(text);
        stream
    };
    (0..count).map(client).collect()
}

/// A client with a read timeout.
fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream
}

/// Sends a request and returns the status of the answer.
fn status(stream: &mut TcpStream) -> u16 {
    stream.write_all(REQUEST).unwrap();
    let mut bytes = vec![0; 4096];
    let length = stream.read(&mut bytes).unwrap();
    let text = String::from_utf8(bytes[..length].to_vec()).unwrap();
    text.split(' ').nth(1).unwrap_or_default().parse().unwrap()
}

#[test]
fn request_is_served_beside_a_thousand_silent_clients() {
    raise_own_limit();
    let site = site(b"{}");
    let half = [b"GET /openid/v1/jwks HTTP/1.1\r\nX-Fill: ".as_slice(), &[b'x'; 12_000]].concat();
    for (files, count, text) in [(256, 1000, b"".as_slice()), (256, 500, &half), (20, 300, b"")] {
        let server = server_with_files(site.path(), files);
        let mut regular = connect(&server);
        assert_eq!(status(&mut regular), 200, "{files} files");
        let silent_clients = clients(&server, count, text);
        for _ in 0..3 {
            assert_eq!(status(&mut connect(&server)), 200, "{files} files, {count} clients");
        }
        if files == 256 {
            // A client with an answered request keeps its connection.
            assert_eq!(status(&mut regular), 200, "{count} clients");
        }
        drop(silent_clients);
        assert_eq!(status(&mut connect(&server)), 200);
    }
}

#[test]
fn reconnecting_silent_clients_do_not_starve_others() {
    raise_own_limit();
    let site = site(b"{}");
    let server = server_with_files(site.path(), 128);
    let mut silent_clients = Vec::new();
    for _ in 0..20 {
        silent_clients.push(clients(&server, 60, b""));
        assert_eq!(status(&mut connect(&server)), 200);
    }
}

#[test]
fn request_header_over_16_kib_is_refused() {
    let site = site(b"{}");
    let server = Server::start(site.path());
    let fill = |length: usize| format!("X-Fill: {}", "x".repeat(length));
    assert_eq!(request(server.address(), "GET", "/openid/v1/jwks", &[&fill(15_000)]).status, 200);
    // The header never ends: the server rejects it first.
    let mut stream = connect(&server);
    let _ = write!(stream, "GET /openid/v1/jwks HTTP/1.1\r\n{}", fill(17_000));
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 431");
}

/// Runs a client against a server in one process, with tokio's paused clock, which advances when both sides wait.
fn with_server<T>(document: &[u8], client: impl AsyncFnOnce(AsyncStream) -> T) -> T {
    let site = site(document);
    let server = DocumentServer::open(site.path()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { server.serve(listener.into_std().unwrap(), std::future::pending()).await });
        client(AsyncStream::connect(address).await.unwrap()).await
    })
}

#[test]
fn incomplete_request_header_times_out() {
    for text in ["", "GET", "GET /openid/v1/jwks HTTP/1.1\r\nHost: x\r\n"] {
        with_server(b"{}", async |mut stream| {
            let start = tokio::time::Instant::now();
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest).await;
            let seconds = start.elapsed().as_secs();
            assert!((10..12).contains(&seconds), "{text:?}: {seconds} s");
        });
    }
}

#[test]
fn idle_connection_is_closed_after_ten_seconds() {
    with_server(b"{}", async |mut stream| {
        for _ in 0..3 {
            stream.write_all(REQUEST).await.unwrap();
            let mut answer = [0; 12];
            stream.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"HTTP/1.1 200");
            // The rest of the answer.
            while stream.read_u8().await.unwrap() != b'}' {}
        }
        let start = tokio::time::Instant::now();
        let mut rest = Vec::new();
        assert_eq!(stream.read_to_end(&mut rest).await.unwrap(), 0);
        assert!((10..12).contains(&start.elapsed().as_secs()));
    });
}

#[test]
fn client_that_never_reads_is_disconnected() {
    with_server(&vec![b' '; 1 << 20], async |mut stream| {
        let start = tokio::time::Instant::now();
        // The answers fill every buffer on the path, and then the requests do.
        while stream.write_all(REQUEST).await.is_ok() {}
        let seconds = start.elapsed().as_secs();
        assert!((10..30).contains(&seconds), "{seconds} s");
    });
}

#[test]
fn missing_request_body_does_not_hold_the_connection() {
    for header in ["Content-Length: 1000", "Transfer-Encoding: chunked", "Content-Length: 10\r\nExpect: 100-continue"] {
        with_server(b"{}", async |mut stream| {
            let text = format!("POST /openid/v1/jwks HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n");
            stream.write_all(text.as_bytes()).await.unwrap();
            let mut bytes = Vec::new();
            let _ = stream.read_to_end(&mut bytes).await;
            assert!(bytes.starts_with(b"HTTP/1.1 405"), "{}", String::from_utf8_lossy(&bytes));
        });
    }
}
