//! The HTTP server for the documents of a directory. It serves no other file.

mod connections;
mod serve_error;

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest;
use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use connections::Connections;
use percent_encoding::percent_decode_str;
use rustix::{
    fs::{Mode, OFlags, ResolveFlags, open, openat2},
    io::Errno,
};

pub use serve_error::ServeError;

use crate::{documents::Documents, file_error::FileError, plan::Headers, site::CACHE_CONTROL_FILE};

const CACHE_CONTROL: HeaderValue = HeaderValue::from_static(Headers::CACHE_CONTROL);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest Cache-Control, in bytes.
const CACHE_CONTROL_MAX: u64 = 4 << 10;
/// The paths that are documents, below any directory whose name does not start with a dot.
const DOCUMENTS: [&[&str]; 2] = [&[".well-known", "openid-configuration"], &["openid", "v1", "jwks"]];

/// Serves the documents of a directory site over HTTP.
///
/// It serves GET and HEAD of `.well-known/openid-configuration` and `openid/v1/jwks`, at the root and below any issuer path,
/// with `ETag`, status 304 and the Cache-Control of the site. `/healthz` returns 200 while the server runs. Every other path
/// is 404, also retention records and links that lead out of the directory. Documents are read again for every request, so
/// that a publish is visible at once.
///
/// # Limits
///
/// For a server that faces the public without a proxy in front of it:
///
/// - A request header may take 10 seconds and have 16 KiB. A connection may be idle for 10 seconds. A client that stops
///   reading a response for 10 seconds is disconnected.
/// - At most 1,024 connections are open, or `ulimit -n` less 64 if that is smaller. A full server closes the connection that
///   has waited longest for its first request, else the one whose last request is oldest.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use issuer::{DocumentServer, HttpFetcher, SystemClock, site::Directory};
/// # use issuer::{KeySet, DesiredState};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let desired = DesiredState::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// issuer::publish(&Directory::open(directory.path())?, &desired, &SystemClock).await?;
/// let server = DocumentServer::open(directory.path())?;
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let url = format!("http://{}/openid/v1/jwks", listener.local_addr()?);
/// tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
/// assert_eq!(HttpFetcher::default().fetch(&url).await?.content_type.as_deref(), Some("application/json"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct DocumentServer {
    root: PathBuf,
    observer: Option<Observer>,
}

/// Called for every response.
#[derive(Clone)]
struct Observer(Arc<dyn Fn(&Served) + Send + Sync>);

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

/// A request and its response.
///
/// ```
/// use issuer::{DocumentServer, Served};
/// let server = DocumentServer::open("fixtures".as_ref())?;
/// let log = |served: &Served| println!("{} {} {}", served.method, served.path, served.status);
/// let server = server.on_request(log);
/// # Ok::<(), issuer::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Served {
    /// The method.
    pub method: String,
    /// The path of the request, as the client sent it.
    pub path: String,
    /// The status of the response.
    pub status: u16,
    /// The length of the body that is sent, in bytes.
    pub bytes: u64,
    /// The address of the client; `None` if it is not known.
    pub peer: Option<SocketAddr>,
}

/// The address of the client of a connection.
#[derive(Clone, Copy)]
struct Peer(SocketAddr);

impl DocumentServer {
    /// A server for a directory.
    ///
    /// # Errors
    ///
    /// [`FileError::Read`] if the path is not a directory.
    pub fn open(directory: &Path) -> Result<Self, FileError> {
        let refuse = |source| FileError::Read { path: directory.to_owned(), source };
        if !fs::metadata(directory).map_err(refuse)?.is_dir() {
            return Err(refuse(io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { root: directory.to_owned(), observer: None })
    }

    /// Calls `observer` for every response.
    #[must_use]
    pub fn on_request(self, observer: impl Fn(&Served) + Send + Sync + 'static) -> Self {
        Self { observer: Some(Observer(Arc::new(observer))), ..self }
    }

    /// Serves until `stop` is ready, then waits up to five seconds for the requests in progress.
    ///
    /// Without free files or memory the server closes connections and continues to accept new ones.
    ///
    /// # Errors
    ///
    /// [`ServeError::Listen`] if the listener cannot accept connections any more.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        let address = listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let served = async {
            listener.set_nonblocking(true)?;
            let router = Router::new().fallback(answer).with_state(self.clone());
            Connections::new(router).serve(tokio::net::TcpListener::from_std(listener)?, stop).await
        };
        served.await.map_err(|source| ServeError::Listen { address, source })
    }

