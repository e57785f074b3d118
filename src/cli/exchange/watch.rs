//! `--watch`: keeps a fresh token in a file until a signal ends the process.

use std::{
    future::poll_fn,
    io,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use issuer::{
    Aadsts, AccessToken, ExchangeError, Moment, RetryAdvice, Scope, SecretFile, SecretFileError, SystemClock,
    Timestamp, Watch, WatchStep, WorkloadIdentity,
};
use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::{Instant, sleep, sleep_until},
};

use super::{
    super::{Exit, Failure, Output, clean::printable, listen::Listen, output::second},
    answer::{Answer, sentence},
    check::Refusal,
    format::Rendering,
    health::{Health, Outcome},
    left_token,
    ready_file::ReadyFile,
    server,
};

/// The pause after a file could not be removed.
const REMOVE_AGAIN: Duration = Duration::from_secs(1);
/// The pause while Entra throttles the tenant.
const THROTTLED: Duration = Duration::from_mins(1);
/// The pause after a request loop: Entra counts the requests of five minutes.
const REQUEST_LOOP: Duration = Duration::from_mins(6);
/// The longest pause that a server can request with Retry-After.
const REQUESTED_MAX: Duration = Duration::from_mins(10);

type Flight = Pin<Box<dyn Future<Output = Result<AccessToken, ExchangeError>>>>;

/// What the sidecar keeps up to date, and how.
pub(super) struct Watcher<'a> {
    /// The identity of the first exchange, which retries as an exchange without `--watch` does.
    pub(super) first: WorkloadIdentity,
    /// The identity of all others, which leaves retries to the schedule.
    pub(super) others: WorkloadIdentity,
    pub(super) scope: Scope,
    pub(super) rendering: Rendering,
    pub(super) file: SecretFile,
    pub(super) ready: ReadyFile,
    pub(super) health: Health,
    pub(super) refusal: Refusal,
    /// The name of the format.
    pub(super) format: String,
    /// The address of `--listen`.
    pub(super) listen: Option<Listen>,
    pub(super) output: &'a mut Output,
}

/// The state of a run.
struct Run {
    watch: Watch,
    flight: Option<Flight>,
    /// The earliest time of the next request, which Entra requested.
    not_before: Option<Instant>,
    last: Option<AccessToken>,
    /// Whether the expired file could not be removed, which is reported once.
    is_stuck: bool,
    signals: Signals,
}

/// What ends a wait.
enum Event {
    Landed(Result<AccessToken, ExchangeError>),
    HangUp,
    Stop,
    Tick,
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error: io::Error| {
                Failure::new(Exit::Incomplete, format!("cannot receive signals: {error}"), None)
            })
        };
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }
}

impl Run {
    fn new(signals: Signals) -> Self {
        Self { watch: Watch::new(), flight: None, not_before: None, last: None, is_stuck: false, signals }
    }

    /// Waits for the end of the exchange, a signal or a time, whichever is first.
    async fn event(&mut self, wait: Duration) -> Event {
        let mut tick = pin!(sleep(wait));
        poll_fn(|context| {
            let signals = &mut self.signals;
            if signals.terminate.poll_recv(context).is_ready() || signals.interrupt.poll_recv(context).is_ready() {
                return Poll::Ready(Event::Stop);
            }
            if signals.hang_up.poll_recv(context).is_ready() {
                return Poll::Ready(Event::HangUp);
            }
            if let Some(flight) = &mut self.flight
                && let Poll::Ready(outcome) = flight.as_mut().poll(context)
            {
                self.flight = None;
                return Poll::Ready(Event::Landed(outcome));
            }
            tick.as_mut().poll(context).map(|()| Event::Tick)
        })
        .await
    }
}

