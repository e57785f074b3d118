use issuer::Error;

/// Waits for a future on this thread; only commands that need the network or a site start a runtime.
pub(super) fn block_on<F: Future>(future: F) -> Result<F::Output, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::Client(error.to_string()))?;
    let output = runtime.block_on(future);
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    Ok(output)
}