    /// Reads the document of a request path and its Cache-Control; `None` for everything that is not a document.
    fn read(&self, path: &str) -> io::Result<Option<(Vec<u8>, HeaderValue)>> {
        let Some(below) = document_path(path) else { return Ok(None) };
        // Resolved for each request: the directory may be a symbolic link that a deployment replaces.
        let Ok(root) = fs::canonicalize(&self.root) else { return Ok(None) };
        let Ok(file) = fs::canonicalize(root.join(below)) else { return Ok(None) };
        let Ok(below) = file.strip_prefix(&root) else { return Ok(None) };
        let Some(document) = read_below(&root, below, Documents::BYTES_MAX as u64)? else { return Ok(None) };
        let name = below.file_name().unwrap_or_default().to_string_lossy();
        // An unreadable Cache-Control file must not hide the document.
        let kept = read_below(&root, &below.with_file_name(format!(".{name}.{CACHE_CONTROL_FILE}")), CACHE_CONTROL_MAX);
        let kept = kept.ok().flatten().and_then(|kept| HeaderValue::from_bytes(kept.trim_ascii()).ok());
        Ok(Some((document, kept.unwrap_or(CACHE_CONTROL))))
    }
}

/// Reads a file below a directory; `None` if it does not exist, is no regular file, or is too long.
fn read_below(root: &Path, below: &Path, longest: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_below(root, below)? else { return Ok(None) };
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > longest {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes)?;
    // The file may have grown meanwhile.
    Ok((bytes.len() as u64 <= longest).then_some(bytes))
}

/// The path of a document below the site, from the path of a request.
fn document_path(path: &str) -> Option<PathBuf> {
    let segments: Vec<_> = path
        .strip_prefix('/')?
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8())
        .collect::<Result<_, _>>()
        .ok()?;
    let document = DOCUMENTS.into_iter().find(|document| {
        segments.len() >= document.len() && segments[segments.len() - document.len()..] == **document
    })?;
    let below = &segments[..segments.len() - document.len()];
    let plain = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && !segment.chars().any(|character| character.is_control() || matches!(character, '/' | '\\'))
    };
    below
        .iter()
        .all(|segment| plain(segment))
        .then(|| below.iter().map(AsRef::as_ref).chain(document.iter().copied()).collect())
}

/// Opens a file below a directory; `None` if it does not exist. Both paths are resolved, and a link that replaces a part of
/// the path meanwhile is not followed. Opening a pipe does not block.
fn open_below(root: &Path, below: &Path) -> io::Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let opened = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .and_then(|root| openat2(&root, below, flags, Mode::empty(), resolve));
    let opened = match opened {
        // `openat2` exists since Linux 5.6, and some sandboxes forbid it.
        Err(Errno::NOSYS | Errno::PERM) => open(root.join(below), flags, Mode::empty()),
        opened => opened,
    };
    match opened {
        Ok(file) => Ok(Some(File::from(file))),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV | Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn answer(State(server): State<DocumentServer>, request: Request) -> Response<Body> {
    let response = respond(&server, &request);
    if let Some(Observer(observer)) = &server.observer {
        let is_head = request.method() == Method::HEAD;
        observer(&Served {
            method: request.method().to_string(),
            path: request.uri().path().to_owned(),
            status: response.status().as_u16(),
            bytes: response.body().size_hint().exact().filter(|_| !is_head).unwrap_or_default(),
            peer: request.extensions().get::<Peer>().map(|Peer(address)| *address),
        });
    }
    response
}

fn respond(server: &DocumentServer, request: &Request) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are supported");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    if request.uri().path() == "/healthz" {
        let mut response = Response::new(Body::from("ok\n"));
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        return response;
    }
    match server.read(request.uri().path()) {
        Ok(Some((bytes, cache_control))) => document(bytes, cache_control, request.headers()),
        Ok(None) => problem(StatusCode::NOT_FOUND, "not found"),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the document cannot be read"),
    }
}

fn document(bytes: Vec<u8>, cache_control: HeaderValue, request: &HeaderMap) -> Response<Body> {
    let etag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &bytes)));
    let known = is_known(request, &etag);
    let mut response = Response::new(if known { Body::empty() } else { Body::from(bytes) });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    if !known {
        headers.insert(header::CONTENT_TYPE, JSON);
    }
    headers.insert(header::CACHE_CONTROL, cache_control);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether the client already has this version (RFC 9110 section 13.1.2, weak comparison).
fn is_known(request: &HeaderMap, etag: &str) -> bool {
    let values = request.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| candidate == "*" || candidate.strip_prefix("W/").unwrap_or(candidate) == etag)
}

fn problem(status: StatusCode, message: &str) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{{\"error\":\"{message}\"}}\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
