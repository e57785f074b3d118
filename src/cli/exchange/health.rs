//! The state of `--watch` for probes and metrics.

use std::{
    fmt::Write,
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use issuer::{ExchangeError, Moment, SystemClock, Timestamp, Watch};

/// The outcome of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    /// Entra refused the request.
    Refused,
    /// There was no answer.
    NoAnswer,
    /// The answer was not valid.
    InvalidAnswer,
    /// There was no projected token, or it failed the check.
    NotSent,
    /// The file could not be written.
    NotWritten,
}

impl Outcome {
    /// All outcomes. Each has a counter from the start, so that its first increase can be seen.
    const ALL: [(Self, &str); 6] = [
        (Self::Success, "success"),
        (Self::Refused, "refused"),
        (Self::NoAnswer, "no_answer"),
        (Self::InvalidAnswer, "invalid_answer"),
        (Self::NotSent, "not_sent"),
        (Self::NotWritten, "not_written"),
    ];
}

impl From<&ExchangeError> for Outcome {
    fn from(error: &ExchangeError) -> Self {
        match error {
            ExchangeError::Refused { .. } => Self::Refused,
            ExchangeError::Malformed { .. } | ExchangeError::Expired(_) => Self::InvalidAnswer,
            ExchangeError::NoAnswer { .. } => Self::NoAnswer,
            _ => Self::NotSent,
        }
    }
}

/// The state, which the watch writes and the server reads.
#[derive(Clone, Debug)]
pub(super) struct Health(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: PathBuf,
    watch: Watch,
    counts: [u64; Outcome::ALL.len()],
    succeeded: Option<Timestamp>,
    expires: Option<Timestamp>,
}

impl Health {
    pub(super) fn new(file: PathBuf) -> Self {
        let counts = [0; Outcome::ALL.len()];
        Self(Arc::new(Mutex::new(State { file, watch: Watch::new(), counts, succeeded: None, expires: None })))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an exchange.
    pub(super) fn count(&self, outcome: Outcome) {
        let at = Outcome::ALL.iter().position(|(counted, _)| *counted == outcome).unwrap_or_default();
        self.lock().counts[at] += 1;
    }

    /// Notes that the file contains a token that expires at this time.
    pub(super) fn written(&self, expires: Timestamp) {
        let mut state = self.lock();
        (state.succeeded, state.expires) = (Some(Timestamp::now()), Some(expires));
    }

    /// Notes the state of the schedule.
    pub(super) fn update(&self, watch: &Watch) {
        self.lock().watch = watch.clone();
    }

    /// Whether the file contains a token that has not expired. Each call reads the clocks, because the watch may be busy.
    pub(super) fn is_ready(&self) -> bool {
        let state = self.lock();
        state.watch.is_ready(Moment::now(&SystemClock))
            && fs::symlink_metadata(&state.file).is_ok_and(|file| file.is_file())
    }

    /// The metrics in the text format of Prometheus, version 0.0.4.
    pub(super) fn metrics(&self) -> String {
        let is_ready = self.is_ready();
        let state = self.lock();
        let mut text = String::new();
        // Writing to a string cannot fail.
        let mut family = |name: &str, kind: &str, help: &str, samples: &[(String, i128)]| {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        };
        let counts = Outcome::ALL.iter().zip(state.counts);
        let counts: Vec<_> =
            counts.map(|((_, name), count)| (format!("{{outcome=\"{name}\"}}"), i128::from(count))).collect();
        family("issuer_exchanges_total", "counter", "Exchanges by outcome.", &counts);
        let time = |time: Option<Timestamp>| -> Vec<_> {
            time.iter().map(|time| (String::new(), i128::from(time.as_second()))).collect()
        };
        let help = "When the last access token expires, in seconds since 1970.";
        family("issuer_token_expiry_timestamp_seconds", "gauge", help, &time(state.expires));
        let help = "When the last access token was written, in seconds since 1970.";
        family("issuer_token_last_success_timestamp_seconds", "gauge", help, &time(state.succeeded));
        let help = "Failed exchanges since the last success.";
        family("issuer_token_failures", "gauge", help, &[(String::new(), state.watch.failures().into())]);
        let help = "Whether the file contains an access token that has not expired.";
        family("issuer_token_ready", "gauge", help, &[(String::new(), is_ready.into())]);
        text
    }
}
