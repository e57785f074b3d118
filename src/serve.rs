//! The HTTP server for a directory of documents, and for nothing else in it.

use std::{
    fs, io,
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use aws_lc_rs::digest;
use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures_util::future::select;
use percent_encoding::percent_decode_str;
use tokio::{net::TcpListener, sync::oneshot, time::sleep};

use crate::Error;

/// What the API server sends with its own documents (Kubernetes `pkg/routes/openidmetadata.go`).
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=3600");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The longest document there is, in bytes; what is longer was not published.
const DOCUMENT_MAX: u64 = 1 << 20;
/// How long answers under way may take once the server is asked to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// The paths that are documents, below any directory whose name does not start with a dot.
const DOCUMENTS: [&[&str]; 2] = [&[".well-known", "openid-configuration"], &["openid", "v1", "jwks"]];

/// Serves the documents of a directory site over HTTP.
///
/// GET and HEAD of `.well-known/openid-configuration` and `openid/v1/jwks`, at the root and below any issuer path, with
/// `ETag` and 304. Everything else in the directory is 404, retention records and what links lead out of it included.
/// Documents are read anew for every request, so a publish shows at once.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// use issuer::{DocumentServer, HttpFetcher, SystemClock, site::Directory};
/// # use issuer::{KeySet, Wanted};
/// # let keys = KeySet::from_bytes(&std::fs::read("fixtures/kubernetes/rotation/sa.pub")?)?;
/// # let wanted = Wanted::new("https://issuer.example.com".parse()?, keys);
/// let directory = tempfile::tempdir()?;
/// issuer::publish(&Directory::open(directory.path())?, &wanted, &SystemClock).await?;
/// let server = DocumentServer::open(directory.path())?;
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
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
}

impl DocumentServer {
    /// A server for a directory.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] when the path is not a directory.
    pub fn open(directory: &Path) -> Result<Self, Error> {
        let refuse = |source| Error::Read { path: directory.to_owned(), source };
        if !fs::metadata(directory).map_err(refuse)?.is_dir() {
            return Err(refuse(io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { root: directory.to_owned() })
    }

    /// The routes, to put into a server of one's own.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// let server = issuer::DocumentServer::open("fixtures".as_ref())?;
    /// let app: Router = Router::new().route("/healthz", get(|| async { "ok" })).fallback_service(server.router());
    /// assert!(app.has_routes());
    /// # Ok::<(), issuer::Error>(())
    /// ```
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    /// Serves until `stop` is ready, then finishes what is under way for up to five seconds.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] when the listener breaks.
    pub async fn serve(
        &self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Error> {
        let address = listener.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let (stopped, stopping) = oneshot::channel();
        let server = axum::serve(listener, self.router()).with_graceful_shutdown(async move {
            stop.await;
            // The other end is gone only when the server is, too.
            let _ = stopped.send(());
        });
        let drained = async {
            if stopping.await.is_ok() {
                sleep(DRAIN).await;
            }
        };
        match select(pin!(server.into_future()), pin!(drained)).await {
            futures_util::future::Either::Left((ended, _)) => ended.map_err(|source| Error::Listen { address, source }),
            futures_util::future::Either::Right(_) => Ok(()),
        }
    }

    /// The file of a request path; `None` for everything that is not a document.
    fn file(&self, path: &str) -> Option<PathBuf> {
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
        if !below.iter().all(|segment| plain(segment)) {
            return None;
        }
        // Looked up anew each time: the directory may be a link that a deployment turns to another.
        let root = fs::canonicalize(&self.root).ok()?;
        let mut file = root.clone();
        file.extend(below.iter().map(AsRef::as_ref));
        file.extend(document);
        let file = fs::canonicalize(file).ok()?;
        let metadata = fs::metadata(&file).ok()?;
        (file.starts_with(&root) && metadata.is_file() && metadata.len() <= DOCUMENT_MAX).then_some(file)
    }
}

async fn answer(State(server): State<DocumentServer>, request: Request) -> Response<Body> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let Some(file) = server.file(request.uri().path()) else {
        return problem(StatusCode::NOT_FOUND, "not found");
    };
    match fs::read(file) {
        Ok(bytes) => document(bytes, request.headers()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => problem(StatusCode::NOT_FOUND, "not found"),
        Err(_) => problem(StatusCode::INTERNAL_SERVER_ERROR, "the document cannot be read"),
    }
}

fn document(bytes: Vec<u8>, request: &HeaderMap) -> Response<Body> {
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
    headers.insert(header::CACHE_CONTROL, CACHE_CONTROL);
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// Whether the client has this version (RFC 9110 section 13.1.2, weak comparison).
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
