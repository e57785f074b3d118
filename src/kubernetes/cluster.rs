use std::{fmt, sync::Arc, time::Duration};

use http::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{ACCEPT, CONTENT_TYPE},
};
use http_body_util::BodyExt;
use jiff::Timestamp;
use kube::{
    Client,
    client::{Body, ClientBuilder},
    config::AuthInfo,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{Instrument, info_span};

use super::{
    cluster_error::ClusterError,
    cluster_options::ClusterOptions,
    connect_failure::{ConnectFailure, cause, check_proxy, login_failure},
    exec_plugin,
    grant::Grant,
    kubeconfig, secrets,
    server::Server,
};
use crate::{
    backoff::{Backoff, random, retry_after},
    redact::redacted_start,
};

/// The pauses before a request is repeated that the API server was too busy to answer.
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
/// What kubectl accepts. The JWKS has a media type of its own, and the API server negotiates (RFC 9110 section 12.5.1).
const ACCEPTED: &str = "application/json, */*";
/// The longest message of an API server that is shown, in characters.
const MESSAGE_MAX: usize = 300;
/// The longest body of an error response that is read, in bytes.
const ERROR_MAX: usize = 64 << 10;

/// A connection to the API server of a cluster, as the user of a kubeconfig or the service account of a pod.
///
/// Requests that the API server is too busy to answer (429, 503, 504) are repeated within the time limit.
///
/// ```no_run
/// use issuer::kubernetes::{Cluster, ClusterOptions};
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let cluster = Cluster::connect(&ClusterOptions::default().context("prod-1")).await?;
/// let issuer = cluster.issuer().await?;
/// println!("{} with {} keys", issuer.issuer, issuer.keys.len());
/// # Ok::<(), issuer::kubernetes::ClusterError>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    pub(super) server: Arc<Server>,
    timeout: Duration,
    /// The user, whose secrets a response may repeat.
    user: Arc<AuthInfo>,
}

/// A request, and how its failures are named.
pub(super) struct Call<'a> {
    pub(super) path: &'a str,
    /// What the request does, as a verb with an object.
    pub(super) what: &'a str,
    /// The permission that it needs.
    pub(super) grant: &'a Grant,
    /// The object that does not exist after 404, and the next step.
    pub(super) missing: Option<(String, String)>,
    /// The longest response that is read, in bytes.
    pub(super) limit: usize,
}

