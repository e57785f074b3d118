use std::time::Duration;

use aws_lc_rs::rand;
use azure_core::{
    error::ErrorKind,
    http::{
        RawResponse,
        headers::{HeaderName, Headers},
    },
};
use jiff::{Timestamp, fmt::rfc2822};
use tokio::time::{Instant, sleep};
use tracing::info;

use crate::redact::redacted;

/// The longest pause of our own choosing; a server may ask for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often a connection that does not come about is tried in all: a wrong name or port does not heal.
const CONNECTIONS_MAX: u32 = 5;
/// Answers that a later attempt may turn out better: Microsoft Learn, "Retry guidance for Azure services".
const TRANSIENT: [u16; 6] = [408, 429, 500, 502, 503, 504];
/// The same in the words of the storage service, where the status says something else.
const TRANSIENT_CODES: [&str; 3] = ["AccountBeingCreated", "ContainerBeingDeleted", "OperationTimedOut"];

/// How requests to Azure are tried again: with pauses that grow and are never the same for two callers, at least as long as
/// the server asks for, and in all for no longer than allowed.
#[derive(Clone)]
pub(crate) struct Retry {
    pub(crate) timeout: Duration,
    pub(crate) first_pause: Duration,
}

impl Retry {
    /// Sends a request until it succeeds, fails for good, or the time is over; then the last failure is the answer.
    pub(crate) async fn run<T, F>(&self, what: &str, mut attempt: impl FnMut() -> F) -> azure_core::Result<T>
    where
        F: Future<Output = azure_core::Result<T>>,
    {
        // A timeout beyond the end of time has no end.
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
            let Some(asked) = transient(cause) else { return Err(error) };
            let pause = asked.max(self.pause(attempts));
            if deadline.is_some_and(|deadline| deadline.saturating_duration_since(Instant::now()) <= pause) {
                return Err(error);
            }
            let cause = || redacted(&format!("{what}: {}", reason(cause))).into_owned();
            info!(cause = cause(), "retry in {:.1} s", pause.as_secs_f64());
            sleep(pause).await;
        }
    }

    /// The pause before an attempt, counted from the second as 1: twice as long each time, and half of it by chance.
    pub(crate) fn pause(&self, attempts: u32) -> Duration {
        let longest = self.first_pause.saturating_mul(1 << attempts.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
        let mut byte = [0];
        // Without chance the pause is merely the same for all.
        let _ = rand::fill(&mut byte);
        longest.mul_f64(0.5 + f64::from(byte[0]) / 512.0)
    }
}

/// What is behind a failed sign-in.
pub(super) fn cause(error: &azure_core::Error) -> &azure_core::Error {
    let mut cause = error;
    while *cause.kind() == ErrorKind::Credential
        && let Some(source) = std::error::Error::source(cause).and_then(|source| source.downcast_ref())
    {
        cause = source;
    }
    cause
}

/// What the server asks to wait, nothing where it does not say; `None` where trying again is of no use.
fn transient(error: &azure_core::Error) -> Option<Duration> {
    match error.kind() {
        ErrorKind::HttpResponse { status, raw_response, error_code } => {
            let named = error_code.as_ref().is_some_and(|code| TRANSIENT_CODES.contains(&code.as_str()));
            let again = named || TRANSIENT.contains(&u16::from(*status));
            again.then(|| raw_response.as_deref().and_then(retry_after).unwrap_or_default())
        }
        ErrorKind::Connection | ErrorKind::Io => Some(Duration::ZERO),
        _ => None,
    }
}

/// RFC 9110 section 10.2.3, and the headers in milliseconds that Azure has beside it.
fn retry_after(answer: &RawResponse) -> Option<Duration> {
    let get = |name: &'static str| header(answer.headers(), name);
    let millis = get("x-ms-retry-after-ms").or_else(|| get("retry-after-ms")).and_then(|text| text.parse().ok());
    if let Some(millis) = millis {
        return Some(Duration::from_millis(millis));
    }
    let text = get("retry-after")?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(&text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(Timestamp::now())).unwrap_or_default())
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
