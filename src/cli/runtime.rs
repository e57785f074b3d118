use std::{future::pending, io, pin::pin, thread, time::Duration};

use futures_util::future::{Either, select};
use issuer::Error;
use tokio::{
    runtime::Handle,
    signal::unix::{Signal, SignalKind, signal},
};

use super::{Exit, Failure};

/// Waits for a future on this thread. Only commands that use the network or a site start a runtime.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::Runtime)?;
    let output = runtime.block_on(future);
    // A DNS lookup in progress blocks a thread; do not wait for it.
    runtime.shutdown_background();
    Ok(output)
}

/// A runtime on a background thread, which runs until the process ends.
pub(super) fn in_background() -> Result<Handle, Error> {
    let client = |error: io::Error| Error::Runtime(error);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(client)?;
    let handle = runtime.handle().clone();
    thread::Builder::new().spawn(move || runtime.block_on(pending::<()>())).map_err(client)?;
    Ok(handle)
}

/// Listens for SIGINT and SIGTERM, whose default action ends the process.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Replaces the default action of both signals.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for the first signal.
    pub(super) async fn stop(&mut self) {
        select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await;
    }

    /// Waits for a future or a signal; `None` if a signal came first.
    pub(super) async fn or<T>(&mut self, future: impl Future<Output = T>) -> Option<T> {
        match select(pin!(future), pin!(self.stop())).await {
            Either::Left((output, _)) => Some(output),
            Either::Right(_) => None,
        }
    }
}

/// Cancels a future after a time limit. Every write is atomic and conditional, so it can be cancelled anywhere.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else { return future.await };
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| {
        let message = format!("timed out after {} s (--timeout)", limit.as_secs_f64());
        let hint = "pass a longer --timeout; -v shows the duration of each step";
        Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())))
    })
}