impl Watcher<'_> {
    /// Runs until SIGTERM or SIGINT. An error is one of the start.
    pub(super) async fn run(mut self) -> Result<(), Failure> {
        let steps = self.output.steps();
        // The reports of this loop replace the warnings of the library: they also name the next attempt.
        steps.without_warnings(self.keep()).await
    }

    async fn keep(&mut self) -> Result<(), Failure> {
        let mut run = Run::new(Signals::listen()?);
        self.ready.start()?;
        let listening = self.listen()?;
        // While the first exchange lasts, the file has the token of an earlier process.
        let mut left = left_token::expiry(self.file.path());
        loop {
            if run.last.is_none() && left.is_some_and(|expiry| expiry <= Timestamp::now()) {
                self.file.remove()?;
                self.output.note(format!("removed {}: its token has expired", self.shown()));
                left = None;
            }
            let wait = match run.watch.next(now()) {
                WatchStep::Exchange => {
                    run.flight = Some(self.flight(&run));
                    continue;
                }
                WatchStep::Remove if self.remove(&mut run) => continue,
                WatchStep::Remove => REMOVE_AGAIN,
                WatchStep::Wait(wait) => wait,
                // The failure of the first exchange was returned when it ended.
                _ => return Ok(()),
            };
            self.health.update(&run.watch);
            if !run.watch.is_ready(now()) {
                self.remove_ready_file();
            }
            match run.event(wait).await {
                Event::Tick => {}
                Event::HangUp => self.refresh_now(&mut run),
                Event::Landed(outcome) => {
                    run.not_before = None;
                    self.land(&mut run, outcome, listening.as_deref())?;
                }
                Event::Stop => break,
            }
        }
        self.remove_ready_file();
        self.output.note(match run.last.filter(|_| run.watch.is_ready(now())) {
            Some(token) => format!("stopped; the token in {} expires {}", self.shown(), second(token.expires_at())),
            None => "stopped".to_owned(),
        });
        Ok(())
    }

    /// Starts the server. The answer is its URL.
    fn listen(&mut self) -> Result<Option<String>, Failure> {
        let Some(address) = self.listen else { return Ok(None) };
        let (listener, address) = server::bind(address)?;
        tokio::spawn(server::serve(listener, self.health.clone()));
        let url = format!("http://{address}");
        if !self.output.is_json() {
            self.output.text(&format!("listening at {url}\n"));
        }
        Ok(Some(url))
    }

    /// The next exchange.
    fn flight(&self, run: &Run) -> Flight {
        let identity = if run.last.is_none() { &self.first } else { &self.others };
        let (identity, scope, not_before) = (identity.clone(), self.scope.clone(), run.not_before);
        Box::pin(async move {
            if let Some(not_before) = not_before {
                sleep_until(not_before).await;
            }
            identity.refresh(&scope).await
        })
    }

    /// Refreshes after SIGHUP, also if the next request would wait.
    fn refresh_now(&self, run: &mut Run) {
        let is_waiting = run.not_before.take().is_some_and(|time| time > Instant::now()) && run.flight.is_some();
        if is_waiting {
            run.flight = Some(self.flight(run));
        } else {
            run.watch.refresh_now();
        }
    }

    /// Handles the end of an exchange. An error is one of the first exchange.
    fn land(
        &mut self,
        run: &mut Run,
        exchanged: Result<AccessToken, ExchangeError>,
        listening: Option<&str>,
    ) -> Result<(), Failure> {
        let (outcome, pause, failure) = match exchanged {
            Ok(token) => match self.file.write(self.rendering.of(&token).as_bytes()) {
                Ok(()) => {
                    self.succeeded(run, token, listening);
                    return Ok(());
                }
                Err(error) => (Outcome::NotWritten, Duration::ZERO, error.into()),
            },
            Err(error) => (Outcome::from(&error), requested_pause(&error), self.refusal.failure(error)),
        };
        self.health.count(outcome);
        if run.last.is_none() {
            return Err(failure);
        }
        run.watch.failed(now());
        run.not_before = Instant::now().checked_add(pause).filter(|_| !pause.is_zero());
        self.report(run, pause, &failure);
        Ok(())
    }

    fn succeeded(&mut self, run: &mut Run, token: AccessToken, listening: Option<&str>) {
        run.watch.succeeded(&token);
        run.is_stuck = false;
        self.health.count(Outcome::Success);
        self.health.written(token.expires_at());
        self.health.update(&run.watch);
        if let Err(error) = self.ready.write(&token) {
            self.output.warning(error);
        }
        if self.output.is_verbose() {
            self.output.note(sentence(&token));
        }
        self.output.note(format!("wrote {}, expires {}", self.shown(), second(token.expires_at())));
        if run.last.is_none() && self.output.is_json() {
            let mut answer = Answer::of_file(&token, self.shown(), self.format.clone());
            answer.listening = listening.map(str::to_owned);
            self.output.json(&answer);
        }
        run.last = Some(token);
    }

    /// Reports a failed exchange in one line: the cause, the fix, and the next attempt.
    fn report(&mut self, run: &Run, pause: Duration, failure: &Failure) {
        let next = run.watch.due_in(now()).unwrap_or_default().max(pause).as_secs_f64().ceil();
        let left = match run.last.as_ref().filter(|_| run.watch.is_ready(now())) {
            Some(token) => format!("the last token expires {}", second(token.expires_at())),
            None => "no valid token is left".to_owned(),
        };
        let fix = failure.hint.as_ref().map(|hint| format!("; fix: {hint}")).unwrap_or_default();
        self.output.warning(format!("no new token; next attempt in {next} s; {left}: {}{fix}", failure.message));
    }

    /// Removes the file with the expired token. Returns whether it does not contain it any more.
    fn remove(&mut self, run: &mut Run) -> bool {
        match self.file.remove() {
            Ok(()) => self.output.warning(format!("the token has expired; removed {}", self.shown())),
            Err(SecretFileError::File(error)) => {
                if !run.is_stuck {
                    self.output.warning(format!("the token has expired, but its file remains: {error}"));
                }
                run.is_stuck = true;
                return false;
            }
            // Another program has replaced the file.
            Err(error) => self.output.warning(format!("the token has expired, and its file was replaced: {error}")),
        }
        run.watch.removed();
        true
    }

    fn remove_ready_file(&mut self) {
        if let Err(error) = self.ready.remove() {
            self.output.warning(error);
        }
    }

    fn shown(&self) -> String {
        printable(&self.file.path().display().to_string())
    }
}

/// The pause that the server requests, and that of a throttled tenant.
fn requested_pause(error: &ExchangeError) -> Duration {
    let requested = match error {
        ExchangeError::Refused { retry_after, .. } => retry_after.unwrap_or_default().min(REQUESTED_MAX),
        _ => Duration::ZERO,
    };
    if error.aadsts() == Some(Aadsts::REQUEST_LOOP) {
        return requested.max(REQUEST_LOOP);
    }
    if error.retry_advice() == RetryAdvice::Slowly { requested.max(THROTTLED) } else { requested }
}

fn now() -> Moment {
    Moment::now(&SystemClock)
}
