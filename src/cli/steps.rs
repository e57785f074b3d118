use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice};
use issuer::Retrying;

use super::{
    clean::message,
    layout::{drawn_width, first_columns, report, stderr_width},
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
    /// Nothing is drawn before: other output is on its way.
    quiet_until: Option<Instant>,
    /// Prints beside something else that draws.
    aside: Option<Aside>,
}

/// Does something while nothing else is drawn.
pub(super) type Aside = Box<dyn Fn(&mut dyn FnMut()) + Send>;

struct Step {
    what: String,
    start: Instant,
    /// How long it may take, where it is waited for so long.
    limit: Option<Duration>,
    /// Why it is not done yet.
    cause: Option<String>,
}

impl Step {
    /// `read back from the issuer … 12 s of 60 s: the last cause`; the times stay whole on a narrow terminal.
    fn line(&self, width: usize) -> String {
        let elapsed = self.start.elapsed().as_secs();
        let limit = self.limit.map(|limit| format!(" of {} s", limit.as_secs_f64())).unwrap_or_default();
        let times = format!("… {elapsed} s{limit}");
        let what = first_columns(&self.what, width.saturating_sub(times.chars().count() + 1));
        let cause = self.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        first_columns(&format!("{what} {times}{cause}"), width)
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
        let output = step.await;
        drop(running);
        self.tell_time(&what, start);
        output
    }

    /// Prints by way of something else that draws on the terminal from now on.
    pub(super) fn print_aside(&self, aside: Aside) {
        self.state().aside = Some(aside);
    }

    /// Does a step that blocks, and tells of it.
    pub(super) fn run_now<T>(&self, what: impl Into<String>, step: impl FnOnce() -> T) -> T {
        let what = message(&what.into());
        let start = Instant::now();
        let running = Running::new(self, what.clone(), None);
        let output = step();
        drop(running);
        self.tell_time(&what, start);
        output
    }

    /// Tells how long a step took, with `-v`.
    fn tell_time(&self, what: &str, start: Instant) {
        if self.verbose {
            self.tell_line(&format!("{:>7.3} s  {what}", start.elapsed().as_secs_f64()));
        }
    }

    /// Prints a line between what is drawn.
    fn tell_line(&self, line: &str) {
        let mut state = self.state();
        Self::clear(&mut state);
        let line = stderr_width().map_or_else(|| line.to_owned(), |width| report(line, width));
        self.print(&state, &format!("{FAINT}{line}{FAINT:#}\n"));
    }

    fn print(&self, state: &State, text: &str) {
        match &state.aside {
            Some(aside) => aside(&mut || self.tell(text)),
            None => self.tell(text),
        }
    }

    /// Says why the step that goes on longest is not done yet; the line of the terminal shows the last such cause.
    pub(super) fn wait_for(&self, cause: &str) {
        if let Some(step) = self.state().running.first_mut() {
            step.cause = Some(message(cause));
        }
    }

    /// Takes the line of the terminal away, for something else to be printed.
    pub(super) fn pause(&self) {
        let mut state = self.state();
        Self::clear(&mut state);
        state.quiet_until = Some(Instant::now() + FRAME);
    }

    /// Tells of a request that is about to be sent again.
    pub(super) fn retrying(&self, retrying: &Retrying) {
        let because = format!("{}: {}", retrying.what, retrying.because);
        self.wait_for(&because);
        if self.verbose {
            let pause = retrying.pause.as_secs_f64();
            self.tell_line(&format!("           {}, again in {pause:.1} s", message(&because)));
        }
    }

    /// Tells of something that was done, with `-v`.
    pub(super) fn log(&self, text: &str) {
        if self.verbose {
            self.tell_line(&format!("           {}", message(text)));
        }
    }

    /// Tells something that deserves a look, while other work goes on.
    pub(super) fn warning(&self, text: &str) {
        let mut state = self.state();
        Self::clear(&mut state);
        self.print(&state, &format!("{}\n", label("warning", WARN, &message(text))));
    }

    fn draw(&self) {
        let mut state = self.state();
        if state.quiet_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        // A line that wraps cannot be taken away. The frame takes two columns.
        let Some(width) = drawn_width() else { return };
        let Some(line) = state.running.first().map(|step| step.line(width - 2)) else { return };
        state.frame = (state.frame + 1) % FRAMES.len();
        state.is_drawn = true;
        control(&format!("\r\x1b[K{} {line}", FRAMES[state.frame]));
    }

    fn clear(state: &mut State) {
        if std::mem::take(&mut state.is_drawn) {
            control("\r\x1b[K");
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

/// Writes to the terminal with its control sequences, which the colour choice does not concern.
fn control(text: &str) {
    let mut stderr = io::stderr();
    // With stderr gone there is nowhere left to say so.
    let _ = write!(stderr, "{text}").and_then(|()| stderr.flush());
}

/// A step that is going on; it ends when this is dropped, be it that nobody waits for it any more.
struct Running<'a> {
    steps: &'a Steps,
    what: String,
    /// Ends the thread that draws, when this is dropped.
    _drawing: mpsc::Sender<()>,
}

impl<'a> Running<'a> {
    fn new(steps: &'a Steps, what: String, limit: Option<Duration>) -> Self {
        steps.state().running.push(Step { what: what.clone(), start: Instant::now(), limit, cause: None });
        let (drawing, ended) = mpsc::channel();
        if steps.draws {
            // A thread of its own, because a step may block this one. Without a thread nothing is drawn.
            let steps = steps.clone();
            let draw = move || {
                let mut pause = PATIENCE;
                while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    steps.draw();
                    pause = FRAME;
                }
            };
            let _ = thread::Builder::new().spawn(draw);
        }
        Self { steps, what, _drawing: drawing }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let mut state = self.steps.state();
        if let Some(index) = state.running.iter().position(|running| running.what == self.what) {
            state.running.remove(index);
        }
        Steps::clear(&mut state);
    }
}
