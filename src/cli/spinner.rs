use std::{
    fmt::Write as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use super::layout::{drawn_width, first_columns};

/// The delay before a step is drawn, and the interval between two frames.
const DELAY: Duration = Duration::from_millis(300);
const FRAME: Duration = Duration::from_millis(100);
/// The columns that the spinner's frame and the space after it take.
const FRAME_WIDTH: usize = 2;

/// The line of a terminal that shows the oldest step in progress.
#[derive(Clone)]
pub(super) struct Spinner {
    /// False if standard error is no terminal, or with `--quiet`.
    draws: bool,
    steps: Arc<Mutex<Vec<Step>>>,
    shown: Arc<Mutex<Shown>>,
}

/// A step in progress.
pub(super) struct Step {
    pub(super) id: u64,
    pub(super) text: String,
    pub(super) start: Instant,
    /// When the step times out.
    pub(super) limit: Option<Duration>,
    /// Why the step is not done yet.
    pub(super) cause: Option<String>,
}

#[derive(Default)]
enum Shown {
    #[default]
    Nothing,
    Steps(Line),
    /// Another progress bar is drawn in place of the steps.
    Other(ProgressBar),
}

struct Line {
    bar: ProgressBar,
    is_drawn: Arc<AtomicBool>,
    /// Ends the thread that draws when it is dropped.
    _ticker: mpsc::Sender<()>,
}

impl Spinner {
    pub(super) fn new(draws: bool) -> Self {
        Self { draws, steps: Arc::default(), shown: Arc::default() }
    }

    pub(super) fn start(&self, step: Step) {
        lock(&self.steps).push(step);
        let mut shown = lock(&self.shown);
        if self.draws && matches!(*shown, Shown::Nothing) {
            *shown = Shown::Steps(self.line());
        }
    }

    /// Ends a step, and gives it back.
    pub(super) fn end(&self, id: u64) -> Option<Step> {
        let mut steps = lock(&self.steps);
        let index = steps.iter().position(|step| step.id == id)?;
        let step = steps.remove(index);
        let is_last = steps.is_empty();
        drop(steps);
        if is_last {
            let mut shown = lock(&self.shown);
            if let Shown::Steps(line) = &*shown {
                line.bar.finish_and_clear();
                *shown = Shown::Nothing;
            }
        }
        Some(step)
    }

    /// Shows why the oldest step is not done yet.
    pub(super) fn set_cause(&self, cause: &str) {
        if let Some(step) = lock(&self.steps).first_mut() {
            step.cause = Some(cause.to_owned());
        }
    }

    /// Draws another progress bar in place of the steps from now on.
    pub(super) fn replace_with(&self, bar: ProgressBar) {
        *lock(&self.shown) = Shown::Other(bar);
    }

    /// Removes the drawn line while something else is printed.
    pub(super) fn suspend<T>(&self, print: impl FnOnce() -> T) -> T {
        // Drawing locks the steps: no lock is held while the bar draws.
        let bar = match &*lock(&self.shown) {
            Shown::Steps(line) if line.is_drawn.load(Ordering::Relaxed) => Some(line.bar.clone()),
            Shown::Other(bar) => Some(bar.clone()),
            _ => None,
        };
        match bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn line(&self) -> Line {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let steps = Arc::clone(&self.steps);
        let step = move |_: &ProgressState, line: &mut dyn std::fmt::Write| {
            // A line that wraps cannot be removed.
            let first = drawn_width().and_then(|width| Some(lock(&steps).first()?.line(width - FRAME_WIDTH)));
            // Writing to memory cannot fail.
            let _ = line.write_str(&first.unwrap_or_default());
        };
        // The template is a constant that a test draws; the default style is the fallback.
        let style =
            ProgressStyle::with_template("{spinner} {step}").unwrap_or_else(|_| ProgressStyle::default_spinner());
        bar.set_style(style.with_key("step", step));
        let is_drawn = Arc::new(AtomicBool::new(false));
        let (ticker, ended) = mpsc::channel();
        let (drawing, drawn) = (bar.clone(), Arc::clone(&is_drawn));
        // The steady tick of `indicatif` draws at once and panics without a thread. Without a thread nothing is drawn here.
        let tick = move || {
            let mut pause = DELAY;
            while ended.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                drawn.store(true, Ordering::Relaxed);
                drawing.tick();
                pause = FRAME;
            }
        };
        let _ = thread::Builder::new().spawn(tick);
        Line { bar, is_drawn, _ticker: ticker }
    }
}

impl Step {
    /// `read back from the issuer … 12 s of 60 s: the last cause`; the times stay whole on a narrow terminal.
    fn line(&self, width: usize) -> String {
        let mut times = format!("… {} s", self.start.elapsed().as_secs());
        if let Some(limit) = self.limit {
            // Writing to memory cannot fail.
            let _ = write!(times, " of {} s", limit.as_secs_f64());
        }
        let text = first_columns(&self.text, width.saturating_sub(times.chars().count() + 1));
        let cause = self.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
        first_columns(&format!("{text} {times}{cause}"), width)
    }
}

/// Nothing that holds one of these locks can panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
