//! The flag `--listen` of the commands that serve HTTP.

use std::{
    fmt, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::sockopt::set_ipv6_v6only;
use tokio::net::{TcpListener, TcpSocket};

use super::{Failure, values::given};

/// The maximum number of connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The address and port of a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listen {
    /// This port of every address, IPv4 and IPv6: a pod of a cluster has either or both.
    Every(u16),
    One(SocketAddr),
}

impl Listen {
    pub(super) fn parse(flag: &str, text: &str) -> Result<Self, Failure> {
        parse(text).ok_or_else(|| {
            let hint = "pass for example 127.0.0.1:8080, [::1]:8080, :8080 or 8080";
            Failure::usage(format!("{flag} {} is not an address and a port", given(text)), hint)
        })
    }

    pub(super) fn bind(self) -> io::Result<TcpListener> {
        match self {
            Self::One(address) => bind(address),
            // Without IPv6 in the kernel, there is no such socket, or no such address.
            Self::Every(port) => bind((Ipv6Addr::UNSPECIFIED, port).into()).or_else(|error| match error.kind() {
                io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
                _ => bind((Ipv4Addr::UNSPECIFIED, port).into()),
            }),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(port) => write!(f, ":{port}"),
            Self::One(address) => address.fmt(f),
        }
    }
}

/// Listens with a long backlog: idle connections fill a short one, and the kernel then drops new connections.
fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restarted server can bind its port while old connections are in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        // The default depends on the system (Linux: net.ipv6.bindv6only).
        set_ipv6_v6only(&socket, false)?;
    }
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Parses `ADDRESS:PORT`, `:PORT` (every address) or `PORT` (127.0.0.1).
fn parse(text: &str) -> Option<Listen> {
    if let Ok(address) = text.parse() {
        return Some(Listen::One(address));
    }
    let number = text.strip_prefix(':').unwrap_or(text);
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let port = is_number.then(|| number.parse().ok()).flatten()?;
    let is_every = text.starts_with(':');
    Some(if is_every { Listen::Every(port) } else { Listen::One((Ipv4Addr::LOCALHOST, port).into()) })
}
