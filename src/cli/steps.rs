use std::{
    fmt,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id},
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};

use super::{
    clean::message,
    layout::{report, stderr_width},
    output::{FAINT, WARN, label},
    spinner::{Spinner, Step},
};

/// Shows spans and events of `tracing` on standard error.
///
/// - A span at level INFO is a step. A terminal shows the oldest step in progress. With `-v` each step is printed with its
///   duration when it ends. The text of a step is the name of the span and the values of its fields; `limit_s` is its limit.
/// - An event at level WARN is a warning.
/// - An event at level INFO is printed with `-v`. Its field `cause` is shown with the step in progress. The first event with a
///   field `limit_s`, which is how long is waited, is a note.
#[derive(Clone)]
pub(super) struct Steps {
    verbose: bool,
    quiet: bool,
    choice: ColorChoice,
    spinner: Spinner,
    flags: Arc<Flags>,
}

#[derive(Default)]
struct Flags {
    is_installed: AtomicBool,
    is_muted: AtomicBool,
    has_noted: AtomicBool,
}

/// Mutes warnings until it is dropped, also when its future is cancelled.
struct Muted<'a>(&'a AtomicBool);

impl<'a> Muted<'a> {
    fn new(flag: &'a AtomicBool) -> Self {
        flag.store(true, Ordering::Relaxed);
        Self(flag)
    }
}

impl Drop for Muted<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Steps {
    pub(super) fn new(verbose: bool, quiet: bool, choice: ColorChoice, spinner: Spinner) -> Self {
        Self { verbose, quiet, choice, spinner, flags: Arc::default() }
    }

    /// Subscribes to the spans and events of this process.
    pub(super) fn install(&self) {
        if !self.flags.is_installed.swap(true, Ordering::Relaxed) {
            // It fails if another subscriber is installed, which only tests do.
            let _ = tracing::subscriber::set_global_default(Registry::default().with(self.clone()));
        }
    }

    /// Waits for a future that reports what warnings say in another way.
    pub(super) async fn without_warnings<T>(&self, future: impl Future<Output = T>) -> T {
        let _muted = Muted::new(&self.flags.is_muted);
        future.await
    }

    fn log(&self, text: &str) {
        if self.verbose {
            let text = stderr_width().map_or_else(|| text.to_owned(), |width| report(text, width));
            self.print(&format!("{FAINT}{text}{FAINT:#}"));
        }
    }

    fn print(&self, line: &str) {
        self.spinner.suspend(|| {
            let mut stderr = AutoStream::new(io::stderr(), self.choice);
            // An error of standard error cannot be reported anywhere.
            let _ = writeln!(stderr, "{line}").and_then(|()| stderr.flush());
        });
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Steps {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let target = metadata.target();
        *metadata.level() <= Level::INFO && (target == "issuer" || target.starts_with("issuer::"))
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let values = fields.values.iter().map(|value| format!(" {value}"));
        let text = message(&format!("{}{}", attributes.metadata().name(), values.collect::<String>()));
        self.spinner.start(Step { id: id.into_u64(), text, start: Instant::now(), limit: fields.limit, cause: None });
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        if let Some(step) = self.spinner.end(id.into_u64()) {
            self.log(&format!("{:>7.3} s  {}", step.start.elapsed().as_secs_f64(), step.text));
        }
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(cause) = &fields.cause {
            self.spinner.set_cause(&message(cause));
        }
        let cause = fields.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        if *event.metadata().level() == Level::WARN {
            if !self.flags.is_muted.load(Ordering::Relaxed) {
                self.print(&label("warning", WARN, &message(&format!("{}{cause}", fields.message))));
            }
            return;
        }
        match fields.limit {
            Some(limit) if !self.flags.has_noted.swap(true, Ordering::Relaxed) => {
                if !self.quiet {
                    let text = format!("{}, waiting up to {} s{cause}", fields.message, limit.as_secs_f64());
                    self.print(&label("note", FAINT, &message(&text)));
                }
            }
            _ => self.log(&format!("           {}", message(&format!("{}{cause}", fields.message)))),
        }
    }
}

/// The fields of a span or event.
#[derive(Default)]
struct Fields {
    message: String,
    cause: Option<String>,
    limit: Option<Duration>,
    values: Vec<String>,
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "limit_s" {
            self.limit = Duration::try_from_secs_f64(value).ok();
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "cause" => self.cause = Some(value.to_owned()),
            _ => self.values.push(value.to_owned()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
