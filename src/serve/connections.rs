use std::{
    collections::HashMap,
    io::{self, ErrorKind},
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use futures_util::future::{Either, select};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use rustix::{
    io::Errno,
    process::{Resource, getrlimit},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, Id, JoinSet},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;

use super::Peer;

/// The longest request header, in bytes: twice the 8 KiB that RFC 9110 section 4.1 recommends for a URI.
const HEADER_MAX: usize = 16 << 10;
/// The timeout of a request header, and the longest idle time of a connection.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may stop reading a response.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// The greatest number of open connections, for any limit of open files.
const CONNECTIONS_MAX: u64 = 1024;
/// The number of open files that is reserved for documents and for the rest of the process.
const FILES_RESERVED: u64 = 64;
/// How long responses may take after the stop signal.
const DRAIN: Duration = Duration::from_secs(5);
/// The pause after the system had no resources for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The open connections of a server.
///
/// Their number is bounded. A new connection is always accepted. A full server closes the connection that has waited longest
/// for its first request, else the one whose last request is oldest. So silent clients displace each other, and a client that
/// sends its request at once is served.
pub(super) struct Connections {
    router: Router,
    limit: usize,
    tasks: JoinSet<()>,
    open: HashMap<Id, Connection>,
    graceful: GracefulShutdown,
    /// Counts connections and requests: the order of events needs no clock.
    events: Arc<AtomicU64>,
}

struct Connection {
    accepted: u64,
    /// The event number of the last request; 0 before the first.
    last_request: Arc<AtomicU64>,
    task: AbortHandle,
}

impl Connections {
    pub(super) fn new(router: Router) -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let limit = files.saturating_sub(FILES_RESERVED).max(files / 2).clamp(1, CONNECTIONS_MAX);
        Self {
            router,
            limit: usize::try_from(limit).unwrap_or(1),
            tasks: JoinSet::new(),
            open: HashMap::new(),
            graceful: GracefulShutdown::new(),
            events: Arc::new(AtomicU64::new(1)),
        }
    }

    /// Accepts and serves connections until `stop` is ready, then waits some seconds for the requests in progress.
    ///
    /// Only a broken listener is an error.
    pub(super) async fn serve(mut self, listener: TcpListener, stop: impl Future<Output = ()>) -> io::Result<()> {
        let mut stop = pin!(stop);
        loop {
            let accepted = match select(pin!(listener.accept()), stop.as_mut()).await {
                Either::Left((accepted, _)) => accepted,
                Either::Right(_) => break,
            };
            match accepted {
                Ok((stream, peer)) => {
                    self.forget_ended();
                    while self.open.len() >= self.limit {
                        self.close_least().await;
                    }
                    self.start(stream, peer);
                }
                Err(error) => match error.kind() {
                    // The client closed the connection before it was accepted.
                    ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused => {}
                    // The descriptor is not a listening socket (EINVAL, EBADF).
                    ErrorKind::InvalidInput => return Err(error),
                    _ if error.raw_os_error() == Some(Errno::BADF.raw_os_error()) => return Err(error),
                    // No file (EMFILE, ENFILE) or memory is left, or the network reports an error (accept(2)).
                    _ => {
                        self.forget_ended();
                        if error.raw_os_error() == Some(Errno::MFILE.raw_os_error()) {
                            // The rest of the process needs more files than were reserved for it.
                            self.limit = (self.open.len() * 3 / 4).max(1);
                        }
                        while self.open.len() >= self.limit {
                            self.close_least().await;
                        }
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(listener);
        // Dropping the tasks closes the connections that are still open.
        let _ = timeout(DRAIN, self.graceful.shutdown()).await;
        Ok(())
    }

    fn start(&mut self, stream: TcpStream, peer: SocketAddr) {
        let accepted = self.events.fetch_add(1, Ordering::Relaxed);
        let last_request = Arc::new(AtomicU64::new(0));
        let (events, noted) = (Arc::clone(&self.events), Arc::clone(&last_request));
        let router = TowerToHyperService::new(self.router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Peer(peer));
            noted.store(events.fetch_add(1, Ordering::Relaxed), Ordering::Relaxed);
            router.call(request)
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIMEOUT));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(READ_TIMEOUT)
            .max_header_size(HEADER_MAX)
            .max_buf_size(HEADER_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), service);
        let connection = self.graceful.watch(connection);
        let task = self.tasks.spawn(async move {
            // The client caused the error, and the connection is closed: no report is possible.
            let _ = connection.await;
        });
        self.open.insert(task.id(), Connection { accepted, last_request, task });
    }

    /// Closes the connection with the lowest value, and waits until its file is free.
    async fn close_least(&mut self) {
        if let Some(least) = self.open.values().min_by_key(|connection| connection.worth()) {
            least.task.abort();
        }
        if let Some(ended) = self.tasks.join_next_with_id().await {
            self.forget(ended);
        }
    }

    fn forget_ended(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.forget(ended);
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), tokio::task::JoinError>) {
        self.open.remove(&ended.map_or_else(|error| error.id(), |(id, ())| id));
    }
}

impl Connection {
    /// The value of a connection: a client that has sent a request is worth more than one that has not.
    fn worth(&self) -> (bool, u64) {
        let last_request = self.last_request.load(Ordering::Relaxed);
        (last_request > 0, last_request.max(self.accepted))
    }
}
