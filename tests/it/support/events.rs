//! Events of the library, as the `tracing` subscriber of a program receives them.

use std::{collections::BTreeMap, fmt::Debug};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    subscriber::DefaultGuard,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt},
};

/// An event of the crate at level INFO or above.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) level: Level,
    fields: BTreeMap<&'static str, String>,
}

impl Event {
    /// A field as text; empty if the event does not have it.
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }
}

impl Visit for Event {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

/// Receives the events of this thread until it is dropped.
pub(crate) struct Events {
    receiver: UnboundedReceiver<Event>,
    _guard: DefaultGuard,
}

impl Events {
    pub(crate) fn subscribe() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { receiver, _guard: tracing::subscriber::set_default(Registry::default().with(Sending(sender))) }
    }

    /// Waits for the next event.
    pub(crate) async fn next(&mut self) -> Event {
        self.receiver.recv().await.unwrap()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.receiver.is_empty()
    }
}

struct Sending(UnboundedSender<Event>);

impl<S: Subscriber> Layer<S> for Sending {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target().starts_with("issuer::") && *metadata.level() <= Level::INFO {
            let mut seen = Event { level: *metadata.level(), fields: BTreeMap::new() };
            event.record(&mut seen);
            // A test that has ended receives nothing.
            let _ = self.0.send(seen);
        }
    }
}