impl Cluster {
    /// Connects as kubectl would: exec plugins run, and certificates and tokens are read. No request is sent yet.
    ///
    /// # Errors
    ///
    /// [`ClusterError`] if there is no kubeconfig, if it cannot be used, or if the login fails or takes too long.
    pub async fn connect(options: &ClusterOptions) -> Result<Self, ClusterError> {
        let (mut config, server) = kubeconfig::load(options).await?;
        let failed = |because: String, fix: Option<String>| ClusterError::Login {
            user: server.shown_user(),
            because,
            fix: fix.unwrap_or_else(|| server.login.hint(&server.kubectl())),
        };
        let late = |what: &str| format!("the {what} did not end within {} s", options.timeout.as_secs_f64());
        let span = info_span!("log in to", server = server.url);
        let plugin = exec_plugin::log_in(&mut config.auth_info).instrument(span);
        match timeout(options.timeout, plugin).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => {
                let fix = failure.fix(&server.kubectl());
                return Err(failed(failure.because, fix));
            }
            Err(_) => return Err(failed(late("exec plugin"), None)),
        }
        let user = Arc::new(config.auth_info.clone());
        // Files are read, and an auth provider may run a command.
        let build = tokio::task::spawn_blocking(move || ClientBuilder::try_from(config).map(ClientBuilder::build));
        let client = match timeout(options.timeout, build).await {
            Ok(Ok(Ok(client))) => client,
            Ok(Ok(Err(error))) => {
                let (because, fix) =
                    login_failure(&error).map_or_else(|| setup_failure(&error, &server), |because| (because, None));
                return Err(failed(because, fix));
            }
            Ok(Err(_)) => return Err(failed("the login stopped".to_owned(), None)),
            Err(_) => return Err(failed(late("login"), None)),
        };
        Ok(Self { client, server: Arc::new(server), timeout: options.timeout, user })
    }

    /// The URL of the API server.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// The context of the kubeconfig; `None` inside a pod.
    pub fn context(&self) -> Option<&str> {
        self.server.context.as_deref()
    }

    /// The namespace of the context, `default` without one; inside a pod, its own namespace.
    pub fn namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// The bytes of a document.
    pub(super) async fn get(&self, call: &Call<'_>) -> Result<Vec<u8>, ClusterError> {
        self.send(&Method::GET, call, None).await
    }

    /// Sends an object, and returns the bytes of the response.
    pub(super) async fn post(&self, call: &Call<'_>, body: &Value) -> Result<Vec<u8>, ClusterError> {
        self.send(&Method::POST, call, Some(body)).await
    }

    async fn send(&self, method: &Method, call: &Call<'_>, body: Option<&Value>) -> Result<Vec<u8>, ClusterError> {
        let span = info_span!("request", path = call.path, server = self.server.url);
        self.within_limit(method, call, body).instrument(span).await
    }

    /// Sends a request until it is answered, or until the time limit leaves no room for another attempt.
    async fn within_limit(
        &self,
        method: &Method,
        call: &Call<'_>,
        body: Option<&Value>,
    ) -> Result<Vec<u8>, ClusterError> {
        let deadline = Instant::now() + self.timeout;
        let late = || ClusterError::Unreachable {
            server: self.server.url.clone(),
            failure: ConnectFailure::late(self.timeout, &self.server.kubectl()),
        };
        let (mut attempts, mut refused) = (0, None);
        loop {
            let failure = match timeout_at(deadline, self.once(method, call, body)).await {
                Ok(Ok(bytes)) => return Ok(bytes),
                Ok(Err(failure)) => failure,
                // The last response tells more than the time limit.
                Err(_) => return Err(refused.unwrap_or_else(late)),
            };
            attempts += 1;
            let Some(requested) = failure.repeat_after else { return Err(failure.error) };
            // A server that requests no pause gets one: it is overloaded.
            let pause = BACKOFF.pause(attempts, random()).max(requested);
            if Instant::now().checked_add(pause).is_none_or(|next| next >= deadline) {
                return Err(failure.error);
            }
            refused = Some(failure.error);
            sleep(pause).await;
        }
    }

    async fn once(&self, method: &Method, call: &Call<'_>, body: Option<&Value>) -> Result<Vec<u8>, Failed> {
        let mut request = Request::builder().method(method).uri(call.path).header(ACCEPT, ACCEPTED);
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = request.body(Body::from(body)).map_err(|error| self.unusable(call, &error.to_string()))?;
        let response = self.client.send(request).await.map_err(|error| self.not_sent(&error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        // 206 has a part of the document.
        if !matches!(status, StatusCode::OK | StatusCode::CREATED) {
            let text = read(response, ERROR_MAX).await.unwrap_or_default();
            return Err(self.refused(call, status, &headers, &text));
        }
        let length_error = format!("it is longer than {} bytes", call.limit);
        match read(response, call.limit).await {
            Ok(bytes) => Ok(bytes),
            Err(Unread::TooLong) => Err(self.unusable(call, &length_error).into()),
            Err(Unread::Broken(because)) => Err(self.unusable(call, &because).into()),
        }
    }

    fn not_sent(&self, error: &kube::Error) -> ClusterError {
        if let Some(because) = login_failure(error) {
            let fix = self.server.login.hint(&self.server.kubectl());
            return ClusterError::Login { user: self.server.shown_user(), because, fix };
        }
        ClusterError::Unreachable {
            server: self.server.url.clone(),
            failure: ConnectFailure::of(error, &self.server.kubectl()),
        }
    }

    pub(super) fn unusable(&self, call: &Call<'_>, because: &str) -> ClusterError {
        let (server, path) = (self.server.url.clone(), call.path.to_owned());
        ClusterError::Response { server, path, because: because.to_owned() }
    }

    /// The error of a response with another status than success.
    fn refused(&self, call: &Call<'_>, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Failed {
        let server = &*self.server;
        let text = status_message(body).map(|text| secrets::without(&text, &secrets::sent_by(&self.user)));
        let said = text.as_deref().unwrap_or_default();
        let error = match status {
            StatusCode::UNAUTHORIZED => ClusterError::unauthorized(server, Timestamp::now()),
            // A proxy or a login page in front of the API server returns no Status.
            StatusCode::FORBIDDEN if text.is_some() => {
                ClusterError::forbidden(server, forbidden_user(said), call.what, call.grant.clone())
            }
            StatusCode::NOT_FOUND if call.missing.is_some() => {
                let (object, fix) = call.missing.clone().unwrap_or_default();
                ClusterError::NotFound { server: server.url.clone(), object, fix }
            }
            _ => ClusterError::Refused {
                server: server.url.clone(),
                path: call.path.to_owned(),
                status: status.as_u16(),
                text: redacted_start(said, MESSAGE_MAX),
            },
        };
        let is_busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT]
            .contains(&status);
        let header = |name| headers.get(name)?.to_str().ok().map(str::to_owned);
        let repeat_after = is_busy.then(|| retry_after(header, Timestamp::now()).unwrap_or_default());
        Failed { error, repeat_after }
    }
}

