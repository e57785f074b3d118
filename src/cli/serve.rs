use std::{
    fs,
    io::{self, Write},
    net::SocketAddr,
    path::PathBuf,
};

use clap::Args;
use issuer::{DocumentServer, ServeError, Served, Timestamp};
use serde::Serialize;
use tokio::net::TcpListener;

use super::{
    Exit, Failure, Output,
    clean::printable,
    layout::{report, stderr_width},
    listen::Listen,
    output::second,
    runtime::{self, Signals},
};

/// The description in the list of commands.
pub(super) const ABOUT: &str = "Serve the documents of a directory over HTTP";

#[derive(Debug, Args)]
#[command(
    about = ABOUT,
    long_about = "Serve the documents of a directory over HTTP, behind an ingress that terminates TLS.\n\n\
        Only the discovery document and the JWKS are served. GET /healthz returns 200 while the server runs.",
    after_help = "Example:\n  issuer serve site/ --listen 127.0.0.1:8080"
)]
pub(crate) struct Serve {
    /// Serve the documents of this directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// Listen on this address and port
    ///
    /// 8080 means port 8080 of 127.0.0.1, :8080 means port 8080 of every address, and port 0 means any free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
    listen: String,
}

/// The address of the server; printed when the server listens.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub(super) struct Answer {
    /// The URL of the address and port that the server listens on.
    listening: String,
    /// The directory whose documents are served.
    directory: String,
}

/// Logs a request: time, method, path, status, bytes, peer.
fn log(served: &Served) {
    let time = second(Timestamp::now());
    // A socket for every address shows an IPv4 peer as an IPv6 address.
    let canonical = |peer: SocketAddr| SocketAddr::new(peer.ip().to_canonical(), peer.port());
    let peer = served.peer.map_or_else(|| "-".to_owned(), |peer| canonical(peer).to_string());
    let Served { method, path, status, bytes, .. } = served;
    let line = format!("{time} {} {} {status} {bytes} {peer}", printable(method), printable(path));
    let wrapped = stderr_width().map(|width| report(&line, width));
    // An error of standard error cannot be reported.
    let _ = writeln!(io::stderr(), "{}", wrapped.as_deref().unwrap_or(&line));
}

impl Serve {
    pub(super) fn run(self, output: &mut Output) -> Result<Exit, Failure> {
        let address = Listen::parse("--listen", &self.listen)?;
        let mut server = DocumentServer::open(&self.directory)?;
        if fs::read_dir(&self.directory).is_ok_and(|mut entries| entries.next().is_none()) {
            let directory = printable(&self.directory.display().to_string());
            output.warning(format!(
                "{directory} is empty; publish to it first: issuer publish sa.pub --issuer URL --directory {directory}"
            ));
        }
        if output.is_verbose() {
            server = server.on_request(log);
        }
        runtime::block_on(async {
            let refuse = |source| ServeError::Listen { address: address.to_string(), source };
            let listener = address.bind().and_then(TcpListener::into_std).map_err(refuse)?;
            let address = listener.local_addr().map_err(refuse)?;
            let mut signals = Signals::listen().map_err(refuse)?;
            let directory = self.directory.display().to_string();
            let answer = Answer { listening: format!("http://{address}"), directory };
            if output.is_json() {
                output.json(&answer);
            } else {
                output.text(&format!("serving {} at {}\n", printable(&answer.directory), answer.listening));
            }
            server.serve(listener, async move { signals.stop().await }).await
        })??;
        output.note("stopped");
        Ok(Exit::Yes)
    }
}
