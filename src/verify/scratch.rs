//! A thread-local buffer for the decoded segments of a token, reused for the next token.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Passes the buffer to `work`. A nested call, or a call during thread shutdown, gets a new buffer.
pub(super) fn with<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let done = work(&mut buffer);
    let _ = BUFFER.try_with(|room| room.set(buffer));
    done
}
