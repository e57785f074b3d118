//! An HTTPS proxy that connects host names to loopback servers, and a reverse proxy that adds TLS.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use super::{message::Message, tls::Authority};

/// A proxy (RFC 9110 section 9.3.6, CONNECT) that connects to some hosts and rejects all others.
pub(crate) struct Tunnel {
    pub(crate) address: String,
}

impl Tunnel {
    /// Starts a proxy for these host names and the addresses of their servers.
    pub(crate) fn start(hosts: Vec<(&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let hosts = Arc::new(hosts);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let hosts = Arc::clone(&hosts);
                thread::spawn(move || connect(stream, &hosts));
            }
        });
        Self { address }
    }
}

fn connect(mut client: TcpStream, hosts: &[(&str, String)]) -> Option<()> {
    let request = read_request(&mut client)?;
    let (target, _) = request.target();
    let found = hosts.iter().find(|(host, _)| request.method() == "CONNECT" && target == format!("{host}:443"));
    let Some((_, address)) = found else {
        client.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n").ok()?;
        return None;
    };
    let server = TcpStream::connect(address).ok()?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").ok()?;
    for stream in [&client, &server] {
        stream.set_nodelay(true).ok()?;
    }
    let (mut from_client, mut to_server) = (client.try_clone().ok()?, server.try_clone().ok()?);
    thread::spawn(move || {
        let _ = io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (server, client);
    let _ = io::copy(&mut from_server, &mut to_client);
    let _ = to_client.shutdown(Shutdown::Write);
    Some(())
}

/// The address of a server without TLS that forwards requests to a server with TLS, for clients without TLS.
pub(crate) fn plain_front_of(address: &str, authority: &Authority) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().to_string();
    let (address, config) = (address.to_owned(), authority.client_config());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let (address, config) = (address.clone(), Arc::clone(&config));
            thread::spawn(move || {
                let request = read_bytes(&mut stream)?;
                let connection = rustls::ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
                let mut server = rustls::StreamOwned::new(connection, TcpStream::connect(address).ok()?);
                server.write_all(&request).ok()?;
                let mut answer = Vec::new();
                let _ = server.read_to_end(&mut answer);
                stream.write_all(&answer).ok()
            });
        }
    });
    own
}

fn read_request(stream: &mut TcpStream) -> Option<Message> {
    Message::request(&read_bytes(stream)?).map(|(request, _)| request)
}

/// The bytes of one request.
fn read_bytes(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    while Message::request(&bytes).is_none() {
        match stream.read(&mut buffer) {
            Ok(length @ 1..) => bytes.extend(&buffer[..length]),
            _ => return None,
        }
    }
    Some(bytes)
}
