use std::{pin::pin, time::Duration};

use futures_util::future::{Either, select};
use issuer::Error;
use tokio::signal::unix::{SignalKind, signal};

use super::{Exit, Failure};

/// Waits for a future on this thread; only commands that need the network or a site start a runtime.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Client(error.to_string()))?;
    let output = runtime.block_on(future);
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    Ok(output)
}

/// Waits for a future until SIGINT or SIGTERM comes; `None` where one did.
pub(super) async fn until_signal<T>(future: impl Future<Output = T>) -> Option<T> {
    let handlers = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    // Without handlers a signal ends the process, as it does elsewhere.
    let (Ok(mut interrupt), Ok(mut terminate)) = handlers else { return Some(future.await) };
    let stop = async {
        let (interrupt, terminate) = (pin!(interrupt.recv()), pin!(terminate.recv()));
        select(interrupt, terminate).await;
    };
    match select(pin!(future), pin!(stop)).await {
        Either::Left((output, _)) => Some(output),
        Either::Right(_) => None,
    }
}

/// Gives a future up when it takes too long: every write is whole and conditional, so it may stop anywhere.
pub(super) async fn within<T>(
    limit: Option<Duration>,
    future: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let Some(limit) = limit else { return future.await };
    tokio::time::timeout(limit, future).await.unwrap_or_else(|_| {
        let message = format!("not done within {} s (--timeout)", limit.as_secs_f64());
        let hint = "run it again: what was written so far is whole, and the rest follows; -v shows what takes long";
        Err(Failure::new(Exit::Incomplete, message, Some(hint.to_owned())))
    })
}
