//! Room for one token's decoded segments, kept for the next one on the same thread.

use std::cell::Cell;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the room; a call within a call, or one while the thread ends, gets its own.
pub(super) fn with<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
    let done = work(&mut buffer);
    let _ = BUFFER.try_with(|room| room.set(buffer));
    done
}
