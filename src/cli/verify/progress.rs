use std::{
    io::{self, IsTerminal},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress bar of a batch.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// `length` is the length of the input in bytes, if it is known.
    pub(super) fn start(length: Option<u64>, desired: bool) -> Self {
        // Verdicts on the same terminal show the progress, except for a stream, whose next token may arrive late.
        let draws = desired && io::stderr().is_terminal() && (!io::stdout().is_terminal() || length.is_none());
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let template = match length {
            Some(_) => "{bar:10} {percent:>3} %  {eta} left  {wide_msg}  ",
            None => "{spinner} {bytes}  {wide_msg}  ",
        };
        let bar = ProgressBar::with_draw_target(length, target);
        // The template is a constant. The default style is the fallback.
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        if draws && length.is_none() {
            // A ticking spinner shows that the process waits for input.
            bar.enable_steady_tick(Duration::from_millis(100));
        }
        Self(bar)
    }

    /// The bar, which is suspended while something else is printed.
    pub(super) fn bar(&self) -> ProgressBar {
        self.0.clone()
    }

    /// Adds to the number of bytes that were processed, and shows a message.
    pub(super) fn advance(&self, bytes: u64, message: impl FnOnce() -> String) {
        if !self.0.is_hidden() {
            self.0.set_message(message());
            self.0.inc(bytes);
        }
    }
}

/// Clears its line of the terminal.
impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
