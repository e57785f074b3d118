use std::{io, net::SocketAddr, path::PathBuf};

use clap::Args;
use issuer::{DocumentServer, Error};
use serde_json::json;
use tokio::net::{TcpListener, TcpSocket};

use super::{
    Exit, Failure, Output,
    clean::printable,
    runtime::{self, Signals},
    values,
};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// What it does, as the list of commands says it.
pub(super) const ABOUT: &str = "Serve the documents of a directory over HTTP, to put behind an ingress";

#[derive(Debug, Args)]
#[command(about = ABOUT, after_help = "Example:\n  issuer serve site/ --listen 127.0.0.1:8080")]
pub(crate) struct Serve {
    /// The directory that was published to
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// Listens with a long queue: in a short one the connections of good clients are dropped behind those of silent ones.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A server that starts anew takes its port while connections of the former one are still in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Serve {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let address: SocketAddr = self.listen.parse().map_err(|_| {
            let hint = "write it as 127.0.0.1:8080 or [::1]:8080";
            Failure::usage(format!("--listen {} is not an address and a port", values::given(&self.listen)), hint)
        })?;
        let server = DocumentServer::open(&self.directory)?;
        runtime::block_on(async {
            let refuse = |source| Error::Listen { address: address.to_string(), source };
            let listener = listen(address).map_err(refuse)?;
            let address = listener.local_addr().map_err(refuse)?;
            let mut signals = Signals::listen().map_err(refuse)?;
            if output.is_json() {
                let directory = self.directory.display().to_string();
                output.json(&json!({ "listening": format!("http://{address}"), "directory": directory }));
            } else {
                output.text(&format!(
                    "serving {} at http://{address}\n",
                    printable(&self.directory.display().to_string())
                ));
            }
            server.serve(listener, async move { signals.stop().await }).await
        })??;
        output.note("stopped");
        Ok(Exit::Yes)
    }
}
