//! Work that is read in order, done on all cores, and handed out in order again.

use std::{
    collections::BTreeMap,
    io,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

/// How many pieces may be read and not handed out yet, for each thread: one that takes long must not have the others pile up.
const AHEAD: usize = 4;

/// Hands out the `answer` to every piece of work, in the order in which they were `read`, until `print` says that nobody reads
/// on; gives what ended the input before its end.
///
/// One thread reads, which may wait for its input as long as it likes: it holds nothing that others need, and ends with the
/// process.
///
/// # Errors
///
/// The system's, where it has no thread to give.
pub(super) fn run<W: Send + 'static, A: Send + 'static>(
    mut read: impl FnMut() -> io::Result<Option<W>> + Send + 'static,
    answer: impl Fn(W) -> A + Send + Sync + 'static,
    mut print: impl FnMut(A) -> bool,
) -> io::Result<io::Result<()>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let (answer, flow) = (Arc::new(answer), Arc::new(Flow::default()));
    let (work, works) = mpsc::channel();
    let (done, answers) = mpsc::channel();
    let reader_flow = Arc::clone(&flow);
    thread::Builder::new().spawn(move || {
        for number in 0.. {
            reader_flow.admit(number, threads * AHEAD);
            let piece = read().transpose();
            let ended = !matches!(piece, Some(Ok(_)));
            if piece.is_some_and(|piece| work.send((number, piece)).is_err()) || ended {
                return;
            }
        }
    })?;
    let works = Arc::new(Mutex::new(works));
    for thread in 0..threads {
        let (answer, works, done) = (Arc::clone(&answer), Arc::clone(&works), done.clone());
        let take = move || works.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let work = move || {
            while let Ok((number, piece)) = take() {
                if done.send((number, piece.map(&*answer))).is_err() {
                    return;
                }
            }
        };
        // Where there are no more threads to have, those that there are do it.
        match thread::Builder::new().spawn(work) {
            Err(error) if thread == 0 => return Err(error),
            _ => {}
        }
    }
    drop(done);
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, answered) in answers {
        waiting.insert(number, answered);
        while let Some(answered) = waiting.remove(&next) {
            let goes_on = match answered {
                Ok(answered) => print(answered),
                Err(error) => return Ok(Err(error)),
            };
            if !goes_on {
                return Ok(Ok(()));
            }
            next += 1;
            flow.advance();
        }
    }
    Ok(Ok(()))
}

/// How many pieces of work are on their way.
#[derive(Default)]
struct Flow {
    /// How many were handed out.
    printed: Mutex<usize>,
    turn: Condvar,
}

impl Flow {
    fn printed(&self) -> MutexGuard<'_, usize> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a piece may be read without too many being on their way.
    fn admit(&self, number: usize, ahead: usize) {
        let printed = self.turn.wait_while(self.printed(), |printed| number >= *printed + ahead);
        drop(printed.unwrap_or_else(PoisonError::into_inner));
    }

    fn advance(&self) {
        *self.printed() += 1;
        self.turn.notify_all();
    }
}
