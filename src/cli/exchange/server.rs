//! The server of `--listen`: probes and metrics of `--watch`.

use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use issuer::ServeError;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};

use super::{
    super::{Failure, listen::Listen},
    health::Health,
};

/// The maximum number of open connections, so that clients do not use up the open files of the process.
const CONNECTIONS_MAX: usize = 32;
/// The time limit of a connection. Each has one request.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause after the system had no resources for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
/// The text format of Prometheus.
const METRICS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Listens on an address. The answer is the address with its port.
pub(super) fn bind(address: Listen) -> Result<(TcpListener, SocketAddr), Failure> {
    let refuse = |source| ServeError::Listen { address: address.to_string(), source };
    let listener = address.bind().map_err(refuse)?;
    let address = listener.local_addr().map_err(refuse)?;
    Ok((listener, address))
}

/// Answers requests until the runtime ends.
pub(super) async fn serve(listener: TcpListener, health: Health) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // The semaphore is never closed.
    while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let health = health.clone();
        tokio::spawn(async move {
            // The client may have gone.
            let _ = timeout(CONNECTION_TIMEOUT, connection(stream, &health)).await;
            drop(permit);
        });
    }
}

async fn connection(stream: TcpStream, health: &Health) -> Result<(), hyper::Error> {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), health);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).keep_alive(false);
    builder.serve_connection(TokioIo::new(stream), service).await
}

fn answer(method: &Method, path: &str, health: &Health) -> Response<String> {
    let (status, kind, text) = match path {
        _ if !matches!(*method, Method::GET | Method::HEAD) => {
            (StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD are supported\n".to_owned())
        }
        "/healthz" => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" if health.is_ready() => (StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" => (StatusCode::SERVICE_UNAVAILABLE, TEXT, "the file contains no valid token\n".to_owned()),
        "/metrics" => (StatusCode::OK, METRICS, health.metrics()),
        _ => (StatusCode::NOT_FOUND, TEXT, "not found\n".to_owned()),
    };
    let mut response = Response::new(text);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
