use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a batch is, on a terminal that shows nothing else of it.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `length` in bytes, where it is known.
    pub(super) fn start(length: Option<u64>, desired: bool) -> Self {
        // Verdicts on the same terminal are progress enough, unless the next one may be long in coming.
        let draws = desired && io::stderr().is_terminal() && (!io::stdout().is_terminal() || length.is_none());
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = match length {
            Some(_) => "{bar:10} {percent:>3} %  {eta} left  {wide_msg}  ",
            None => "{spinner} {bytes}  {wide_msg}  ",
        };
        let bar = ProgressBar::with_draw_target(length, target);
        // The template is one of two above; should it not do, the bar draws itself as it likes.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if draws && length.is_none() {
            // Nobody knows when the next token comes: the line shows that it is waited for.
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }

    /// The bar, which is suspended while something else is printed.
    pub(super) fn bar(&self) -> ProgressBar {
        self.0.clone()
    }

    /// So much of the input is done, and the numbers to show beside it.
    pub(super) fn advance(&self, bytes: u64, message: impl FnOnce() -> String) {
        if !self.0.is_hidden() {
            self.0.set_message(message());
            self.0.inc(bytes);
        }
    }
}

/// It leaves the terminal as it was.
impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
