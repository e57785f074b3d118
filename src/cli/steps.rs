use std::{
    io::{self, Write},
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anstream::{AutoStream, ColorChoice};
use futures_util::future::{Either, select};
use issuer::Retrying;
use tokio::time::{Instant, sleep};

use super::{
    clean::message,
    layout::{first_columns, stderr_width},
    output::{FAINT, WARN, label},
};

/// How long a step may take before a terminal shows it, and how often it is drawn from then on.
const PATIENCE: Duration = Duration::from_millis(300);
const FRAME: Duration = Duration::from_millis(100);
const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Tells on stderr what long work is at: on a terminal the step that takes long, with `-v` every step and its time.
#[derive(Clone)]
pub(crate) struct Steps {
    verbose: bool,
    /// Whether a line may be drawn and taken away again.
    draws: bool,
    choice: ColorChoice,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What is going on, the oldest first.
    running: Vec<Step>,
    is_drawn: bool,
    frame: usize,
}

struct Step {
    what: String,
    start: Instant,
    /// How long it may take, where it is waited for so long.
    limit: Option<Duration>,
    /// Why it is not done yet.
    cause: Option<String>,
}

impl Step {
    /// `read back from the issuer … 12 s of 60 s: the last cause`
    fn line(&self) -> String {
        let elapsed = self.start.elapsed().as_secs();
        let limit = self.limit.map(|limit| format!(" of {} s", limit.as_secs())).unwrap_or_default();
        let cause = self.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        format!("{} … {elapsed} s{limit}{cause}", self.what)
    }
}

impl Steps {
    pub(super) fn new(verbose: bool, draws: bool, choice: ColorChoice) -> Self {
        Self { verbose, draws, choice, state: Arc::default() }
    }

    /// Waits for a step, and tells of it.
    pub(super) async fn run<T>(&self, what: impl Into<String>, step: impl Future<Output = T>) -> T {
        self.run_within(what, None, step).await
    }

    /// Waits for a step that is given up after some time, and tells of it.
    pub(super) async fn run_within<T>(
        &self,
        what: impl Into<String>,
        limit: Option<Duration>,
        step: impl Future<Output = T>,
    ) -> T {
        let what = message(&what.into());
        let start = Instant::now();
        let running = Running::new(self, what.clone(), limit);
        let mut step = pin!(step);
        let mut pause = PATIENCE;
        let output = loop {
            if !self.draws {
                break step.await;
            }
            match select(&mut step, pin!(sleep(pause))).await {
                Either::Left((output, _)) => break output,
                Either::Right(_) => self.draw(),
            }
            pause = FRAME;
        };
        drop(running);
        if self.verbose {
            self.tell(&format!("{FAINT}{:>7.3} s  {what}{FAINT:#}\n", start.elapsed().as_secs_f64()));
        }
        output
    }

    /// Says why the step that goes on longest is not done yet; the line of the terminal shows the last such cause.
    pub(super) fn wait_for(&self, cause: &str) {
        if let Some(step) = self.state().running.first_mut() {
            step.cause = Some(message(cause));
        }
    }

    /// Takes the line of the terminal away, for something else to be printed.
    pub(super) fn pause(&self) {
        self.clear(&mut self.state());
    }

    /// Tells of a request that is about to be sent again.
    pub(super) fn retrying(&self, retrying: &Retrying) {
        if self.verbose {
            self.clear(&mut self.state());
            let because = message(&format!("{}: {}", retrying.what, retrying.because));
            self.tell(&format!(
                "{FAINT}           {because}, again in {:.1} s{FAINT:#}\n",
                retrying.pause.as_secs_f64()
            ));
        }
    }

    /// Tells of something that was done, with `-v`.
    pub(super) fn log(&self, text: &str) {
        if self.verbose {
            self.clear(&mut self.state());
            self.tell(&format!("{FAINT}           {}{FAINT:#}\n", message(text)));
        }
    }

    /// Tells something that deserves a look, while other work goes on.
    pub(super) fn warning(&self, text: &str) {
        self.clear(&mut self.state());
        self.tell(&format!("{}\n", label("warning", WARN, &message(text))));
    }

    fn draw(&self) {
        let mut state = self.state();
        let Some(line) = state.running.first().map(Step::line) else { return };
        state.frame = (state.frame + 1) % FRAMES.len();
        state.is_drawn = true;
        // A line that wraps cannot be taken away.
        let line = first_columns(&format!("{} {line}", FRAMES[state.frame]), stderr_width().unwrap_or(80) - 1);
        self.tell(&format!("\r\x1b[K{line}"));
    }

    fn clear(&self, state: &mut State) {
        if std::mem::take(&mut state.is_drawn) {
            self.tell("\r\x1b[K");
        }
    }

    fn tell(&self, text: &str) {
        let mut stderr = AutoStream::new(io::stderr(), self.choice);
        // With stderr gone there is nowhere left to say so.
        let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A step that is going on; it ends when this is dropped, be it that nobody waits for it any more.
struct Running<'a> {
    steps: &'a Steps,
    what: String,
}

impl<'a> Running<'a> {
    fn new(steps: &'a Steps, what: String, limit: Option<Duration>) -> Self {
        steps.state().running.push(Step { what: what.clone(), start: Instant::now(), limit, cause: None });
        Self { steps, what }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.steps.state();
        if let Some(index) = state.running.iter().position(|running| running.what == self.what) {
            state.running.remove(index);
        }
        self.steps.clear(&mut state);
    }
}
