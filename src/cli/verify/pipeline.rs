//! An ordered pipeline: work is read in order, done on all cores, and printed in order.

use std::{
    collections::BTreeMap,
    io,
    num::NonZero,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

/// The maximum number of pieces in flight for each thread. It bounds the memory while one piece takes long.
const AHEAD: usize = 4;

/// Prints the `answer` to every piece of work in the order in which they were `read`. It ends when `print` returns false. The
/// inner error is that of the input.
///
/// One thread reads. It may block on its input forever, because it holds no lock, and ends with the process.
///
/// # Errors
///
/// The error of the operating system if no thread can be started.
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
        // The threads that could be started do the work.
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
            let is_read_on = match answered {
                Ok(answered) => print(answered),
                Err(error) => return Ok(Err(error)),
            };
            if !is_read_on {
                return Ok(Ok(()));
            }
            next += 1;
            flow.advance();
        }
    }
    Ok(Ok(()))
}

/// The number of pieces in flight.
#[derive(Default)]
struct Flow {
    /// How many pieces were printed.
    printed: Mutex<usize>,
    turn: Condvar,
}

impl Flow {
    fn printed(&self) -> MutexGuard<'_, usize> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until fewer than `ahead` pieces are in flight.
    fn admit(&self, number: usize, ahead: usize) {
        let printed = self.turn.wait_while(self.printed(), |printed| number >= *printed + ahead);
        drop(printed.unwrap_or_else(PoisonError::into_inner));
    }

    fn advance(&self) {
        *self.printed() += 1;
        self.turn.notify_all();
    }
}