/// A failed attempt.
struct Failed {
    error: ClusterError,
    /// The pause that the server requests before the request is repeated, zero without one; `None` if it is not repeated.
    repeat_after: Option<Duration>,
}

impl From<ClusterError> for Failed {
    fn from(error: ClusterError) -> Self {
        Self { error, repeat_after: None }
    }
}

/// Why a body was not read.
enum Unread {
    TooLong,
    Broken(String),
}

/// The body of a response, up to a limit.
async fn read(response: Response<Body>, limit: usize) -> Result<Vec<u8>, Unread> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Unread::Broken(redacted_start(&error.to_string(), MESSAGE_MAX)))?;
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > limit {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// The message of a `Status` (Kubernetes API conventions, "Response Status Kind"); `None` for another body.
fn status_message(body: &[u8]) -> Option<String> {
    let status: Value = serde_json::from_slice(body).ok()?;
    if status.get("kind")?.as_str()? != "Status" {
        return None;
    }
    Some(status.get("message").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// The user in the message of a 403: `… is forbidden: User "jane" cannot get …`.
fn forbidden_user(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("User \"")?;
    let (user, _) = rest.split_once('"')?;
    Some(redacted_start(user, 253)).filter(|user| !user.is_empty())
}

/// Why a client cannot be built, and the next step if it is not another login.
fn setup_failure(error: &kube::Error, server: &Server) -> (String, Option<String>) {
    match error {
        kube::Error::ProxyProtocolUnsupported { .. } => {
            let because = "the proxy of the cluster is none of http, https and socks5";
            (because.to_owned(), Some(check_proxy(&server.kubectl())))
        }
        kube::Error::InferKubeconfig(error) => (kubeconfig::because(error), None),
        other => (cause(other), None),
    }
}

/// A segment of a path, or a value of a query. A name cannot change the path of a request.
pub(super) fn segment(name: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');
    // A client may resolve these two, also when they are encoded.
    if matches!(name, "." | "..") { "%2E%2E%2F".to_owned() } else { utf8_percent_encode(name, KEPT).to_string() }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("server", &self.server.url).finish_non_exhaustive()
    }
}
