//! The flag `--listen` of the commands that serve HTTP.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
};

use tokio::net::{TcpListener, TcpSocket};

use super::{Failure, values::given};

/// The maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The address and port of a flag.
pub(super) fn address(flag: &str, text: &str) -> Result<SocketAddr, Failure> {
    parse(text).ok_or_else(|| {
        let hint = "pass for example 127.0.0.1:8080, [::1]:8080, :8080 or 8080";
        Failure::usage(format!("{flag} {} is not an address and a port", given(text)), hint)
    })
}

/// Listens with a long backlog: idle connections fill a short one, and the kernel then drops new connections.
pub(super) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server can bind its port while old connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Parses `ADDRESS:PORT`, `:PORT` (every IPv4 address) or `PORT` (127.0.0.1).
fn parse(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (ip, port) = match text.strip_prefix(':') {
        Some(port) => (Ipv4Addr::UNSPECIFIED, port),
        None => (Ipv4Addr::LOCALHOST, text),
    };
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| port.parse().ok()).flatten().map(|port| SocketAddr::from((ip, port)))
}
