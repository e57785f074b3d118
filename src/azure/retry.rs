use std::time::Duration;

use azure_core::{
    error::ErrorKind,
    http::{
        RawResponse,
        headers::{HeaderName, Headers},
    },
};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};
use tracing::info;

use crate::{
    backoff::{self, Backoff, random},
    redact::redacted,
};

/// The maximum pause before a retry, unless the server requests a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// The maximum number of attempts if the connection fails: a wrong name or port is not a transient failure.
const CONNECTIONS_MAX: u32 = 5;
/// The status codes of transient failures: Microsoft Learn, "Retry guidance for Azure services".
const TRANSIENT: [u16; 6] = [408, 429, 500, 502, 503, 504];
/// Error codes of the storage service for transient failures with another status.
const TRANSIENT_CODES: [&str; 3] = ["AccountBeingCreated", "ContainerBeingDeleted", "OperationTimedOut"];

/// Retries requests to Azure: exponential backoff with jitter, pauses as long as the server requests, and a total time
/// limit.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) timeout: Duration,
    pub(crate) first_pause: Duration,
}

impl Retry {
    /// Sends a request until it succeeds, fails permanently, or times out. Returns the last failure.
    pub(crate) async fn run<T, F>(&self, what: &str, mut attempt: impl FnMut() -> F) -> azure_core::Result<T>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        // An overflowing timeout means no deadline.
        let deadline = Instant::now().checked_add(self.timeout);
        let (mut attempts, mut connections) = (0, 0);
        loop {
            let error = match attempt().await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            attempts += 1;
            let cause = cause(&error);
            if *cause.kind() == ErrorKind::Connection {
                connections += 1;
                if connections == CONNECTIONS_MAX {
                    return Err(error);
                }
            }
            let Some(requested) = requested_pause(cause) else { return Err(error) };
            let pause = requested.max(self.pause(attempts));
            if deadline.is_some_and(|deadline| deadline.saturating_duration_since(Instant::now()) <= pause) {
                return Err(error);
            }
            let cause = || redacted(&format!("{what}: {}", reason(cause))).into_owned();
            info!(cause = cause(), "retry in {:.1} s", pause.as_secs_f64());
            sleep(pause).await;
        }
    }

    /// The pause after this many attempts: exponential backoff with jitter.
    pub(crate) fn pause(&self, attempts: u32) -> Duration {
        Backoff { first: self.first_pause, longest: LONGEST_PAUSE }.pause(attempts, random())
    }
}

/// The cause of a failed sign-in.
pub(super) fn cause(error: &azure_core::Error) -> &azure_core::Error {
    let mut cause = error;
    while *cause.kind() == ErrorKind::Credential
        && let Some(source) = std::error::Error::source(cause).and_then(|source| source.downcast_ref())
    {
        cause = source;
    }
    cause
}

/// The pause that the server requests, or zero; `None` if the failure is not transient.
pub(super) fn requested_pause(error: &azure_core::Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::HttpResponse { status, raw_response, error_code } => {
            let is_listed = error_code.as_ref().is_some_and(|code| TRANSIENT_CODES.contains(&code.as_str()));
            let is_transient = is_listed || TRANSIENT.contains(&u16::from(*status));
            is_transient.then(|| raw_response.as_deref().and_then(retry_after).unwrap_or_default())
        }
        ErrorKind::Connection | ErrorKind::Io => Some(Duration::ZERO),
        _ => None,
    }
}

fn retry_after(answer: &RawResponse) -> Option<Duration> {
    backoff::retry_after(|name| header(answer.headers(), name), Timestamp::now())
}

pub(super) fn header(headers: &Headers, name: &'static str) -> Option<String> {
    headers.get_optional_string(&HeaderName::from_static(name))
}

fn reason(error: &azure_core::Error) -> String {
    match error.kind() {
        ErrorKind::HttpResponse { status, error_code, .. } => {
            let status = u16::from(*status);
            error_code.as_ref().map_or_else(|| status.to_string(), |code| format!("{status} {code}"))
        }
        _ => error.to_string(),
    }
}
